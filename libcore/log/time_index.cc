#include "log/time_index.h"

#include <utility>

#include "base/bytes.h"
#include "log/index_file.h"

namespace mq::log {
namespace {

// A segment whose only timestamp is 0, at its base offset, has one entry of zeros. It can only be the first, since
// timestamps increase; in a preallocated file it is taken for the empty tail, and the entry is made again at the
// roll.
constexpr bool kFirstMayBeZero = true;

}  // namespace

TimeIndexEntry decode_time_index_entry(const char* from, Offset base_offset) {
    return {load_be<std::int64_t>(from), detail::absolute_offset(base_offset, load_be<std::int32_t>(from + 8))};
}

void encode_time_index_entry(char* to, const TimeIndexEntry& entry, Offset base_offset) {
    store_be(to, entry.timestamp);
    store_be(to + 8, detail::relative_offset(entry.offset, base_offset));
}

Result<TimeIndex> TimeIndex::open(const std::string& path, Offset base_offset, os::OpenMode mode) {
    TimeIndex index;
    MQ_ASSIGN(index.file_, os::File::open(path, mode));
    index.base_offset_ = base_offset;
    return index;
}

Result<std::uint32_t> TimeIndex::count_entries() const {
    return detail::count_index_entries(file_, kTimeIndexEntryBytes, kFirstMayBeZero);
}

Result<TimeIndexEntry> TimeIndex::lookup(TimestampMs target, std::uint32_t entries) const {
    // The lowest key is not known beforehand, as the base offset of an OffsetIndex is.
    TimestampMs lowest = kNoTimestamp;
    if (entries > 0) {
        MQ_ASSIGN(const TimeIndexEntry first, entry(0));
        if (first.timestamp > target) return TimeIndexEntry{kNoTimestamp, base_offset_};
        lowest = first.timestamp;
    }
    MQ_ASSIGN(const auto found, detail::search_index<TimeIndexEntry, kTimeIndexEntryBytes>(
                                    file_, entries, target, lowest,
                                    [this](const char* from) { return decode_time_index_entry(from, base_offset_); },
                                    [](const TimeIndexEntry& e) { return e.timestamp; }));
    return found.last.value_or(TimeIndexEntry{kNoTimestamp, base_offset_});
}

Result<TimeIndexEntry> TimeIndex::entry(std::uint32_t index) const {
    char raw[kTimeIndexEntryBytes];
    MQ_TRY(detail::read_index_entries(file_, kTimeIndexEntryBytes, index, 1, raw));
    return decode_time_index_entry(raw, base_offset_);
}

Result<std::vector<TimeIndexEntry>> TimeIndex::read_all() const {
    MQ_ASSIGN(const std::uint32_t count, count_entries());
    MQ_ASSIGN(const std::string bytes, detail::read_index_bytes(file_, kTimeIndexEntryBytes, count));
    std::vector<TimeIndexEntry> entries;
    entries.reserve(count);
    for (std::size_t at = 0; at < bytes.size(); at += kTimeIndexEntryBytes)
        entries.push_back(decode_time_index_entry(bytes.data() + at, base_offset_));
    return entries;
}

Status TimeIndex::write(std::uint32_t index, const TimeIndexEntry& entry) const {
    char raw[kTimeIndexEntryBytes];
    encode_time_index_entry(raw, entry, base_offset_);
    return file_.write_at({raw, sizeof raw}, FilePosition{std::uint64_t{index} * kTimeIndexEntryBytes});
}

Status TimeIndex::truncate(std::uint32_t entries) const {
    return detail::truncate_index(file_, kTimeIndexEntryBytes, entries);
}

Result<std::uint32_t> TimeIndex::count_below(Offset end, std::uint32_t entries) const {
    if (end <= base_offset_) return 0;
    MQ_ASSIGN(const auto found, detail::search_index<TimeIndexEntry, kTimeIndexEntryBytes>(
                                    file_, entries, end.value() - 1, base_offset_.value(),
                                    [this](const char* from) { return decode_time_index_entry(from, base_offset_); },
                                    [](const TimeIndexEntry& e) { return e.offset.value(); }));
    return found.count;
}

}  // namespace mq::log
