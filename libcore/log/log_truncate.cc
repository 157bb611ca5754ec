// Taking back: repair after a writer died half-way, truncation at both ends, replacement of segments.

#include <algorithm>

#include "base/seeded_bug.h"
#include "log/checkpoint_file.h"
#include "log/log_impl.h"
#include "log/producer_snapshot.h"
#include "log/recovery.h"
#include "os/kill_point.h"

namespace mq::log {

Status Log::Impl::write_epochs() {
    return write_leader_epoch_checkpoint(path(kLeaderEpochCheckpoint), epochs.entries());
}

// The last one first, so that what remains is a prefix at every moment.
Status Log::Impl::remove_segments_from(Offset base) {
    while (!bases.empty() && bases.back() >= base) {
        MQ_TRY(delete_segment(directory, bases.back()));
        MQ_KILLPOINT("remove_segments.after_delete");
        names_changed();
        bases.pop_back();
    }
    return remove_snapshots_above(base);
}

// Whoever changed the files last did not come to an end (it died, or a call failed): within one life of the state
// nobody else can have written, so the files are cut back to what is published (CONCURRENCY LCK-4, LCK-5).
Status Log::Impl::repair() {
    MQ_KILLPOINT("repair.begin");
    now = state->read();
    if ((state->list_generation.load() & 1) != 0) {
        if (!MQ_BUG("repair.forgets_replacements")) MQ_TRY(finish_replacements(directory));
        state->list_generation.fetch_add(1);
    }
    MQ_ASSIGN(const auto listed, list_segments(directory));
    bases.clear();
    for (const auto& segment : listed) bases.push_back(segment.base);
    if (!MQ_BUG("repair.keeps_later_segments")) MQ_TRY(remove_segments_from(now.active_base + 1));
    MQ_KILLPOINT("repair.after_segments");
    // Whoever died may not have come to tell that files went.
    state->files_generation.fetch_add(1);
    seen = generations();
    MQ_ASSIGN(active, Segment::open(directory, now.active_base, os::OpenMode::create));
    if (bases.empty() || bases.back() != now.active_base) bases.push_back(now.active_base);
    MQ_ASSIGN(const std::uint64_t size, active.log_file().size());
    if (size < now.active_size_bytes)
        return fail(
            Errc::truncated, "repair", active.log_file().path(),
            "the file is shorter than the " + std::to_string(now.active_size_bytes) + " bytes that were published",
            size);
    if (size > now.active_size_bytes && !MQ_BUG("repair.keeps_tail"))
        MQ_TRY(active.log_file().truncate(now.active_size_bytes - (MQ_BUG("repair.off_by_one") ? 1 : 0)));
    MQ_KILLPOINT("repair.after_log");
    if (!MQ_BUG("repair.keeps_index_tail"))
        MQ_TRY(active.offset_index()->truncate(static_cast<std::uint32_t>(now.offset_index_entries)));
    MQ_TRY(active.time_index()->truncate(static_cast<std::uint32_t>(now.time_index_entries)));
    MQ_TRY(truncate_txn_index(path(FileKind::txn_index, now.active_base), now.log_end));
    MQ_KILLPOINT("repair.after_indexes");
    const bool reloads_producers = producers_stale;
    MQ_TRY(load_derived());
    // A truncation that came to no end may not have reached these.
    if (epochs.truncate_end(now.log_end + 1)) MQ_TRY(write_epochs());
    Published mended = now;
    mended.last_epoch = static_cast<std::uint64_t>(std::int64_t{epochs.latest().value_or(-1)});
    if (reloads_producers) mended.first_unstable = producers.first_unstable_offset().value_or(kNoOffset);
    if (mended != now) {
        now = mended;
        publish();
    }
    state->dirty.store(0);
    return {};
}

Status Log::Impl::truncate_to(Offset end) {
    if (end >= now.log_end) return {};
    end = std::max(end, bases.front());
    const Offset base = floor_base(end);
    const bool closed = base != now.active_base;

    MQ_ASSIGN(const Segment segment, Segment::open(directory, base, os::OpenMode::read_write));
    MQ_ASSIGN(const FilePosition segment_end, end_of(segment));
    MQ_ASSIGN(const auto first_gone, segment.find(end, segment_end));
    const FilePosition cut = first_gone ? first_gone->position : segment_end;
    const Offset new_end = first_gone ? std::min(end, first_gone->header.base_offset) : end;

    Published next = now;
    next.active_base = base;
    next.active_size_bytes = cut.value();
    next.log_end = new_end;
    next.bytes_since_index = 0;
    MQ_ASSIGN(const std::uint32_t offsets, segment.offset_index()->count_entries());
    MQ_ASSIGN(next.offset_index_entries, segment.offset_index()->count_below(new_end, offsets));
    MQ_ASSIGN(const std::uint32_t times, segment.time_index()->count_entries());
    MQ_ASSIGN(const std::uint32_t times_kept, segment.time_index()->count_below(new_end, times));
    next.time_index_entries = times_kept;
    MQ_ASSIGN(const TimeIndexEntry largest, segment.largest_time(cut, times_kept));
    next.max_timestamp = largest.timestamp;
    next.offset_of_max_timestamp = largest.offset;
    MQ_ASSIGN(const auto aborted, aborted_in(base));
    next.txn_index_entries = static_cast<std::uint64_t>(std::count_if(
        aborted.begin(), aborted.end(), [&](const AbortedTxn& txn) { return txn.last_offset < new_end; }));
    next.log_start = std::min(next.log_start, new_end);
    if (cut.value() == 0) {
        next.roll_timestamp = kNoTimestamp;
    } else if (closed) {
        BatchScanner scanner{segment.log_file(), FilePosition{0}, cut, ScanDepth::headers};
        ScannedBatch first;
        MQ_ASSIGN(const ScanOutcome outcome, scanner.next(first));
        if (outcome == ScanOutcome::batch) next.roll_timestamp = first.header.max_timestamp;
    }

    // The recovery point may never promise what is gone.
    if (recovery_point() > new_end) MQ_TRY(set_recovery_point(new_end));
    MQ_KILLPOINT("truncate.after_recovery_point");

    if (closed) {
        // A closed segment is never cut in place: a shorter copy takes its name.
        const SegmentPaths to = segment_paths(directory, base, FileSuffix::cleaned);
        MQ_TRY(copy_range(segment.log_file(), FilePosition{0}, cut, to.log));
        MQ_TRY(copy_range(segment.offset_index()->file(), FilePosition{0},
                          FilePosition{next.offset_index_entries * kOffsetIndexEntryBytes}, to.offset_index));
        MQ_TRY(copy_range(segment.time_index()->file(), FilePosition{0},
                          FilePosition{next.time_index_entries * kTimeIndexEntryBytes}, to.time_index));
        if (next.txn_index_entries > 0) {
            MQ_ASSIGN(const os::File txn, os::File::open(path(FileKind::txn_index, base), os::OpenMode::read));
            MQ_TRY(copy_range(txn, FilePosition{0}, FilePosition{next.txn_index_entries * kAbortedTxnBytes},
                              to.txn_index));
        }
        MQ_KILLPOINT("truncate.after_copy");
    }

    // The lowered end is published first: from here on the bytes above it do not exist, and what follows is the same
    // work that a repair would do for us.
    state->dirty.store(1);
    state->truncations.fetch_add(1);
    producers_stale = true;
    now = next;
    state->flushed.store(std::min(state->flushed.load(), new_end.value()));
    state->high_watermark.store(std::min(state->high_watermark.load(), new_end.value()));
    publish();
    state->files_generation.fetch_add(1);
    MQ_KILLPOINT("truncate.after_publish");
    MQ_TRY(remove_segments_from(base + 1));
    if (closed) {
        state->list_generation.fetch_add(1);
        MQ_TRY(publish_replacement(directory, base));
        MQ_TRY(finish_replacements(directory));
        state->list_generation.fetch_add(1);
    }
    if (epochs.truncate_end(new_end)) MQ_TRY(write_epochs());
    MQ_KILLPOINT("truncate.after_epochs");
    MQ_TRY(repair());
    MQ_TRY(os::remove_file(path(FileKind::snapshot, new_end)));
    MQ_TRY(write_snapshot(path(FileKind::snapshot, new_end), producers));
    // What was taken back must not return from a disk that has not heard of it, and be adopted behind what is
    // appended now.
    MQ_TRY(poison_unless(active.log_file().sync_data()));
    return poison_unless(os::sync_directory(directory));
}

Status Log::truncate_to(Offset end) {
    MQ_TRY(impl_->ready_to_change());
    return impl_->truncate_to(end);
}

Status Log::truncate_fully_and_start_at(Offset offset) {
    Impl& log = *impl_;
    MQ_TRY(log.ready_to_change());
    MQ_TRY(log.truncate_to(log.bases.front()));
    if (log.recovery_point() != offset) MQ_TRY(log.set_recovery_point(std::min(log.recovery_point(), offset)));
    log.state->dirty.store(1);
    log.state->truncations.fetch_add(1);
    MQ_TRY(log.remove_segments_from(Offset{0}));
    MQ_KILLPOINT("truncate_fully.after_remove");
    log.producers.clear();
    log.epochs = LeaderEpochs{};
    MQ_TRY(log.write_epochs());
    MQ_TRY(log.begin_segment(offset));
    log.now.log_start = offset;
    log.now.last_epoch = static_cast<std::uint64_t>(-1);
    log.now.first_unstable = kNoOffset;
    log.now.last_producer_offset = kNoOffset;
    log.publish();
    log.state->flushed.store(offset.value());
    log.state->high_watermark.store(offset.value());
    log.state->files_generation.fetch_add(1);
    log.producers_end = offset;
    log.seen = log.generations();
    log.state->dirty.store(0);
    return log.set_recovery_point(offset);
}

Status Log::raise_log_start(Offset offset) {
    Impl& log = *impl_;
    MQ_TRY(log.ready_to_change());
    if (offset <= log.now.log_start) return {};
    if (offset > high_watermark())
        return fail(Errc::bad_argument, "raise log start", log.directory,
                    "offset " + std::to_string(offset.value()) + " lies above the high watermark, " +
                        std::to_string(high_watermark().value()));
    log.now.log_start = offset;
    log.publish();
    if (log.epochs.truncate_start(offset)) return log.write_epochs();
    return {};
}

Status Log::prepare_change() { return impl_->ready_to_change(); }

Status Log::replace_segments(Offset first, Offset last) {
    Impl& log = *impl_;
    MQ_TRY(log.ready_to_change());
    if (last >= log.now.active_base || first > last ||
        !std::binary_search(log.bases.begin(), log.bases.end(), first) ||
        !std::binary_search(log.bases.begin(), log.bases.end(), last))
        return fail(Errc::bad_argument, "replace segments", log.directory, "only closed segments can be replaced");
    // Compaction leaves gaps where segments meet. Past the recovery point a gap would look like a loss.
    if (log.recovery_point() < log.now.active_base) MQ_TRY(log.checkpoint());
    // Dirty before odd: who finds the generation odd must find the mark too, or nobody would finish the renames.
    log.state->dirty.store(1);
    log.state->list_generation.fetch_add(1);
    MQ_TRY(publish_replacement(log.directory, first));
    MQ_TRY(os::sync_directory(log.directory));
    // Empty segments at the end of the range have no offsets that the replacement could cover.
    for (auto base = log.bases.rbegin(); base != log.bases.rend() && *base > first; ++base)
        if (*base <= last) MQ_TRY(delete_segment(log.directory, *base));
    MQ_TRY(finish_replacements(log.directory));
    std::erase_if(log.bases, [&](Offset base) { return base > first && base <= last; });
    log.state->list_generation.fetch_add(1);
    log.state->files_generation.fetch_add(1);
    log.names_changed();
    log.seen = log.generations();
    log.state->dirty.store(0);
    return {};
}

}  // namespace mq::log
