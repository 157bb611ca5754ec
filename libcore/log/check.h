// Verifies what lies in a partition or data directory, changing nothing: batches and records, indexes against the
// log, producer snapshots, checkpoints.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "log/checkpoint_file.h"
#include "log/leader_epochs.h"
#include "log/producer_state.h"
#include "log/segment_files.h"
#include "log/txn_index.h"
#include "record/record.h"

namespace mq::log {

// What is verified, as bits.
enum CheckPart : unsigned {
    kCheckIndex = 1,      // .index against the log
    kCheckTime = 2,       // .timeindex against the log
    kCheckTxn = 4,        // .txnindex against the markers in the log
    kCheckCrc = 8,        // checksums of batches, and of messages inside older wrappers
    kCheckOffsets = 16,   // records: lengths, offsets, timestamps; leader epochs; checkpoints
    kCheckProducer = 32,  // sequences of producers, snapshots
};
inline constexpr unsigned kCheckAll = 63;

// Something wrong, and where.
struct Finding {
    std::string file;
    std::optional<std::uint64_t> position;  // byte in the file
    std::optional<Offset> offset;           // of the batch, entry or checkpoint
    std::uint64_t bytes = 0;                // how many are concerned; 0: not a matter of bytes
    std::string text;                       // without a full stop
};

// What bytes at the end of a .log are that make no valid batch. Whoever knows of other processes says it (DMP-1).
enum class TailVerdict : unsigned char {
    damage,
    read_again,  // what is there now may be whole
    in_flight    // being written: nothing is said of them
};

// `position` is where they begin, `next` the least offset that a batch there would have.
using JudgeTail = std::function<Result<TailVerdict>(const os::File& log_file, FilePosition position, Offset next)>;

struct CheckOptions {
    unsigned parts = kCheckAll;
    JudgeTail judge_tail;                                      // empty: damage
    std::uint64_t unit_limit_bytes = std::uint64_t{16} << 20;  // of larger batches only the checksum is verified
    std::size_t decompressed_limit_bytes = std::size_t{40} << 20;
};

struct CheckTotals {
    std::uint64_t files = 0;
    std::uint64_t batches = 0;
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;
    std::uint64_t findings = 0;
    std::uint64_t unread_batches = 0;  // over a limit: their records were not looked at
};

// Every call adds to the totals and reports findings as they are met; a Status is a failed system call, or a file
// that is none of a log directory (unsupported). Not thread-safe. Memory: one batch and its decompressed form, and
// one segment's indexes.
class Checker {
public:
    using Report = std::function<void(const Finding&)>;

    Checker(const CheckOptions& options, Report report) : options_(options), report_(std::move(report)) {}

    // One file of any kind; an index or a .log with its segment.
    [[nodiscard]] Status check_file(const std::string& path);
    // A .log and the three indexes beside it.
    [[nodiscard]] Status check_segment(const std::string& directory, Offset base,
                                       FileSuffix suffix = FileSuffix::none);
    // All segments in order, what holds between them, snapshots, leader-epoch-checkpoint, partition.metadata.
    [[nodiscard]] Status check_partition(const std::string& directory);
    // All partitions, and the checkpoints of the directory against them.
    [[nodiscard]] Status check_data_directory(const std::string& directory);

    [[nodiscard]] const CheckTotals& totals() const { return totals_; }

private:
    friend class SegmentCheck;

    // What one segment leaves to the next.
    struct History {
        Offset next_offset{0};
        LeaderEpoch leader_epoch = -1;
        std::optional<LeaderEpochs> epochs;  // nullopt: no usable leader-epoch-checkpoint
        ProducerState producers;
        bool in_partition = false;     // then the indexes must be there
        bool producers_known = false;  // complete since the start of the log, without gaps
    };

    [[nodiscard]] bool wants(unsigned part) const { return (options_.parts & part) != 0; }
    void found(std::string file, std::optional<std::uint64_t> position, std::optional<Offset> offset,
               std::uint64_t bytes, std::string text);
    [[nodiscard]] Status check_segment(const std::string& directory, Offset base, FileSuffix suffix,
                                       History& history);
    [[nodiscard]] Status check_snapshot(const std::string& path, Offset offset, const History* history);
    [[nodiscard]] Status check_epoch_checkpoint(const std::string& path, std::optional<LeaderEpochs>& epochs);
    [[nodiscard]] Status check_text_file(const std::string& path);
    [[nodiscard]] Result<Offset> check_partition_to(const std::string& directory);

    CheckOptions options_;
    Report report_;
    CheckTotals totals_;
};

}  // namespace mq::log
