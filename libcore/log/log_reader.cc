#include "log/log_reader.h"

#include <algorithm>

namespace mq::log {

struct LogReader::OpenSegment {
    Segment segment;
    bool is_active = false;
    Offset next_base{INT64_MAX};  // where the following segment begins
    Generations opened_at;
    FilePosition end{0};
    bool positioned = false;
    std::optional<BatchScanner> scanner;
};

LogReader::LogReader(std::string directory, const PublishedState& state, Isolation isolation)
    : directory_(std::move(directory)), state_(&state), isolation_(isolation) {}
LogReader::LogReader(LogReader&&) noexcept = default;
LogReader& LogReader::operator=(LogReader&&) noexcept = default;
LogReader::~LogReader() = default;

Offset LogReader::bound() const {
    const Published now = state_->read();
    const Offset high_watermark{state_->high_watermark.load()};
    const Offset end = std::min(now.log_end, high_watermark);
    if (isolation_ == Isolation::read_committed && now.first_unstable != kNoOffset) return std::min(end, now.first_unstable);
    return end;
}

void LogReader::seek(Offset offset) {
    position_ = offset;
    if (segment_) segment_->positioned = false;
}

LogReader::Generations LogReader::generations() const {
    return {state_->list_generation.load(), state_->files_generation.load()};
}

// The segments at one moment. False: the set of segments is moving. A directory that is listed during a rename may show neither
// the old name nor the new one, and the gap would look like what compaction leaves. A replacement renames a .log twice, so of
// three listings one met neither, and where all agree each is right. (A writer that died amid the renames leaves the
// generation odd for good, and the directory still.)
Result<bool> LogReader::list_steadily(const Generations& at) {
    const bool steady = (at.list & 1) == 0;
    if (steady && !listed_.empty() && listed_at_ == at) return true;
    constexpr int kListingsInMotion = 3;
    listed_.clear();
    for (int i = 0; i < (steady ? 1 : kListingsInMotion); ++i) {
        auto listed = list_segments(directory_);
        if (!listed && listed.error().code != Errc::not_found) return fail(std::move(listed).error());
        if (!listed || (i > 0 && listed_ != *listed)) {
            listed_.clear();
            return false;
        }
        listed_ = std::move(*listed);
    }
    listed_at_ = at;
    if (generations() == at) return true;
    listed_.clear();
    return false;
}

// False: no listed segment covers the position, though it lies in the log: the set of segments is moving.
Result<bool> LogReader::open_segment(const Published& now) {
    segment_.reset();
    auto open = std::make_unique<OpenSegment>();
    open->opened_at = generations();
    MQ_ASSIGN(const bool steady, list_steadily(open->opened_at));
    if (!steady) return false;
    const auto after = std::upper_bound(listed_.begin(), listed_.end(), position_,
                                        [](Offset offset, const SegmentName& s) { return offset < s.base; });
    if (after == listed_.begin()) {
        listed_.clear();
        return false;
    }
    const SegmentName name = *(after - 1);
    auto opened = Segment::open_for_reading(directory_, name.base, name.suffix);
    if (!opened) {
        // Renamed or deleted since it was listed.
        listed_.clear();
        if (opened.error().code == Errc::not_found) return false;
        return fail(opened.error());
    }
    open->segment = std::move(*opened);
    open->is_active = name.base == now.active_base;
    if (after != listed_.end()) open->next_base = after->base;
    open->end = FilePosition{now.active_size_bytes};
    if (!open->is_active) {
        MQ_ASSIGN(const std::uint64_t size, open->segment.log_file().size());
        open->end = FilePosition{size};
    }
    open->scanner.emplace(open->segment.log_file(), FilePosition{0}, open->end, ScanDepth::units);
    segment_ = std::move(open);
    return true;
}

// Has the segment of the position open, and its scanner where the index says. False as open_segment.
Result<bool> LogReader::find_segment(const Published& now) {
    if (segment_ && segment_->opened_at != generations()) segment_.reset();
    if (segment_ && !segment_->positioned &&
        (position_ < segment_->segment.base() || position_ >= segment_->next_base))
        segment_.reset();
    if (!segment_) {
        MQ_ASSIGN(const bool found, open_segment(now));
        if (!found) return false;
    }
    if (segment_->is_active) {
        segment_->end = FilePosition{now.active_size_bytes};
        segment_->scanner->set_end(segment_->end);
    }
    if (!segment_->positioned) {
        segment_->segment.seek(*segment_->scanner, position_, segment_->end);
        segment_->positioned = true;
    }
    return true;
}

Result<ReadOutcome> LogReader::next(ScannedBatch& batch) {
    // A segment may be replaced or removed between its listing and its opening: each failure means that a writer moved on, and
    // the published state tells where to. Only attempts in a row that bring nothing count.
    constexpr int kAttempts = 1000;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        const Offset end = bound();
        const Published now = state_->read();
        if (position_ < now.log_start) return ReadOutcome::out_of_range;
        if (position_ >= end) return ReadOutcome::end_of_log;
        MQ_ASSIGN(const bool found, find_segment(now));
        if (!found) continue;
        MQ_ASSIGN(const ScanOutcome outcome, segment_->scanner->next(batch));
        if (outcome == ScanOutcome::batch) {
            if (batch.header.last_offset() < position_) {
                attempt = -1;
                continue;
            }
            if (batch.header.base_offset >= end) {
                segment_.reset();
                return ReadOutcome::end_of_log;
            }
            if (verify_checksum_) {
                if (auto ok = record::verify_batch_checksum(batch.bytes, batch.header); !ok) {
                    Error error = std::move(ok).error();
                    error.subject = segment_->segment.log_file().path();
                    error.position = batch.position.value();
                    segment_.reset();
                    return fail(std::move(error));
                }
            }
            position_ = batch.header.next_offset();
            return ReadOutcome::batch;
        }
        if (outcome == ScanOutcome::end) {
            // The rest of the segment holds nothing: go on where the next one begins. Where the listing knew of none, a newer
            // listing will.
            if (segment_->next_base > position_ && segment_->next_base != Offset{INT64_MAX}) {
                position_ = segment_->next_base;
                attempt = -1;
            } else {
                listed_.clear();
            }
            segment_.reset();
            continue;
        }
        // Torn or corrupt. If the files moved under us this says nothing; else it is damage, and never skipped.
        const bool moved = segment_->opened_at != generations() || state_->dirty.load() != 0;
        const auto path = segment_->segment.log_file().path();
        const FilePosition at = segment_->scanner->position();
        Error error = outcome == ScanOutcome::corrupt
                          ? segment_->scanner->error()
                          : Error{Errc::truncated, "read batch", path, 0, at.value(), "the segment ends inside a batch"};
        segment_.reset();
        if (!moved) return fail(std::move(error));
    }
    return fail(Errc::corrupt, "read", directory_, "no segment covers offset " + std::to_string(position_.value()));
}

}  // namespace mq::log
