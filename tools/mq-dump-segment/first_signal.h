// SIGINT and SIGTERM while following.
#pragma once

#include <atomic>

namespace mq::dump {

// The first of them is noted, so that what was begun is printed; the second ends the process. One that is ignored
// stays ignored. One in a process.
class FirstSignal {
public:
    FirstSignal();
    FirstSignal(const FirstSignal&) = delete;
    FirstSignal& operator=(const FirstSignal&) = delete;

    // Readable once a signal has come; -1 if there is no descriptor for it.
    [[nodiscard]] static int fd();
    // The signal that has come, 0 if none has.
    [[nodiscard]] static const std::atomic<int>& taken();
    // Dies of it, so that the shell sees 130, 143 or 141.
    [[noreturn]] static void die_of(int signal);
};

}  // namespace mq::dump
