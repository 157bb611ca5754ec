#include "log/range_reader.h"

#include <algorithm>

namespace mq::log {

// Positions in a segment stay what they are until the generations change.
struct RangeReader::OpenSegment : ReadableSegment {
    // The batch that holds `offset`, or the first after it, begins at `position`; or nothing lies behind yet.
    struct Mark {
        Offset offset = kNoOffset;
        FilePosition position{0};
    };
    std::array<Mark, 8> marks{};
    std::size_t next_mark = 0;
    Mark bound_mark;

    [[nodiscard]] const Mark* find_mark(Offset offset) const {
        const auto* const at = std::ranges::find(marks, offset, &Mark::offset);
        return at == marks.end() ? nullptr : at;
    }
    void mark(Offset offset, FilePosition position) {
        if (find_mark(offset) != nullptr) return;
        marks[next_mark] = {offset, position};
        next_mark = (next_mark + 1) % marks.size();
    }
};

struct RangeReader::Found {
    record::BatchHeader header;
    FilePosition position{0};
    Error damage;
};

RangeReader::RangeReader(std::string directory, const PublishedState& state, Isolation isolation)
    : segments_(std::move(directory), state), state_(&state), isolation_(isolation) {}
RangeReader::RangeReader(RangeReader&&) noexcept = default;
RangeReader& RangeReader::operator=(RangeReader&&) noexcept = default;
RangeReader::~RangeReader() = default;

// nullptr: the set of segments is moving.
Result<RangeReader::OpenSegment*> RangeReader::segment_of(Offset offset, const Published& now,
                                                          const Generations& at) {
    if (opened_at_ != at) {
        for (auto& open : open_) open.reset();
        opened_at_ = at;
    }
    const auto covers = [&](const auto& open) {
        return open && open->segment.base() <= offset && offset < open->next_base;
    };
    auto chosen = std::ranges::find_if(open_, covers);
    if (chosen == open_.end()) {
        chosen = open_.end() - 1;
        chosen->reset();
        MQ_ASSIGN(auto opened, segments_.open(offset, now, at));
        if (!opened) return nullptr;
        *chosen = std::make_unique<OpenSegment>(OpenSegment{std::move(*opened), {}, 0, {}});
    }
    std::rotate(open_.begin(), chosen, chosen + 1);
    OpenSegment& segment = *open_.front();
    if (segment.is_active) segment.end = FilePosition{now.active_size_bytes};
    return &segment;
}

// From a batch at `start`, which begins at `least` or later, to the first whose last offset is `offset` or lies
// behind it. `misled`: no batch that could lead there begins at `start`.
Result<RangeReader::Look> RangeReader::walk(OpenSegment& segment, FilePosition start, Offset least, Offset offset,
                                            FilePosition end, Found& found) const {
    const os::File& file = segment.segment.log_file();
    const auto damaged = [&](Errc code, FilePosition position, std::string detail) {
        found.damage = Error{code, "find batch", file.path(), 0, position.value(), std::move(detail)};
        return Look::damaged;
    };
    BatchScanner scanner{file, start, end, ScanDepth::headers};
    ScannedBatch batch;
    const bool at_base = start.value() == 0;
    bool follows = at_base;
    for (bool is_first = true;; is_first = false) {
        MQ_ASSIGN(const ScanOutcome outcome, scanner.next(batch));
        const bool misled = is_first && !at_base;
        if (outcome == ScanOutcome::end) return misled ? Look::misled : Look::nothing;
        if (outcome == ScanOutcome::torn_tail) {
            if (misled) return Look::misled;
            return damaged(Errc::truncated, scanner.position(), "the segment ends inside a batch");
        }
        if (outcome == ScanOutcome::corrupt) {
            found.damage = scanner.error();
            return misled ? Look::misled : Look::damaged;
        }
        const record::BatchHeader& header = batch.header;
        if (misled && (header.base_offset < segment.segment.base() || header.base_offset > offset))
            return Look::misled;
        if (header.base_offset < least || header.next_offset() > segment.next_base ||
            (dense_ && follows && header.base_offset > least && header.magic >= record::kMagicV2))
            return damaged(Errc::corrupt, batch.position,
                           "batch " + std::to_string(header.base_offset.value()) + ".." +
                               std::to_string(header.last_offset().value()) + " where offset " +
                               std::to_string(least.value()) + " should follow");
        follows = true;
        least = header.next_offset();
        if (header.last_offset() < offset) continue;
        found.header = header;
        found.position = batch.position;
        return Look::found;
    }
}

// By what is remembered, else by the index, else from the segment's start.
Result<RangeReader::Look> RangeReader::find(OpenSegment& segment, Offset offset, FilePosition end,
                                            Found& found) const {
    constexpr FilePosition kStart{0};
    const Offset base = segment.segment.base();
    if (const auto* mark = segment.find_mark(offset)) {
        if (mark->position >= end) return Look::nothing;
        MQ_ASSIGN(const Look look, walk(segment, mark->position, base, offset, end, found));
        if (look != Look::misled) return look;
    }
    const auto& index = segment.segment.offset_index();
    // An entry may lead to damage, and those before it not.
    constexpr int kMostHints = 8;
    Offset target = offset;
    for (int i = 0; index && i < kMostHints && target > base; ++i) {
        const auto entries = index->count_entries();
        if (!entries) break;
        const auto hint = index->lookup(target, *entries);
        if (!hint || hint->position == kStart || hint->offset < base || hint->offset > target) break;
        if (hint->position < end) {
            MQ_ASSIGN(const Look look, walk(segment, hint->position, base, offset, end, found));
            if (look != Look::misled) return look;
        }
        target = hint->offset - 1;
    }
    return walk(segment, kStart, base, offset, end, found);
}

// Where the batch that holds the bound begins: what lies below it can be read.
Result<RangeReader::Look> RangeReader::limit_of(OpenSegment& segment, Offset bound, const Published& now,
                                                Found& found) const {
    found.position = segment.end;
    if (bound >= segment.next_base || bound == now.log_end) return Look::found;
    if (segment.bound_mark.offset == bound) {
        found.position = segment.bound_mark.position;
        return Look::found;
    }
    MQ_ASSIGN(const Look look, find(segment, bound, segment.end, found));
    if (look == Look::damaged) return look;
    if (look == Look::nothing) found.position = segment.end;
    segment.bound_mark = {bound, found.position};
    return Look::found;
}

Result<ReadOutcome> RangeReader::read(Offset from, std::uint64_t max_bytes, bool whole_first_batch,
                                      RecordRange& range) {
    // As LogReader::next: each failure means that a writer moved on, unless nothing moved.
    constexpr int kAttempts = 1000;
    std::optional<Error> damage;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        const Generations at = generations_of(*state_);
        const Published now = state_->read();
        const Offset bound = readable_end(*state_, now, isolation_);
        const auto moved = [&] { return generations_of(*state_) != at; };
        if (moved()) continue;
        if (from < now.log_start || from > now.log_end) return ReadOutcome::out_of_range;
        if (from >= bound) return ReadOutcome::end_of_log;
        MQ_ASSIGN(OpenSegment* const segment, segment_of(from, now, at));
        if (segment == nullptr) continue;
        Found found;
        MQ_ASSIGN(Look look, limit_of(*segment, bound, now, found));
        const FilePosition limit = found.position;
        if (look == Look::found) {
            MQ_ASSIGN(look, find(*segment, from, limit, found));
        }
        // Who sends the bytes has promised how many they are before the first of them is read.
        MQ_ASSIGN(const std::uint64_t size_bytes, segment->segment.log_file().size());
        if (look == Look::found && size_bytes < limit.value()) {
            found.damage = Error{Errc::truncated,
                                 "find batch",
                                 segment->segment.log_file().path(),
                                 0,
                                 size_bytes,
                                 "the file ends there, and its batches at byte " + std::to_string(limit.value())};
            look = Look::damaged;
        }
        if (look == Look::nothing) {
            // A batch that the bound lies in is not read.
            if (limit < segment->end) return ReadOutcome::end_of_log;
            if (!segment->is_active && !dense_) {
                from = segment->next_base;
                attempt = -1;
                continue;
            }
            found.damage = Error{Errc::corrupt,
                                 "find batch",
                                 segment->segment.log_file().path(),
                                 0,
                                 limit.value(),
                                 "no batch holds offset " + std::to_string(from.value())};
            look = Look::damaged;
        }
        if (look != Look::found) {
            damage = std::move(found.damage);
            const bool says_nothing = state_->dirty.load() != 0 || moved();
            segments_.forget_listing();
            for (auto& open : open_) open.reset();
            if (!says_nothing) return fail(*std::move(damage));
            continue;
        }
        if (moved()) continue;
        range.file = segment->segment.shared_log_file();
        range.position = found.position;
        range.first_batch_bytes = found.header.size_bytes;
        range.first_offset = found.header.base_offset;
        range.available_bytes = limit - found.position;
        range.size_bytes =
            std::min(std::max(max_bytes, whole_first_batch ? range.first_batch_bytes : 0), range.available_bytes);
        range.is_last_segment = bound < segment->next_base;
        segment->mark(found.header.next_offset(), found.position + found.header.size_bytes);
        if (bound == now.log_end && segment->is_active) segment->mark(bound, limit);
        return ReadOutcome::batch;
    }
    if (damage) return fail(*std::move(damage));
    return fail(Errc::corrupt, "read", segments_.directory(),
                "no segment covers offset " + std::to_string(from.value()));
}

Result<Offset> RangeReader::end_of(const RecordRange& range) {
    BatchScanner scanner{*range.file, range.position, range.position + range.size_bytes, ScanDepth::headers};
    Offset end = range.first_offset;
    ScannedBatch batch;
    for (;;) {
        MQ_ASSIGN(const ScanOutcome outcome, scanner.next(batch));
        if (outcome != ScanOutcome::batch) break;
        end = batch.header.next_offset();
    }
    // The last one may be cut.
    char raw[record::kBatchHeaderBytes];
    MQ_ASSIGN(const std::size_t got, range.file->read_at(raw, scanner.position()));
    if (scanner.position() < range.position + range.size_bytes) {
        if (const auto header = record::parse_batch_header({raw, got})) end = header->next_offset();
    }
    return end;
}

Result<bool> RangeReader::has_aborted_transactions() {
    const Generations at = generations_of(*state_);
    if (state_->read().txn_index_entries > 0) return true;
    if (!at.is_steady()) return true;
    if (asked_for_aborted_at_ == at) return closed_have_aborted_;
    MQ_ASSIGN(const auto listing, list_partition(segments_.directory()));
    closed_have_aborted_ =
        std::ranges::any_of(listing, [](const FileName& file) { return file.kind == FileKind::txn_index; });
    asked_for_aborted_at_ = at;
    return closed_have_aborted_;
}

}  // namespace mq::log
