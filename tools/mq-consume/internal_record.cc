#include "internal_record.h"

#include "cli/json.h"
#include "cli/text.h"
#include "record/consumer_protocol.h"

namespace mq::consume {

using cli::append_json_string;
using cli::cat;
using namespace record;

namespace {

// "name":"text", in an object that is being written.
void put(std::string& out, std::string_view name, const std::optional<std::string>& text) {
    cli::append_json_bytes(out, name, text ? NullableBytes{*text} : NullableBytes{}, out.back() == '{');
}

template <std::integral T>
void put(std::string& out, std::string_view name, T number) {
    out += cat(out.back() == '{' ? "\"" : ",\"", name, "\":", std::int64_t{number});
}

void put_partitions(std::string& out, const std::vector<TopicPartitions>& topics) {
    out += '{';
    for (const TopicPartitions& topic : topics) {
        if (out.back() != '{') out += ',';
        append_json_string(out, topic.topic);
        out += ":[";
        for (const std::int32_t partition : topic.partitions) {
            out += cat(out.back() == '[' ? "" : ",", partition);
        }
        out += ']';
    }
    out += '}';
}

// What the bytes say where they are of the protocol of Kafka's consumers, else the bytes.
void put_subscription(std::string& out, const std::string& bytes) {
    const auto parsed = parse_consumer_subscription(bytes);
    if (!parsed) return put(out, "subscription", bytes);
    out += ",\"subscription\":[";
    for (const std::string& topic : parsed->topics) {
        if (out.back() != '[') out += ',';
        append_json_string(out, topic);
    }
    out += ']';
}

void put_assignment(std::string& out, const std::string& bytes) {
    const auto parsed = bytes.empty() ? Result<ConsumerAssignment>{} : parse_consumer_assignment(bytes);
    if (!parsed) return put(out, "assignment", bytes);
    out += ",\"assignment\":";
    put_partitions(out, parsed->partitions);
}

void put_value(std::string& out, const OffsetCommitValue& value) {
    put(out, "version", value.version);
    put(out, "offset", value.offset);
    put(out, "leader_epoch", value.leader_epoch);
    put(out, "metadata", value.metadata);
    put(out, "commit_timestamp", value.commit_timestamp);
    put(out, "expire_timestamp", value.expire_timestamp);
}

void put_value(std::string& out, const GroupMetadataValue& value) {
    put(out, "version", value.version);
    put(out, "protocol_type", value.protocol_type);
    put(out, "generation", value.generation);
    put(out, "protocol", value.protocol);
    put(out, "leader", value.leader);
    put(out, "current_state_timestamp", value.current_state_timestamp);
    out += ",\"members\":[";
    for (const GroupMember& member : value.members) {
        out += out.back() == '[' ? "{" : ",{";
        put(out, "member_id", member.member_id);
        put(out, "group_instance_id", member.group_instance_id);
        put(out, "client_id", member.client_id);
        put(out, "client_host", member.client_host);
        put(out, "rebalance_timeout", member.rebalance_timeout_ms);
        put(out, "session_timeout", member.session_timeout_ms);
        put_subscription(out, member.subscription);
        put_assignment(out, member.assignment);
        out += '}';
    }
    out += ']';
}

void put_value(std::string& out, const TransactionValue& value) {
    put(out, "version", value.version);
    put(out, "producer_id", value.producer_id);
    put(out, "producer_epoch", value.producer_epoch);
    put(out, "timeout", value.timeout_ms);
    put(out, "state", std::string{to_string(value.status)});
    out += ",\"partitions\":";
    if (value.partitions) {
        put_partitions(out, *value.partitions);
    } else {
        out += "null";
    }
    put(out, "last_update_timestamp", value.last_update_timestamp);
    put(out, "start_timestamp", value.start_timestamp);
}

template <typename Parse>
Status append_value(std::string& out, const NullableBytes& bytes, const Parse& parse) {
    out += ",\"value\":";
    if (!bytes) {
        out += "null";
        return {};
    }
    MQ_ASSIGN(const auto value, parse(*bytes));
    out += '{';
    put_value(out, value);
    out += '}';
    return {};
}

Status append_offsets(std::string& out, const RecordView& record) {
    MQ_ASSIGN(const OffsetsKey key, parse_offsets_key(record.key.value_or(ByteView{})));
    out += ",\"key\":{";
    if (const auto* commit = std::get_if<OffsetCommitKey>(&key)) {
        put(out, "type", std::string{"offset_commit"});
        put(out, "group", commit->group);
        put(out, "topic", commit->topic);
        put(out, "partition", commit->partition);
        out += '}';
        return append_value(out, record.value, parse_offset_commit_value);
    }
    if (const auto* group = std::get_if<GroupMetadataKey>(&key)) {
        put(out, "type", std::string{"group_metadata"});
        put(out, "group", group->group);
        out += '}';
        return append_value(out, record.value, parse_group_metadata_value);
    }
    return fail(Errc::unsupported, {}, {}, cat("version ", std::get<UnknownKey>(key).version, " of the key"));
}

Status append_transactions(std::string& out, const RecordView& record) {
    MQ_ASSIGN(const TransactionStateKey key, parse_transaction_key(record.key.value_or(ByteView{})));
    const auto* known = std::get_if<TransactionKey>(&key);
    if (known == nullptr)
        return fail(Errc::unsupported, {}, {}, cat("version ", std::get<UnknownKey>(key).version, " of the key"));
    out += ",\"key\":{";
    put(out, "transactional_id", known->transactional_id);
    out += '}';
    return append_value(out, record.value, parse_transaction_value);
}

}  // namespace

std::vector<std::string_view> decoded_fields(Decode decode) {
    switch (decode) {
        case Decode::offsets:
            return {"group", "topic", "partition"};
        case Decode::transactions:
            return {"transactional_id"};
        case Decode::raw:
            break;
    }
    return {};
}

std::optional<std::string> decoded_field(Decode decode, const RecordView& record, std::string_view field) {
    if (!record.key) return std::nullopt;
    if (decode == Decode::transactions) {
        const auto key = parse_transaction_key(*record.key);
        const auto* known = key ? std::get_if<TransactionKey>(&*key) : nullptr;
        return known != nullptr ? std::optional{known->transactional_id} : std::nullopt;
    }
    const auto key = parse_offsets_key(*record.key);
    if (!key) return std::nullopt;
    if (const auto* group = std::get_if<GroupMetadataKey>(&*key))
        return field == "group" ? std::optional{group->group} : std::nullopt;
    const auto* commit = std::get_if<OffsetCommitKey>(&*key);
    if (commit == nullptr) return std::nullopt;
    if (field == "group") return commit->group;
    return field == "topic" ? commit->topic : std::to_string(commit->partition);
}

void append_decoded(std::string& out, Decode decode, const RecordView& record) {
    const std::size_t before = out.size();
    const Status done = decode == Decode::offsets ? append_offsets(out, record) : append_transactions(out, record);
    if (done) return;
    out.resize(before);
    cli::append_json_bytes(out, "key", record.key);
    cli::append_json_bytes(out, "value", record.value);
    put(out, "undecoded", done.error().message());
}

}  // namespace mq::consume
