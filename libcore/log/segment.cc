#include "log/segment.h"

#include <algorithm>

namespace mq::log {

SegmentPaths segment_paths(const std::string& directory, Offset base, FileSuffix suffix) {
    const auto path = [&](FileKind kind) { return os::join(directory, file_name(kind, base, suffix)); };
    return {path(FileKind::log), path(FileKind::offset_index), path(FileKind::time_index), path(FileKind::txn_index)};
}

Result<Segment> Segment::open(const std::string& directory, Offset base, os::OpenMode mode, FileSuffix suffix) {
    const SegmentPaths paths = segment_paths(directory, base, suffix);
    Segment segment;
    segment.base_ = base;
    MQ_ASSIGN(os::File log_file, os::File::open(paths.log, mode));
    segment.log_ = std::make_shared<const os::File>(std::move(log_file));
    MQ_ASSIGN(segment.offset_index_, OffsetIndex::open(paths.offset_index, base, mode));
    MQ_ASSIGN(segment.time_index_, TimeIndex::open(paths.time_index, base, mode));
    return segment;
}

Result<Segment> Segment::open_for_reading(const std::string& directory, Offset base, FileSuffix suffix) {
    const SegmentPaths paths = segment_paths(directory, base, suffix);
    Segment segment;
    segment.base_ = base;
    MQ_ASSIGN(os::File log_file, os::File::open(paths.log, os::OpenMode::read));
    segment.log_ = std::make_shared<const os::File>(std::move(log_file));
    if (auto index = OffsetIndex::open(paths.offset_index, base, os::OpenMode::read))
        segment.offset_index_ = std::move(*index);
    if (auto index = TimeIndex::open(paths.time_index, base, os::OpenMode::read))
        segment.time_index_ = std::move(*index);
    return segment;
}

void Segment::seek(BatchScanner& scanner, Offset offset, FilePosition end) const {
    constexpr FilePosition kStart{0};
    scanner.restart(kStart, end);
    if (!offset_index_) return;
    const auto entries = offset_index_->count_entries();
    if (!entries) return;
    const auto hint = offset_index_->lookup(offset, *entries);
    if (!hint || hint->position == kStart || hint->position >= end) return;
    scanner.restart(hint->position, end);
    ScannedBatch batch;
    const auto outcome = scanner.next(batch);
    bool fits = outcome && *outcome == ScanOutcome::batch && batch.header.base_offset >= base_ &&
                batch.header.base_offset <= offset &&
                record::verify_batch_checksum(batch.bytes, batch.header).has_value();
    // The entry's offset is the last of an append that begins there: a batch with it must follow, or else a base
    // offset, which no CRC covers, is not what it was.
    while (fits && batch.header.last_offset() < hint->offset) {
        const auto more = scanner.next(batch);
        fits = more && *more == ScanOutcome::batch;
    }
    fits = fits && batch.header.base_offset <= hint->offset;
    scanner.restart(fits ? hint->position : kStart, end);
}

FilePosition Segment::scan_start(Offset offset, FilePosition end) const {
    BatchScanner scanner{*log_, FilePosition{0}, end, ScanDepth::units};
    seek(scanner, offset, end);
    return scanner.position();
}

Result<std::optional<ScannedBatch>> Segment::find(Offset offset, FilePosition end) const {
    BatchScanner scanner{*log_, scan_start(offset, end), end, ScanDepth::headers};
    ScannedBatch batch;
    for (;;) {
        MQ_ASSIGN(const ScanOutcome outcome, scanner.next(batch));
        if (outcome == ScanOutcome::corrupt) return fail(scanner.error());
        if (outcome != ScanOutcome::batch) return std::optional<ScannedBatch>{};
        if (batch.header.last_offset() >= offset) {
            batch.bytes = {};  // they die with the scanner
            return std::optional{batch};
        }
    }
}

Result<Offset> Segment::next_offset(FilePosition end) const {
    // The last entry of the index is the nearest to the end; every offset lies above it.
    const Offset last{base_ + INT32_MAX};
    BatchScanner scanner{*log_, scan_start(last, end), end, ScanDepth::headers};
    ScannedBatch batch;
    Offset next = base_;
    for (;;) {
        MQ_ASSIGN(const ScanOutcome outcome, scanner.next(batch));
        if (outcome != ScanOutcome::batch) return next;
        next = batch.header.next_offset();
    }
}

Result<TimestampMs> Segment::largest_timestamp(FilePosition end) const {
    std::uint32_t entries = 0;
    if (time_index_) {
        MQ_ASSIGN(entries, time_index_->count_entries());
    }
    return largest_time(end, entries).map([](const TimeIndexEntry& largest) { return largest.timestamp; });
}

Result<TimeIndexEntry> Segment::largest_time(FilePosition end, std::uint32_t entries) const {
    TimeIndexEntry largest{kNoTimestamp, kNoOffset};
    FilePosition from{0};
    if (time_index_ && entries > 0) {
        MQ_ASSIGN(const TimeIndexEntry last, time_index_->entry(entries - 1));
        const auto batch = find(last.offset, end);
        if (batch && *batch && (*batch)->header.max_timestamp == last.timestamp) {
            largest = last;
            from = (*batch)->end();
        }
    }
    // An index that lost its tail still ends with a true entry, so what follows that entry's batch is looked at: as a
    // rule little, for the largest timestamp comes last.
    BatchScanner scanner{*log_, from, end, ScanDepth::headers};
    ScannedBatch batch;
    for (;;) {
        MQ_ASSIGN(const ScanOutcome outcome, scanner.next(batch));
        if (outcome == ScanOutcome::end) return largest;
        if (outcome == ScanOutcome::corrupt) return fail(scanner.error());
        if (outcome == ScanOutcome::torn_tail)
            return fail(Errc::truncated, "read batch", log_->path(), "the segment ends inside a batch",
                        scanner.position().value());
        if (batch.header.max_timestamp > largest.timestamp)
            largest = {batch.header.max_timestamp, batch.header.last_offset()};
    }
}

}  // namespace mq::log
