// What compaction keeps of one batch. Private to the cleaner. Source of the rules:
// org.apache.kafka.common.record.MemoryRecords (filterTo) and kafka.log.Cleaner, release 3.9.
//
// A batch of magic 0 or 1 is kept or dropped whole where that is right for all its records. A compressed one that
// loses some of them becomes a batch of magic 2, the only kind that mq writes: left whole, it would bring a deleted
// key back to life once the key's tombstone is gone.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "log/batch_scanner.h"
#include "log/offset_map.h"
#include "log/producer_state.h"
#include "record/batch_builder.h"
#include "record/control_record.h"
#include "record/record.h"

namespace mq::log {

// now + delta, where a setting of "for ever" stays for ever.
[[nodiscard]] TimestampMs add_saturating(TimestampMs time, std::int64_t delta);

// Which batches belong to aborted transactions, and which transactions have left batches between the start of the
// walk and their marker. The batches of a walk come in offset order, from the first segment on.
class TransactionWalk {
public:
    // All aborted transactions that overlap the walk.
    explicit TransactionWalk(const std::vector<AbortedTxn>& aborted);

    // True if the records of this data batch were aborted.
    bool on_data(const record::BatchHeader& header);

    struct Marker {
        bool ends_transaction = false;
        bool batches_seen = false;          // of its transaction; a marker without any is of no more use
        std::optional<AbortedTxn> aborted;  // what readers still need of the .txnindex
    };
    // Errors: corrupt, where an abort with batches is in no .txnindex: what it aborted cannot be told from what was
    // committed.
    [[nodiscard]] Result<Marker> on_marker(const record::BatchHeader& header,
                                           const std::optional<record::ControlRecord>& control);

private:
    [[nodiscard]] const AbortedTxn* find(ProducerId producer, Offset offset) const;

    std::map<ProducerId, std::vector<AbortedTxn>> aborted_;  // by last offset
    std::set<ProducerId> seen_;
};

// The control record of a control batch; nullopt where compaction has emptied it.
[[nodiscard]] Result<std::optional<record::ControlRecord>> control_of(record::RecordReader& reader, ByteView unit);

struct FilterRules {
    const OffsetMap* latest = nullptr;
    Offset map_end{0};  // records from here on are kept whatever their key
    TimestampMs now = 0;
    std::int64_t delete_retention_ms = 0;
    std::size_t decompressed_limit = record::kDefaultDecompressedLimit;
};

struct FilterCounts {
    std::uint64_t records_read = 0;
    std::uint64_t records_kept = 0;
    std::uint64_t keyless_dropped = 0;
    std::uint64_t tombstones_dropped = 0;  // the latest of their key, and due
    std::uint64_t markers_dropped = 0;
};

// Not thread-safe. Memory: one batch decompressed, one rebuilt, and a bit a record.
class BatchFilter {
public:
    // `producers`: those that are active; their last batches keep their headers.
    BatchFilter(const FilterRules& rules, const ProducerState& producers, const std::vector<AbortedTxn>& aborted)
        : rules_(rules), producers_(&producers), transactions_(aborted), reader_(rules.decompressed_limit) {}

    // The bytes that take the place of the unit: the unit itself (the same pointer) if nothing is to be changed,
    // empty if it goes. Valid until the next call. `keep_legacy_tombstones`: of a segment too young to lose those of
    // magic 0 and 1. Errors: corrupt, truncated, too_large, without a subject.
    [[nodiscard]] Result<ByteView> filter(const ScannedBatch& batch, bool keep_legacy_tombstones);

    [[nodiscard]] const FilterCounts& counts() const { return counts_; }
    // Aborted transactions whose markers came by since the last call, and whose batches did too.
    [[nodiscard]] std::vector<AbortedTxn> take_aborted() { return std::exchange(aborted_, {}); }

private:
    struct Verdict;
    [[nodiscard]] Result<Verdict> judge(const ScannedBatch& batch);
    [[nodiscard]] bool keeps(const record::RecordView& record, const record::BatchHeader& header,
                             bool keep_legacy_tombstones);
    [[nodiscard]] bool is_last_of_producer(const record::BatchHeader& header) const;
    [[nodiscard]] Result<ByteView> rebuild(const ScannedBatch& batch, bool set_horizon);

    FilterRules rules_;
    const ProducerState* producers_;
    TransactionWalk transactions_;
    record::RecordReader reader_;
    record::BatchBuilder builder_;
    std::vector<bool> kept_;  // of the records of the batch at hand
    std::vector<record::Header> headers_;
    std::vector<AbortedTxn> aborted_;
    FilterCounts counts_;
};

}  // namespace mq::log
