// What a partition knows of its idempotent and transactional producers: a function of the log.
// Rules IDM-*, TXN-29 to TXN-32 of Kafka's semantics; source:
// org.apache.kafka.storage.internals.log.ProducerStateManager, ProducerAppendInfo.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/strong_int.h"
#include "log/txn_index.h"
#include "record/batch.h"

namespace mq::log {

// Metadata of one appended batch of a producer.
struct ProducerBatch {
    std::int32_t last_sequence = -1;
    Offset last_offset = kNoOffset;
    std::int32_t offset_delta = 0;
    TimestampMs timestamp = kNoTimestamp;

    [[nodiscard]] Offset first_offset() const { return last_offset - offset_delta; }
    [[nodiscard]] std::int32_t first_sequence() const;  // last - delta with the wrap at 2147483647; -1 stays
    bool operator==(const ProducerBatch&) const = default;
};

struct ProducerEntry {
    static constexpr std::size_t kCachedBatches = 5;

    ProducerId producer_id = kNoProducerId;
    ProducerEpoch producer_epoch = -1;
    std::vector<ProducerBatch> batches;  // the newest last, at most kCachedBatches
    std::int32_t coordinator_epoch = -1;
    Offset current_txn_first_offset = kNoOffset;
    TimestampMs last_timestamp = kNoTimestamp;

    [[nodiscard]] std::int32_t last_sequence() const { return batches.empty() ? -1 : batches.back().last_sequence; }
    [[nodiscard]] Offset last_data_offset() const { return batches.empty() ? kNoOffset : batches.back().last_offset; }
    [[nodiscard]] bool is_empty() const { return batches.empty(); }
    bool operator==(const ProducerEntry&) const = default;
};

// A transaction that ended at a marker.
struct CompletedTxn {
    ProducerId producer_id = kNoProducerId;
    Offset first_offset{0};
    Offset last_offset{0};  // of the marker
    bool aborted = false;
};

enum class AppendOrigin : unsigned char {
    client,       // duplicates, epochs and sequences are checked
    coordinator,  // epochs only
    replay,       // nothing: the log is the truth
};

// Not thread-safe. Value semantics: a copy is a snapshot. An append that fails is undone cheaper: keep a copy of the
// entries it touches (find), then restore() them.
class ProducerState {
public:
    // Of a batch that is about to be appended, before an offset is assigned: nullopt = go on, a batch = it is a
    // duplicate of that one. Of a control batch only the epoch is checked. `header` has a producer id. Errors:
    // fenced (IDM-4), out_of_order (IDM-5, 7; client data without a sequence), bad_argument (TXN-32).
    [[nodiscard]] Result<std::optional<ProducerBatch>> check(const record::BatchHeader& header,
                                                             AppendOrigin origin) const;

    // Takes in a data batch that has its offsets, whatever check() would say. Control batches: complete().
    void update(const record::BatchHeader& header);
    // Takes in a transaction marker; nullopt if no transaction of that producer was open.
    std::optional<CompletedTxn> complete(const record::BatchHeader& header, bool aborted,
                                         std::int32_t coordinator_epoch);

    // First offset of the oldest open transaction, the last stable offset's bound; nullopt if none is open.
    [[nodiscard]] std::optional<Offset> first_unstable_offset() const;
    // The same if transaction `except` were over: what an .txnindex entry records.
    [[nodiscard]] std::optional<Offset> first_unstable_offset_without(ProducerId except) const;

    // Drops entries without an open transaction whose last write is `expiration_ms` old or older.
    void expire(TimestampMs now, std::int64_t expiration_ms);

    [[nodiscard]] const std::map<ProducerId, ProducerEntry>& entries() const { return entries_; }
    [[nodiscard]] const ProducerEntry* find(ProducerId id) const;
    void insert(ProducerEntry entry);
    // The state of `id` before some change: what find() gave then, nullopt if it gave nothing.
    void restore(ProducerId id, std::optional<ProducerEntry> before);
    void clear();
    bool operator==(const ProducerState&) const = default;

private:
    void close_transaction(ProducerEntry& entry);

    std::map<ProducerId, ProducerEntry> entries_;
    // The open transactions of entries_, by first offset: the oldest is asked for at every append.
    std::set<std::pair<Offset, ProducerId>> open_;
};

}  // namespace mq::log
