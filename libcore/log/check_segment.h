// One .log and its indexes, batch by batch. Private to check*.cc.
#pragma once

#include "log/batch_scanner.h"
#include "log/check.h"
#include "log/offset_index.h"
#include "log/segment.h"
#include "log/time_index.h"

namespace mq::log {

class SegmentCheck {
public:
    SegmentCheck(Checker& checker, const std::string& directory, Offset base, FileSuffix suffix,
                 Checker::History& history);

    [[nodiscard]] Status run();

private:
    // `has_batches`: the .log had some before its indexes were looked for.
    [[nodiscard]] Status load_indexes(bool has_batches);
    // Of an index that is not there: not while a roll makes the segment, nor if retention just took the .log away too.
    [[nodiscard]] bool misses_indexes(bool has_batches) const;
    [[nodiscard]] Status walk(const os::File& file);
    // Of a batch that ends where the file does, too: its bytes may not all have been written.
    [[nodiscard]] Result<TailVerdict> judge_tail(const os::File& file, std::uint64_t position) const;
    // A batch over the limit: its checksum by pieces. `header_bytes` is what follows from its position.
    [[nodiscard]] Status check_large(const os::File& file, const record::BatchHeader& header, std::uint64_t position);
    void check_batch(const ScannedBatch& batch);
    // Header, indexes and epochs: all that needs no payload.
    void check_header(const record::BatchHeader& header, std::uint64_t position);
    void check_offset_entries(const record::BatchHeader& header, std::uint64_t position);
    void check_time_entries(const record::BatchHeader& header);
    void check_epoch(const record::BatchHeader& header, std::uint64_t position);
    [[nodiscard]] std::string records_flaw(const ScannedBatch& batch);
    void replay(const ScannedBatch& batch);
    void check_unused_entries(std::uint64_t end);
    void check_txn_index();
    void found_in_log(const record::BatchHeader& header, std::uint64_t position, std::string text);

    Checker& checker_;
    Checker::History& history_;
    SegmentPaths paths_;
    Offset base_;
    bool sequences_count_ = true;  // a group coordinator numbers each of its transactional appends from 0
    std::uint64_t size_ = 0;       // of the .log
    std::vector<OffsetIndexEntry> offset_entries_;
    std::vector<TimeIndexEntry> time_entries_;
    std::optional<std::vector<AbortedTxn>> txn_entries_;  // nullopt: unreadable
    std::size_t next_offset_entry_ = 0;
    std::size_t next_time_entry_ = 0;
    TimestampMs largest_timestamp_ = kNoTimestamp;
    std::vector<AbortedTxn> aborted_;
    record::RecordReader reader_;
};

}  // namespace mq::log
