// CreateTopics, CreatePartitions, DeleteTopics: rules CRE-1 to CRE-8.
#include "wire/messages/topics.h"

#include <csignal>

#include "broker/topics.h"
#include "broker_fixture.h"
#include "offsets/offset_store.h"
#include "shm/control_file.h"
#include "store/data_directory.h"
#include "support/child.h"

namespace mq::broker {
namespace {

using wire::CreatePartitionsRequest;
using wire::CreateTopicsRequest;
using wire::CreateTopicsResponse;
using wire::DeleteTopicsRequest;
using wire::ErrorCode;

CreateTopicsRequest::Topic topic_of(std::string name, std::int32_t partitions = 1, std::int16_t replicas = 1) {
    return {.name = std::move(name), .num_partitions = partitions, .replication_factor = replicas};
}

class TopicRequests : public BrokerTest {
protected:
    ErrorCode create(CreateTopicsRequest::Topic topic, bool validate_only = false, std::int16_t version = 7) {
        CreateTopicsRequest request;
        request.topics = {std::move(topic)};
        request.validate_only = validate_only;
        const auto response = call(request, version);
        EXPECT_EQ(response.topics.size(), 1u);
        last = response.topics.at(0);
        EXPECT_EQ(last.error_code == ErrorCode::none, !last.error_message.has_value());
        return last.error_code;
    }
    ErrorCode erase(const std::string& name, std::int16_t version = 5) {
        DeleteTopicsRequest request;
        request.timeout_ms = 1000;
        if (version >= 6)
            request.topics = {{.name = name}};
        else
            request.topic_names = {name};
        return call(request, version).responses.at(0).error_code;
    }
    ErrorCode grow(CreatePartitionsRequest::Topic topic, bool validate_only = false) {
        CreatePartitionsRequest request;
        request.topics = {std::move(topic)};
        request.timeout_ms = 1000;
        request.validate_only = validate_only;
        return call(request).results.at(0).error_code;
    }
    bool exists(const std::string& name) { return broker->directory().topic(name).has_value(); }

    CreateTopicsResponse::Topic last;
};

TEST_F(TopicRequests, CRE1_NamesAreHeldAgainstKafkasRules) {
    EXPECT_EQ(create(topic_of("a.b")), ErrorCode::none);
    EXPECT_EQ(create(topic_of("a.b")), ErrorCode::topic_already_exists);
    EXPECT_EQ(create(topic_of("a_b")), ErrorCode::invalid_topic_exception);
    EXPECT_EQ(create(topic_of(std::string(249, 'x'))), ErrorCode::none);
    for (const std::string& name : {std::string{}, std::string{"."}, std::string{".."}, std::string(250, 'x'),
                                    std::string{"a b"}, std::string{"a/b"}, std::string{"ä"}})
        EXPECT_EQ(create(topic_of(name)), ErrorCode::invalid_topic_exception) << name;
}

TEST_F(TopicRequests, CRE2_PartitionsAndReplicasAreCounted) {
    EXPECT_EQ(create(topic_of("a", 0)), ErrorCode::invalid_partitions);
    EXPECT_EQ(create(topic_of("a", -2)), ErrorCode::invalid_partitions);
    EXPECT_EQ(create(topic_of("a", 1, 0)), ErrorCode::invalid_replication_factor);
    EXPECT_EQ(create(topic_of("a", 1, -2)), ErrorCode::invalid_replication_factor);
    EXPECT_EQ(create(topic_of("a", 1, 2)), ErrorCode::invalid_replication_factor);
    EXPECT_FALSE(exists("a"));
    stop();
    config.num_partitions = 3;
    start();
    EXPECT_EQ(create(topic_of("a", -1, -1)), ErrorCode::none);
    EXPECT_EQ(last.num_partitions, 3);
    EXPECT_EQ(last.replication_factor, 1);
    EXPECT_EQ(broker->directory().topic("a")->partitions, 3);
}

TEST_F(TopicRequests, CRE3_AssignmentsNameEveryPartitionOnceAndThisBroker) {
    const auto assigned = [](std::vector<CreateTopicsRequest::Assignment> assignments) {
        auto topic = topic_of("a", -1, -1);
        topic.assignments = std::move(assignments);
        return topic;
    };
    auto counted = assigned({{0, {0}}});
    counted.num_partitions = 1;
    EXPECT_EQ(create(counted), ErrorCode::invalid_request);
    EXPECT_EQ(create(assigned({{1, {0}}})), ErrorCode::invalid_replica_assignment);
    EXPECT_EQ(create(assigned({{0, {0}}, {2, {0}}})), ErrorCode::invalid_replica_assignment);
    EXPECT_EQ(create(assigned({{0, {0}}, {0, {0}}})), ErrorCode::invalid_replica_assignment);
    EXPECT_EQ(create(assigned({{0, {0, 0}}})), ErrorCode::invalid_replica_assignment);
    EXPECT_EQ(create(assigned({{0, {1}}})), ErrorCode::invalid_replica_assignment);
    EXPECT_EQ(create(assigned({{0, {}}})), ErrorCode::invalid_replica_assignment);
    EXPECT_EQ(create(assigned({{-1, {0}}, {0, {0}}})), ErrorCode::invalid_replica_assignment);
    EXPECT_FALSE(exists("a"));
    EXPECT_EQ(create(assigned({{1, {0}}, {0, {0}}})), ErrorCode::none);
    EXPECT_EQ(broker->directory().topic("a")->partitions, 2);
}

TEST_F(TopicRequests, CRE4_SettingsAreHeldAgainstTheirRanges) {
    const auto with = [](std::string name, std::optional<std::string> value) {
        auto topic = topic_of("a");
        topic.configs = {{std::move(name), std::move(value)}};
        return topic;
    };
    EXPECT_EQ(create(with("retention.ms", std::nullopt)), ErrorCode::invalid_config);
    EXPECT_EQ(create(with("retention.ms", "soon")), ErrorCode::invalid_config);
    EXPECT_EQ(create(with("retention.msec", "1")), ErrorCode::invalid_config);
    EXPECT_EQ(create(with("min.compaction.lag.ms", "9223372036854775807")), ErrorCode::none);
    EXPECT_EQ(erase("a"), ErrorCode::none);
    EXPECT_EQ(create(with("retention.ms", "100000")), ErrorCode::none);
    EXPECT_EQ(broker->directory().topic("a")->config.at("retention.ms"), "100000");
}

// As java-topics-create: retention.ms is the topic's own (1), the rest the broker's (4) or Kafka's (5).
TEST_F(TopicRequests, TellsTheSettingsOfANewTopicFromVersion5On) {
    stop();
    config.topic_defaults["segment.bytes"] = "1048576";
    start();
    auto topic = topic_of("a", 2);
    topic.configs = {{"retention.ms", "100000"}};
    EXPECT_EQ(create(topic, false, 5), ErrorCode::none);
    EXPECT_EQ(last.num_partitions, 2);
    std::map<std::string, std::pair<std::string, int>> seen;
    for (const auto& config_of : *last.configs) {
        seen[config_of.name] = {config_of.value.value_or("(null)"), config_of.config_source};
        EXPECT_FALSE(config_of.read_only);
        EXPECT_FALSE(config_of.is_sensitive);
    }
    EXPECT_EQ(seen.at("retention.ms"), (std::pair<std::string, int>{"100000", 1}));
    EXPECT_EQ(seen.at("segment.bytes"), (std::pair<std::string, int>{"1048576", 4}));
    EXPECT_EQ(seen.at("cleanup.policy"), (std::pair<std::string, int>{"delete", 5}));
    EXPECT_EQ(seen.at("flush.messages"), (std::pair<std::string, int>{"9223372036854775807", 5}));
    EXPECT_EQ(create(topic_of("b"), false, 4), ErrorCode::none);
    EXPECT_EQ(last.num_partitions, -1);
}

// What server.properties says of all topics holds in every process of the directory.
TEST_F(TopicRequests, DefaultsOfTheBrokerAreThoseOfTheDirectory) {
    ASSERT_EQ(create(topic_of("a")), ErrorCode::none);
    stop();
    config.topic_defaults = {{"retention.ms", "77"}};
    start();
    EXPECT_EQ(broker->directory().shape("a")->log.retention_ms, 77);
    EXPECT_EQ((*broker->topics().picture())->find("a")->config.log.retention_ms, 77);
    stop();
    config.topic_defaults.clear();
    start();
    EXPECT_EQ(broker->directory().shape("a")->log.retention_ms, 604'800'000);
}

TEST_F(TopicRequests, CRE5_ATopicThatStandsThereTwiceIsRefusedAndTheOthersAreMade) {
    CreateTopicsRequest request;
    request.topics = {topic_of("a"), topic_of("b"), topic_of("a")};
    const auto response = call(request);
    ASSERT_EQ(response.topics.size(), 3u);
    EXPECT_EQ(response.topics[0].error_code, ErrorCode::invalid_request);
    EXPECT_EQ(response.topics[1].error_code, ErrorCode::none);
    EXPECT_EQ(response.topics[2].error_code, ErrorCode::invalid_request);
    EXPECT_FALSE(exists("a"));
    EXPECT_TRUE(exists("b"));
}

TEST_F(TopicRequests, CRE5_ValidateOnlyMakesNothing) {
    EXPECT_EQ(create(topic_of("a", 2), true), ErrorCode::none);
    EXPECT_EQ(last.num_partitions, 2);
    EXPECT_TRUE(last.topic_id.is_zero());
    EXPECT_EQ(create(topic_of("a", 0), true), ErrorCode::invalid_partitions);
    EXPECT_FALSE(exists("a"));
}

TEST_F(TopicRequests, CRE6_WhoDoesNotWaitIsToldThatTimeIsUpAndTheTopicIsThere) {
    CreateTopicsRequest request;
    request.topics = {topic_of("a"), topic_of("b", 0)};
    request.timeout_ms = 0;
    const auto response = call(request);
    EXPECT_EQ(response.topics.at(0).error_code, ErrorCode::request_timed_out);
    EXPECT_EQ(response.topics.at(1).error_code, ErrorCode::invalid_partitions);
    EXPECT_TRUE(exists("a"));
    request.topics = {topic_of("c")};
    request.validate_only = true;
    EXPECT_EQ(call(request).topics.at(0).error_code, ErrorCode::none);
}

// A process that is stopped in the middle of a change of topics costs others no more than their time.
TEST_F(TopicRequests, P5_CRE6_WhoWaitsForAStoppedProcessIsToldThatTimeIsUp) {
    stop();
    const test::Gate go;
    const test::Gate held;
    // Made while no thread of the broker runs.
    test::Child other = test::Child::fork([&] {
        if (!go.wait()) return 2;
        store::OpenOptions how;
        how.access = store::Access::write;
        auto theirs = store::DataDirectory::open(config.log_dir, how);
        if (!theirs) return 3;
        shm::ControlFile& control = *theirs->control();
        const Status done = control.on_claimed_thread([&]() -> Status {
            MQ_ASSIGN(const shm::Guard guard, control.lock(control.header().catalogue, "the catalogue lock"));
            held.open();
            ::raise(SIGSTOP);
            return {};
        });
        return done ? 0 : 4;
    });
    start();
    go.open();
    ASSERT_TRUE(held.wait());
    ASSERT_TRUE(other.wait_until_stopped());
    CreateTopicsRequest request;
    request.topics = {topic_of("a")};
    request.timeout_ms = 100;
    const auto refused = call(request);
    EXPECT_EQ(refused.topics.at(0).error_code, ErrorCode::request_timed_out);
    ASSERT_TRUE(refused.topics[0].error_message);
    EXPECT_NE(refused.topics[0].error_message->find(std::to_string(other.pid())), std::string::npos)
        << *refused.topics[0].error_message;
    other.send(SIGCONT);
    EXPECT_EQ(other.wait(), test::exited_with(0));
    EXPECT_EQ(create(topic_of("a")), ErrorCode::none);
}

TEST_F(TopicRequests, EveryVersionIsUnderstood) {
    for (std::int16_t version = 0; version <= 7; ++version) {
        const std::string name = "v" + std::to_string(version);
        CreateTopicsRequest request;
        request.topics = {topic_of(name)};
        const auto response = call(request, version);
        EXPECT_EQ(response.topics.at(0).error_code, ErrorCode::none) << version;
        EXPECT_EQ(!response.topics.at(0).topic_id.is_zero(), version >= 7);
        EXPECT_TRUE(exists(name)) << version;
        EXPECT_EQ(erase(name, std::min<std::int16_t>(version, 6)), ErrorCode::none) << version;
    }
}

TEST_F(TopicRequests, MorePartitionsThanADirectoryHoldsAreRefused) {
    EXPECT_EQ(create(topic_of("a", 65'537)), ErrorCode::policy_violation);
    EXPECT_EQ(create(topic_of("a", std::numeric_limits<std::int32_t>::max())), ErrorCode::policy_violation);
    EXPECT_FALSE(exists("a"));
}

TEST_F(TopicRequests, CRE7_PartitionsCanOnlyBecomeMore) {
    ASSERT_EQ(create(topic_of("a", 2)), ErrorCode::none);
    EXPECT_EQ(grow({"none", 2, std::nullopt}), ErrorCode::unknown_topic_or_partition);
    for (const int count : {2, 1, 0, -1})
        EXPECT_EQ(grow({"a", count, std::nullopt}), ErrorCode::invalid_partitions) << count;
    EXPECT_EQ(grow({"a", 3, std::vector<CreatePartitionsRequest::Assignment>{}}),
              ErrorCode::invalid_replica_assignment);
    EXPECT_EQ(grow({"a", 3, {{{{1}}}}}), ErrorCode::invalid_replica_assignment);
    EXPECT_EQ(grow({"a", 3, std::nullopt}, true), ErrorCode::none);
    EXPECT_EQ(broker->directory().topic("a")->partitions, 2);
    EXPECT_EQ(grow({"a", 3, {{{{0}}}}}), ErrorCode::none);
    EXPECT_EQ(grow({"a", 5, std::nullopt}), ErrorCode::none);
    EXPECT_EQ(broker->directory().topic("a")->partitions, 5);
}

TEST_F(TopicRequests, CRE8_DeletionCanBeForbidden) {
    ASSERT_EQ(create(topic_of("a")), ErrorCode::none);
    stop();
    config.delete_topics = false;
    start();
    EXPECT_EQ(erase("a", 2), ErrorCode::invalid_request);
    EXPECT_EQ(erase("a", 3), ErrorCode::topic_deletion_disabled);
    EXPECT_EQ(erase("a", 6), ErrorCode::topic_deletion_disabled);
    EXPECT_TRUE(exists("a"));
}

TEST_F(TopicRequests, CRE8_TopicsAreDeletedByNameOrId) {
    ASSERT_EQ(create(topic_of("a")), ErrorCode::none);
    ASSERT_EQ(create(topic_of("b")), ErrorCode::none);
    const Uuid id = last.topic_id;
    EXPECT_EQ(erase("none", 6), ErrorCode::unknown_topic_or_partition);
    DeleteTopicsRequest request;
    request.timeout_ms = 1000;
    request.topics = {{std::nullopt, Uuid{{9}}}, {"a", id}, {std::nullopt, {}}, {std::nullopt, id}};
    const auto response = call(request, 6);
    ASSERT_EQ(response.responses.size(), 4u);
    EXPECT_EQ(response.responses[0].error_code, ErrorCode::unknown_topic_id);
    EXPECT_EQ(response.responses[1].error_code, ErrorCode::invalid_request);
    EXPECT_EQ(response.responses[2].error_code, ErrorCode::invalid_request);
    EXPECT_EQ(response.responses[3].error_code, ErrorCode::none);
    EXPECT_EQ(response.responses[3].name, "b");
    EXPECT_TRUE(exists("a"));
    EXPECT_FALSE(exists("b"));
    request.topics = {{"a", {}}, {"a", {}}};
    EXPECT_EQ(call(request, 6).responses.at(1).error_code, ErrorCode::invalid_request);
    EXPECT_TRUE(exists("a"));
}

TEST_F(TopicRequests, WhatGroupsHaveCommittedOfATopicGoesWithIt) {
    ASSERT_EQ(create(topic_of("a")), ErrorCode::none);
    ASSERT_EQ(create(topic_of("b")), ErrorCode::none);
    const std::vector<offsets::Commit> commits{{.topic = "a", .partition = 0, .offset = Offset{3}},
                                               {.topic = "b", .partition = 0, .offset = Offset{4}}};
    ASSERT_TRUE(broker->offsets().commit("g", commits));
    EXPECT_EQ(erase("a"), ErrorCode::none);
    const auto left = broker->offsets().fetch_all("g");
    ASSERT_TRUE(left);
    ASSERT_EQ(left->size(), 1u);
    EXPECT_EQ(left->begin()->first.topic, "b");
}

}  // namespace
}  // namespace mq::broker
