// The records of control batches: what a transaction coordinator (and KRaft) writes into a partition's log.
// Source of the format: org.apache.kafka.common.record.ControlRecordType and EndTransactionMarker.
#pragma once

#include <array>

#include "record/batch.h"
#include "record/record.h"

namespace mq::record {

enum class ControlType : std::int16_t {
    abort = 0,
    commit = 1,
    leader_change = 2,
    snapshot_header = 3,
    snapshot_footer = 4,
    kraft_version = 5,
    kraft_voters = 6,
};
// "ABORT", "COMMIT", ... as Kafka's tools print them; "UNKNOWN" for any other.
[[nodiscard]] std::string_view to_string(ControlType type);

// Key: int16 version, int16 type. Value of abort and commit: int16 version, int32 coordinator epoch. Versions above 0
// are read as 0.
struct ControlRecord {
    ControlType type = ControlType::abort;  // perhaps one that has no name here: to be ignored
    std::int32_t coordinator_epoch = -1;    // abort and commit only

    [[nodiscard]] bool ends_transaction() const { return type == ControlType::abort || type == ControlType::commit; }
};

// Errors: corrupt (key or value too short or null, a negative version).
[[nodiscard]] Result<ControlRecord> parse_control_record(const RecordView& record);

struct EndTransactionMarker {
    ProducerId producer_id = kNoProducerId;
    ProducerEpoch producer_epoch = -1;
    ControlType type = ControlType::abort;  // or commit
    std::int32_t coordinator_epoch = 0;
    TimestampMs timestamp = kNoTimestamp;
};

// 61 bytes of header and one record of 17.
inline constexpr std::size_t kEndTransactionMarkerBytes = 78;

// The batch that ends a transaction, base offset 0 and leader epoch -1, for the leader to stamp.
[[nodiscard]] std::array<char, kEndTransactionMarkerBytes> encode_end_transaction(const EndTransactionMarker& marker);

}  // namespace mq::record
