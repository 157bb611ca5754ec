// Durability: what fsync covers, in which order, and what happens when it fails.

#include <algorithm>

#include "log/checkpoint_file.h"
#include "log/log_impl.h"
#include "log/producer_snapshot.h"
#include "log/recovery.h"
#include "os/kill_point.h"

namespace mq::log {

Status Log::Impl::flush() {
    if (state->poison.load() != 0) return ready_to_change();
    return flusher.flush();
}

Status Log::Impl::set_recovery_point(Offset offset) {
    const Offset before = recovery_point();
    if (offset == before) return {};
    if (offset > before) {
        // Whoever opens the log trusts everything below the recovery point, indexes too; a roll at the very point has
        // added an entry below it.
        const Offset last = floor_base(offset);
        auto base = std::lower_bound(bases.begin(), bases.end(), floor_base(before - 1));
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
    state->recovery_point.store(offset.value());
    return {};
}

Status Log::Impl::checkpoint() {
    MQ_TRY(flush());
    MQ_ASSIGN(const bool snapshot_there, os::exists(path(FileKind::snapshot, now.log_end)));
    if (!snapshot_there) MQ_TRY(write_snapshot(path(FileKind::snapshot, now.log_end), producers));
    MQ_KILLPOINT("checkpoint.after_snapshot");
    MQ_TRY(set_recovery_point(now.log_end));
    state->checkpointed_bytes.store(now.active_size_bytes);
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
    const std::uint64_t entries = log.now.time_index_entries;
    MQ_TRY(log.index_time_of_active());
    log.publish();
    log.state->dirty.store(0);
    // A recovery point that is at the end already will not be moved, and the entry not be flushed for it.
    if (log.now.time_index_entries != entries && log.recovery_point() == log.now.log_end)
        MQ_TRY(log.poison_unless(log.active.time_index()->file().sync_data()));
    return log.checkpoint();
}

// Every segment that may hold bytes that are not on disk is copied from the page cache to a fresh file.
Status Log::clear_poison() {
    Impl& log = *impl_;
    if (log.state->poison.load() == 0) return {};
    // What an earlier change left, and a rewriting that came to no end, is brought into order first.
    if (log.state->dirty.load() != 0 || (log.state->list_generation.load() & 1) != 0) MQ_TRY(log.repair());
    // The indexes of what lies below may still be waiting for the recovery point.
    const Offset first = std::min(Offset{log.state->flushed.load()}, log.recovery_point());
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
        log.names_changed();
    }
    log.seen = log.generations();
    MQ_ASSIGN(log.active, Segment::open(log.directory, log.now.active_base, os::OpenMode::read_write));
    log.state->flushed.store(log.now.log_end.value());
    log.state->dirty.store(0);
    log.state->poison.store(0);
    return {};
}

}  // namespace mq::log
