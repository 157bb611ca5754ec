// The internal topics of a real broker, held against Kafka's own decoders.
#include <gtest/gtest.h>

#include <algorithm>

#include "golden_dump.h"
#include "record/consumer_protocol.h"
#include "record/control_record.h"
#include "support/golden.h"

namespace mq::record {
namespace {

constexpr std::int32_t kPartitions = 50;

std::int32_t partition_number(const std::string& directory) {
    return std::stoi(directory.substr(directory.rfind('-') + 1));
}

std::string join(std::vector<std::string> items, const std::string& separator) {
    std::string all;
    for (const auto& item : items) all += (all.empty() ? "" : separator) + item;
    return all;
}

std::vector<std::string> names_of(const std::vector<TopicPartitions>& topics) {
    std::vector<std::string> names;
    for (const auto& t : topics) {
        for (const auto p : t.partitions) names.push_back(t.topic + "-" + std::to_string(p));
    }
    return names;
}

// Kafka prints members and partitions in the order of a hash table: both sides are sorted by characters.
std::string sorted(std::string text) {
    std::sort(text.begin(), text.end());
    return text;
}

std::string group_as_dumped(const GroupMetadataValue& v) {
    std::vector<std::string> members;
    for (const auto& m : v.members) {
        const auto assignment = parse_consumer_assignment(m.assignment);
        EXPECT_TRUE(assignment);
        EXPECT_EQ(encode(*assignment), m.assignment);
        const auto subscription = parse_consumer_subscription(m.subscription);
        EXPECT_TRUE(subscription);
        EXPECT_EQ(subscription->topics, std::vector<std::string>{"grp"});
        EXPECT_EQ(encode(*subscription), m.subscription);
        members.push_back(m.member_id + "=[" + join(names_of(assignment->partitions), ", ") + "]");
    }
    const std::string protocol = v.protocol ? "\"" + *v.protocol + "\"" : "null";
    return "{\"protocolType\":\"" + v.protocol_type + "\",\"protocol\":" + protocol +
           ",\"generationId\":" + std::to_string(v.generation) + ",\"assignment\":\"{" + join(members, ",") + "}\"}";
}

std::string offsets_record_as_dumped(const RecordView& r, std::int32_t partition) {
    const auto key = parse_offsets_key(r.key.value());
    EXPECT_TRUE(key);
    if (const auto* k = std::get_if<OffsetCommitKey>(&*key)) {
        EXPECT_EQ(encode(*k), *r.key);
        EXPECT_EQ(partition_for_id(k->group, kPartitions), partition);
        const std::string text = " key: offset_commit::group=" + k->group + ",partition=" + k->topic + "-" +
                                 std::to_string(k->partition) + " payload: ";
        if (!r.value) return text + "<DELETE>";
        const auto value = parse_offset_commit_value(*r.value);
        EXPECT_TRUE(value);
        EXPECT_EQ(encode(*value), *r.value);
        return text + "offset=" + std::to_string(value->offset) +
               (value->metadata.empty() ? "" : ",metadata=" + value->metadata);
    }
    const auto& k = std::get<GroupMetadataKey>(*key);
    EXPECT_EQ(encode(k), *r.key);
    EXPECT_EQ(partition_for_id(k.group, kPartitions), partition);
    const std::string text = " key: group_metadata::group=" + k.group + " payload: ";
    if (!r.value) return text + "<DELETE>";
    const auto value = parse_group_metadata_value(*r.value);
    EXPECT_TRUE(value);
    EXPECT_EQ(encode(*value), *r.value);
    return text + group_as_dumped(*value);
}

std::string transaction_record_as_dumped(const RecordView& r, std::int32_t partition) {
    const auto key = parse_transaction_key(r.key.value());
    EXPECT_TRUE(key);
    const auto& k = std::get<TransactionKey>(*key);
    EXPECT_EQ(encode(k), *r.key);
    EXPECT_EQ(partition_for_id(k.transactional_id, kPartitions), partition);
    const auto value = parse_transaction_value(r.value.value());
    EXPECT_TRUE(value);
    EXPECT_EQ(encode(*value), *r.value);
    return " key: transaction_metadata::transactionalId=" + k.transactional_id +
           " payload: producerId:" + std::to_string(value->producer_id) +
           ",producerEpoch:" + std::to_string(value->producer_epoch) +
           ",state=" + std::string{to_string(value->status)} + ",partitions=[" +
           join(names_of(value->partitions.value_or(std::vector<TopicPartitions>{})), ",") +
           "],txnLastUpdateTimestamp=" + std::to_string(value->last_update_timestamp) +
           ",txnTimeoutMs=" + std::to_string(value->timeout_ms);
}

using AsDumped = std::string (*)(const RecordView&, std::int32_t);

void expect_as_dumped(const std::string& set, const std::string& prefix, const char* dump, AsDumped as_dumped) {
    std::size_t records = 0;
    for (const auto& partition : test::partitions_of(set)) {
        if (!partition.starts_with(prefix)) continue;
        for (const auto& segment : golden::read_dump(set, partition, dump)) {
            const std::string bytes = test::read_golden(segment.path);
            for (const auto& unit : segment.units) {
                if (unit.flag("isControl")) continue;
                RecordReader reader;
                ASSERT_TRUE(reader.open(ByteView{bytes}.substr(static_cast<std::size_t>(unit.position),
                                                               static_cast<std::size_t>(unit.size))));
                std::size_t i = 0;
                for (RecordView r; reader.next(r); ++i, ++records) {
                    SCOPED_TRACE(unit.records.at(i).line);
                    EXPECT_EQ(sorted(as_dumped(r, partition_number(partition))), sorted(unit.records.at(i).text));
                }
                EXPECT_TRUE(reader.status());
            }
        }
    }
    EXPECT_GT(records, 20u);
}

TEST(InternalTopics, EveryOffsetAndGroupOfABrokerIsWhatKafkasDumpToolSays) {
    expect_as_dumped("offsets", "__consumer_offsets-", "log.offsets-decoder", &offsets_record_as_dumped);
}

TEST(InternalTopics, EveryTransactionOfABrokerIsWhatKafkasDumpToolSays) {
    expect_as_dumped("txn", "__transaction_state-", "log.txn-decoder", &transaction_record_as_dumped);
}

}  // namespace
}  // namespace mq::record
