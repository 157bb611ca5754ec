#include "log/segment_list.h"

#include <algorithm>
#include <array>
#include <set>

#include "os/kill_point.h"

namespace mq::log {
namespace {

constexpr auto kIndexKinds = std::to_array<FileKind>({FileKind::offset_index, FileKind::time_index, FileKind::txn_index});

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

Result<std::vector<FileName>> list_names(const std::string& directory) {
    MQ_ASSIGN(const auto entries, os::list_directory(directory));
    std::vector<FileName> names;
    for (const auto& entry : entries)
        if (!entry.is_directory) names.push_back(parse_file_name(entry.name));
    return names;
}

// The segments that a replacement stands for: those in its range, and the one of its own base offset even if it is empty.
bool hides(const SwapRange& swap, Offset base) { return base == swap.base || (base > swap.base && base < swap.end); }

Status rename_if_there(const std::string& from, const std::string& to) {
    MQ_ASSIGN(const bool there, os::exists(from));
    if (!there) return {};
    return os::rename_file(from, to);
}

}  // namespace

Result<std::vector<SegmentName>> list_segments(const std::string& directory) {
    MQ_ASSIGN(const auto names, list_names(directory));
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
    // "offset.log" sorts before "offset.log.swap", and names sort as offsets do.
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
    MQ_ASSIGN(const auto names, list_names(directory));
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
            MQ_TRY(rename_if_there(path_of(directory, kind, swap.base, FileSuffix::swap), path_of(directory, kind, swap.base)));
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

Status remove_leftovers(const std::string& directory, std::vector<std::string>& notes) {
    MQ_ASSIGN(const auto entries, os::list_directory(directory));
    std::set<Offset> logs;
    std::set<Offset> swap_logs;
    for (const auto& entry : entries) {
        const FileName name = parse_file_name(entry.name);
        if (name.kind != FileKind::log) continue;
        if (name.suffix == FileSuffix::none) logs.insert(name.offset);
        if (name.suffix == FileSuffix::swap) swap_logs.insert(name.offset);
    }
    for (const auto& entry : entries) {
        if (entry.is_directory) continue;
        const FileName name = parse_file_name(entry.name);
        const bool is_index = std::find(kIndexKinds.begin(), kIndexKinds.end(), name.kind) != kIndexKinds.end();
        std::string_view why;
        if (name.kind == FileKind::other) continue;
        if (name.suffix == FileSuffix::deleted) why = "was waiting for its removal";
        else if (name.suffix == FileSuffix::cleaned) why = "an unfinished replacement";
        else if (name.suffix == FileSuffix::temporary) why = "half written";
        else if (name.suffix == FileSuffix::swap && is_index && !swap_logs.contains(name.offset)) why = "a replacement without its log";
        else if (name.suffix == FileSuffix::none && is_index && !logs.contains(name.offset) && !swap_logs.contains(name.offset))
            why = "an index without its log";
        else continue;
        MQ_TRY(os::remove_file(os::join(directory, entry.name)));
        notes.push_back("removed " + os::join(directory, entry.name) + ": " + std::string{why});
    }
    return {};
}

}  // namespace mq::log
