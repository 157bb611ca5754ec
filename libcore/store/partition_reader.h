// Reads one partition, and waits for more, without ever waiting for a writer.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "log/checkpoint_file.h"
#include "log/log.h"
#include "log/log_reader.h"
#include "log/range_reader.h"
#include "store/partition_writer.h"

namespace mq::store {

// The .log file of one segment.
struct SegmentInfo {
    Offset base{0};
    std::uint64_t size_bytes = 0;
    std::int64_t modified_ms = 0;
};

// One reader a thread. Where the shared state knows the partition it takes no lock. Where it does not (nobody used it
// since the machine started) the reader brings it up if it can at once, else reads the files for itself: then it
// stops at the first batch that does not verify (DIR-9).
class PartitionReader {
public:
    ~PartitionReader();
    PartitionReader(const PartitionReader&) = delete;
    PartitionReader& operator=(const PartitionReader&) = delete;

    [[nodiscard]] const log::TopicPartition& id() const;
    // A directory without a segment has all bounds 0.
    // Errors: not_found: the topic was deleted, or deleted and made again (the detail says which).
    [[nodiscard]] Result<Bounds> bounds();
    // What is read between two equal answers is of one log. `use` is 0 where the files are read without what is
    // shared, and then it is also another life when they have changed.
    [[nodiscard]] Life life() const;

    // As LogReader.
    void seek(Offset offset);
    [[nodiscard]] Offset position() const;
    void set_verify_checksum(bool verify);
    // Errors: not_found as bounds(); corrupt and truncated with file and byte. The batch's bytes are valid until the
    // next call of this.
    [[nodiscard]] Result<log::ReadOutcome> next(log::ScannedBatch& batch);

    // As RangeReader::read; beside next(), whose position it neither needs nor moves. Errors: as next().
    [[nodiscard]] Result<log::ReadOutcome> read_range(Offset from, std::uint64_t max_bytes, bool whole_first_batch,
                                                      log::RecordRange& range);
    // Those that a reader of the range from `from` on must know (TXN-36); in no time where there are none at all.
    [[nodiscard]] Result<std::vector<log::AbortedTxn>> aborted_in(const log::RecordRange& range, Offset from);

    [[nodiscard]] Result<std::optional<log::TimestampOffset>> find_timestamp(TimestampMs timestamp);
    // The record with the largest timestamp; nullopt in an empty log.
    [[nodiscard]] Result<std::optional<log::TimestampOffset>> max_timestamp();
    [[nodiscard]] Result<std::vector<log::AbortedTxn>> aborted_transactions(Offset from, Offset end);
    [[nodiscard]] Result<log::LeaderEpochs> leader_epochs();
    [[nodiscard]] Result<std::uint64_t> size_bytes();  // of its segments' .log files
    [[nodiscard]] Result<std::vector<SegmentInfo>> segments();  // ascending

    // Damage that bringing the partition up came upon, where this reader did it; what lies behind it is not read.
    [[nodiscard]] const log::RecoveryReport& recovery() const;

private:
    friend class DataDirectory;
    friend class Waiter;
    struct Impl;
    explicit PartitionReader(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// Sleeps until one of several readers may have more to read.
class Waiter {
public:
    // `interrupt`: a word that a signal handler raises from 0; the sleep ends then, however the signal came.
    explicit Waiter(const std::atomic<std::uint32_t>* interrupt = nullptr);

    // Waits end also when `word` no longer holds `expected`, for instance that of a group's member (nullptr: no
    // longer). It must outlive this, and whoever changes it wakes it.
    void watch(const std::atomic<std::uint32_t>* word, std::uint32_t expected);

    // Returns at once if a reader's bound lies above its position, its topic went away, or the interrupt is raised;
    // else after a wake-up, or `timeout_ms` (-1: for ever). A short spin first (not on one core), then a futex; no
    // sleep is longer than 500 ms at a stretch (PUB-5). True unless the time passed. `catalogue`: also wakes when
    // topics or settings change.
    [[nodiscard]] Result<bool> wait(std::span<PartitionReader* const> readers, int timeout_ms,
                                    bool catalogue = false);

private:
    const std::atomic<std::uint32_t>* interrupt_;
    const std::atomic<std::uint32_t>* watched_ = nullptr;
    std::uint32_t expected_ = 0;
};

}  // namespace mq::store
