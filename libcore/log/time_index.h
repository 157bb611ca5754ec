// The sparse time index of a segment: largest timestamp so far -> offset. 12 bytes an entry, big-endian: int64
// timestamp, int32 offset - base. Source: org.apache.kafka.storage.internals.log.TimeIndex.
//
// Every record with a larger timestamp than an entry's lies after the entry's offset.
#pragma once

#include <cstdint>
#include <vector>

#include "base/error.h"
#include "base/strong_int.h"
#include "os/file.h"

namespace mq::log {

inline constexpr std::size_t kTimeIndexEntryBytes = 12;

struct TimeIndexEntry {
    TimestampMs timestamp = kNoTimestamp;
    Offset offset{0};
    bool operator==(const TimeIndexEntry&) const = default;
};

[[nodiscard]] TimeIndexEntry decode_time_index_entry(const char* from, Offset base_offset);
void encode_time_index_entry(char* to, const TimeIndexEntry& entry, Offset base_offset);

// An open .timeindex file; threads and locks as in OffsetIndex.
class TimeIndex {
public:
    [[nodiscard]] static Result<TimeIndex> open(const std::string& path, Offset base_offset, os::OpenMode mode);

    [[nodiscard]] Offset base_offset() const { return base_offset_; }
    [[nodiscard]] const os::File& file() const { return file_; }
    [[nodiscard]] Result<std::uint32_t> count_entries() const;
    // The entry with the largest timestamp <= `target` among the first `entries`; {-1, base offset} if there is none.
    [[nodiscard]] Result<TimeIndexEntry> lookup(TimestampMs target, std::uint32_t entries) const;
    [[nodiscard]] Result<TimeIndexEntry> entry(std::uint32_t index) const;
    [[nodiscard]] Result<std::vector<TimeIndexEntry>> read_all() const;
    [[nodiscard]] Status write(std::uint32_t index, const TimeIndexEntry& entry) const;
    [[nodiscard]] Status truncate(std::uint32_t entries) const;
    [[nodiscard]] Result<std::uint32_t> count_below(Offset end, std::uint32_t entries) const;

private:
    os::File file_;
    Offset base_offset_{0};
};

}  // namespace mq::log
