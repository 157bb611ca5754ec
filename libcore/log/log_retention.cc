// Retention: whole segments go, from the oldest on. Source of the rules:
// org.apache.kafka.storage.internals.log.UnifiedLog.

#include <algorithm>
#include <limits>

#include "base/seeded_bug.h"
#include "log/log_impl.h"
#include "os/kill_point.h"

namespace mq::log {

Result<std::size_t> Log::apply_retention(TimestampMs now_ms, bool active_too, TimestampMs* due_ms) {
    Impl& log = *impl_;
    if (due_ms != nullptr) *due_ms = std::numeric_limits<TimestampMs>::max();
    MQ_TRY(log.ready_to_change());
    const LogConfig& config = log.config;
    const Offset high_watermark{log.state->high_watermark.load()};
    const bool by_size = config.cleanup_delete && config.retention_bytes >= 0;
    const bool by_time = config.cleanup_delete && config.retention_ms >= 0;

    std::uint64_t total = 0;
    if (by_size) {
        for (const Offset base : log.bases) {
            if (base == log.now.active_base) {
                total += log.now.active_size_bytes;
            } else {
                MQ_ASSIGN(const os::FileInfo info, os::file_info(log.path(FileKind::log, base)));
                total += info.size_bytes;
            }
        }
    }

    std::size_t deletable = 0;
    for (const Offset base : log.bases) {
        const bool last = base == log.now.active_base;
        const Offset next_base = last ? log.now.log_end : log.bases[deletable + 1];
        if (high_watermark < next_base) break;
        if (last && (!active_too || log.now.active_size_bytes == 0)) break;
        bool gone = !last && next_base <= log.now.log_start;
        if (!gone && (by_size || by_time)) {
            MQ_ASSIGN(const Segment segment, Segment::open_for_reading(log.directory, base));
            MQ_ASSIGN(const FilePosition end, log.end_of(segment));
            if (by_size && total >= static_cast<std::uint64_t>(config.retention_bytes) + end.value()) gone = true;
            if (!gone && by_time) {
                TimestampMs newest = log.now.max_timestamp;
                if (!last) {
                    const auto largest = segment.largest_timestamp(end);
                    const bool damaged = !largest && (largest.error().code == Errc::corrupt ||
                                                      largest.error().code == Errc::truncated);
                    if (!largest && !damaged) return fail(largest.error());
                    // Damage must not keep a segment for ever: the file's own time decides then.
                    newest = damaged ? kNoTimestamp : *largest;
                }
                if (newest < 0) {
                    MQ_ASSIGN(const os::FileInfo info, segment.log_file().info());
                    newest = info.modified_ms;
                }
                gone =
                    newest <= now_ms && now_ms - newest > config.retention_ms / (MQ_BUG("retention.early") ? 4 : 1);
                if (!gone && due_ms != nullptr && newest < *due_ms - config.retention_ms)
                    *due_ms = newest + config.retention_ms + 1;
            }
            if (gone) total -= end.value();
        }
        if (!gone) break;
        ++deletable;
    }
    if (deletable == 0) return std::size_t{0};
    // There is always a segment: where all must go, an empty one takes over first.
    if (deletable == log.bases.size()) MQ_TRY(log.roll());

    const std::vector<Offset> doomed{log.bases.begin(), log.bases.begin() + static_cast<std::ptrdiff_t>(deletable)};
    const Offset new_start = std::max(log.now.log_start, log.bases[deletable]);
    MQ_KILLPOINT("retention.before_publish");
    log.now.log_start = new_start;
    log.publish();
    log.bases.erase(log.bases.begin(), log.bases.begin() + static_cast<std::ptrdiff_t>(deletable));
    if (log.epochs.truncate_start(new_start)) MQ_TRY(log.write_epochs());
    MQ_KILLPOINT("retention.after_publish");
    // The oldest first: what a death leaves behind is a log that starts later, without a hole.
    for (const Offset base : doomed) {
        MQ_TRY(delete_segment(log.directory, base));
        MQ_TRY(os::remove_file(log.path(FileKind::snapshot, base)));
        log.names_changed();
        MQ_KILLPOINT("retention.after_delete");
    }
    log.state->files_generation.fetch_add(1);
    ++log.seen.files;
    return deletable;
}

}  // namespace mq::log
