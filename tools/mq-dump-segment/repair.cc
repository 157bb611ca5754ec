// --rebuild-index and --truncate-at. What is replaced or cut is kept in NAME.bak.
#include <unistd.h>

#include <algorithm>
#include <map>

#include "cli/text.h"
#include "log/producer_snapshot.h"
#include "log/recovery.h"
#include "mq-dump-segment/commands.h"
#include "mq-dump-segment/live_tail.h"

namespace mq::dump {
namespace {

constexpr std::string_view kBackup = ".bak";

struct Segments {
    std::string directory;
    std::vector<Offset> bases;   // of all segments, ascending
    std::vector<Offset> chosen;  // those that were named
    std::map<Offset, std::string> snapshots;
};

Result<Segments> segments_of(const std::string& path) {
    MQ_ASSIGN(const os::FileInfo info, os::file_info(path));
    Segments segments;
    segments.directory = info.is_directory ? path : os::parent_directory(path);
    MQ_ASSIGN(const auto entries, os::list_directory(segments.directory));
    for (const auto& entry : entries) {
        const log::FileName name = log::parse_file_name(entry.name);
        if (name.suffix != log::FileSuffix::none) continue;
        if (name.kind == log::FileKind::log) segments.bases.push_back(name.offset);
        if (name.kind == log::FileKind::snapshot)
            segments.snapshots[name.offset] = os::join(segments.directory, entry.name);
    }
    std::sort(segments.bases.begin(), segments.bases.end());
    if (info.is_directory) {
        if (segments.bases.empty()) return fail(Errc::not_found, "repair", path, "no .log file in it");
        segments.chosen = segments.bases;
        return segments;
    }
    const log::FileName name = log::parse_file_name(os::base_name(path));
    if (name.kind != log::FileKind::log || name.suffix != log::FileSuffix::none) {
        return fail(Errc::unsupported, "repair", path, "name the .log, or the directory of the partition");
    }
    segments.chosen.push_back(name.offset);
    return segments;
}

struct Locks {
    os::File broker;   // .lock
    os::File control;  // byte 0 of .mq-control
};

// What is not there is not held.
Result<os::File> lock(const std::string& path, os::LockKind kind, std::uint64_t size_bytes, const char* refusal) {
    auto file = os::File::open(path, os::OpenMode::read_write);
    if (!file) {
        if (file.error().code == Errc::not_found) return os::File{};
        return file;
    }
    MQ_ASSIGN(const bool locked, os::try_lock(*file, kind, 0, size_bytes));
    if (!locked) return fail(Errc::in_use, "lock", path, refusal);
    return file;
}

// Nobody uses the data directory while it is held (DMP-1): our processes hold byte 0 of the control file and share
// .lock, a broker holds .lock for itself. Without a control file .lock alone keeps both out.
Result<Locks> lock_data_directory(const std::string& partition_directory) {
    const std::string directory = data_directory_of(partition_directory);
    Locks locks;
    MQ_ASSIGN(locks.control, lock(os::join(directory, kControlFile), os::LockKind::exclusive, 1,
                                  "processes of mq use the data directory: end them first"));
    const std::string path = os::join(directory, ".lock");
    if (locks.control.is_open()) {
        MQ_ASSIGN(locks.broker,
                  lock(path, os::LockKind::shared, 0, "a Kafka broker uses the data directory: stop it first"));
    } else {
        MQ_ASSIGN(locks.broker,
                  lock(path, os::LockKind::exclusive, 0, "a process uses the data directory: stop it first"));
    }
    return locks;
}

// The plan is always said; done only with -y, or after a yes on a terminal.
Result<bool> confirm(const Context& context, const std::vector<std::string>& plan) {
    for (const std::string& line : plan) context.out << line << '\n';
    static_cast<void>(context.out.flush());
    const Options& options = context.options;
    if (options.dry_run) return false;
    if (options.yes) return true;
    if (options.no_input || ::isatty(0) == 0) {
        return fail(Errc::bad_argument, {}, {}, "nothing was changed: -y is needed to do it");
    }
    context.words.error("go on? [y/N]");
    char answer = 0;
    MQ_ASSIGN(const std::size_t got, os::File::adopt(0, "stdin", true).read_some({&answer, 1}));
    return got == 1 && (answer == 'y' || answer == 'Y');
}

// NAME -> NAME.bak, which must be free. False if there is no such file.
Result<bool> move_away(const std::string& path) {
    MQ_ASSIGN(const bool there, os::exists(path));
    if (!there) return false;
    const std::string backup = path + std::string{kBackup};
    MQ_ASSIGN(const bool taken, os::exists(backup));
    if (taken) return fail(Errc::already_exists, "keep a copy", backup, "move the older copy away first");
    MQ_TRY(os::rename_file(path, backup));
    return true;
}

// What the producers had written before `base`: from the newest snapshot up to there, and the segments after it.
Result<log::ProducerState> producers_before(const Segments& segments, Offset base) {
    log::ProducerState producers;
    Offset from{0};
    for (auto snapshot = segments.snapshots.rbegin(); snapshot != segments.snapshots.rend(); ++snapshot) {
        if (snapshot->first > base) continue;
        auto state = log::read_snapshot(snapshot->second);
        if (!state) continue;  // damaged: an older one and a longer replay will do
        producers = *std::move(state);
        from = snapshot->first;
        break;
    }
    for (const Offset earlier : segments.bases) {
        if (earlier < from || earlier >= base) continue;
        MQ_TRY(log::recover_segment(segments.directory, earlier, {}, {}, {&producers, nullptr}, false));
    }
    return producers;
}

Status rebuild_segment(const Context& context, const Segments& segments, Offset base, bool& damaged) {
    const log::SegmentPaths paths = log::segment_paths(segments.directory, base);
    MQ_ASSIGN(log::ProducerState producers, producers_before(segments, base));
    const std::vector<std::string> indexes{paths.offset_index, paths.time_index, paths.txn_index};
    std::vector<std::string> moved;
    const auto rebuilt = [&]() -> Result<log::SegmentRecovery> {
        for (const std::string& index : indexes) {
            MQ_ASSIGN(const bool there, move_away(index));
            if (there) moved.push_back(index);
        }
        return log::recover_segment(segments.directory, base, {}, {}, {&producers, nullptr}, true);
    }();
    if (!rebuilt) {
        // As it was: the first error is the one to tell.
        for (const std::string& index : moved)
            static_cast<void>(os::rename_file(index + std::string{kBackup}, index));
        return fail(rebuilt.error());
    }
    MQ_TRY(os::sync_directory(segments.directory));
    context.words.summary(cli::cat(paths.log, ": ", cli::counted(rebuilt->batches, "batch", "batches"), ", ",
                                   rebuilt->offset_index_entries, " + ", rebuilt->time_index_entries, " + ",
                                   rebuilt->txn_index_entries, " index entries"));
    if (rebuilt->damage.empty()) return {};
    damaged = true;
    return fail(Errc::corrupt, "rebuild index", paths.log,
                cli::cat(rebuilt->damage, "; the indexes end at offset ", +rebuilt->next_offset, ", ",
                         rebuilt->lost_bytes(), " bytes are not covered,"),
                +rebuilt->valid_end);
}

Status rebuild_path(const Context& context, const std::string& path) {
    MQ_ASSIGN(const Segments segments, segments_of(path));
    MQ_ASSIGN(const Locks locks, lock_data_directory(segments.directory));
    std::vector<std::string> plan;
    for (const Offset base : segments.chosen) {
        plan.push_back("rebuild the indexes of " + log::segment_paths(segments.directory, base).log);
    }
    MQ_ASSIGN(const bool go_on, confirm(context, plan));
    if (!go_on) return {};
    Status first_damage;
    for (const Offset base : segments.chosen) {
        bool damaged = false;
        const Status done = rebuild_segment(context, segments, base, damaged);
        if (!done && !damaged) return done;
        if (!done && first_damage) first_damage = done;
    }
    return first_damage;
}

struct Cut {
    Offset base{0};            // of the segment that is cut
    FilePosition position{0};  // from here on
    std::uint64_t size_bytes = 0;
    Offset end{0};                // the log end offset after it
    std::vector<Offset> dropped;  // segments that go whole
};

// The first batch whose last offset is not below `offset` goes, and all after it.
Result<Cut> find_cut(const Segments& segments, Offset offset) {
    Cut cut;
    const auto above = std::upper_bound(segments.chosen.begin(), segments.chosen.end(), offset);
    if (above == segments.chosen.begin()) {
        return fail(Errc::bad_argument, "truncate", segments.directory,
                    cli::cat("offset ", +offset, " lies before the first segment, ", +segments.chosen.front()));
    }
    cut.base = *std::prev(above);
    cut.dropped.assign(above, segments.chosen.end());
    const std::string path = log::segment_paths(segments.directory, cut.base).log;
    MQ_ASSIGN(const os::File file, os::File::open(path, os::OpenMode::read));
    MQ_ASSIGN(cut.size_bytes, file.size());
    log::BatchScanner headers{file, FilePosition{0}, FilePosition{cut.size_bytes}, log::ScanDepth::headers};
    cut.end = cut.base;
    log::ScannedBatch batch;
    while (true) {
        MQ_ASSIGN(const log::ScanOutcome outcome, headers.next(batch));
        if (outcome != log::ScanOutcome::batch || batch.header.last_offset() >= offset) break;
        cut.position = batch.end();
        cut.end = batch.header.next_offset();
    }
    return cut;
}

Status truncate_epochs(const std::string& directory, Offset end) {
    const std::string path = os::join(directory, log::kLeaderEpochCheckpoint);
    MQ_ASSIGN(auto entries, log::read_leader_epoch_checkpoint(path));
    log::LeaderEpochs epochs{std::move(entries)};
    if (!epochs.truncate_end(end)) return {};
    MQ_TRY(move_away(path));
    return log::write_leader_epoch_checkpoint(path, epochs.entries());
}

Status truncate_path(const Context& context, const std::string& path, Offset offset) {
    MQ_ASSIGN(const Segments segments, segments_of(path));
    MQ_ASSIGN(const Locks locks, lock_data_directory(segments.directory));
    MQ_ASSIGN(const Cut cut, find_cut(segments, offset));
    const log::SegmentPaths paths = log::segment_paths(segments.directory, cut.base);
    const std::uint64_t cut_bytes = cut.size_bytes - +cut.position;
    std::vector<std::string> plan;
    for (const Offset base : cut.dropped)
        plan.push_back("move away " + log::segment_paths(segments.directory, base).log);
    plan.push_back(cut_bytes == 0 ? cli::cat("nothing to cut: ", paths.log, " ends at offset ", +cut.end)
                                  : cli::cat("cut ", paths.log, " at byte ", +cut.position, ": ", cut_bytes,
                                             " bytes, the log then ends at offset ", +cut.end));
    MQ_ASSIGN(const bool go_on, confirm(context, plan));
    if (!go_on || (cut_bytes == 0 && cut.dropped.empty())) return {};

    // From the end on, so that a death in between leaves a log without a gap.
    for (auto base = cut.dropped.rbegin(); base != cut.dropped.rend(); ++base) {
        const log::SegmentPaths gone = log::segment_paths(segments.directory, *base);
        for (const std::string& file : {gone.log, gone.offset_index, gone.time_index, gone.txn_index})
            MQ_TRY(move_away(file));
    }
    for (const auto& [at, snapshot] : segments.snapshots) {
        if (at > cut.end) MQ_TRY(move_away(snapshot));
    }
    if (cut_bytes > 0) {
        const std::string backup = paths.log + std::string{kBackup};
        MQ_ASSIGN(const bool taken, os::exists(backup));
        if (taken) return fail(Errc::already_exists, "keep a copy", backup, "move the older copy away first");
        MQ_ASSIGN(os::File file, os::File::open(paths.log, os::OpenMode::read_write));
        MQ_TRY(log::copy_range(file, cut.position, FilePosition{cut.size_bytes}, backup));
        MQ_TRY(os::sync_directory(segments.directory));
        MQ_TRY(file.truncate(+cut.position));
        MQ_TRY(file.sync());
        MQ_TRY(file.close());
        bool damaged = false;
        MQ_TRY(rebuild_segment(context, segments, cut.base, damaged));
    }
    MQ_TRY(truncate_epochs(segments.directory, cut.end));
    return os::sync_directory(segments.directory);
}

template <typename Repair>
cli::ExitCode for_each_path(const Context& context, Repair repair) {
    cli::ExitCode status = cli::ExitCode::ok;
    for (const std::string& path : context.options.paths) {
        if (const Status repaired = repair(path); !repaired) status = worse(status, context.fail(repaired.error()));
    }
    return status;
}

}  // namespace

cli::ExitCode rebuild_indexes(const Context& context) {
    return for_each_path(context, [&](const std::string& path) { return rebuild_path(context, path); });
}

cli::ExitCode truncate_log(const Context& context) {
    const Offset offset{*context.options.truncate_at};
    return for_each_path(context, [&](const std::string& path) { return truncate_path(context, path, offset); });
}

}  // namespace mq::dump
