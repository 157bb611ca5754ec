#include "log/reader_segments.h"

#include <algorithm>

namespace mq::log {

void ReaderSegments::use_listing(std::vector<SegmentName> segments) {
    listed_ = std::move(segments);
    listed_at_ = generations_of(*state_);
}

// A directory that is listed during a rename may show neither the old name nor the new one, and the gap would look
// like what compaction leaves. A replacement renames a .log twice, so of three listings one met neither, and where
// all agree each is right. (A writer that died amid the renames leaves the generation odd for good, and the directory
// still.)
Result<bool> ReaderSegments::list_steadily(const Generations& at) {
    if (at.is_steady() && !listed_.empty() && listed_at_ == at) return true;
    constexpr int kListingsInMotion = 3;
    listed_.clear();
    for (int i = 0; i < (at.is_steady() ? 1 : kListingsInMotion); ++i) {
        auto listed = list_segments(directory_);
        if (!listed && listed.error().code != Errc::not_found) return fail(std::move(listed).error());
        if (!listed || (i > 0 && listed_ != *listed)) {
            listed_.clear();
            return false;
        }
        listed_ = std::move(*listed);
    }
    listed_at_ = at;
    if (generations_of(*state_) == at) return true;
    listed_.clear();
    return false;
}

Result<std::optional<ReadableSegment>> ReaderSegments::open(Offset offset, const Published& now,
                                                            const Generations& at) {
    ReadableSegment open;
    open.opened_at = at;
    // The active segment needs no listing: its name is known, and nothing lies behind it.
    if (offset >= now.active_base && at.is_steady()) {
        auto active = Segment::open_for_reading(directory_, now.active_base);
        if (active) {
            open.segment = std::move(*active);
            open.is_active = true;
            open.end = FilePosition{now.active_size_bytes};
            return std::optional{std::move(open)};
        }
        if (active.error().code != Errc::not_found) return fail(std::move(active).error());
    }
    MQ_ASSIGN(const bool steady, list_steadily(at));
    if (!steady) return std::optional<ReadableSegment>{};
    const auto after = std::upper_bound(listed_.begin(), listed_.end(), offset,
                                        [](Offset wanted, const SegmentName& s) { return wanted < s.base; });
    if (after == listed_.begin()) {
        listed_.clear();
        return std::optional<ReadableSegment>{};
    }
    const SegmentName name = *(after - 1);
    auto opened = Segment::open_for_reading(directory_, name.base, name.suffix);
    if (!opened) {
        // Renamed or deleted since it was listed.
        listed_.clear();
        if (opened.error().code == Errc::not_found) return std::optional<ReadableSegment>{};
        return fail(opened.error());
    }
    open.segment = std::move(*opened);
    open.is_active = name.base == now.active_base;
    if (after != listed_.end()) open.next_base = after->base;
    open.end = FilePosition{now.active_size_bytes};
    if (!open.is_active) {
        MQ_ASSIGN(const std::uint64_t size, open.segment.log_file().size());
        open.end = FilePosition{size};
    }
    return std::optional{std::move(open)};
}

}  // namespace mq::log
