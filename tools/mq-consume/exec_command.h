// A command line, and a process that runs it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "os/file.h"

namespace mq::consume {

// How a process ended.
struct ExecEnd {
    int exit_status = 0;
    int signal = 0;  // 0: it exited

    [[nodiscard]] bool succeeded() const { return exit_status == 0 && signal == 0; }
};
// "exit 3", "signal 9"
[[nodiscard]] std::string to_string(const ExecEnd& end);

struct ExecProcess {
    int pid = -1;
    os::File handle;  // a pidfd: readable once the process has ended
};

// Immutable.
class ExecCommand {
public:
    // A command of plain words whose first is a program, in `search_path` (as $PATH) or by its path, is run without
    // a shell: that costs half as much.
    ExecCommand(std::string command, std::string_view search_path);

    [[nodiscard]] bool needs_shell() const { return program_.empty(); }

    // `in` becomes its stdin, `out` its stdout (-1: ours). Errors: those of the system; E2BIG where `environment` is
    // too large.
    [[nodiscard]] Result<ExecProcess> start(char* const* environment, int in, int out) const;
    // Once the handle is readable: how the process ended, which it forgets.
    [[nodiscard]] static Result<ExecEnd> end_of(const ExecProcess& process);

private:
    std::string command_;
    std::string program_;             // path; empty: a shell is needed
    std::vector<std::string> words_;  // of a plain command
};

struct ExecPipe {
    os::File read_end;
    os::File write_end;
};
// Neither end is inherited. Errors: no_descriptors, no_memory.
[[nodiscard]] Result<ExecPipe> make_pipe();

}  // namespace mq::consume
