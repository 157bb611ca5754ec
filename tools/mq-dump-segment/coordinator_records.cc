#include "mq-dump-segment/coordinator_records.h"

#include <array>

namespace mq::dump {
namespace {

using enum FieldType;

constexpr Field kGroup[] = {{"group", string}};
constexpr Field kGroupId[] = {{"groupId", string}};
constexpr Field kGroupMember[] = {{"groupId", string}, {"memberId", string}};
constexpr Field kOffsetCommitKey[] = {{"group", string}, {"topic", string}, {"partition", int32}};
constexpr Field kOffsetCommitValue[] = {
    {"offset", int64},
    {"leaderEpoch", int32, 3},
    {"metadata", string},
    {"commitTimestamp", int64},
    {.name = "expireTimestamp", .type = int64, .since = 1, .until = 1},
};
constexpr Field kMember[] = {
    {"memberId", string},           {.name = "groupInstanceId", .type = string, .since = 3, .nullable_since = 3},
    {"clientId", string},           {"clientHost", string},
    {"rebalanceTimeout", int32, 1}, {"sessionTimeout", int32},
    {"subscription", bytes},        {"assignment", bytes},
};
constexpr Field kGroupMetadataValue[] = {
    {"protocolType", string},
    {"generation", int32},
    {.name = "protocol", .type = string, .nullable_since = 0},
    {.name = "leader", .type = string, .nullable_since = 0},
    {"currentStateTimestamp", int64, 2},
    {.name = "members", .type = object, .is_array = true, .fields = kMember},
};
constexpr Field kEpoch[] = {{"epoch", int32}};
constexpr Field kPartitionRacks[] = {{"partition", int32}, {"racks", string, 0, true}};
constexpr Field kTopicMetadata[] = {
    {"topicId", uuid},
    {"topicName", string},
    {"numPartitions", int32},
    {.name = "partitionMetadata", .type = object, .is_array = true, .fields = kPartitionRacks},
};
constexpr Field kPartitionMetadataValue[] = {
    {.name = "topics", .type = object, .is_array = true, .fields = kTopicMetadata}};
constexpr Field kClassicProtocol[] = {{"name", string}, {"metadata", bytes}};
constexpr Field kClassicMember[] = {
    {"sessionTimeoutMs", int32},
    {.name = "supportedProtocols", .type = object, .is_array = true, .fields = kClassicProtocol},
};
constexpr Field kMemberMetadataValue[] = {
    {.name = "instanceId", .type = string, .nullable_since = 0},
    {.name = "rackId", .type = string, .nullable_since = 0},
    {"clientId", string},
    {"clientHost", string},
    {"subscribedTopicNames", string, 0, true},
    {.name = "subscribedTopicRegex", .type = string, .nullable_since = 0},
    {"rebalanceTimeoutMs", int32},
    {.name = "serverAssignor", .type = string, .nullable_since = 0},
    {.name = "classicMemberMetadata", .type = object, .nullable_since = 0, .fields = kClassicMember, .tag = 0},
};
constexpr Field kAssignmentEpoch[] = {{"assignmentEpoch", int32}};
constexpr Field kTopicIdPartitions[] = {{"topicId", uuid}, {"partitions", int32, 0, true}};
constexpr Field kTargetAssignmentValue[] = {
    {.name = "topicPartitions", .type = object, .is_array = true, .fields = kTopicIdPartitions}};
constexpr Field kCurrentAssignmentValue[] = {
    {"memberEpoch", int32},
    {"previousMemberEpoch", int32},
    {"state", int8},
    {.name = "assignedPartitions", .type = object, .is_array = true, .fields = kTopicIdPartitions},
    {.name = "partitionsPendingRevocation", .type = object, .is_array = true, .fields = kTopicIdPartitions},
};
constexpr Field kTopicPartitions[] = {{"topic", string}, {"partitions", int32, 0, true}};
constexpr Field kSubscription[] = {
    {"topics", string, 0, true},
    {.name = "userData", .type = bytes, .nullable_since = 0},
    {.name = "ownedPartitions", .type = object, .since = 1, .is_array = true, .fields = kTopicPartitions},
    {"generationId", int32, 2},
    {.name = "rackId", .type = string, .since = 3, .nullable_since = 3},
};
constexpr Field kAssignment[] = {
    {.name = "assignedPartitions", .type = object, .is_array = true, .fields = kTopicPartitions},
    {.name = "userData", .type = bytes, .nullable_since = 0},
};
constexpr Field kTransactionKey[] = {{"transactionalId", string}};
constexpr Field kTransactionPartitions[] = {{"topic", string}, {"partitionIds", int32, 0, true}};
constexpr Field kTransactionValue[] = {
    {"producerId", int64},
    {"producerEpoch", int16},
    {"transactionTimeoutMs", int32},
    {"transactionStatus", int8},
    {.name = "transactionPartitions",
     .type = object,
     .is_array = true,
     .nullable_since = 0,
     .fields = kTransactionPartitions},
    {"transactionLastUpdateTimestampMs", int64},
    {"transactionStartTimestampMs", int64},
};

constexpr Message kSubscriptionMessage{"ConsumerProtocolSubscription", 0, 3, kNeverFlexible, kSubscription};
constexpr Message kAssignmentMessage{"ConsumerProtocolAssignment", 0, 3, kNeverFlexible, kAssignment};

// The version of a key says what the record is.
struct RecordKind {
    std::string_view type;
    Message key;
    Message value;
};

constexpr RecordKind kind(std::string_view type, std::int16_t key_version, std::span<const Field> key,
                          std::span<const Field> value) {
    return {type, {type, key_version, key_version, kNeverFlexible, key}, {type, 0, 0, 0, value}};
}

constexpr RecordKind kOffsetCommit{"OffsetCommit",
                                   {"OffsetCommitKey", 0, 1, kNeverFlexible, kOffsetCommitKey},
                                   {"OffsetCommitValue", 0, 4, 4, kOffsetCommitValue}};

constexpr std::array<RecordKind, 9> kOffsetsKinds{
    kOffsetCommit,
    kOffsetCommit,
    {"GroupMetadata",
     {"GroupMetadataKey", 2, 2, kNeverFlexible, kGroup},
     {"GroupMetadataValue", 0, 4, 4, kGroupMetadataValue}},
    kind("ConsumerGroupMetadata", 3, kGroupId, kEpoch),
    kind("ConsumerGroupPartitionMetadata", 4, kGroupId, kPartitionMetadataValue),
    kind("ConsumerGroupMemberMetadata", 5, kGroupMember, kMemberMetadataValue),
    kind("ConsumerGroupTargetAssignmentMetadata", 6, kGroupId, kAssignmentEpoch),
    kind("ConsumerGroupTargetAssignmentMember", 7, kGroupMember, kTargetAssignmentValue),
    kind("ConsumerGroupCurrentMemberAssignment", 8, kGroupMember, kCurrentAssignmentValue),
};

constexpr std::array<RecordKind, 1> kTxnKinds{RecordKind{"TransactionMetadata",
                                                         {"TransactionLogKey", 0, 0, kNeverFlexible, kTransactionKey},
                                                         {"TransactionLogValue", 0, 1, 1, kTransactionValue}}};

// Prefixed by its version; a newer version of a protocol is read as the newest known.
Result<Value> read_versioned(const Message& message, ByteView bytes, std::int16_t& version, bool newest_if_newer) {
    ByteCursor cursor{bytes};
    version = cursor.be<std::int16_t>();
    if (!cursor.ok()) return fail(Errc::corrupt, "decode " + std::string{message.name}, {}, "no version");
    if (newest_if_newer && version > message.highest_version) version = message.highest_version;
    return read_message(message, version, cursor);
}

Result<CoordinatorRecord> read_record(std::span<const RecordKind> kinds, ByteView key, const NullableBytes& value) {
    const auto version = key_version_of(key);
    if (!version) return fail(Errc::corrupt, "decode key", {}, "no version");
    if (*version < 0 || static_cast<std::size_t>(*version) >= kinds.size()) {
        return fail(Errc::unsupported, "decode key", {}, "version " + std::to_string(*version));
    }
    const RecordKind& kind = kinds[static_cast<std::size_t>(*version)];
    CoordinatorRecord record;
    record.type = kind.type;
    MQ_ASSIGN(record.key, read_versioned(kind.key, key, record.key_version, false));
    if (value) {
        MQ_ASSIGN(record.value, read_versioned(kind.value, *value, record.value_version, false));
    }
    return record;
}

void open_protocol(Value& member, std::string_view field, const Message& message) {
    Value* raw = member.find(field);
    if (raw == nullptr || raw->kind != Value::Kind::bytes) return;
    std::int16_t version = 0;
    if (auto opened = read_versioned(message, raw->text, version, true)) *raw = *std::move(opened);
}

}  // namespace

std::optional<std::int16_t> key_version_of(ByteView key) {
    if (key.size() < 2) return std::nullopt;
    return load_be<std::int16_t>(key.data());
}

Result<CoordinatorRecord> read_offsets_record(ByteView key, const NullableBytes& value) {
    return read_record(kOffsetsKinds, key, value);
}

Result<CoordinatorRecord> read_txn_record(ByteView key, const NullableBytes& value) {
    return read_record(kTxnKinds, key, value);
}

void open_member_protocols(Value& group_metadata) {
    if (group_metadata.text_of("protocolType") != "consumer") return;
    Value* members = group_metadata.find("members");
    if (members == nullptr) return;
    for (Value& member : members->items) {
        open_protocol(member, "subscription", kSubscriptionMessage);
        open_protocol(member, "assignment", kAssignmentMessage);
    }
}

Result<Value> read_assignment(ByteView bytes) {
    std::int16_t version = 0;
    return read_versioned(kAssignmentMessage, bytes, version, true);
}

const char* transaction_state_name(std::int64_t status) {
    constexpr std::array<const char*, 8> kNames{"Empty",        "Ongoing",          "PrepareCommit",
                                                "PrepareAbort", "CompleteCommit",   "CompleteAbort",
                                                "Dead",         "PrepareEpochFence"};
    return status >= 0 && static_cast<std::size_t>(status) < kNames.size() ? kNames[static_cast<std::size_t>(status)]
                                                                           : nullptr;
}

}  // namespace mq::dump
