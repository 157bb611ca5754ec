// SIGINT and SIGTERM as something to look at and to wait for: what was begun is finished before the process dies of
// them.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>

namespace mq::cli {

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
    [[nodiscard]] static int taken();
    // The same, for what sleeps on a word.
    [[nodiscard]] static const std::atomic<std::uint32_t>* word();
};

// A thread that takes no signals: they are for the one that acts on them. Throws bad_alloc where there can be no
// more threads.
[[nodiscard]] std::thread start_without_signals(std::function<void()> run);

// Dies of `signal`, so that the shell sees 130, 143 or 141.
[[noreturn]] void die_of(int signal);

}  // namespace mq::cli
