// Walks a segment's batches, keeps the valid ones, and builds its indexes anew: what opening does after a crash, and what
// rebuilding an index is. Rules REC-1 of the concurrency contract; source: org.apache.kafka.storage.internals.log.LogSegment.recover.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "log/leader_epochs.h"
#include "log/log_config.h"
#include "log/producer_state.h"
#include "log/segment.h"

namespace mq::log {

// Where the walk begins. Default: the start of the segment, with empty indexes.
struct RecoveryStart {
    FilePosition position{0};
    std::optional<Offset> next_offset;     // the least that the first batch may begin at; default: the base
    std::uint32_t offset_index_entries = 0;  // that are kept
    std::uint32_t time_index_entries = 0;
    std::uint32_t txn_index_entries = 0;
};

struct SegmentRecovery {
    FilePosition valid_end{0};             // the .log is good up to here
    Offset next_offset{0};
    std::uint64_t file_bytes = 0;          // of the .log as it was found
    std::uint32_t offset_index_entries = 0;
    std::uint32_t time_index_entries = 0;
    std::uint32_t txn_index_entries = 0;
    TimestampMs max_timestamp = kNoTimestamp;
    Offset offset_of_max_timestamp = kNoOffset;
    std::uint64_t batches = 0;
    std::string damage;                    // empty if valid_end is the end of the file
    bool valid_batch_follows = false;      // after the damage

    [[nodiscard]] std::uint64_t lost_bytes() const { return file_bytes - valid_end.value(); }
};

struct RecoverySink {
    ProducerState* producers = nullptr;  // updated batch by batch
    LeaderEpochs* epochs = nullptr;      // a newer epoch of a batch is taken over
};

// The walk alone: nothing is written unless `write_indexes`, and then only the three indexes, to the files of `suffix`. The .log
// is never changed here. Errors are failed system calls; damage is part of the result.
[[nodiscard]] Result<SegmentRecovery> recover_segment(const std::string& directory, Offset base, const LogConfig& config,
                                                      const RecoveryStart& start, const RecoverySink& sink,
                                                      bool write_indexes, FileSuffix suffix = FileSuffix::none);

// Whether a batch that verifies, of at most 16 MiB, begins anywhere in [from, end) with an offset of at least `min_offset`.
[[nodiscard]] Result<bool> valid_batch_follows(const os::File& file, FilePosition from, FilePosition end, Offset min_offset);

// Copies bytes [from, end) of `source` to the new file `path`, and makes it durable.
[[nodiscard]] Status copy_range(const os::File& source, FilePosition from, FilePosition end, const std::string& path);

// Feeds one batch to the producer state; a transaction that it aborts is returned for the .txnindex.
[[nodiscard]] Result<std::optional<AbortedTxn>> replay_batch(const ScannedBatch& batch, ProducerState& producers);

}  // namespace mq::log
