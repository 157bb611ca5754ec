// Signals as something to wait for: what was begun is finished before the process dies of them.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/error.h"

namespace mq::produce {

// While it lives, the first SIGINT or SIGTERM is noted and the second ends the process at once; SIGUSR1 is noted.
// One in a process. Any thread may ask.
class Interrupts {
public:
    Interrupts();
    ~Interrupts();
    Interrupts(const Interrupts&) = delete;
    Interrupts& operator=(const Interrupts&) = delete;

    // The signal that has come, 0 if none has.
    [[nodiscard]] static int signal();
    // Not 0 once it has, for whoever waits on memory.
    [[nodiscard]] static const std::atomic<std::uint32_t>* word();
    // Whether SIGUSR1 came since the last call.
    [[nodiscard]] static bool take_stats_request();
    // Dies of `signal`, so that the shell sees 130 or 143.
    [[noreturn]] static void die_of(int signal);

    enum class Wake : unsigned char { readable, timed_out, signalled };
    // Until `fd` can be read (-1: none), a signal has come, or `timeout_ms` have passed (-1: for ever). SIGINT and
    // SIGTERM end every further wait at once; for the thread that reads the input.
    [[nodiscard]] Result<Wake> wait(int fd, int timeout_ms) const;
    // The same without a descriptor for any other thread; false: SIGINT or SIGTERM has come.
    [[nodiscard]] static bool pause(int timeout_ms);

private:
    int fd_ = -1;
};

}  // namespace mq::produce
