#include "mq-dump-segment/kafka_decoders.h"

#include <array>

#include "mq-dump-segment/coordinator_records.h"
#include "mq-dump-segment/java_text.h"

namespace mq::dump {
namespace {

using enum FieldType;

constexpr Field kSnapshotHeader[] = {{"version", int16}, {"lastContainedLogTimestamp", int64}};
constexpr Field kSnapshotFooter[] = {{"version", int16}};
constexpr Field kKRaftVersion[] = {{"version", int16}, {"kRaftVersion", int16}};
constexpr Field kEndpoint[] = {{"name", string}, {"host", string}, {"port", uint16}};
constexpr Field kFeature[] = {{"minSupportedVersion", int16}, {"maxSupportedVersion", int16}};
constexpr Field kVoter[] = {
    {"voterId", int32},
    {"voterDirectoryId", uuid},
    {.name = "endpoints", .type = object, .is_array = true, .fields = kEndpoint},
    {.name = "kRaftVersionFeature", .type = object, .fields = kFeature},
};
constexpr Field kVoters[] = {{"version", int16},
                             {.name = "voters", .type = object, .is_array = true, .fields = kVoter}};

constexpr std::array<Message, 4> kKRaftControls{
    Message{"SnapshotHeader", 0, 0, 0, kSnapshotHeader}, Message{"SnapshotFooter", 0, 0, 0, kSnapshotFooter},
    Message{"KRaftVersion", 0, 0, 0, kKRaftVersion}, Message{"KRaftVoters", 0, 0, 0, kVoters}};

std::string text_of(ByteView bytes) {
    std::string text;
    append_java_utf8(text, bytes);
    return text;
}

KafkaText hexadecimal(const record::RecordView& record) {
    KafkaText text;
    if (record.key) text.key = java_hex(*record.key);
    if (record.value) text.payload = java_hex(*record.value);
    return text;
}

std::string assignment_2_4(const Value& member, bool is_consumer) {
    const ByteView bytes = member.text_of("assignment");
    std::string text = text_of(member.text_of("memberId")) + '=';
    const auto assignment = is_consumer ? read_assignment(bytes) : fail(Errc::unsupported, {}, {});
    if (!assignment) return text + java_hex(bytes);
    text += '[';
    bool first = true;
    for (const Value& topic : assignment->find("assignedPartitions")->items) {
        for (const Value& partition : topic.find("partitions")->items) {
            if (!first) text += ", ";
            first = false;
            text += text_of(topic.text_of("topic")) + '-' + std::to_string(partition.integer);
        }
    }
    text += ']';
    const std::string user_data = java_hex(assignment->text_of("userData"));
    return user_data.empty() ? text : text + ':' + user_data;
}

std::string group_metadata_2_4(const Value& group) {
    // The members are kept in a hash map by their ids.
    const auto& members = group.find("members")->items;
    std::vector<std::int32_t> hashes;
    for (const Value& member : members) hashes.push_back(java_string_hash(member.text_of("memberId")));
    const bool is_consumer = group.text_of("protocolType") == "consumer";
    std::string assignment = "{";
    for (const std::size_t i : scala_map_order(hashes, ScalaVersion::v2_12)) {
        if (assignment.size() > 1) assignment += ',';
        assignment += assignment_2_4(members[i], is_consumer);
    }
    assignment += '}';

    std::string json = R"({"protocolType":)";
    append_json_string(json, text_of(group.text_of("protocolType")));
    json += R"(,"protocol":)";
    append_json(json, *group.find("protocol"));
    json += R"(,"generationId":)" + std::to_string(group.integer_of("generation")) + R"(,"assignment":)";
    append_json_string(json, assignment);
    return json + '}';
}

KafkaText offsets_2_4(const record::RecordView& record) {
    if (!record.key) return hexadecimal(record);
    auto decoded = read_offsets_record(*record.key, record.value);
    if (!decoded || decoded->key_version > 2) return hexadecimal(record);
    KafkaText text;
    const Value& key = decoded->key;
    const Value* value = decoded->value ? &*decoded->value : nullptr;
    if (decoded->key_version == 2) {
        text.key = "group_metadata::group=" + text_of(key.text_of("group"));
        text.payload = value == nullptr ? "<DELETE>" : group_metadata_2_4(*value);
        return text;
    }
    text.key = "offset_commit::group=" + text_of(key.text_of("group")) +
               ",partition=" + text_of(key.text_of("topic")) + '-' + std::to_string(key.integer_of("partition"));
    if (value == nullptr) {
        text.payload = "<DELETE>";
    } else {
        text.payload = "offset=" + std::to_string(value->integer_of("offset"));
        const std::string metadata = text_of(value->text_of("metadata"));
        if (!metadata.empty()) *text.payload += ",metadata=" + metadata;
    }
    return text;
}

std::string wrap_json(std::string_view field, std::int16_t version, const Value& data) {
    std::string json = "{\"" + std::string{field} + "\":\"" + std::to_string(version) + "\",\"data\":";
    append_json(json, data);
    return json + '}';
}

KafkaText offsets_3_9(const record::RecordView& record) {
    KafkaText text;
    const std::string offset = std::to_string(record.offset.value());
    if (!record.key) {
        text.key = "Error at offset " + offset + ", skipping. The message has no key.";
        return text;
    }
    auto decoded = read_offsets_record(*record.key, record.value);
    if (!decoded) {
        const auto version = key_version_of(*record.key);
        if (version && (*version < 0 || *version > 8)) {
            text.key = "Unknown record type " + std::to_string(*version) + " at offset " + offset + ", skipping.";
        } else {
            text.key = "Error at offset " + offset + ", skipping. " + decoded.error().message();
        }
        return text;
    }
    text.key = wrap_json("type", decoded->key_version, decoded->key);
    if (!decoded->value) {
        text.payload = "<DELETE>";
        return text;
    }
    if (decoded->key_version == 2) open_member_protocols(*decoded->value);
    text.payload = wrap_json("version", decoded->value_version, *decoded->value);
    return text;
}

KafkaText transactions(const record::RecordView& record, KafkaWording wording) {
    if (!record.key) return hexadecimal(record);
    const auto version = key_version_of(*record.key);
    KafkaText text;
    if (wording == KafkaWording::v3_9 && version && *version != 0) {
        text.key = "unknown::version=" + std::to_string(*version);
        return text;
    }
    auto decoded = read_txn_record(*record.key, record.value);
    if (!decoded) return hexadecimal(record);
    text.key = "transaction_metadata::transactionalId=" + text_of(decoded->key.text_of("transactionalId"));
    if (!decoded->value) {
        text.payload = "<DELETE>";
        return text;
    }
    const Value& value = *decoded->value;
    const char* state = transaction_state_name(value.integer_of("transactionStatus"));
    std::vector<std::string> partitions;
    std::vector<std::int32_t> hashes;
    if (value.integer_of("transactionStatus") != 0) {
        for (const Value& topic : value.find("transactionPartitions")->items) {
            for (const Value& id : topic.find("partitionIds")->items) {
                const auto partition = static_cast<std::int32_t>(id.integer);
                partitions.push_back(text_of(topic.text_of("topic")) + '-' + std::to_string(partition));
                hashes.push_back(java_topic_partition_hash(topic.text_of("topic"), partition));
            }
        }
    }
    const auto scala = wording == KafkaWording::v2_4 ? ScalaVersion::v2_12 : ScalaVersion::v2_13;
    std::string list;
    for (const std::size_t i : scala_set_order(hashes, scala)) list += (list.empty() ? "" : ",") + partitions[i];
    text.payload =
        "producerId:" + std::to_string(value.integer_of("producerId")) +
        ",producerEpoch:" + std::to_string(value.integer_of("producerEpoch")) +
        ",state=" + (state == nullptr ? "unknown" : state) + ",partitions=[" + list +
        "],txnLastUpdateTimestamp=" + std::to_string(value.integer_of("transactionLastUpdateTimestampMs")) +
        ",txnTimeoutMs=" + std::to_string(value.integer_of("transactionTimeoutMs"));
    return text;
}

}  // namespace

KafkaText decode_for_kafka(const record::RecordView& record, KafkaDecoder decoder, KafkaWording wording) {
    switch (decoder) {
        case KafkaDecoder::offsets:
            return wording == KafkaWording::v2_4 ? offsets_2_4(record) : offsets_3_9(record);
        case KafkaDecoder::txn:
            return transactions(record, wording);
        case KafkaDecoder::string:
            break;
    }
    KafkaText text;
    if (record.key) text.key = text_of(*record.key);
    if (record.value) text.payload = text_of(*record.value);
    return text;
}

std::string kraft_control_text(std::int16_t type, ByteView value) {
    constexpr std::int16_t kFirst = 3;
    const auto i = static_cast<std::size_t>(type - kFirst);
    if (type < kFirst || i >= kKRaftControls.size()) return {};
    ByteCursor cursor{value};
    const auto message = read_message(kKRaftControls[i], 0, cursor);
    if (!message) return {};
    std::string text = ' ' + std::string{kKRaftControls[i].name} + ' ';
    append_json(text, *message);
    return text;
}

}  // namespace mq::dump
