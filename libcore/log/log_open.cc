// Opening a partition: bringing the directory into order, recovery, and the state that is a function of the files.
// Source of the rules: org.apache.kafka.storage.internals.log.LogLoader.

#include <algorithm>
#include <random>

#include "base/seeded_bug.h"
#include "log/checkpoint_file.h"
#include "log/log_impl.h"
#include "log/producer_snapshot.h"
#include "log/recovery.h"
#include "os/kill_point.h"

namespace mq::log {
namespace {

std::int64_t draw_jitter(const LogConfig& config) {
    const std::int64_t bound = std::min(config.segment_jitter_ms, config.segment_ms);
    if (bound <= 0) return 0;
    std::minstd_rand random{std::random_device{}()};
    return std::uniform_int_distribution<std::int64_t>{0, bound - 1}(random);
}

// `path`, or `path`.2, .3, ...: what an earlier incident left is not overwritten.
Result<std::string> unused_name(const std::string& path) {
    std::string name = path;
    for (int i = 2;; ++i) {
        MQ_ASSIGN(const bool there, os::exists(name));
        if (!there) return name;
        name = path + "." + std::to_string(i);
    }
}

}  // namespace

Log::Log(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Log::Log(Log&&) noexcept = default;
Log& Log::operator=(Log&&) noexcept = default;
Log::~Log() = default;

Log::Impl::Impl(std::string dir, const LogConfig& topic_config, PublishedState& published, const OpenOptions& how)
    : directory(std::move(dir)),
      config(topic_config),
      state(&published),
      options(how),
      roll_jitter_ms(draw_jitter(topic_config)),
      follows_end(!how.high_watermark),
      flusher(directory, published) {}

Result<Log> Log::open(std::string directory, const LogConfig& config, PublishedState& state,
                      const OpenOptions& options) {
    auto impl = std::make_unique<Impl>(std::move(directory), config, state, options);
    MQ_TRY(impl->load());
    return Log{std::move(impl)};
}

Result<Log> Log::attach(std::string directory, const LogConfig& config, PublishedState& state,
                        const OpenOptions& options) {
    auto impl = std::make_unique<Impl>(std::move(directory), config, state, options);
    impl->producers_stale = true;
    impl->believes_published = true;
    MQ_TRY(impl->adopt_published());
    return Log{std::move(impl)};
}

Status Log::Impl::load() {
    const bool writing = !options.read_only;
    if (writing) {
        auto made = os::create_directory(directory);
        if (!made && made.error().code != Errc::already_exists) return made;
    }
    MQ_ASSIGN(listing, list_partition(directory));
    if (writing) MQ_TRY(finish_what_was_begun());
    MQ_ASSIGN(const auto segments, segments_of(directory, *listing));
    for (const auto& segment : segments) {
        bases.push_back(segment.base);
        has_swap |= segment.suffix == FileSuffix::swap;
    }
    auto saved = read_leader_epoch_checkpoint(path(kLeaderEpochCheckpoint));
    if (saved)
        epochs = LeaderEpochs{std::move(*saved)};
    else if (saved.error().code != Errc::corrupt)
        return fail(saved.error());
    else
        report.notes.push_back(saved.error().message() + "; rebuilt from the batches");
    const std::optional<LeaderEpoch> known_epoch = epochs.latest();

    now = Published{};
    now.log_start = std::max(options.log_start, Offset{0});
    Offset point = options.recovery_point;
    if (bases.empty()) {
        if (!writing) return fail(Errc::not_found, "open partition", directory, "has no segment");
        MQ_TRY(begin_segment(now.log_start));
        point = now.log_start;
    } else {
        if (writing) MQ_TRY(restore_missing_indexes());
        if (options.trust == Trust::clean) {
            MQ_TRY(open_active());
            point = now.log_end;
        } else {
            listing.reset();
            MQ_TRY(recover_from(options.trusted_end.value_or(options.recovery_point)));
        }
        listing.reset();
        if (now.log_end < now.log_start && writing) {
            // Kafka's rule 5: what was acknowledged as deleted may not come back.
            report.notes.push_back("log end " + std::to_string(now.log_end.value()) + " lies below the log start " +
                                   std::to_string(now.log_start.value()) + ": the log was emptied");
            MQ_TRY(remove_segments_from(Offset{0}));
            MQ_TRY(begin_segment(now.log_start));
        }
        now.log_start = std::max(now.log_start, bases.front());
        point = std::min(point, now.log_end);
        if (writing) MQ_TRY(remove_snapshots_above(now.log_end));
    }
    // Of what is lost as well: commits carry its epoch, and what comes in its place must have another (REC-3).
    const LeaderEpoch highest_epoch = std::max(epochs.latest().value_or(-1), known_epoch.value_or(-1));
    bool epochs_changed = epochs.truncate_end(now.log_end);
    epochs_changed |= epochs.truncate_start(now.log_start);
    // Even where nothing had to be walked: how much was lost behind the last batch that is there nobody can tell.
    const bool has_history = now.log_end > Offset{0} || highest_epoch >= 0;
    if (options.new_epoch_after_recovery && !MQ_BUG("recovery.no_new_epoch") && options.trust != Trust::clean &&
        has_history)
        epochs_changed |= epochs.assign(
            (MQ_BUG("recovery.reuses_epochs") ? epochs.latest().value_or(-1) : highest_epoch) + 1, now.log_end);
    if (epochs_changed && writing) MQ_TRY(write_epochs());
    now.last_epoch = static_cast<std::uint64_t>(std::int64_t{epochs.latest().value_or(-1)});

    const auto unstable = producers.first_unstable_offset();
    now.first_unstable = unstable.value_or(kNoOffset);
    state->recovery_point.store(point.value());
    state->checkpointed_bytes.store(point == now.log_end ? now.active_size_bytes : 0);
    state->flushed.store(point.value());
    state->poison.store(0);
    state->dirty.store(0);
    if ((state->list_generation.load() & 1) != 0) state->list_generation.fetch_add(1);
    publish();
    names_changed();
    believes_published = true;
    seen = generations();
    state->high_watermark.store(
        std::clamp(options.high_watermark.value_or(now.log_end), now.log_start, now.log_end).value());
    return {};
}

Status Log::Impl::finish_what_was_begun() {
    MQ_ASSIGN(const std::size_t removed, remove_leftovers(directory, *listing, report.notes));
    std::size_t finished = 0;
    if (std::ranges::any_of(*listing, [](const FileName& name) { return name.suffix == FileSuffix::swap; })) {
        MQ_ASSIGN(finished, finish_replacements(directory));
        report.notes.push_back("finished " + std::to_string(finished) + " replacement(s) in " + directory);
    }
    if (removed + finished > 0) {
        MQ_ASSIGN(listing, list_partition(directory));
    }
    return {};
}

// Kafka's rule 3, for closed segments below those that recovery walks anyway. Their bytes were flushed once, so
// damage is not a torn write and cutting would mend nothing: it stays, and is told.
Status Log::Impl::restore_missing_indexes() {
    std::vector<Offset> indexed;
    for (const FileName& name : *listing)
        if (name.kind == FileKind::offset_index && name.suffix == FileSuffix::none) indexed.push_back(name.offset);
    const Offset recovered_anyway = options.trust == Trust::clean ? bases.back() : floor_base(options.recovery_point);
    for (const Offset base : bases) {
        if (base >= recovered_anyway || std::ranges::binary_search(indexed, base)) continue;
        listing.reset();
        MQ_TRY(load_producers(base));
        MQ_ASSIGN(const SegmentRecovery found,
                  recover_segment(directory, base, config, {}, {&producers, &epochs}, true));
        ++report.segments_recovered;
        MQ_TRY(write_snapshot(path(FileKind::snapshot, found.next_offset), producers));
        report.notes.push_back(
            "rebuilt the indexes of " + path(FileKind::log, base) +
            (found.damage.empty()
                 ? ""
                 : "; it is damaged at byte " + std::to_string(found.valid_end.value()) + ": " + found.damage));
    }
    return {};
}

Status Log::Impl::begin_segment(Offset base) {
    MQ_ASSIGN(active, Segment::open(directory, base, os::OpenMode::create_truncate));
    MQ_KILLPOINT("begin_segment.after_create");
    MQ_TRY(os::remove_file(path(FileKind::txn_index, base)));
    if (bases.empty() || bases.back() != base) bases.push_back(base);
    const Published before = now;
    now = Published{};
    now.log_start = before.log_start;
    now.last_epoch = before.last_epoch;
    now.last_producer_offset = before.last_producer_offset;
    now.first_unstable = before.first_unstable;
    now.log_end = base;
    now.active_base = base;
    now.created_ms = options.clock();
    names_changed();
    return {};
}

// The published state of an active segment whose files are in order.
Status Log::Impl::open_active() {
    const Offset base = bases.back();
    const auto mode = options.read_only ? os::OpenMode::read : os::OpenMode::read_write;
    auto opened = Segment::open(directory, base, mode);
    if (!opened) {
        if (opened.error().code != Errc::not_found || options.read_only) return fail(opened.error());
        MQ_ASSIGN(const bool log_there, os::exists(path(FileKind::log, base)));
        if (!log_there) return fail(opened.error());
        report.notes.push_back("an index of " + path(FileKind::log, base) + " is missing: the segment was recovered");
        bool cut = false;
        MQ_TRY(recover_one(base, RecoveryStart{}, cut));
        opened = Segment::open(directory, base, mode);
        if (!opened) return fail(opened.error());
    }
    active = std::move(*opened);
    MQ_ASSIGN(now.active_size_bytes, active.log_file().size());
    const FilePosition end{now.active_size_bytes};
    now.active_base = base;
    MQ_ASSIGN(now.log_end, active.next_offset(end));
    MQ_ASSIGN(now.offset_index_entries, active.offset_index()->count_entries());
    MQ_ASSIGN(now.time_index_entries, active.time_index()->count_entries());
    if (now.time_index_entries > 0) {
        MQ_ASSIGN(const TimeIndexEntry last,
                  active.time_index()->entry(static_cast<std::uint32_t>(now.time_index_entries - 1)));
        now.max_timestamp = last.timestamp;
        now.offset_of_max_timestamp = last.offset;
    }
    if (!options.read_only) {
        // A preallocated tail of zeros (Kafka, unclean) and entries past the end of the log go.
        MQ_TRY(active.offset_index()->truncate(static_cast<std::uint32_t>(now.offset_index_entries)));
        MQ_TRY(active.time_index()->truncate(static_cast<std::uint32_t>(now.time_index_entries)));
        MQ_TRY(truncate_txn_index(path(FileKind::txn_index, base), now.log_end));
    }
    // Whole entries only: a reader may meet a torn one, which a writer has cut by now.
    const auto txn_info = os::file_info(path(FileKind::txn_index, base));
    now.txn_index_entries = txn_info ? txn_info->size_bytes / kAbortedTxnBytes : 0;
    now.created_ms = options.clock();
    if (now.active_size_bytes > 0) {
        BatchScanner scanner{active.log_file(), FilePosition{0}, end, ScanDepth::headers};
        ScannedBatch first;
        MQ_ASSIGN(const ScanOutcome outcome, scanner.next(first));
        if (outcome == ScanOutcome::batch) now.roll_timestamp = first.header.max_timestamp;
    }
    return load_producers(now.log_end);
}

Status Log::Impl::load_producers(Offset end) {
    producers.clear();
    producers_stale = true;  // until all is read
    if (believes_published && now.last_producer_offset == kNoOffset) {
        producers_stale = false;
        producers_end = end;
        return {};
    }
    PartitionListing names;
    if (listing) {
        names = *listing;
    } else {
        MQ_ASSIGN(names, list_partition(directory));
    }
    std::vector<Offset> snapshots;
    for (const FileName& name : names) {
        if (name.kind == FileKind::snapshot && name.suffix == FileSuffix::none && name.offset <= end)
            snapshots.push_back(name.offset);
    }
    Offset from = std::max(bases.front(), now.log_start);
    for (auto snapshot = snapshots.rbegin(); snapshot != snapshots.rend(); ++snapshot) {
        auto loaded = read_snapshot(path(FileKind::snapshot, *snapshot));
        if (!loaded) {
            if (loaded.error().code != Errc::corrupt && loaded.error().code != Errc::unsupported)
                return fail(loaded.error());
            report.notes.push_back(loaded.error().message() + "; an older one is used");
            if (!options.read_only) MQ_TRY(os::remove_file(path(FileKind::snapshot, *snapshot)));
            continue;
        }
        producers = std::move(*loaded);
        from = *snapshot;
        break;
    }
    for (const auto& [id, entry] : producers.entries())
        now.last_producer_offset = std::max(now.last_producer_offset, entry.last_data_offset());
    if (!believes_published || now.last_producer_offset >= from) MQ_TRY(replay_producers(from, end));
    expired_ms = options.clock();
    producers.expire(expired_ms, config.producer_id_expiration_ms);
    producers_stale = false;
    producers_end = end;
    return {};
}

Status Log::Impl::replay_producers(Offset from, Offset end) {
    if (from >= end) return {};
    for (auto base = std::lower_bound(bases.begin(), bases.end(), floor_base(from));
         base != bases.end() && *base < end; ++base) {
        MQ_ASSIGN(const Segment segment, Segment::open_for_reading(directory, *base));
        MQ_ASSIGN(const std::uint64_t size, segment.log_file().size());
        BatchScanner scanner{segment.log_file(), segment.scan_start(from, FilePosition{size}), FilePosition{size},
                             ScanDepth::headers};
        ScannedBatch batch;
        for (;;) {
            MQ_ASSIGN(const ScanOutcome outcome, scanner.next(batch));
            if (outcome != ScanOutcome::batch || batch.header.base_offset >= end) break;
            if (batch.header.last_offset() < from) continue;
            MQ_TRY(replay_batch(batch, producers));
            if (batch.header.has_producer()) now.last_producer_offset = batch.header.last_offset();
        }
    }
    return {};
}

// Whether the last entries that recovery would keep name batches that are there; those before them were flushed with
// them.
Result<bool> Log::Impl::entries_are_true(const Segment& segment, const RecoveryStart& start, FilePosition end) {
    if (start.offset_index_entries > 0) {
        MQ_ASSIGN(const OffsetIndexEntry last, segment.offset_index()->entry(start.offset_index_entries - 1));
        MQ_ASSIGN(const auto batch, segment.find(last.offset, end));
        if (!batch || batch->header.last_offset() != last.offset || batch->position < last.position ||
            last.position.value() == 0)
            return false;
    }
    if (start.time_index_entries > 0) {
        MQ_ASSIGN(const TimeIndexEntry last, segment.time_index()->entry(start.time_index_entries - 1));
        MQ_ASSIGN(const auto batch, segment.find(last.offset, end));
        if (!batch || batch->header.max_timestamp != last.timestamp) return false;
    }
    return true;
}

// Kafka's rule 4, or for Trust::recovery_point the same walk from the recovery point on.
Status Log::Impl::recover_from(Offset point) {
    const Offset first = floor_base(point);
    const auto first_at = std::lower_bound(bases.begin(), bases.end(), first);
    const std::vector<Offset> to_recover{first_at, bases.end()};
    for (const Offset base : to_recover) {
        RecoveryStart start;
        if (options.trust == Trust::recovery_point && base == first && point > base) {
            // Below the point everything was flushed before the point was written, indexes too; the position of the
            // point itself is found through them. A shorter file than that is damage: the segment is walked whole.
            auto segment = Segment::open_for_reading(directory, base);
            if (segment && segment->offset_index() && segment->time_index()) {
                MQ_ASSIGN(const std::uint64_t size, segment->log_file().size());
                const auto at = segment->find(point, FilePosition{size});
                const auto next = segment->next_offset(FilePosition{size});
                std::optional<FilePosition> position;
                if (at && *at && (*at)->header.base_offset == point)
                    position = (*at)->position;
                else if (at && !*at && next && *next == point) {
                    // The point is the end: not that of the file, behind it a torn batch may lie.
                    const auto last = segment->find(point - 1, FilePosition{size});
                    if (last && *last) position = (*last)->end();
                }
                if (position) {
                    MQ_ASSIGN(const std::uint32_t offsets, segment->offset_index()->count_entries());
                    MQ_ASSIGN(const std::uint32_t times, segment->time_index()->count_entries());
                    MQ_ASSIGN(start.offset_index_entries, segment->offset_index()->count_below(point, offsets));
                    MQ_ASSIGN(start.time_index_entries, segment->time_index()->count_below(point, times));
                    start.position = *position;
                    start.next_offset = point;
                    // What was written behind the point may have reached the disk in part, and look like entries
                    // below it.
                    MQ_ASSIGN(const bool kept_are_true, entries_are_true(*segment, start, FilePosition{size}));
                    if (!kept_are_true) start = RecoveryStart{};
                }
            }
        }
        bool cut = false;
        MQ_TRY(recover_one(base, start, cut));
        if (cut) break;
        // A roll begins the next segment at the end of this one. If this one ends earlier, its tail was lost between
        // two batches; only compaction leaves such a gap on purpose. Kafka's directories are taken by Kafka's rules,
        // which do not ask.
        const auto next = std::upper_bound(bases.begin(), bases.end(), base);
        if (options.trust == Trust::recovery_point && !config.cleanup_compact && next != bases.end() &&
            *next != now.log_end) {
            if (options.read_only)
                forget_segments_from(*next);
            else
                MQ_TRY(set_aside_segments_from(*next));
            break;
        }
    }
    if (options.read_only) {
        // What was found is published as it is; the files stay.
        return {};
    }
    return open_active();
}

void Log::Impl::forget_segments_from(Offset base) {
    std::erase_if(bases, [base](Offset b) { return b >= base; });
}

// Renames the logs of later segments to .log.cut: they may hold the only copy of records.
Status Log::Impl::set_aside_segments_from(Offset base) {
    for (auto last = bases.rbegin(); last != bases.rend() && *last >= base; ++last) {
        const std::string log = path(FileKind::log, *last);
        MQ_ASSIGN(const os::FileInfo info, os::file_info(log));
        if (info.size_bytes == 0) continue;
        MQ_ASSIGN(const std::string aside, unused_name(log + ".cut"));
        MQ_TRY(os::rename_file(log, aside));
        MQ_KILLPOINT("recover.after_set_aside");
        report.cuts.push_back({log, FilePosition{0}, *last, info.size_bytes, "records before it are lost", aside});
    }
    return remove_segments_from(base);
}

// Recovers one segment and takes the consequences: cuts its log, keeps what is worth keeping, drops later segments.
Status Log::Impl::recover_one(Offset base, const RecoveryStart& start, bool& cut) {
    const bool writing = !options.read_only;
    RecoveryStart from = start;
    const std::string txn_path = path(FileKind::txn_index, base);
    if (writing && start.position.value() > 0) {
        const Status shortened = truncate_txn_index(txn_path, start.next_offset.value_or(base));
        if (!shortened && (shortened.error().code == Errc::corrupt || shortened.error().code == Errc::unsupported)) {
            from = RecoveryStart{};  // torn as well: it is made anew from the whole segment
        } else {
            MQ_TRY(shortened);
            MQ_ASSIGN(const auto kept, read_txn_index(txn_path));
            from.txn_index_entries = static_cast<std::uint32_t>(kept.size());
        }
    }
    const Offset begin = from.next_offset.value_or(base);
    MQ_TRY(load_producers(begin));
    MQ_ASSIGN(const SegmentRecovery found,
              recover_segment(directory, base, config, from, {&producers, &epochs}, writing));
    ++report.segments_recovered;
    report.bytes_walked += found.valid_end - from.position;

    now.active_base = base;
    now.active_size_bytes = found.valid_end.value();
    now.offset_index_entries = found.offset_index_entries;
    now.time_index_entries = found.time_index_entries;
    now.max_timestamp = found.max_timestamp;
    now.offset_of_max_timestamp = found.offset_of_max_timestamp;
    now.log_end = found.next_offset;
    cut = !found.damage.empty();
    if (cut) {
        const std::string file = path(FileKind::log, base);
        RecoveryReport::Cut what{file, found.valid_end, found.next_offset, found.lost_bytes(), found.damage, {}};
        if (writing) {
            MQ_ASSIGN(const os::File log, os::File::open(file, os::OpenMode::read_write));
            if (found.valid_batch_follows) {
                MQ_ASSIGN(what.kept_in, unused_name(file + "." + std::to_string(found.valid_end.value()) + ".cut"));
                MQ_TRY(copy_range(log, found.valid_end, FilePosition{found.file_bytes}, what.kept_in));
            }
            MQ_KILLPOINT("recover.before_cut");
            // What follows in later segments would be a hole: it steps aside first, from the end, so that every
            // moment is a prefix.
            MQ_TRY(set_aside_segments_from(base + 1));
            MQ_TRY(log.truncate(found.valid_end.value()));
            // Else what was cut could return after a power cut, behind what is appended now.
            MQ_TRY(log.sync_data());
            MQ_KILLPOINT("recover.after_cut");
        } else {
            forget_segments_from(base + 1);
        }
        report.cuts.push_back(std::move(what));
    }
    if (writing && (found.batches > 0 || cut)) {
        MQ_TRY(write_snapshot(path(FileKind::snapshot, found.next_offset), producers));
        MQ_KILLPOINT("recover.after_snapshot");
    }
    return {};
}

std::string describe(const RecoveryReport::Cut& cut) {
    return cut.file + ": the log ends at byte " + std::to_string(cut.position.value()) + ", offset " +
           std::to_string(cut.offset.value()) + ": " + cut.reason + " (" + std::to_string(cut.bytes) +
           (cut.bytes == 1 ? " byte" : " bytes") + (cut.kept_in.empty() ? ")" : ", kept in " + cut.kept_in + ')');
}

}  // namespace mq::log
