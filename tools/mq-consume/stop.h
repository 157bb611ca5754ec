// SIGINT and SIGTERM while following: a word that sleeping on other words looks at.
#pragma once

#include <atomic>
#include <cstdint>

namespace mq::consume {

// The first signal raises a word, and the process goes on to print what it has read; a second one ends it at once.
// One in a process.
class StopSignals {
public:
    StopSignals();
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;

    // 0, then 1 for ever.
    [[nodiscard]] static const std::atomic<std::uint32_t>* word();
    // The signal that has come, 0 if none has.
    [[nodiscard]] static int taken();
};

// Sleeps up to `milliseconds`, at most 500; less if a signal comes. Dies by SIGPIPE if stdout is a pipe, or a socket,
// whose reader has gone: who waits for records would else not notice until the next one.
void sleep_watching_stdout(std::int64_t milliseconds);

}  // namespace mq::consume
