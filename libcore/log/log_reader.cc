#include "log/log_reader.h"

#include "base/seeded_bug.h"

#include <algorithm>

namespace mq::log {

struct LogReader::OpenSegment : ReadableSegment {
    bool positioned = false;
    std::optional<Offset>
        expected;  // the batch at the scanner's position begins there, or later; not known after a seek
    std::optional<BatchScanner> scanner;

    [[nodiscard]] Result<std::string> misplacement(const ScannedBatch& batch, Offset log_end, Offset wanted,
                                                   bool dense) const;
};

LogReader::LogReader(std::string directory, const PublishedState& state, Isolation isolation)
    : segments_(std::move(directory), state), state_(&state), isolation_(isolation) {}
LogReader::LogReader(LogReader&&) noexcept = default;
LogReader& LogReader::operator=(LogReader&&) noexcept = default;
LogReader::~LogReader() = default;

// Why a batch cannot stand where it stands; empty if it can. The base offset lies outside the CRC, so it is held
// against the neighbours: a batch that begins too low or ends too high would be skipped in silence, or hide those
// that follow.
Result<std::string> LogReader::OpenSegment::misplacement(const ScannedBatch& batch, Offset log_end, Offset wanted,
                                                         bool dense) const {
    const auto& header = batch.header;
    const auto batch_and = [&](const char* what, Offset offset) {
        return "batch " + std::to_string(header.base_offset.value()) + ".." +
               std::to_string(header.last_offset().value()) + what + std::to_string(offset.value());
    };
    const Offset least = expected.value_or(segment.base());
    if (header.base_offset < least) return batch_and(" begins below offset ", least);
    const Offset most = std::min(next_base, log_end);
    if (header.next_offset() > most) return batch_and(" ends at or above offset ", most);
    if (expected && header.base_offset == *expected) return std::string{};
    // Of a compressed message of magic 0 or 1 only the last offset stands in its header.
    if (dense && header.magic >= record::kMagicV2 && header.base_offset > expected.value_or(wanted))
        return batch_and(" follows a hole from offset ", expected.value_or(wanted));
    if (batch.end() >= end) return std::string{};
    char raw[record::kBatchHeaderBytes];
    MQ_ASSIGN(const std::size_t got, segment.log_file().read_at(raw, batch.end()));
    const auto following = record::parse_batch_header({raw, got});
    if (following && following->base_offset < header.next_offset())
        return batch_and(" overlaps the one at offset ", following->base_offset);
    return std::string{};
}

Offset LogReader::bound() const { return bound_of(state_->read()); }

Offset readable_end(const PublishedState& state, const Published& now, Isolation isolation) {
    const Offset high_watermark{state.high_watermark.load()};
    const Offset end = std::min(now.log_end, high_watermark);
    if (isolation == Isolation::read_committed && now.first_unstable != kNoOffset)
        return std::min(end, now.first_unstable);
    return end;
}

Offset LogReader::bound_of(const Published& now) const {
    const Offset end = readable_end(*state_, now, isolation_);
    return MQ_BUG("reader.stops_early") && end > Offset{0} ? end - 1 : end;
}

void LogReader::seek(Offset offset) {
    position_ = offset;
    if (segment_) segment_->positioned = false;
}

// False: the set of segments is moving.
Result<bool> LogReader::open_segment(const Published& now, const Generations& at) {
    segment_.reset();
    MQ_ASSIGN(auto opened, segments_.open(position_, now, at));
    if (!opened) return false;
    segment_ = std::make_unique<OpenSegment>(OpenSegment{std::move(*opened), false, {}, {}});
    segment_->scanner.emplace(segment_->segment.log_file(), FilePosition{0}, segment_->end, ScanDepth::units);
    return true;
}

// Has the segment of the position open, and its scanner where the index says. False as open_segment.
Result<bool> LogReader::find_segment(const Published& now, const Generations& at) {
    if (segment_ && segment_->opened_at != at) segment_.reset();
    // Rolled a moment ago: the published size is another segment's.
    if (segment_ && segment_->is_active && segment_->segment.base() != now.active_base) segment_.reset();
    if (segment_ && !segment_->positioned &&
        (position_ < segment_->segment.base() || position_ >= segment_->next_base))
        segment_.reset();
    if (!segment_) {
        MQ_ASSIGN(const bool found, open_segment(now, at));
        if (!found) return false;
    }
    if (segment_->is_active) {
        segment_->end = FilePosition{now.active_size_bytes};
        segment_->scanner->set_end(segment_->end);
    }
    if (!segment_->positioned) {
        segment_->segment.seek(*segment_->scanner, position_, segment_->end);
        segment_->positioned = true;
        segment_->expected.reset();
        if (segment_->scanner->position() == FilePosition{0}) segment_->expected = segment_->segment.base();
    }
    return true;
}

// What is wrong with what the scanner has found; nothing if all is well.
Result<std::optional<Error>> LogReader::find_damage(ScanOutcome outcome, const ScannedBatch& batch,
                                                    Offset log_end) const {
    const std::string& path = segment_->segment.log_file().path();
    const auto damage = [&](Errc code, FilePosition at, std::string detail) {
        return std::optional{Error{code, "read batch", path, 0, at.value(), std::move(detail)}};
    };
    switch (outcome) {
        case ScanOutcome::torn_tail:
            return damage(Errc::truncated, segment_->scanner->position(), "the segment ends inside a batch");
        case ScanOutcome::corrupt:
            return std::optional{segment_->scanner->error()};
        case ScanOutcome::end:
            if (dense_ && segment_->next_base != Offset{INT64_MAX} && segment_->expected &&
                *segment_->expected != segment_->next_base)
                return damage(Errc::corrupt, segment_->scanner->position(),
                              "the segment ends at offset " + std::to_string(segment_->expected->value()) +
                                  ", the next begins at " + std::to_string(segment_->next_base.value()));
            return std::optional<Error>{};
        case ScanOutcome::batch:
            break;
    }
    MQ_ASSIGN(std::string misplaced, segment_->misplacement(batch, log_end, position_, dense_));
    if (!misplaced.empty()) return damage(Errc::corrupt, batch.position, std::move(misplaced));
    // Also of those before the position: a wrong last offset could make the one that is sought look like one of them.
    if (verify_checksum_) {
        if (auto ok = record::verify_batch_checksum(batch.bytes, batch.header); !ok)
            return damage(ok.error().code, batch.position, ok.error().detail);
    }
    return std::optional<Error>{};
}

Result<ReadOutcome> LogReader::next(ScannedBatch& batch) {
    // A segment may be replaced or removed between its listing and its opening: each failure means that a writer
    // moved on, and the published state tells where to. Only attempts in a row that bring nothing count.
    constexpr int kAttempts = 1000;
    std::optional<Error> damage;
    int dead_ends = 0;  // segments walked to their end in vain, because the one that follows is gone
    for (int attempt = 0; attempt < kAttempts && dead_ends < kAttempts; ++attempt) {
        // A truncation publishes, then raises the generation: what is read between two equal generations belongs to
        // that one.
        const Generations at = generations_of(*state_);
        const Published now = state_->read();
        const Offset end = bound_of(now);
        if (generations_of(*state_) != at) continue;
        if (position_ < now.log_start) return ReadOutcome::out_of_range;
        if (position_ >= end) return ReadOutcome::end_of_log;
        MQ_ASSIGN(const bool found, find_segment(now, at));
        if (!found) continue;
        // Until what the scanner moves past is accounted for: after an error or bad_alloc it is looked at again.
        segment_->positioned = false;
        MQ_ASSIGN(const ScanOutcome outcome, segment_->scanner->next(batch));
        MQ_ASSIGN(damage, find_damage(outcome, batch, now.log_end));
        if (damage) {
            // If the files moved under us this says nothing; else it is damage, and never skipped. The mark is looked
            // at first: a writer raises the generations before it clears it.
            const bool moved = state_->dirty.load() != 0 || segment_->opened_at != generations_of(*state_);
            segment_.reset();
            if (!moved) return fail(*std::move(damage));
            continue;
        }
        segment_->positioned = true;
        if (outcome == ScanOutcome::batch) {
            segment_->expected = batch.header.next_offset();
            if (batch.header.last_offset() < position_) {
                attempt = -1;
                continue;
            }
            if (batch.header.base_offset >= end) {
                segment_.reset();
                return ReadOutcome::end_of_log;
            }
            position_ = batch.header.next_offset();
            return ReadOutcome::batch;
        }
        // The rest of the segment holds nothing: go on where the next one begins. Where the listing knew of none, a
        // newer listing will.
        if (segment_->next_base > position_ && segment_->next_base != Offset{INT64_MAX}) {
            position_ = segment_->next_base;
            attempt = -1;
        } else {
            segments_.forget_listing();
            ++dead_ends;
        }
        segment_.reset();
    }
    if (MQ_BUG("reader.missing_is_the_end")) return ReadOutcome::end_of_log;
    if (damage) return fail(*std::move(damage));
    return fail(Errc::corrupt, "read", segments_.directory(), "no segment covers offset " + std::to_string(position_.value()));
}

}  // namespace mq::log
