#include "log/offset_index.h"

#include <limits>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "log/index_file.h"

namespace mq::log {
namespace {

// A real entry is never all zeros: the first append of a segment gets none, so its position is not 0.
constexpr bool kFirstMayBeZero = false;

}  // namespace

OffsetIndexEntry decode_offset_index_entry(const char* from, Offset base_offset) {
    return {detail::absolute_offset(base_offset, load_be<std::int32_t>(from)),
            FilePosition{load_be<std::uint32_t>(from + 4)}};
}

void encode_offset_index_entry(char* to, const OffsetIndexEntry& entry, Offset base_offset) {
    MQ_ASSERT(entry.position.value() <= std::uint64_t{std::numeric_limits<std::int32_t>::max()});
    store_be(to, detail::relative_offset(entry.offset, base_offset));
    store_be(to + 4, static_cast<std::int32_t>(entry.position.value()));
}

Result<OffsetIndex> OffsetIndex::open(const std::string& path, Offset base_offset, os::OpenMode mode) {
    OffsetIndex index;
    MQ_ASSIGN(index.file_, os::File::open(path, mode));
    index.base_offset_ = base_offset;
    return index;
}

Result<std::uint32_t> OffsetIndex::count_entries() const {
    return detail::count_index_entries(file_, kOffsetIndexEntryBytes, kFirstMayBeZero);
}

Result<OffsetIndexEntry> OffsetIndex::lookup(Offset target, std::uint32_t entries) const {
    MQ_ASSIGN(const auto found,
              detail::search_index<OffsetIndexEntry, kOffsetIndexEntryBytes>(
                  file_, entries, target.value(), base_offset_.value(),
                  [this](const char* from) { return decode_offset_index_entry(from, base_offset_); },
                  [](const OffsetIndexEntry& e) { return e.offset.value(); }));
    return found.last.value_or(OffsetIndexEntry{base_offset_, FilePosition{0}});
}

Result<OffsetIndexEntry> OffsetIndex::entry(std::uint32_t index) const {
    char raw[kOffsetIndexEntryBytes];
    MQ_TRY(detail::read_index_entries(file_, kOffsetIndexEntryBytes, index, 1, raw));
    return decode_offset_index_entry(raw, base_offset_);
}

Result<std::vector<OffsetIndexEntry>> OffsetIndex::read_all() const {
    MQ_ASSIGN(const std::uint32_t count, count_entries());
    MQ_ASSIGN(const std::string bytes, detail::read_index_bytes(file_, kOffsetIndexEntryBytes, count));
    std::vector<OffsetIndexEntry> entries;
    entries.reserve(count);
    for (std::size_t at = 0; at < bytes.size(); at += kOffsetIndexEntryBytes)
        entries.push_back(decode_offset_index_entry(bytes.data() + at, base_offset_));
    return entries;
}

Status OffsetIndex::write(std::uint32_t index, const OffsetIndexEntry& entry) const {
    char raw[kOffsetIndexEntryBytes];
    encode_offset_index_entry(raw, entry, base_offset_);
    return file_.write_at({raw, sizeof raw}, FilePosition{std::uint64_t{index} * kOffsetIndexEntryBytes});
}

Status OffsetIndex::truncate(std::uint32_t entries) const {
    return detail::truncate_index(file_, kOffsetIndexEntryBytes, entries);
}

Result<std::uint32_t> OffsetIndex::count_below(Offset end, std::uint32_t entries) const {
    if (end <= base_offset_) return 0;
    MQ_ASSIGN(const auto found,
              detail::search_index<OffsetIndexEntry, kOffsetIndexEntryBytes>(
                  file_, entries, end.value() - 1, base_offset_.value(),
                  [this](const char* from) { return decode_offset_index_entry(from, base_offset_); },
                  [](const OffsetIndexEntry& e) { return e.offset.value(); }));
    return found.count;
}

}  // namespace mq::log
