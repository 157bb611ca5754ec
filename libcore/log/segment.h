// The files of one segment, open together.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "log/batch_scanner.h"
#include "log/offset_index.h"
#include "log/segment_files.h"
#include "log/time_index.h"

namespace mq::log {

struct SegmentPaths {
    std::string log;
    std::string offset_index;
    std::string time_index;
    std::string txn_index;
};
[[nodiscard]] SegmentPaths segment_paths(const std::string& directory, Offset base,
                                         FileSuffix suffix = FileSuffix::none);

// The .log of a segment and its two indexes. Reading is safe from several threads.
class Segment {
public:
    // Opens what is there; a missing index is not_found. `mode` create_truncate begins an empty segment.
    [[nodiscard]] static Result<Segment> open(const std::string& directory, Offset base, os::OpenMode mode,
                                              FileSuffix suffix = FileSuffix::none);
    // The .log, and the indexes as far as they exist: for readers, to whom an index is only a hint.
    [[nodiscard]] static Result<Segment> open_for_reading(const std::string& directory, Offset base,
                                                          FileSuffix suffix = FileSuffix::none);

    [[nodiscard]] Offset base() const { return base_; }
    [[nodiscard]] const os::File& log_file() const { return *log_; }
    // Stays open and readable when this object is gone, and the file deleted.
    [[nodiscard]] const std::shared_ptr<const os::File>& shared_log_file() const { return log_; }
    [[nodiscard]] const std::optional<OffsetIndex>& offset_index() const { return offset_index_; }
    [[nodiscard]] const std::optional<TimeIndex>& time_index() const { return time_index_; }

    // Start of the first unit that holds `offset` or lies after it, below byte `end`; nullopt if all lie before it.
    // The index is a hint: where it leads must stand a batch that verifies and begins at or below `offset`.
    [[nodiscard]] Result<std::optional<ScannedBatch>> find(Offset offset, FilePosition end) const;
    // Leaves a scanner of this segment's .log (of ScanDepth::units) where scan_start says, what it had to read kept
    // in memory.
    void seek(BatchScanner& scanner, Offset offset, FilePosition end) const;
    // A position at or before `offset` from which a scan may start; 0 where the index is missing or lies.
    [[nodiscard]] FilePosition scan_start(Offset offset, FilePosition end) const;
    // The offset after the last whole unit below `end`; base() if there is none.
    [[nodiscard]] Result<Offset> next_offset(FilePosition end) const;
    // The largest timestamp: by the last time index entry, held against the batch that it names, and a walk of the
    // headers behind it; of all headers if it does not fit. kNoTimestamp for a segment without timestamps.
    // corrupt and truncated where the walk meets damage.
    [[nodiscard]] Result<TimestampMs> largest_timestamp(FilePosition end) const;
    // The same with its last offset, by the first `entries` of the time index.
    [[nodiscard]] Result<TimeIndexEntry> largest_time(FilePosition end, std::uint32_t entries) const;

private:
    std::shared_ptr<const os::File> log_ = std::make_shared<const os::File>();
    Offset base_{0};
    std::optional<OffsetIndex> offset_index_;
    std::optional<TimeIndex> time_index_;
};

}  // namespace mq::log
