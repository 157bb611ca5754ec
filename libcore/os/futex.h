// Sleeping on words of shared memory.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "base/error.h"

namespace mq::os {

struct FutexWord {
    const std::atomic<std::uint32_t>* word = nullptr;
    std::uint32_t expected = 0;  // sleep only while the word holds this
};

inline constexpr std::size_t kMostFutexWords = 128;

// Sleeps until one of the words is woken or differs from what is expected, a signal is handled, or `timeout_ms` passed
// (-1: for ever). Spurious returns happen: look again. True unless the time passed. Where the kernel cannot wait for
// several words it sleeps on the first, at most 10 ms at a time. At most kMostFutexWords words, at least one.
// Words may lie in memory that is mapped read-only.
[[nodiscard]] Result<bool> futex_wait(std::span<const FutexWord> words, int timeout_ms);

// Wakes all that sleep on `word`. Never fails.
void futex_wake_all(const std::atomic<std::uint32_t>& word);

}  // namespace mq::os
