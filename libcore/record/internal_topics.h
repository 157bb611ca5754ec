// The records of __consumer_offsets and __transaction_state: Kafka's schemas as structs.
// Source of the format: the schema files of Kafka's group-coordinator and transaction-coordinator modules.
// Every key and value starts with an int16 version. A null value is a tombstone; the callers handle it.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/strong_int.h"

namespace mq::record {

// Partition of both topics that a group or transactional id belongs to: abs(hash) mod partitions, where hash is
// Java's String.hashCode and abs(-2^31) is 0. Of 50 partitions: "my-group" 12, "billing" 9.
[[nodiscard]] std::int32_t partition_for_id(std::string_view id, std::int32_t partitions);

// ---- __consumer_offsets

struct OffsetCommitKey {
    std::int16_t version = 1;  // 0 or 1, the same layout
    std::string group;
    std::string topic;
    std::int32_t partition = 0;
    bool operator==(const OffsetCommitKey&) const = default;
};
struct GroupMetadataKey {
    std::int16_t version = 2;
    std::string group;
    bool operator==(const GroupMetadataKey&) const = default;
};
// Of a later release: to be skipped.
struct UnknownKey {
    std::int16_t version = 0;
    bool operator==(const UnknownKey&) const = default;
};
using OffsetsKey = std::variant<OffsetCommitKey, GroupMetadataKey, UnknownKey>;

struct OffsetCommitValue {
    std::int16_t version = 3;  // 0 to 4; what encode() writes
    std::int64_t offset = 0;
    LeaderEpoch leader_epoch = -1;  // since version 3
    std::string metadata;
    TimestampMs commit_timestamp = kNoTimestamp;
    TimestampMs expire_timestamp = kNoTimestamp;  // version 1 only
    bool operator==(const OffsetCommitValue&) const = default;
};

struct GroupMember {
    std::string member_id;
    std::optional<std::string> group_instance_id;  // since version 3
    std::string client_id;
    std::string client_host;
    std::int32_t rebalance_timeout_ms = -1;  // since version 1; version 0: the session timeout
    std::int32_t session_timeout_ms = 0;
    std::string subscription;  // bytes of the group's protocol type; see consumer_protocol.h
    std::string assignment;
    bool operator==(const GroupMember&) const = default;
};
struct GroupMetadataValue {
    std::int16_t version = 3;  // 0 to 4
    std::string protocol_type;
    std::int32_t generation = 0;
    std::optional<std::string> protocol;
    std::optional<std::string> leader;
    TimestampMs current_state_timestamp = kNoTimestamp;  // since version 2
    std::vector<GroupMember> members;
    bool operator==(const GroupMetadataValue&) const = default;
};

// ---- __transaction_state

struct TransactionKey {
    std::string transactional_id;
    bool operator==(const TransactionKey&) const = default;
};
using TransactionStateKey = std::variant<TransactionKey, UnknownKey>;

enum class TransactionStatus : std::int8_t {
    empty = 0,
    ongoing = 1,
    prepare_commit = 2,
    prepare_abort = 3,
    complete_commit = 4,
    complete_abort = 5,
    dead = 6,
    prepare_epoch_fence = 7,
};
// "Empty", "Ongoing", "PrepareCommit", ...; "Unknown" for any other.
[[nodiscard]] std::string_view to_string(TransactionStatus status);

struct TopicPartitions {
    std::string topic;
    std::vector<std::int32_t> partitions;
    static void fields(auto& io, auto& m) {
        io("Topic", m.topic);
        io("Partitions", m.partitions);
    }
    bool operator==(const TopicPartitions&) const = default;
};
struct TransactionValue {
    std::int16_t version = 0;  // 0 or 1
    ProducerId producer_id = kNoProducerId;
    ProducerEpoch producer_epoch = -1;
    std::int32_t timeout_ms = 0;
    TransactionStatus status = TransactionStatus::empty;     // perhaps one that has no name here
    std::optional<std::vector<TopicPartitions>> partitions;  // null in state empty
    TimestampMs last_update_timestamp = kNoTimestamp;
    TimestampMs start_timestamp = kNoTimestamp;
    bool operator==(const TransactionValue&) const = default;
};

// Errors: corrupt (lengths, bytes left over), unsupported (a later version of a value).
[[nodiscard]] Result<OffsetsKey> parse_offsets_key(ByteView key);
[[nodiscard]] Result<OffsetCommitValue> parse_offset_commit_value(ByteView value);
[[nodiscard]] Result<GroupMetadataValue> parse_group_metadata_value(ByteView value);
[[nodiscard]] Result<TransactionStateKey> parse_transaction_key(ByteView key);
[[nodiscard]] Result<TransactionValue> parse_transaction_value(ByteView value);

// The bytes of a key or value in the version that it names. The caller keeps strings below 32 KiB.
[[nodiscard]] std::string encode(const OffsetCommitKey& key);
[[nodiscard]] std::string encode(const GroupMetadataKey& key);
[[nodiscard]] std::string encode(const OffsetCommitValue& value);
[[nodiscard]] std::string encode(const GroupMetadataValue& value);
[[nodiscard]] std::string encode(const TransactionKey& key);
[[nodiscard]] std::string encode(const TransactionValue& value);

}  // namespace mq::record
