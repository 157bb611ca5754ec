// librdkafka's C API against an mq-broker: the admin calls, groups that stay while their members come and go, places
// by time, and that a record comes back as it went.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "support/broker_process.h"
#include "support/kafka_client.h"

namespace mq::test {
namespace {

struct EventDeleter {
    void operator()(rd_kafka_event_t* event) const { rd_kafka_event_destroy(event); }
};
using Event = std::unique_ptr<rd_kafka_event_t, EventDeleter>;

class Librdkafka : public testing::Test {
protected:
    // Runs an admin call, which gets client and queue, and waits for its result.
    template <typename Call>
    Event ask(const Call& call) {
        rd_kafka_queue_t* const queue = rd_kafka_queue_new(admin_.handle());
        call(admin_.handle(), queue);
        Event event{rd_kafka_queue_poll(queue, 60'000)};
        rd_kafka_queue_destroy(queue);
        if (event == nullptr) throw std::runtime_error{"no result"};
        if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR)
            throw std::runtime_error{rd_kafka_event_error_string(event.get())};
        return event;
    }
    static rd_kafka_resp_err_t error_of(const rd_kafka_topic_result_t** results, const std::size_t& count) {
        if (count != 1) throw std::runtime_error{"not one result"};
        return rd_kafka_topic_result_error(results[0]);
    }
    rd_kafka_resp_err_t create(const std::string& topic, int partitions, const Settings& config = {}) {
        char reason[512];
        rd_kafka_NewTopic_t* wanted = rd_kafka_NewTopic_new(topic.c_str(), partitions, 1, reason, sizeof reason);
        if (wanted == nullptr) throw std::runtime_error{reason};
        for (const auto& [name, value] : config) rd_kafka_NewTopic_set_config(wanted, name.c_str(), value.c_str());
        const Event event = ask([&](rd_kafka_t* client, rd_kafka_queue_t* queue) {
            rd_kafka_CreateTopics(client, &wanted, 1, nullptr, queue);
        });
        rd_kafka_NewTopic_destroy(wanted);
        std::size_t count = 0;
        return error_of(rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count),
                        count);
    }
    rd_kafka_resp_err_t drop(const std::string& topic) {
        rd_kafka_DeleteTopic_t* wanted = rd_kafka_DeleteTopic_new(topic.c_str());
        const Event event = ask([&](rd_kafka_t* client, rd_kafka_queue_t* queue) {
            rd_kafka_DeleteTopics(client, &wanted, 1, nullptr, queue);
        });
        rd_kafka_DeleteTopic_destroy(wanted);
        std::size_t count = 0;
        return error_of(rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event.get()), &count),
                        count);
    }
    rd_kafka_resp_err_t add_partitions(const std::string& topic, std::size_t total) {
        char reason[512];
        rd_kafka_NewPartitions_t* wanted = rd_kafka_NewPartitions_new(topic.c_str(), total, reason, sizeof reason);
        const Event event = ask([&](rd_kafka_t* client, rd_kafka_queue_t* queue) {
            rd_kafka_CreatePartitions(client, &wanted, 1, nullptr, queue);
        });
        rd_kafka_NewPartitions_destroy(wanted);
        std::size_t count = 0;
        return error_of(
            rd_kafka_CreatePartitions_result_topics(rd_kafka_event_CreatePartitions_result(event.get()), &count),
            count);
    }
    // What is said of a topic's setting: its value, and whether it is the default's.
    std::pair<std::string, bool> config_of(const std::string& topic, const std::string& name) {
        rd_kafka_ConfigResource_t* wanted = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str());
        const Event event = ask([&](rd_kafka_t* client, rd_kafka_queue_t* queue) {
            rd_kafka_DescribeConfigs(client, &wanted, 1, nullptr, queue);
        });
        rd_kafka_ConfigResource_destroy(wanted);
        std::size_t count = 0;
        const auto** resources =
            rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event.get()), &count);
        if (rd_kafka_ConfigResource_error(resources[0]) != RD_KAFKA_RESP_ERR_NO_ERROR)
            return {rd_kafka_err2name(rd_kafka_ConfigResource_error(resources[0])), false};
        const auto** entries = rd_kafka_ConfigResource_configs(resources[0], &count);
        for (std::size_t i = 0; i < count; ++i) {
            if (name == rd_kafka_ConfigEntry_name(entries[i]))
                return {rd_kafka_ConfigEntry_value(entries[i]), rd_kafka_ConfigEntry_is_default(entries[i]) != 0};
        }
        return {"absent", false};
    }
    rd_kafka_resp_err_t alter(const std::string& topic, const Settings& config) {
        rd_kafka_ConfigResource_t* wanted = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str());
        for (const auto& [name, value] : config)
            rd_kafka_ConfigResource_set_config(wanted, name.c_str(), value.c_str());
        const Event event = ask([&](rd_kafka_t* client, rd_kafka_queue_t* queue) {
            rd_kafka_AlterConfigs(client, &wanted, 1, nullptr, queue);
        });
        rd_kafka_ConfigResource_destroy(wanted);
        std::size_t count = 0;
        return rd_kafka_ConfigResource_error(
            rd_kafka_AlterConfigs_result_resources(rd_kafka_event_AlterConfigs_result(event.get()), &count)[0]);
    }
    // {low, high}
    std::pair<std::int64_t, std::int64_t> watermarks(const std::string& topic, std::int32_t partition) {
        std::int64_t low = -1;
        std::int64_t high = -1;
        const auto error =
            rd_kafka_query_watermark_offsets(admin_.handle(), topic.c_str(), partition, &low, &high, 30'000);
        if (error != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error{rd_kafka_err2str(error)};
        return {low, high};
    }
    std::vector<TopicPlace> committed(const std::string& group) {
        rd_kafka_ListConsumerGroupOffsets_t* wanted = rd_kafka_ListConsumerGroupOffsets_new(group.c_str(), nullptr);
        const Event event = ask([&](rd_kafka_t* client, rd_kafka_queue_t* queue) {
            rd_kafka_ListConsumerGroupOffsets(client, &wanted, 1, nullptr, queue);
        });
        rd_kafka_ListConsumerGroupOffsets_destroy(wanted);
        std::size_t count = 0;
        const auto** groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
            rd_kafka_event_ListConsumerGroupOffsets_result(event.get()), &count);
        auto places = places_of(rd_kafka_group_result_partitions(groups[0]));
        std::ranges::sort(places);
        return places;
    }
    rd_kafka_resp_err_t delete_group(const std::string& group) {
        rd_kafka_DeleteGroup_t* wanted = rd_kafka_DeleteGroup_new(group.c_str());
        const Event event = ask([&](rd_kafka_t* client, rd_kafka_queue_t* queue) {
            rd_kafka_DeleteGroups(client, &wanted, 1, nullptr, queue);
        });
        rd_kafka_DeleteGroup_destroy(wanted);
        std::size_t count = 0;
        const auto** groups =
            rd_kafka_DeleteGroups_result_groups(rd_kafka_event_DeleteGroups_result(event.get()), &count);
        const rd_kafka_error_t* error = rd_kafka_group_result_error(groups[0]);
        return error == nullptr ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_error_code(error);
    }
    // Polls all of them until it is true.
    static void poll_until(const std::string& what, std::initializer_list<KafkaConsumer*> consumers,
                           const std::function<bool()>& done) {
        until(what, [&] {
            for (KafkaConsumer* consumer : consumers) static_cast<void>(consumer->poll(20));
            return done();
        });
    }
    static std::set<std::int32_t> partitions_of(const KafkaConsumer& consumer) {
        std::set<std::int32_t> partitions;
        for (const TopicPlace& place : consumer.assignment()) partitions.insert(place.partition);
        return partitions;
    }

    BrokerProcess broker_;
    std::string address_ = broker_.address();
    KafkaProducer admin_{address_, {}};
};

TEST_F(Librdkafka, TopicsAreMadeGrownAndDeleted) {
    EXPECT_EQ(create("made", 2, {{"cleanup.policy", "compact"}, {"retention.ms", "12345"}}),
              RD_KAFKA_RESP_ERR_NO_ERROR);
    EXPECT_EQ(create("made", 2), RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS);
    EXPECT_EQ(create("not a name", 1), RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION);
    EXPECT_EQ(create("none", 1, {{"no.such.setting", "1"}}), RD_KAFKA_RESP_ERR_INVALID_CONFIG);
    EXPECT_EQ(add_partitions("made", 5), RD_KAFKA_RESP_ERR_NO_ERROR);
    EXPECT_EQ(add_partitions("made", 4), RD_KAFKA_RESP_ERR_INVALID_PARTITIONS);
    EXPECT_EQ(add_partitions("absent", 4), RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    EXPECT_EQ(watermarks("made", 4), std::pair(std::int64_t{0}, std::int64_t{0}));
    EXPECT_EQ(drop("made"), RD_KAFKA_RESP_ERR_NO_ERROR);
    EXPECT_EQ(drop("made"), RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
}

TEST_F(Librdkafka, SettingsOfATopicAreReadAndChanged) {
    ASSERT_EQ(create("set", 1, {{"retention.ms", "12345"}}), RD_KAFKA_RESP_ERR_NO_ERROR);
    EXPECT_EQ(config_of("set", "retention.ms"), std::pair(std::string{"12345"}, false));
    EXPECT_EQ(config_of("set", "cleanup.policy"), std::pair(std::string{"delete"}, true));
    // AlterConfigs takes the place of everything that was set.
    EXPECT_EQ(alter("set", {{"cleanup.policy", "compact"}}), RD_KAFKA_RESP_ERR_NO_ERROR);
    EXPECT_EQ(config_of("set", "cleanup.policy"), std::pair(std::string{"compact"}, false));
    EXPECT_EQ(config_of("set", "retention.ms"), std::pair(std::string{"604800000"}, true));
    EXPECT_EQ(alter("set", {{"cleanup.policy", "nonsense"}}), RD_KAFKA_RESP_ERR_INVALID_CONFIG);
    EXPECT_EQ(config_of("absent", "retention.ms").first, "UNKNOWN_TOPIC_OR_PART");
}

TEST_F(Librdkafka, RecordsComeBackAsTheyWent) {
    ASSERT_EQ(create("kept", 3), RD_KAFKA_RESP_ERR_NO_ERROR);
    for (const char* codec : {"none", "gzip", "snappy", "lz4", "zstd"}) {
        SCOPED_TRACE(codec);
        const std::string every_byte = [] {
            std::string bytes(256, '\0');
            std::iota(bytes.begin(), bytes.end(), '\0');
            return bytes;
        }();
        std::vector<KafkaRecord> records{
            {.key = "k", .value = "v"},
            {.key = std::nullopt, .value = std::nullopt},
            {.key = "", .value = ""},
            {.key = every_byte,
             .value = every_byte + every_byte,
             .headers = {{"h", "1"}, {"h", std::nullopt}, {"e", ""}}},
            {.key = "old", .value = "time", .timestamp_ms = 1},
            {.key = "large", .value = std::string(300'000, 'x')},
        };
        KafkaProducer producer{address_, {{"compression.codec", codec}, {"linger.ms", "50"}}};
        std::int64_t now = 1'600'000'000'000;
        for (KafkaRecord& record : records) {
            record.topic = "kept";
            record.partition = 1;
            if (record.timestamp_ms == 0) record.timestamp_ms = ++now;
            ASSERT_TRUE(producer.send(record));
        }
        producer.flush();
        KafkaConsumer consumer{address_, {{"group.id", "kept"}, {"check.crcs", "true"}}};
        const std::int64_t first = watermarks("kept", 1).second - static_cast<std::int64_t>(records.size());
        consumer.assign({{"kept", 1, first}});
        auto found = consumer.read(records.size());
        for (std::size_t i = 0; i < found.size(); ++i) {
            EXPECT_EQ(found[i].offset, first + static_cast<std::int64_t>(i));
            found[i].offset = -1;
        }
        EXPECT_TRUE(found == records);
    }
}

TEST_F(Librdkafka, PlacesAreFoundByTime) {
    ASSERT_EQ(create("timed", 2), RD_KAFKA_RESP_ERR_NO_ERROR);
    for (const std::int64_t time : {1'000, 2'000, 3'000}) {
        EXPECT_EQ(admin_.put({.topic = "timed", .partition = 0, .value = "x", .timestamp_ms = time}),
                  time / 1'000 - 1);
    }
    const auto at = [&](std::int32_t partition, std::int64_t time) {
        const TopicList list = list_of({{"timed", partition, time}});
        EXPECT_EQ(rd_kafka_offsets_for_times(admin_.handle(), list.get(), 30'000), RD_KAFKA_RESP_ERR_NO_ERROR);
        return list->elems[0].offset;
    };
    EXPECT_EQ(at(0, 0), 0);
    EXPECT_EQ(at(0, 1'000), 0);
    EXPECT_EQ(at(0, 1'001), 1);
    EXPECT_EQ(at(0, 3'000), 2);
    EXPECT_EQ(at(0, 3'001), RD_KAFKA_OFFSET_END);
    EXPECT_EQ(at(1, 0), RD_KAFKA_OFFSET_END);
}

TEST_F(Librdkafka, RecordsAreDeletedFromTheFront) {
    ASSERT_EQ(create("cut", 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    for (int i = 0; i < 5; ++i) admin_.put({.topic = "cut", .partition = 0, .value = std::to_string(i)});
    const auto delete_below = [&](std::int64_t offset) {
        rd_kafka_DeleteRecords_t* wanted = rd_kafka_DeleteRecords_new(list_of({{"cut", 0, offset}}).get());
        const Event event = ask([&](rd_kafka_t* client, rd_kafka_queue_t* queue) {
            rd_kafka_DeleteRecords(client, &wanted, 1, nullptr, queue);
        });
        rd_kafka_DeleteRecords_destroy(wanted);
        return places_of(rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event.get())))
            .at(0);
    };
    EXPECT_EQ(delete_below(3), (TopicPlace{"cut", 0, 3}));
    EXPECT_EQ(watermarks("cut", 0), std::pair(std::int64_t{3}, std::int64_t{5}));
    EXPECT_EQ(delete_below(6).error, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE);
    // A consumer that was behind is sent to what is there.
    KafkaConsumer consumer{address_, {{"group.id", "cut"}}};
    consumer.assign({{"cut", 0, 1}});
    EXPECT_EQ(consumer.read(1)[0].value, "3");
}

TEST_F(Librdkafka, OffsetsOfAGroupAreListedSetAndDeleted) {
    ASSERT_EQ(create("work", 2), RD_KAFKA_RESP_ERR_NO_ERROR);
    for (int i = 0; i < 4; ++i) admin_.put({.topic = "work", .partition = i % 2, .value = "x"});
    {
        KafkaConsumer consumer{address_, {{"group.id", "workers"}, {"enable.auto.commit", "false"}}};
        consumer.subscribe({"work"});
        ASSERT_EQ(consumer.read(4).size(), 4);
        consumer.commit();

        const Event listed = ask([&](rd_kafka_t* client, rd_kafka_queue_t* queue) {
            rd_kafka_ListConsumerGroups(client, nullptr, queue);
        });
        std::size_t count = 0;
        const auto** groups =
            rd_kafka_ListConsumerGroups_result_valid(rd_kafka_event_ListConsumerGroups_result(listed.get()), &count);
        ASSERT_EQ(count, 1);
        EXPECT_STREQ(rd_kafka_ConsumerGroupListing_group_id(groups[0]), "workers");
        EXPECT_EQ(rd_kafka_ConsumerGroupListing_state(groups[0]), RD_KAFKA_CONSUMER_GROUP_STATE_STABLE);

        const char* names[] = {"workers"};
        const Event described = ask([&](rd_kafka_t* client, rd_kafka_queue_t* queue) {
            rd_kafka_DescribeConsumerGroups(client, names, 1, nullptr, queue);
        });
        const auto* group = rd_kafka_DescribeConsumerGroups_result_groups(
            rd_kafka_event_DescribeConsumerGroups_result(described.get()), &count)[0];
        EXPECT_EQ(rd_kafka_ConsumerGroupDescription_state(group), RD_KAFKA_CONSUMER_GROUP_STATE_STABLE);
        ASSERT_EQ(rd_kafka_ConsumerGroupDescription_member_count(group), 1);
        const auto* member = rd_kafka_ConsumerGroupDescription_member(group, 0);
        EXPECT_STREQ(rd_kafka_MemberDescription_host(member), "/127.0.0.1");
        EXPECT_EQ(
            places_of(rd_kafka_MemberAssignment_partitions(rd_kafka_MemberDescription_assignment(member))).size(), 2);
        EXPECT_EQ(delete_group("workers"), RD_KAFKA_RESP_ERR_NON_EMPTY_GROUP);
    }
    EXPECT_EQ(committed("workers"), (std::vector<TopicPlace>{{"work", 0, 2}, {"work", 1, 2}}));
    {
        rd_kafka_AlterConsumerGroupOffsets_t* wanted =
            rd_kafka_AlterConsumerGroupOffsets_new("workers", list_of({{"work", 1, 1}}).get());
        const Event event = ask([&](rd_kafka_t* client, rd_kafka_queue_t* queue) {
            rd_kafka_AlterConsumerGroupOffsets(client, &wanted, 1, nullptr, queue);
        });
        rd_kafka_AlterConsumerGroupOffsets_destroy(wanted);
    }
    EXPECT_EQ(committed("workers"), (std::vector<TopicPlace>{{"work", 0, 2}, {"work", 1, 1}}));
    {
        rd_kafka_DeleteConsumerGroupOffsets_t* wanted =
            rd_kafka_DeleteConsumerGroupOffsets_new("workers", list_of({{"work", 0}}).get());
        const Event event = ask([&](rd_kafka_t* client, rd_kafka_queue_t* queue) {
            rd_kafka_DeleteConsumerGroupOffsets(client, &wanted, 1, nullptr, queue);
        });
        rd_kafka_DeleteConsumerGroupOffsets_destroy(wanted);
    }
    EXPECT_EQ(committed("workers"), (std::vector<TopicPlace>{{"work", 1, 1}}));
    EXPECT_EQ(delete_group("workers"), RD_KAFKA_RESP_ERR_NO_ERROR);
    EXPECT_EQ(delete_group("workers"), RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND);
}

// A static member that comes back within its session timeout gets what it had, and nobody else notices.
TEST_F(Librdkafka, MBR_AStaticMemberComesBackWithoutARebalance) {
    ASSERT_EQ(create("kept", 4), RD_KAFKA_RESP_ERR_NO_ERROR);
    const auto settings = [](const char* instance) {
        return Settings{{"group.id", "static"},
                        {"group.instance.id", instance},
                        {"session.timeout.ms", "120000"},
                        {"heartbeat.interval.ms", "100"}};
    };
    KafkaConsumer one{address_, settings("one")};
    auto two = std::make_unique<KafkaConsumer>(address_, settings("two"));
    one.subscribe({"kept"});
    two->subscribe({"kept"});
    poll_until("two members", {&one, two.get()},
               [&] { return one.assignment().size() == 2 && two->assignment().size() == 2; });
    const auto owned = partitions_of(*two);
    const auto noticed = one.rebalances().size();

    two.reset();
    two = std::make_unique<KafkaConsumer>(address_, settings("two"));
    two->subscribe({"kept"});
    poll_until("the member is back", {&one, two.get()}, [&] { return two->assignment().size() == 2; });
    EXPECT_EQ(partitions_of(*two), owned);
    EXPECT_EQ(one.rebalances().size(), noticed);

    // Another process that says it were the same one takes its place; the older hears of it.
    KafkaConsumer impostor{address_, settings("two")};
    impostor.subscribe({"kept"});
    poll_until("the older is fenced", {&one, two.get(), &impostor}, [&] { return !two->fatal_error().empty(); });
    poll_until("the newer has its place", {&one, &impostor}, [&] { return impostor.assignment().size() == 2; });
    EXPECT_EQ(partitions_of(impostor), owned);
}

// There are no transactions yet: whoever begins one is told so at once, and for good.
TEST_F(Librdkafka, TXN_ATransactionalProducerIsRefusedForGood) {
    KafkaProducer producer{address_, {{"transactional.id", "payments"}}};
    rd_kafka_error_t* const refused = rd_kafka_init_transactions(producer.handle(), 60'000);
    ASSERT_NE(refused, nullptr);
    EXPECT_EQ(rd_kafka_error_code(refused), RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    EXPECT_TRUE(rd_kafka_error_is_fatal(refused));
    EXPECT_FALSE(rd_kafka_error_is_retriable(refused));
    rd_kafka_error_destroy(refused);
    // The same broker serves one that is idempotent only.
    ASSERT_EQ(create("plain", 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    KafkaProducer plain{address_, {{"enable.idempotence", "true"}}};
    EXPECT_EQ(plain.put({.topic = "plain", .value = "x"}), 0);
}

// With cooperative-sticky nobody lets go of what he keeps.
TEST_F(Librdkafka, ACooperativeGroupHandsOverOnlyWhatMoves) {
    ASSERT_EQ(create("shared", 4), RD_KAFKA_RESP_ERR_NO_ERROR);
    const Settings settings{{"group.id", "cooperative"},
                            {"partition.assignment.strategy", "cooperative-sticky"},
                            {"heartbeat.interval.ms", "100"},
                            {"session.timeout.ms", "120000"}};
    KafkaConsumer one{address_, settings};
    one.subscribe({"shared"});
    poll_until("the first owns all", {&one}, [&] { return one.assignment().size() == 4; });
    KafkaConsumer two{address_, settings};
    two.subscribe({"shared"});
    poll_until("half each", {&one, &two},
               [&] { return one.assignment().size() == 2 && two.assignment().size() == 2; });
    EXPECT_EQ(one.rebalances()[0], "+4");
    EXPECT_EQ(std::ranges::count(one.rebalances(), "-2"), 1);
    EXPECT_EQ(std::ranges::count(one.rebalances(), "-4"), 0);
    std::set<std::int32_t> both = partitions_of(one);
    both.merge(partitions_of(two));
    EXPECT_EQ(both.size(), 4);
}

// Members that assign differently cannot share a group.
TEST_F(Librdkafka, AMemberWithoutACommonProtocolIsRefused) {
    ASSERT_EQ(create("shared", 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    KafkaConsumer one{address_, {{"group.id", "torn"}, {"partition.assignment.strategy", "range"}}};
    one.subscribe({"shared"});
    poll_until("the first is in", {&one}, [&] { return one.assignment().size() == 1; });
    KafkaConsumer two{address_, {{"group.id", "torn"}, {"partition.assignment.strategy", "cooperative-sticky"}}};
    two.subscribe({"shared"});
    poll_until("the second is refused", {&one, &two},
               [&] { return two.last_error() == RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL; });
}

}  // namespace
}  // namespace mq::test
