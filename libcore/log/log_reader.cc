#include "log/log_reader.h"

#include <algorithm>
#include <vector>

#include "log/segment_list.h"

namespace mq::log {

struct LogReader::OpenSegment {
    Segment segment;
    bool is_active = false;
    Offset next_base{INT64_MAX};  // where the following segment begins
    std::uint64_t list_generation = 0;
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
    segment_.reset();
}

namespace {

// The segments at one moment. Nothing: the set of segments is moving. A directory that is listed during a rename may show neither
// the old name nor the new one, and the gap would look like what compaction leaves. A replacement renames a .log twice, so of
// three listings one met neither, and where all agree each is right. (A writer that died amid the renames leaves the
// generation odd for good, and the directory still.)
Result<std::optional<std::vector<SegmentName>>> list_steadily(const std::string& directory, const PublishedState& state,
                                                              std::uint64_t generation) {
    constexpr int kListingsInMotion = 3;
    std::optional<std::vector<SegmentName>> first;
    for (int i = 0; i < ((generation & 1) == 0 ? 1 : kListingsInMotion); ++i) {
        auto listed = list_segments(directory);
        if (!listed && listed.error().code != Errc::not_found) return fail(std::move(listed).error());
        if (!listed || (first && *first != *listed)) return std::optional<std::vector<SegmentName>>{};
        first = std::move(*listed);
    }
    if (state.list_generation.load() != generation) first.reset();
    return first;
}

}  // namespace

// False: no listed segment covers the position, though it lies in the log: the set of segments is moving.
Result<bool> LogReader::open_segment(const Published& now) {
    segment_.reset();
    const std::uint64_t generation = state_->list_generation.load();
    MQ_ASSIGN(const auto listed, list_steadily(directory_, *state_, generation));
    if (!listed) return false;
    const auto after = std::upper_bound(listed->begin(), listed->end(), position_,
                                        [](Offset offset, const SegmentName& s) { return offset < s.base; });
    if (after == listed->begin()) return false;
    const SegmentName name = *(after - 1);
    auto opened = Segment::open_for_reading(directory_, name.base, name.suffix);
    if (!opened) {
        // Renamed or deleted since it was listed.
        if (opened.error().code == Errc::not_found) return false;
        return fail(opened.error());
    }
    auto open = std::make_unique<OpenSegment>();
    open->segment = std::move(*opened);
    open->is_active = name.base == now.active_base;
    if (after != listed->end()) open->next_base = after->base;
    open->list_generation = generation;
    FilePosition end{now.active_size_bytes};
    if (!open->is_active) {
        MQ_ASSIGN(const std::uint64_t size, open->segment.log_file().size());
        end = FilePosition{size};
    }
    const FilePosition start = open->segment.scan_start(position_, end);
    open->scanner.emplace(open->segment.log_file(), start, end, ScanDepth::units);
    segment_ = std::move(open);
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
        if (segment_ && segment_->is_active) {
            if (segment_->segment.base() == now.active_base) {
                segment_->scanner->set_end(FilePosition{now.active_size_bytes});
            } else {
                // It was rolled: whatever it got before that is in the file.
                MQ_ASSIGN(const std::uint64_t size, segment_->segment.log_file().size());
                segment_->scanner->set_end(FilePosition{size});
                segment_->is_active = false;
            }
        }
        if (!segment_) {
            MQ_ASSIGN(const bool found, open_segment(now));
            if (!found) continue;
        }
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
            }
            segment_.reset();
            continue;
        }
        // Torn or corrupt. If the files moved under us this says nothing; else it is damage, and never skipped.
        const bool moved = segment_->list_generation != state_->list_generation.load() || state_->dirty.load() != 0;
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
