// The records of __consumer_offsets and __transaction_state. Source of the schemas: Kafka 3.9, group-coordinator and
// transaction-coordinator; those of 2.4 are their lower versions.
#pragma once

#include <optional>

#include "mq-dump-segment/record_schema.h"

namespace mq::dump {

// Every view points into the key and value that were read.
struct CoordinatorRecord {
    std::int16_t key_version = 0;
    std::string_view type;  // "OffsetCommit", "GroupMetadata", ...
    Value key;
    std::int16_t value_version = 0;
    std::optional<Value> value;  // nullopt: a tombstone
};

// Errors: unsupported (a version this build does not know), corrupt.
[[nodiscard]] Result<CoordinatorRecord> read_offsets_record(ByteView key, const NullableBytes& value);
[[nodiscard]] Result<CoordinatorRecord> read_txn_record(ByteView key, const NullableBytes& value);

// The version that begins a key; nullopt if it is shorter.
[[nodiscard]] std::optional<std::int16_t> key_version_of(ByteView key);

// Replaces the subscription and assignment of every member of a consumer group by what their bytes say, where they
// can be read.
void open_member_protocols(Value& group_metadata);

// A member's assignment.
[[nodiscard]] Result<Value> read_assignment(ByteView bytes);

// "Empty", "Ongoing", ...; nullptr for a status that does not exist.
[[nodiscard]] const char* transaction_state_name(std::int64_t status);

}  // namespace mq::dump
