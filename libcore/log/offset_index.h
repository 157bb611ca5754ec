// The sparse offset index of a segment: offset -> position in the .log. 8 bytes an entry, big-endian: int32 offset -
// base, int32 position. Source: org.apache.kafka.storage.internals.log.OffsetIndex.
//
// An entry holds the last offset of the data appended at its position, so it is a hint where to start a forward scan,
// never where a record is. A reader must find a batch header there that fits, or scan from the start (CONCURRENCY
// APP-5).
#pragma once

#include <cstdint>
#include <vector>

#include "base/error.h"
#include "base/strong_int.h"
#include "os/file.h"

namespace mq::log {

inline constexpr std::size_t kOffsetIndexEntryBytes = 8;

struct OffsetIndexEntry {
    Offset offset{0};
    FilePosition position{0};
    bool operator==(const OffsetIndexEntry&) const = default;
};

// A segment is smaller than 2 GiB. In a file that is not, what lies beyond is found by a scan.
[[nodiscard]] inline bool can_be_indexed(FilePosition position) { return position.value() <= INT32_MAX; }

[[nodiscard]] OffsetIndexEntry decode_offset_index_entry(const char* from, Offset base_offset);
// offset - base_offset and position must fit in 0..2147483647.
void encode_offset_index_entry(char* to, const OffsetIndexEntry& entry, Offset base_offset);

// An open .index file. Reads are safe from several threads; the rest needs the partition's append lock.
class OffsetIndex {
public:
    // A missing file: not_found unless `mode` makes it. Bytes past the last whole entry do not count.
    [[nodiscard]] static Result<OffsetIndex> open(const std::string& path, Offset base_offset, os::OpenMode mode);

    [[nodiscard]] Offset base_offset() const { return base_offset_; }
    [[nodiscard]] const os::File& file() const { return file_; }
    // By the size of the file now, a preallocated tail of zero entries not counted (Kafka preallocates the active
    // one).
    [[nodiscard]] Result<std::uint32_t> count_entries() const;
    // The entry with the largest offset <= `target` among the first `entries`; {base offset, 0} if there is none.
    [[nodiscard]] Result<OffsetIndexEntry> lookup(Offset target, std::uint32_t entries) const;
    // `index` < entries of the file.
    [[nodiscard]] Result<OffsetIndexEntry> entry(std::uint32_t index) const;
    [[nodiscard]] Result<std::vector<OffsetIndexEntry>> read_all() const;
    // Writes entry number `index` (the published count); whatever lay there or after it is overwritten or cut later.
    [[nodiscard]] Status write(std::uint32_t index, const OffsetIndexEntry& entry) const;
    // Exact size again: everything from entry number `entries` on is cut.
    [[nodiscard]] Status truncate(std::uint32_t entries) const;
    // How many of the first `entries` have an offset below `end`: what truncation to `end` leaves.
    [[nodiscard]] Result<std::uint32_t> count_below(Offset end, std::uint32_t entries) const;

private:
    os::File file_;
    Offset base_offset_{0};
};

}  // namespace mq::log
