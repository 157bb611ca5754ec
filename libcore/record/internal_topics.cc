#include "record/internal_topics.h"

#include <array>
#include <limits>

#include "base/hash.h"
#include "record/schema_io.h"

namespace mq::record {
namespace {

constexpr std::int16_t kHighestOffsetCommitKey = 1;
constexpr std::int16_t kGroupMetadataKey = 2;
constexpr std::int16_t kTransactionKey = 0;
constexpr std::int16_t kNeverFlexible = std::numeric_limits<std::int16_t>::max();

struct VersionRange {
    std::int16_t highest;
    std::int16_t flexible_since;
};
constexpr VersionRange kOffsetCommitValue{4, 4};
constexpr VersionRange kGroupMetadataValue{4, 4};
constexpr VersionRange kTransactionValue{1, 1};

constexpr std::array<std::string_view, 8> kStatusNames{"Empty",        "Ongoing",          "PrepareCommit",
                                                       "PrepareAbort", "CompleteCommit",   "CompleteAbort",
                                                       "Dead",         "PrepareEpochFence"};

tl::unexpected<Error> bad_record(Errc code, const char* what, std::string detail) {
    return fail(code, std::string{"read "} + what, {}, std::move(detail));
}

// Reads the fields behind the version; all of `bytes` must be used.
template <typename T>
Result<T> parse_fields(ByteView bytes, std::int16_t version, bool flexible, const char* what) {
    T parsed;
    schema::Reader io{bytes.substr(sizeof version), version, flexible};
    io.object(parsed);
    if (!io.ok()) return bad_record(Errc::corrupt, what, std::string{io.failed_field()} + ": " + io.reason());
    if (io.remaining() != 0)
        return bad_record(Errc::corrupt, what, std::to_string(io.remaining()) + " bytes too many");
    return parsed;
}

template <typename T>
Result<T> parse_value(ByteView bytes, VersionRange versions, const char* what) {
    if (bytes.size() < sizeof(std::int16_t)) return bad_record(Errc::corrupt, what, "no version");
    const auto version = load_be<std::int16_t>(bytes.data());
    if (version < 0) return bad_record(Errc::corrupt, what, "version " + std::to_string(version));
    if (version > versions.highest) return bad_record(Errc::unsupported, what, "version " + std::to_string(version));
    MQ_ASSIGN(T parsed, parse_fields<T>(bytes, version, version >= versions.flexible_since, what));
    parsed.version = version;
    return parsed;
}

template <typename T>
std::string encode_fields(const T& value, std::int16_t version, std::int16_t flexible_since) {
    std::string out;
    append_be(out, version);
    schema::Writer io{out, version, version >= flexible_since};
    io.object(value);
    return out;
}

}  // namespace

// The schemas, each once for both directions: `v` is const when it is written.

using schema::only;
using schema::since;

void fields(auto& io, schema::Is<OffsetCommitKey> auto& v) {
    io("group", v.group);
    io("topic", v.topic);
    io("partition", v.partition);
}

void fields(auto& io, schema::Is<GroupMetadataKey> auto& v) { io("group", v.group); }

void fields(auto& io, schema::Is<OffsetCommitValue> auto& v) {
    io("offset", v.offset);
    io("leaderEpoch", v.leader_epoch, since(3).ignorable());
    io("metadata", v.metadata);
    io("commitTimestamp", v.commit_timestamp);
    io("expireTimestamp", v.expire_timestamp, only(1).ignorable());
}

void fields(auto& io, schema::Is<GroupMember> auto& v) {
    io("memberId", v.member_id);
    io("groupInstanceId", v.group_instance_id, since(3).ignorable());
    io("clientId", v.client_id);
    io("clientHost", v.client_host);
    io("rebalanceTimeout", v.rebalance_timeout_ms, since(1).ignorable());
    io("sessionTimeout", v.session_timeout_ms);
    io.bytes("subscription", v.subscription);
    io.bytes("assignment", v.assignment);
}

void fields(auto& io, schema::Is<GroupMetadataValue> auto& v) {
    io("protocolType", v.protocol_type);
    io("generation", v.generation);
    io("protocol", v.protocol);
    io("leader", v.leader);
    io("currentStateTimestamp", v.current_state_timestamp, since(2).ignorable());
    io("members", v.members);
}

void fields(auto& io, schema::Is<TransactionKey> auto& v) { io("TransactionalId", v.transactional_id); }

void fields(auto& io, schema::Is<TransactionValue> auto& v) {
    io("ProducerId", v.producer_id);
    io("ProducerEpoch", v.producer_epoch);
    io("TransactionTimeoutMs", v.timeout_ms);
    io("TransactionStatus", v.status);
    io("TransactionPartitions", v.partitions);
    io("TransactionLastUpdateTimestampMs", v.last_update_timestamp);
    io("TransactionStartTimestampMs", v.start_timestamp);
}

std::int32_t partition_for_id(std::string_view id, std::int32_t partitions) {
    const std::int32_t hash = java_string_hash(id);
    if (hash == std::numeric_limits<std::int32_t>::min()) return 0;
    return (hash < 0 ? -hash : hash) % partitions;
}

std::string_view to_string(TransactionStatus status) {
    const auto i = static_cast<std::size_t>(status);
    return i < kStatusNames.size() ? kStatusNames[i] : "Unknown";
}

Result<OffsetsKey> parse_offsets_key(ByteView key) {
    constexpr auto kWhat = "key of __consumer_offsets";
    if (key.size() < sizeof(std::int16_t)) return bad_record(Errc::corrupt, kWhat, "no version");
    const auto version = load_be<std::int16_t>(key.data());
    if (version >= 0 && version <= kHighestOffsetCommitKey) {
        MQ_ASSIGN(auto parsed, parse_fields<OffsetCommitKey>(key, version, false, kWhat));
        parsed.version = version;
        return parsed;
    }
    if (version == kGroupMetadataKey) {
        MQ_ASSIGN(auto parsed, parse_fields<GroupMetadataKey>(key, version, false, kWhat));
        return parsed;
    }
    return UnknownKey{version};
}

Result<TransactionStateKey> parse_transaction_key(ByteView key) {
    constexpr auto kWhat = "key of __transaction_state";
    if (key.size() < sizeof(std::int16_t)) return bad_record(Errc::corrupt, kWhat, "no version");
    const auto version = load_be<std::int16_t>(key.data());
    if (version != kTransactionKey) return UnknownKey{version};
    MQ_ASSIGN(auto parsed, parse_fields<TransactionKey>(key, version, false, kWhat));
    return parsed;
}

Result<OffsetCommitValue> parse_offset_commit_value(ByteView value) {
    return parse_value<OffsetCommitValue>(value, kOffsetCommitValue, "offset commit value");
}

Result<GroupMetadataValue> parse_group_metadata_value(ByteView value) {
    MQ_ASSIGN(auto parsed, parse_value<GroupMetadataValue>(value, kGroupMetadataValue, "group metadata value"));
    if (parsed.version == 0) {
        for (GroupMember& m : parsed.members) m.rebalance_timeout_ms = m.session_timeout_ms;
    }
    return parsed;
}

Result<TransactionValue> parse_transaction_value(ByteView value) {
    return parse_value<TransactionValue>(value, kTransactionValue, "transaction value");
}

std::string encode(const OffsetCommitKey& key) { return encode_fields(key, key.version, kNeverFlexible); }
std::string encode(const GroupMetadataKey& key) { return encode_fields(key, key.version, kNeverFlexible); }
std::string encode(const TransactionKey& key) { return encode_fields(key, kTransactionKey, kNeverFlexible); }
std::string encode(const OffsetCommitValue& value) {
    return encode_fields(value, value.version, kOffsetCommitValue.flexible_since);
}
std::string encode(const GroupMetadataValue& value) {
    return encode_fields(value, value.version, kGroupMetadataValue.flexible_since);
}
std::string encode(const TransactionValue& value) {
    return encode_fields(value, value.version, kTransactionValue.flexible_since);
}

}  // namespace mq::record
