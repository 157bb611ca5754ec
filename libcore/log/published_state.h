// What a partition's writer tells its readers: the seam between files and shared memory. A unit test keeps it on the stack, the data
// directory places it in the control file. Rules PUB-1 to PUB-3, LCK-4, APP-4 to APP-7 of the concurrency contract.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <type_traits>

#include "base/strong_int.h"

namespace mq::log {

// What changes together. Plain 64-bit words only, so that a copy can be taken word by word.
struct Published {
    Offset log_start{0};
    Offset log_end{0};                        // of the next record
    Offset active_base{0};                    // base offset of the active segment
    std::uint64_t active_size_bytes = 0;      // bytes of its .log that exist
    std::uint64_t offset_index_entries = 0;   // of the active segment
    std::uint64_t time_index_entries = 0;
    std::uint64_t txn_index_entries = 0;
    std::uint64_t bytes_since_index = 0;      // appended since the last index entry
    TimestampMs max_timestamp = kNoTimestamp;         // of the active segment
    Offset offset_of_max_timestamp = kNoOffset;       // last offset of the append that brought it
    TimestampMs roll_timestamp = kNoTimestamp;        // maximum of its first batch: roll by time counts from here
    TimestampMs created_ms = 0;                       // wall clock when the segment became active
    Offset first_unstable = kNoOffset;                // of the oldest open transaction; kNoOffset if none
    Offset last_producer_offset = kNoOffset;          // last offset written with a producer id
    std::uint64_t last_epoch = static_cast<std::uint64_t>(-1);  // latest leader epoch, -1 none

    bool operator==(const Published&) const = default;
};
static_assert(std::is_trivially_copyable_v<Published> && sizeof(Published) == 15 * 8);

// Two copies and a counter that only grows. A reader takes copy[counter & 1] and starts again if the counter moved: the
// writer changes the other copy, then raises the counter, so a writer that dies half-way leaves the readable copy whole.
// One writer at a time (the holder of the append lock), any number of readers. Zero bytes are a valid, empty state.
class PublishedState {
public:
    static constexpr std::size_t kWords = sizeof(Published) / 8;

    [[nodiscard]] Published read() const {
        for (;;) {
            const std::uint64_t before = counter_.load(std::memory_order_acquire);
            std::array<std::uint64_t, kWords> words;
            for (std::size_t i = 0; i < kWords; ++i) words[i] = copy_[before & 1][i].load(std::memory_order_relaxed);
            std::atomic_thread_fence(std::memory_order_acquire);
            if (counter_.load(std::memory_order_relaxed) == before) return std::bit_cast<Published>(words);
        }
    }

    void publish(const Published& next) {
        const std::uint64_t now = counter_.load(std::memory_order_relaxed);
        const auto words = std::bit_cast<std::array<std::uint64_t, kWords>>(next);
        // The other copy may still be under a reader that is two publications behind: its counter check must fail, so
        // the stores below may not become visible before the counter that it has seen grew.
        std::atomic_thread_fence(std::memory_order_release);
        for (std::size_t i = 0; i < kWords; ++i) copy_[(now + 1) & 1][i].store(words[i], std::memory_order_relaxed);
        counter_.store(now + 1, std::memory_order_seq_cst);
    }

    [[nodiscard]] Offset log_end() const { return read().log_end; }

    // Everything below is on stable storage. Grows only, but at truncation.
    std::atomic<std::int64_t> flushed{0};
    // Readers of committed data stop here. With one replica it follows the log end.
    std::atomic<std::int64_t> high_watermark{0};
    // Set before the first change of a file, cleared after publishing: whoever finds it set repairs first.
    std::atomic<std::uint32_t> dirty{0};
    // errno of a failed fsync. Appends and flushes are refused until the data has been written again.
    std::atomic<std::uint32_t> poison{0};
    // Odd while the set of segments is being replaced; readers list the directory again when it moved.
    std::atomic<std::uint64_t> list_generation{0};
    // Raised by roll, truncation, deletion: cached descriptors and positions of other processes are stale.
    std::atomic<std::uint64_t> files_generation{0};

private:
    std::atomic<std::uint64_t> counter_{0};
    std::array<std::array<std::atomic<std::uint64_t>, kWords>, 2> copy_{};
};
static_assert(std::is_standard_layout_v<std::atomic<std::uint64_t>> && std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace mq::log
