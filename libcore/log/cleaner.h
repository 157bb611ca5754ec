// Compaction of one partition: of each key the latest record stays, at its offset. Source of the rules:
// kafka.log.LogCleaner and LogCleanerManager, release 3.9; see man/mq-format.5.
//
// What differs from Kafka: the whole range is verified before the first segment is replaced, so damage or a
// decompression bomb leaves the log as it was; a segment that loses nothing is not written again; of compressed
// message sets of magic 0 and 1, see cleaner_filter.h.
#pragma once

#include <functional>

#include "base/clock.h"
#include "log/log.h"
#include "record/record.h"

namespace mq::log {

struct CleanableRange {
    Offset first_dirty{0};        // the checkpoint; the log start if that lies outside the log
    Offset first_uncleanable{0};  // base of a segment, or first_dirty if nothing dirty can be cleaned
    std::uint64_t clean_bytes = 0;
    std::uint64_t dirty_bytes = 0;  // whole segments, both
    double dirty_ratio = 0;
    bool due = false;  // the topic is compacted, and the ratio or the age of what is dirty asks for it
};

// `checkpoint`: of cleaner-offset-checkpoint, absent if it does not name the partition. Needs the append lock.
[[nodiscard]] Result<CleanableRange> cleanable(const Log& log, std::optional<Offset> checkpoint, TimestampMs now);

struct CleanerOptions {
    // Of the map of keys, which grows only as far as the dirty part needs; 24 bytes a key. What does not fit waits
    // for the next cleaning.
    std::size_t offset_map_bytes = std::size_t{128} << 20;
    double load_factor = 0.9;
    std::size_t decompressed_limit =
        record::kDefaultDecompressedLimit;  // of one batch; also the least limit of its size
    std::function<bool()> stop;             // asked at every batch; true ends the cleaning
    // Runs its argument under the append lock, on this thread. Empty: nobody else uses the log.
    std::function<Status(const std::function<Status()>&)> under_append_lock;
    ClockFn clock = wall_clock_ms;
};

struct CleanResult {
    Offset next_dirty{0};  // the new checkpoint; below first_uncleanable if the map was full
    bool stopped = false;  // by options.stop: the checkpoint does not move
    std::uint64_t records_read = 0;
    std::uint64_t records_kept = 0;
    std::uint64_t bytes_before = 0;  // of the segments in the range
    std::uint64_t bytes_after = 0;
    std::uint64_t segments_replaced = 0;  // old ones
    std::uint64_t keyless_dropped = 0;
    std::uint64_t tombstones_dropped = 0;
    std::uint64_t markers_dropped = 0;
};

// Cleans all closed segments below the first uncleanable offset once. Without anything dirty it still drops
// tombstones and markers whose time has come. It may run beside readers, and beside appends, rolls and retention by
// the same Log, if they and `under_append_lock` exclude one another; not beside a truncation, clear_poison or another
// cleaning.
//
// Memory: the map, and three times the largest batch. Disk: a copy of one group of segments, at most segment.bytes or
// one segment. Errors: corrupt, truncated (damage, with file and byte) and too_large (a batch over the limit) leave
// the log byte-identical; in_use: a segment went away meanwhile; no_space, io and those of Log::replace_segments.
// After any, groups that were finished stay replaced, and the same call may be made again. What is unfinished is
// removed, or dropped by the next open.
[[nodiscard]] Result<CleanResult> clean(Log& log, Offset first_dirty, const CleanerOptions& options = {});

}  // namespace mq::log
