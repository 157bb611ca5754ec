// What a partition's writer tells its readers: the seam between files and shared memory. A unit test keeps it on the stack, the data
// directory places it in the control file. Rules PUB-1 to PUB-3, LCK-4, APP-4 to APP-7 of the concurrency contract.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

#include "base/strong_int.h"
#include "base/two_copies.h"

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

// One writer at a time (the holder of the append lock), any number of readers. Zero bytes are a valid, empty state.
class PublishedState {
public:
    [[nodiscard]] Published read() const { return published_.read(); }
    void publish(const Published& next) { published_.publish(next); }
    // How often that was done.
    [[nodiscard]] std::uint64_t publications() const { return published_.count(); }

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
    // Raised before the end is lowered: what was derived from the log above may be of records that are gone.
    std::atomic<std::uint64_t> truncations{0};
    // Raised before the log is loaded anew from its files, which may be others, and before a trim of its start.
    std::atomic<std::uint64_t> loads{0};
    // Opening reads no further than from here on after an OS crash; as recovery-point-offset-checkpoint has it.
    std::atomic<std::int64_t> recovery_point{0};
    // Size of the active segment when the recovery point was last set to the log end.
    std::atomic<std::uint64_t> checkpointed_bytes{0};
    // Raised after a name was made or changed in the partition's directory; the second is what the first was before the
    // directory was last synced (APP-6).
    std::atomic<std::uint64_t> names_generation{0};
    std::atomic<std::uint64_t> names_flushed{0};

private:
    TwoCopies<Published> published_;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && sizeof(PublishedState) <= 512);

}  // namespace mq::log
