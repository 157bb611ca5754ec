#include "log/cleaner.h"

#include <algorithm>
#include <random>

#include "log/cleaned_segment.h"
#include "log/cleaner_filter.h"
#include "os/kill_point.h"

namespace mq::log {
namespace {

Offset floor_of(const std::vector<Offset>& bases, Offset offset) {
    const auto after = std::upper_bound(bases.begin(), bases.end(), offset);
    return after == bases.begin() ? bases.front() : *(after - 1);
}

Offset first_dirty_of(const Log& log, std::optional<Offset> checkpoint) {
    if (!checkpoint || *checkpoint < log.log_start() || *checkpoint > log.log_end()) return log.log_start();
    return *checkpoint;
}

// Base of the segment that no cleaning may touch, nor any after it.
Result<Offset> first_uncleanable_of(const Log& log, const std::vector<Offset>& bases, Offset first_dirty,
                                    TimestampMs now) {
    const Offset limit = floor_of(bases, std::min(log.last_stable_offset(), bases.back()));
    const std::int64_t lag = log.config().min_compaction_lag_ms;
    if (lag <= 0) return limit;
    for (auto base = std::lower_bound(bases.begin(), bases.end(), floor_of(bases, first_dirty));
         base != bases.end() && *base < limit; ++base) {
        MQ_ASSIGN(const Segment segment, Segment::open_for_reading(log.directory(), *base));
        MQ_ASSIGN(const std::uint64_t size, segment.log_file().size());
        MQ_ASSIGN(const TimestampMs largest, segment.largest_timestamp(FilePosition{size}));
        if (largest > now - lag) return *base;
    }
    return limit;
}

// The maximum timestamp of the first batch; kNoTimestamp for an empty segment.
Result<TimestampMs> first_timestamp_of(const std::string& directory, Offset base) {
    MQ_ASSIGN(const os::File file, os::File::open(segment_paths(directory, base).log, os::OpenMode::read));
    MQ_ASSIGN(const std::uint64_t size, file.size());
    BatchScanner scanner{file, FilePosition{0}, FilePosition{size}, ScanDepth::headers};
    ScannedBatch first;
    MQ_ASSIGN(const ScanOutcome outcome, scanner.next(first));
    return outcome == ScanOutcome::batch ? first.header.max_timestamp : kNoTimestamp;
}

struct Source {
    Offset base{0};
    Offset next_base{0};
    os::FileInfo info;
    std::uint64_t offset_index_bytes = 0;
    std::uint64_t time_index_bytes = 0;
};

Result<std::uint64_t> size_if_there(const std::string& path) {
    auto info = os::file_info(path);
    if (info) return info->size_bytes;
    if (info.error().code == Errc::not_found) return std::uint64_t{0};
    return fail(std::move(info).error());
}

bool is_same_file(const os::FileInfo& a, const os::FileInfo& b) {
    return a.device == b.device && a.inode == b.inode && a.size_bytes == b.size_bytes &&
           a.modified_ms == b.modified_ms;
}

// What is wrong with a batch, with the file and the byte.
template <typename T>
Result<T> located(Result<T> result, const os::File& file, const ScannedBatch& batch) {
    if (result) return result;
    Error error = std::move(result).error();
    if (!error.subject.empty()) error.detail = error.subject + (error.detail.empty() ? "" : ": " + error.detail);
    error.subject = file.path();
    error.position = batch.position.value();
    return fail(std::move(error));
}

class Cleaning {
public:
    Cleaning(Log& log, Offset first_dirty, const CleanerOptions& options)
        : log_(&log), options_(&options), first_dirty_(first_dirty), now_(options.clock()), map_(make_map(options)) {}

    [[nodiscard]] Result<CleanResult> run();

private:
    static OffsetMap make_map(const CleanerOptions& options) {
        std::random_device random;
        const auto word = [&] { return std::uint64_t{random()} << 32 | random(); };
        return OffsetMap{options.offset_map_bytes, options.load_factor, {word(), word()}};
    }

    [[nodiscard]] Status locked(const std::function<Status()>& work) const {
        return options_->under_append_lock ? options_->under_append_lock(work) : work();
    }
    [[nodiscard]] Status plan();
    [[nodiscard]] Status build_map();
    [[nodiscard]] std::size_t group_end(std::size_t first) const;
    [[nodiscard]] Status clean_group(std::size_t first, std::size_t end, BatchFilter& filter);
    [[nodiscard]] Status replace(std::size_t first, std::size_t end) const;
    [[nodiscard]] Result<os::File> open(const Source& source) const;
    // Calls visit(batch) for every unit, verified.
    template <typename Visit>
    [[nodiscard]] Status walk(const Source& source, const os::File& file, Visit&& visit);

    Log* log_;
    const CleanerOptions* options_;
    Offset first_dirty_;
    TimestampMs now_;
    OffsetMap map_;
    Offset map_end_{0};

    // What plan() took from the log under the lock.
    std::string directory_;
    LogConfig config_;
    std::vector<Source> sources_;
    ProducerState producers_;
    std::vector<AbortedTxn> aborted_;
    CleanResult result_;
};

// What an earlier cleaning could not remove. A complete .log.swap is a segment; the log has finished it before.
Status remove_unfinished(const std::string& directory) {
    MQ_ASSIGN(const auto entries, os::list_directory(directory));
    for (const auto& entry : entries) {
        const FileName name = parse_file_name(entry.name);
        const bool unfinished =
            name.suffix == FileSuffix::cleaned || (name.suffix == FileSuffix::swap && name.kind != FileKind::log);
        if (unfinished) MQ_TRY(os::remove_file(os::join(directory, entry.name)));
    }
    return {};
}

Status Cleaning::plan() {
    MQ_TRY(log_->prepare_change());
    directory_ = log_->directory();
    MQ_TRY(remove_unfinished(directory_));
    config_ = log_->config();
    first_dirty_ = first_dirty_of(*log_, first_dirty_);
    const std::vector<Offset> bases = log_->segment_bases();
    MQ_ASSIGN(const Offset limit, first_uncleanable_of(*log_, bases, first_dirty_, now_));
    map_end_ = std::max(first_dirty_, limit);
    for (auto base = bases.begin(); *base < limit; ++base) {
        Source source{*base, *(base + 1), {}, 0, 0};
        const SegmentPaths paths = segment_paths(directory_, *base);
        MQ_ASSIGN(source.info, os::file_info(paths.log));
        MQ_ASSIGN(source.offset_index_bytes, size_if_there(paths.offset_index));
        MQ_ASSIGN(source.time_index_bytes, size_if_there(paths.time_index));
        sources_.push_back(std::move(source));
    }
    producers_ = log_->producers();
    producers_.expire(now_, config_.producer_id_expiration_ms);
    MQ_ASSIGN(aborted_, log_->aborted_transactions(bases.front(), limit));
    return {};
}

Result<os::File> Cleaning::open(const Source& source) const {
    MQ_ASSIGN(os::File file, os::File::open(segment_paths(directory_, source.base).log, os::OpenMode::read));
    MQ_ASSIGN(const os::FileInfo info, file.info());
    if (!is_same_file(info, source.info))
        return fail(Errc::in_use, "clean", file.path(), "the segment was changed by somebody else");
    file.read_sequentially();
    return file;
}

template <typename Visit>
Status Cleaning::walk(const Source& source, const os::File& file, Visit&& visit) {
    const std::uint64_t unit_limit = std::max<std::uint64_t>(options_->decompressed_limit, config_.max_message_bytes);
    BatchScanner scanner{file, FilePosition{0}, FilePosition{source.info.size_bytes}, ScanDepth::units, unit_limit};
    Offset next = source.base;
    ScannedBatch batch;
    for (;;) {
        if (options_->stop && options_->stop()) {
            result_.stopped = true;
            return {};
        }
        MQ_ASSIGN(const ScanOutcome outcome, scanner.next(batch));
        if (outcome == ScanOutcome::end) return {};
        if (outcome == ScanOutcome::corrupt) return fail(scanner.error());
        if (outcome == ScanOutcome::torn_tail)
            return fail(Errc::truncated, "clean", file.path(), "the segment ends inside a batch",
                        scanner.position().value());
        // Offsets lie outside the checksum: the neighbours vouch for them.
        if (batch.header.base_offset < next || batch.header.last_offset() >= source.next_base)
            return fail(Errc::corrupt, "clean", file.path(),
                        "offsets " + std::to_string(batch.header.base_offset.value()) + " to " +
                            std::to_string(batch.header.last_offset().value()) + " do not lie between " +
                            std::to_string(next.value()) + " and " + std::to_string(source.next_base.value()),
                        batch.position.value());
        next = batch.header.next_offset();
        MQ_TRY(located(record::verify_batch_checksum(batch.bytes, batch.header), file, batch));
        MQ_TRY(visit(batch));
    }
}

// Verifies everything that will be rewritten, and takes in the latest offset of each key of the dirty part until the
// map is full.
Status Cleaning::build_map() {
    TransactionWalk transactions{aborted_};
    record::RecordReader reader{options_->decompressed_limit};
    bool full = false;
    const auto visit = [&](const ScannedBatch& batch) -> Status {
        if (batch.header.is_control()) {
            MQ_ASSIGN(const auto control, control_of(reader, batch.bytes));
            MQ_TRY(transactions.on_marker(batch.header, control));
            return {};
        }
        if (transactions.on_data(batch.header)) return {};
        MQ_TRY(reader.open(batch.bytes));
        for (record::RecordView record; reader.next(record);) {
            if (full || !record.key || record.offset < first_dirty_) continue;
            if (map_.put(*record.key, record.offset)) continue;
            full = true;
            map_end_ = record.offset;
        }
        return reader.status();
    };
    for (std::size_t i = 0; i < sources_.size() && sources_[i].base < map_end_; ++i) {
        MQ_ASSIGN(const os::File file, open(sources_[i]));
        MQ_TRY(
            walk(sources_[i], file, [&](const ScannedBatch& batch) { return located(visit(batch), file, batch); }));
        if (result_.stopped) return {};
    }
    std::erase_if(sources_, [this](const Source& source) { return source.base >= map_end_; });
    return {};
}

// Neighbours from `first` on that fit one segment.
std::size_t Cleaning::group_end(std::size_t first) const {
    std::uint64_t bytes = 0;
    std::uint64_t offset_index_bytes = 0;
    std::uint64_t time_index_bytes = 0;
    std::size_t end = first;
    for (; end < sources_.size(); ++end) {
        const Source& source = sources_[end];
        bytes += source.info.size_bytes;
        offset_index_bytes += source.offset_index_bytes;
        time_index_bytes += source.time_index_bytes;
        const bool fits = bytes <= config_.segment_bytes && offset_index_bytes <= config_.segment_index_bytes &&
                          time_index_bytes <= config_.segment_index_bytes &&
                          (source.info.size_bytes == 0 || source.next_base - 1 - sources_[first].base <= INT32_MAX);
        if (!fits && end > first) break;
    }
    return end;
}

Status Cleaning::clean_group(std::size_t first, std::size_t end, BatchFilter& filter) {
    // Of magic 0 and 1 tombstones go by the age of their segment, counted from the youngest one that was clean
    // before.
    TimestampMs legacy_horizon = 0;
    for (const Source& source : sources_)
        if (source.base < first_dirty_) legacy_horizon = source.info.modified_ms - config_.delete_retention_ms;

    CleanedSegment cleaned{directory_, sources_[first].base};
    std::uint64_t bytes_before = 0;
    for (std::size_t i = first; i < end; ++i) {
        MQ_ASSIGN(os::File file, open(sources_[i]));
        MQ_TRY(cleaned.begin_source(std::move(file)));
        const bool keep_legacy_tombstones = sources_[i].info.modified_ms > legacy_horizon;
        MQ_TRY(walk(sources_[i], cleaned.source(), [&](const ScannedBatch& batch) -> Status {
            MQ_ASSIGN(const ByteView bytes,
                      located(filter.filter(batch, keep_legacy_tombstones), cleaned.source(), batch));
            return cleaned.add(batch, bytes);
        }));
        if (result_.stopped) return {};
        bytes_before += sources_[i].info.size_bytes;
    }
    const std::vector<AbortedTxn> aborted = filter.take_aborted();
    result_.bytes_before += bytes_before;
    if (!cleaned.differs()) {
        MQ_ASSIGN(const auto before, read_txn_index(segment_paths(directory_, sources_[first].base).txn_index));
        if (before == aborted) {
            result_.bytes_after += bytes_before;
            return {};
        }
    }
    MQ_TRY(cleaned.finish(config_, aborted, sources_[end - 1].info.modified_ms));
    MQ_TRY(locked([&] { return replace(first, end); }));
    MQ_KILLPOINT("clean.after_replace");
    result_.bytes_after += cleaned.size_bytes();
    result_.segments_replaced += end - first;
    return {};
}

Status Cleaning::replace(std::size_t first, std::size_t end) const {
    for (std::size_t i = first; i < end; ++i) {
        const std::string path = segment_paths(directory_, sources_[i].base).log;
        const auto info = os::file_info(path);
        if (!info && info.error().code != Errc::not_found) return fail(info.error());
        if (!info || !is_same_file(*info, sources_[i].info))
            return fail(Errc::in_use, "clean", path, "the segment was changed by somebody else");
    }
    MQ_KILLPOINT("clean.before_replace");
    return log_->replace_segments(sources_[first].base, sources_[end - 1].base);
}

Result<CleanResult> Cleaning::run() {
    MQ_TRY(locked([this] { return plan(); }));
    result_.next_dirty = first_dirty_;
    MQ_TRY(build_map());
    if (result_.stopped) return result_;

    FilterRules rules;
    rules.latest = &map_;
    rules.map_end = map_end_;
    rules.now = now_;
    rules.delete_retention_ms = config_.delete_retention_ms;
    rules.decompressed_limit = options_->decompressed_limit;
    BatchFilter filter{rules, producers_, aborted_};
    for (std::size_t first = 0; first < sources_.size() && !result_.stopped;) {
        const std::size_t end = group_end(first);
        MQ_TRY(clean_group(first, end, filter));
        first = end;
    }
    if (!result_.stopped) result_.next_dirty = map_end_;
    const FilterCounts& counts = filter.counts();
    result_.records_read = counts.records_read;
    result_.records_kept = counts.records_kept;
    result_.keyless_dropped = counts.keyless_dropped;
    result_.tombstones_dropped = counts.tombstones_dropped;
    result_.markers_dropped = counts.markers_dropped;
    return result_;
}

}  // namespace

Result<CleanableRange> cleanable(const Log& log, std::optional<Offset> checkpoint, TimestampMs now) {
    CleanableRange range;
    const std::vector<Offset> bases = log.segment_bases();
    range.first_dirty = first_dirty_of(log, checkpoint);
    MQ_ASSIGN(const Offset limit, first_uncleanable_of(log, bases, range.first_dirty, now));
    range.first_uncleanable = std::max(range.first_dirty, limit);
    const Offset dirty_base = floor_of(bases, range.first_dirty);
    TimestampMs oldest = std::numeric_limits<TimestampMs>::max();
    for (const Offset base : bases) {
        if (base == bases.back()) break;
        MQ_ASSIGN(const os::FileInfo info, os::file_info(segment_paths(log.directory(), base).log));
        if (base < range.first_dirty) range.clean_bytes += info.size_bytes;
        if (base < dirty_base) continue;
        if (base < limit) range.dirty_bytes += info.size_bytes;
        MQ_ASSIGN(const TimestampMs first, first_timestamp_of(log.directory(), base));
        if (first > 0) oldest = std::min(oldest, first);
    }
    if (range.first_dirty >= limit) range.dirty_bytes = 0;
    const std::uint64_t total = range.clean_bytes + range.dirty_bytes;
    if (total > 0) range.dirty_ratio = static_cast<double>(range.dirty_bytes) / static_cast<double>(total);
    const bool too_old = oldest < now - std::max<std::int64_t>(log.config().max_compaction_lag_ms, 0);
    range.due = log.config().cleanup_compact && range.dirty_bytes > 0 &&
                (too_old || range.dirty_ratio > log.config().min_cleanable_dirty_ratio);
    return range;
}

Result<CleanResult> clean(Log& log, Offset first_dirty, const CleanerOptions& options) {
    return Cleaning{log, first_dirty, options}.run();
}

}  // namespace mq::log
