// One command that runs: what it is given, what it prints, how it ends.
#pragma once

#include <poll.h>

#include <memory>
#include <optional>
#include <vector>

#include "exec_command.h"
#include "exec_environment.h"
#include "exec_work.h"

namespace mq::consume {

// Not thread-safe. Its descriptors never block.
class ExecJob {
public:
    // What a command may print before it must wait for the output to be its own.
    static constexpr std::size_t kMostGathered = std::size_t{1} << 20;

    // Starts the next attempt at `work`. With `gathers` its stdout is read, else it is ours. Errors: those of
    // starting a process; the work stays the caller's.
    [[nodiscard]] static Result<std::unique_ptr<ExecJob>> start(const ExecCommand& command,
                                                                ExecEnvironment& environment,
                                                                std::unique_ptr<ExecWork>& work, bool gathers);

    [[nodiscard]] const ExecWork& work() const { return *work_; }
    [[nodiscard]] std::unique_ptr<ExecWork> take_work() { return std::move(work_); }

    // Appends what is to be polled. `streams`: what it prints is taken, however much it is.
    void add_to(std::vector<pollfd>& polled, bool streams);
    // Looks at what add_to() asked for; `polled` is from there on the answer.
    [[nodiscard]] Status handle(const pollfd*& polled);

    // Nothing: it still runs.
    [[nodiscard]] const std::optional<ExecEnd>& end() const { return end_; }
    // Prints more than is gathered.
    [[nodiscard]] bool is_full() const { return !end_ && printed_.size() >= kMostGathered; }
    // What it printed since this was cleared.
    [[nodiscard]] Buffer& printed() { return printed_; }

private:
    explicit ExecJob(std::unique_ptr<ExecWork> work) : work_(std::move(work)) {}
    [[nodiscard]] ByteView next_input() const;
    [[nodiscard]] Status feed();
    [[nodiscard]] Status gather();
    [[nodiscard]] Status read_some(std::size_t most, bool& at_end);
    [[nodiscard]] Status take_end();

    std::unique_ptr<ExecWork> work_;
    ExecProcess process_;
    os::File in_;              // where it reads from; closed when it has everything, or wants no more
    os::File out_;             // what it prints to
    std::size_t piece_ = 0;    // of its input, that is to be written next
    std::size_t written_ = 0;  // bytes of that piece
    Buffer printed_;
    std::optional<ExecEnd> end_;
    int polls_in_ = -1;  // its place among what add_to() appended; -1: not asked for
    int polls_out_ = -1;
};

}  // namespace mq::consume
