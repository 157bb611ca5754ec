// Durability: what fsync covers, in which order, and what happens when it fails.

#include <algorithm>

#include "log/checkpoint_file.h"
#include "log/log_impl.h"
#include "log/producer_snapshot.h"
#include "log/recovery.h"
#include "os/kill_point.h"

namespace mq::log {

// After a failed fsync the pages read back clean though they may not be on disk, so a later success proves nothing:
// the partition is poisoned (CONCURRENCY APP-7).
Status Log::Impl::poison_unless(Status synced) {
    if (!synced) state->poison.store(static_cast<std::uint32_t>(std::max(synced.error().sys_errno, 1)));
    return synced;
}

Status Log::Impl::flush() {
    if (const std::uint32_t poison = state->poison.load(); poison != 0) return ready_to_change();
    const Published target = state->read();
    const Offset flushed{state->flushed.load()};
    if (flushed < target.log_end) {
        const auto from = std::lower_bound(bases.begin(), bases.end(), floor_base(flushed));
        for (auto base = from; base != bases.end() && *base <= target.active_base; ++base) {
            if (*base == active.base()) {
                MQ_TRY(poison_unless(active.log_file().sync_data()));
                continue;
            }
            auto closed = os::File::open(path(FileKind::log, *base), os::OpenMode::read);
            if (!closed) return fail(closed.error());
            MQ_TRY(poison_unless(closed->sync_data()));
        }
    }
    MQ_KILLPOINT("flush.after_data");
    if (names_unsynced) {
        MQ_TRY(poison_unless(os::sync_directory(directory)));
        MQ_TRY(poison_unless(os::sync_directory(os::parent_directory(directory))));
        names_unsynced = false;
    }
    if (flushed < target.log_end) state->flushed.store(target.log_end.value());
    return {};
}

Status Log::Impl::set_recovery_point(Offset offset) {
    if (offset == recovery_point) return {};
    if (offset > recovery_point) {
        // Whoever opens the log trusts everything below the recovery point, indexes too; a roll at the very point has
        // added an entry below it.
        const Offset last = floor_base(offset);
        auto base = std::lower_bound(bases.begin(), bases.end(), floor_base(recovery_point - 1));
        for (; base != bases.end() && *base <= last; ++base) {
            for (const FileKind kind : {FileKind::offset_index, FileKind::time_index, FileKind::txn_index}) {
                auto file = os::File::open(path(kind, *base), os::OpenMode::read);
                if (!file && file.error().code == Errc::not_found) continue;
                if (!file) return fail(file.error());
                MQ_TRY(poison_unless(file->sync_data()));
            }
        }
        MQ_KILLPOINT("recovery_point.after_indexes");
    }
    if (options.persist_recovery_point) MQ_TRY(options.persist_recovery_point(offset));
    recovery_point = offset;
    return {};
}

Status Log::Impl::checkpoint() {
    MQ_TRY(flush());
    MQ_ASSIGN(const bool snapshot_there, os::exists(path(FileKind::snapshot, now.log_end)));
    if (!snapshot_there) MQ_TRY(write_snapshot(path(FileKind::snapshot, now.log_end), producers));
    MQ_KILLPOINT("checkpoint.after_snapshot");
    MQ_TRY(set_recovery_point(now.log_end));
    return prune_snapshots();
}

// Snapshots stay where a segment begins, and the two newest: should the last one be damaged, the other saves a long
// replay.
Status Log::Impl::prune_snapshots() {
    MQ_ASSIGN(const PartitionListing names, list_partition(directory));
    std::vector<Offset> snapshots;
    for (const FileName& name : names) {
        if (name.kind == FileKind::snapshot && name.suffix == FileSuffix::none) snapshots.push_back(name.offset);
    }
    for (std::size_t i = 0; i + 2 < snapshots.size(); ++i)
        if (!std::binary_search(bases.begin(), bases.end(), snapshots[i]))
            MQ_TRY(os::remove_file(path(FileKind::snapshot, snapshots[i])));
    return {};
}

// A snapshot that lies ahead of the log tells of batches that are gone: what is written at their offsets would be
// taken for them.
Status Log::Impl::remove_snapshots_above(Offset end) {
    MQ_ASSIGN(const PartitionListing names, list_partition(directory));
    for (const FileName& name : names)
        if (name.kind == FileKind::snapshot && name.offset > end)
            MQ_TRY(os::remove_file(path(name.kind, name.offset, name.suffix)));
    return {};
}

Status Log::flush() { return impl_->flush(); }

Status Log::checkpoint() {
    MQ_TRY(impl_->ready_to_change());
    return impl_->checkpoint();
}

Status Log::close() {
    Impl& log = *impl_;
    MQ_TRY(log.ready_to_change());
    log.state->dirty.store(1);
    MQ_TRY(log.index_time_of_active());
    log.publish();
    log.state->dirty.store(0);
    return log.checkpoint();
}

// Every segment that may hold bytes that are not on disk is copied from the page cache to a fresh file.
Status Log::clear_poison() {
    Impl& log = *impl_;
    if (log.state->poison.load() == 0) return {};
    // What an earlier change left, and a rewriting that came to no end, is brought into order first.
    if (log.state->dirty.load() != 0 || (log.state->list_generation.load() & 1) != 0) MQ_TRY(log.repair());
    // The indexes of what lies below may still be waiting for the recovery point.
    const Offset first = std::min(Offset{log.state->flushed.load()}, log.recovery_point);
    const auto from = std::lower_bound(log.bases.begin(), log.bases.end(), log.floor_base(first));
    for (auto base = from; base != log.bases.end(); ++base) {
        MQ_ASSIGN(const Segment segment, Segment::open(log.directory, *base, os::OpenMode::read));
        MQ_ASSIGN(const FilePosition end, log.end_of(segment));
        const SegmentPaths to = segment_paths(log.directory, *base, FileSuffix::cleaned);
        MQ_TRY(copy_range(segment.log_file(), FilePosition{0}, end, to.log));
        const auto copy_index = [](const os::File& file, const std::string& path) -> Status {
            MQ_ASSIGN(const std::uint64_t size, file.size());
            return copy_range(file, FilePosition{0}, FilePosition{size}, path);
        };
        MQ_TRY(copy_index(segment.offset_index()->file(), to.offset_index));
        MQ_TRY(copy_index(segment.time_index()->file(), to.time_index));
        MQ_ASSIGN(const bool has_txn, os::exists(log.path(FileKind::txn_index, *base)));
        if (has_txn) {
            MQ_ASSIGN(const os::File txn, os::File::open(log.path(FileKind::txn_index, *base), os::OpenMode::read));
            MQ_TRY(copy_index(txn, to.txn_index));
        }
        log.state->dirty.store(1);
        log.state->list_generation.fetch_add(1);
        MQ_TRY(publish_replacement(log.directory, *base));
        MQ_TRY(finish_replacements(log.directory));
        log.state->list_generation.fetch_add(1);
        log.state->files_generation.fetch_add(1);
    }
    MQ_ASSIGN(log.active, Segment::open(log.directory, log.now.active_base, os::OpenMode::read_write));
    log.state->flushed.store(log.now.log_end.value());
    log.state->dirty.store(0);
    log.state->poison.store(0);
    return {};
}

}  // namespace mq::log
