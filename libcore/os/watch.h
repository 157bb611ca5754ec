// Waiting for a change of files and directories, by inotify(7).
#pragma once

#include <string>

#include "base/error.h"
#include "os/file.h"

namespace mq::os {

enum class Woken : unsigned char {
    changed,  // something may have: look
    timed_out,
    interrupted,
    output_closed
};

// Changes before add() are not told: look after it. Changes that another machine, or a mapping, makes are not told by
// the kernel: who must not miss them waits with a time-out. Not thread-safe.
class Watch {
public:
    // Watches nothing; wait() still sleeps.
    Watch() = default;
    // Errors: no_descriptors (also where the user's limit of queues is reached).
    [[nodiscard]] static Result<Watch> create();

    // A file: that it was written, cut, renamed or removed. A directory: the same of the files in it, new names, and
    // the directory itself. no_space: the user's limit of watches is reached.
    [[nodiscard]] Status add(const std::string& path);

    // Sleeps until something changed, `timeout_ms` passed (-1: for ever), `interrupt_fd` became readable, or whoever
    // reads from `output_fd`, a pipe or a socket, went away. -1 for a descriptor: none. All that changed meanwhile is
    // one wake-up.
    [[nodiscard]] Result<Woken> wait(int timeout_ms, int interrupt_fd = -1, int output_fd = -1) const;

private:
    File queue_;
};

}  // namespace mq::os
