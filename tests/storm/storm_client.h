// What the children of a storm share among themselves.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "storm/storm.h"

namespace mq::test {

// A hang, and no slow machine.
inline constexpr std::chrono::seconds kHangs{60};

// What a test says of what it found.
[[nodiscard]] inline Error broken(const std::string& what) { return {Errc::corrupt, "judge", {}, 0, {}, what}; }

[[nodiscard]] std::string text_of(const log::TopicPartition& partition);

// Returns when the word is not `seen`, somebody woke, or the time is over.
void futex_wait_change(const std::atomic<std::uint32_t>& word, std::uint32_t seen, int timeout_ms);

struct ReadOn {
    std::uint64_t records = 0;
    LeaderEpoch epoch = -1;  // of the last
};
// What a reader offers now, `most` records or a few more, into the history.
[[nodiscard]] Result<ReadOn> read_on(store::PartitionReader& reader, std::uint16_t number, ClientLog& log,
                                     std::uint64_t most);

}  // namespace mq::test
