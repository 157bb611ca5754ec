// SIGINT and SIGTERM as something to wait for: what was begun is finished before the process dies of them.
#pragma once

#include "base/error.h"

namespace mq::cli {

// While it lives the two signals are held back. fd() becomes readable when one has come; after take() a second one
// ends the process at once. One in a process, made before any thread.
class Signals {
public:
    Signals();
    ~Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    [[nodiscard]] int fd() const { return fd_; }
    // The signal that has come, 0 if none has.
    [[nodiscard]] int take();
    // Dies of `signal`, so that the shell sees 130 or 143.
    [[noreturn]] static void die_of(int signal);

private:
    int fd_ = -1;
    int taken_ = 0;
};

enum class Wait : unsigned char { readable, timed_out, interrupted };

// Waits until `fd` can be read, a signal has come, or `timeout_ms` have passed (-1: for ever).
[[nodiscard]] Result<Wait> wait_readable(int fd, const Signals& signals, int timeout_ms);

}  // namespace mq::cli
