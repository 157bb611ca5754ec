#include "log/segment_list.h"

#include <algorithm>
#include <array>
#include <utility>

#include "os/kill_point.h"

namespace mq::log {
namespace {

constexpr auto kIndexKinds =
    std::to_array<FileKind>({FileKind::offset_index, FileKind::time_index, FileKind::txn_index});

std::string path_of(const std::string& directory, FileKind kind, Offset base, FileSuffix suffix = FileSuffix::none) {
    return os::join(directory, file_name(kind, base, suffix));
}

struct SwapRange {
    Offset base{0};
    Offset end{0};
};

// [base, next offset) of a finished replacement.
Result<SwapRange> range_of_swap(const std::string& directory, Offset base) {
    MQ_ASSIGN(const Segment swap, Segment::open_for_reading(directory, base, FileSuffix::swap));
    MQ_ASSIGN(const std::uint64_t size, swap.log_file().size());
    MQ_ASSIGN(const Offset end, swap.next_offset(FilePosition{size}));
    return SwapRange{base, end};
}

// The segments that a replacement stands for: those in its range, and the one of its own base offset even if it is
// empty.
bool hides(const SwapRange& swap, Offset base) { return base == swap.base || (base > swap.base && base < swap.end); }

Status rename_if_there(const std::string& from, const std::string& to) {
    MQ_ASSIGN(const bool there, os::exists(from));
    if (!there) return {};
    return os::rename_file(from, to);
}

}  // namespace

Result<PartitionListing> list_partition(const std::string& directory) {
    PartitionListing names;
    MQ_TRY(os::visit_directory(directory, [&names](std::string_view entry, bool is_directory) {
        const FileName name = parse_file_name(entry);
        if (!is_directory && name.kind != FileKind::other) names.push_back(name);
    }));
    std::ranges::sort(names, [](const FileName& a, const FileName& b) {
        return a.offset != b.offset ? a.offset < b.offset : std::pair{a.kind, a.suffix} < std::pair{b.kind, b.suffix};
    });
    return names;
}

Result<std::vector<SegmentName>> list_segments(const std::string& directory) {
    MQ_ASSIGN(const auto names, list_partition(directory));
    return segments_of(directory, names);
}

Result<std::vector<SegmentName>> segments_of(const std::string& directory, const PartitionListing& names) {
    std::vector<SwapRange> swaps;
    for (const auto& name : names) {
        if (name.kind != FileKind::log || name.suffix != FileSuffix::swap) continue;
        MQ_ASSIGN(const SwapRange range, range_of_swap(directory, name.offset));
        swaps.push_back(range);
    }
    std::vector<SegmentName> segments;
    for (const auto& swap : swaps) segments.push_back({swap.base, FileSuffix::swap});
    for (const auto& name : names) {
        if (name.kind != FileKind::log || name.suffix != FileSuffix::none) continue;
        if (std::none_of(swaps.begin(), swaps.end(), [&](const auto& swap) { return hides(swap, name.offset); }))
            segments.push_back({name.offset, FileSuffix::none});
    }
    if (!swaps.empty())
        std::sort(segments.begin(), segments.end(), [](const auto& a, const auto& b) { return a.base < b.base; });
    return segments;
}

Status delete_segment(const std::string& directory, Offset base) {
    MQ_TRY(os::remove_file(path_of(directory, FileKind::log, base)));
    MQ_KILLPOINT("delete_segment.after_log");
    for (const FileKind kind : kIndexKinds) MQ_TRY(os::remove_file(path_of(directory, kind, base)));
    return {};
}

Status publish_replacement(const std::string& directory, Offset first) {
    for (const FileKind kind : kIndexKinds)
        MQ_TRY(rename_if_there(path_of(directory, kind, first, FileSuffix::cleaned),
                               path_of(directory, kind, first, FileSuffix::swap)));
    MQ_KILLPOINT("replace.before_swap");
    MQ_TRY(os::rename_file(path_of(directory, FileKind::log, first, FileSuffix::cleaned),
                           path_of(directory, FileKind::log, first, FileSuffix::swap)));
    MQ_KILLPOINT("replace.after_swap");
    return {};
}

Result<std::size_t> finish_replacements(const std::string& directory) {
    MQ_ASSIGN(const auto names, list_partition(directory));
    std::size_t finished = 0;
    for (const auto& swap_name : names) {
        if (swap_name.kind != FileKind::log || swap_name.suffix != FileSuffix::swap) continue;
        MQ_ASSIGN(const SwapRange swap, range_of_swap(directory, swap_name.offset));
        // No power cut may keep the deletions and forget the new name.
        MQ_TRY(os::sync_directory(directory));
        for (const auto& name : names) {
            if (name.kind != FileKind::log || name.suffix != FileSuffix::none || !hides(swap, name.offset)) continue;
            // Here the .log goes last: while it is there, whoever goes on with this knows of the rest.
            for (const FileKind kind : kIndexKinds) MQ_TRY(os::remove_file(path_of(directory, kind, name.offset)));
            MQ_KILLPOINT("replace.after_old_indexes");
            MQ_TRY(os::remove_file(path_of(directory, FileKind::log, name.offset)));
            MQ_KILLPOINT("replace.after_delete");
        }
        // Under its final name the new segment hides nothing any more: none of the old ones may come back then.
        MQ_TRY(os::sync_directory(directory));
        for (const FileKind kind : kIndexKinds) {
            MQ_TRY(rename_if_there(path_of(directory, kind, swap.base, FileSuffix::swap),
                                   path_of(directory, kind, swap.base)));
            MQ_KILLPOINT("replace.after_index_rename");
        }
        MQ_TRY(os::rename_file(path_of(directory, FileKind::log, swap.base, FileSuffix::swap),
                               path_of(directory, FileKind::log, swap.base)));
        MQ_KILLPOINT("replace.after_log_rename");
        ++finished;
    }
    if (finished > 0) MQ_TRY(os::sync_directory(directory));
    return finished;
}

Result<std::size_t> remove_leftovers(const std::string& directory, const PartitionListing& listing,
                                     std::vector<std::string>& notes) {
    std::vector<Offset> logs;  // live ones and finished replacements; ascending, as the listing is
    std::vector<Offset> swap_logs;
    for (const FileName& name : listing) {
        if (name.kind != FileKind::log) continue;
        if (name.suffix == FileSuffix::none || name.suffix == FileSuffix::swap) logs.push_back(name.offset);
        if (name.suffix == FileSuffix::swap) swap_logs.push_back(name.offset);
    }
    const auto why = [&](const FileName& name) -> std::string_view {
        const bool is_index = std::ranges::find(kIndexKinds, name.kind) != kIndexKinds.end();
        switch (name.suffix) {
            case FileSuffix::deleted:
                return "was waiting for its removal";
            case FileSuffix::cleaned:
                return "an unfinished replacement";
            case FileSuffix::temporary:
                return "half written";
            case FileSuffix::swap:
                return is_index && !std::ranges::binary_search(swap_logs, name.offset)
                           ? "a replacement without its log"
                           : "";
            case FileSuffix::none:
                return is_index && !std::ranges::binary_search(logs, name.offset) ? "an index without its log" : "";
        }
        return {};
    };
    std::size_t removed = 0;
    for (const FileName& name : listing) {
        const std::string_view reason = why(name);
        if (reason.empty()) continue;
        const std::string path = path_of(directory, name.kind, name.offset, name.suffix);
        MQ_TRY(os::remove_file(path));
        notes.push_back("removed " + path + ": " + std::string{reason});
        ++removed;
    }
    return removed;
}

}  // namespace mq::log
