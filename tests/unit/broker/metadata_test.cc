// Metadata: rules MET-1 to MET-5.
#include "wire/messages/metadata.h"

#include "broker_fixture.h"
#include "store/data_directory.h"

namespace mq::broker {
namespace {

using wire::ErrorCode;
using wire::MetadataRequest;
using wire::MetadataResponse;

class Metadata : public BrokerTest {
protected:
    void make(const std::string& name, std::int32_t partitions = 1) {
        const auto made = broker->directory().create_topic({.name = name, .partitions = partitions, .config = {}});
        ASSERT_TRUE(made) << made.error().message();
    }
    static MetadataRequest about(std::vector<std::string> names, bool may_make = true) {
        MetadataRequest request;
        for (auto& name : names) request.topics->push_back({.name = std::move(name)});
        request.allow_auto_topic_creation = may_make;
        return request;
    }
    static std::vector<std::string> names_of(const MetadataResponse& response) {
        std::vector<std::string> names;
        for (const auto& topic : response.topics) names.push_back(topic.name.value_or("(null)"));
        return names;
    }
};

TEST_F(Metadata, MET1_OfNoTopicsIsAllOfThemInVersion0AndNoneLater) {
    make("b");
    make("a");
    EXPECT_EQ(names_of(call(MetadataRequest{}, 0)), (std::vector<std::string>{"a", "b"}));
    for (std::int16_t version = 1; version <= 12; ++version) {
        const auto response = call(MetadataRequest{}, version);
        EXPECT_TRUE(response.topics.empty()) << version;
        EXPECT_EQ(response.brokers.size(), 1u) << version;
    }
}

TEST_F(Metadata, MET1_OfNullIsAllTopicsByNameFromVersion1On) {
    make("b", 3);
    make("a");
    for (std::int16_t version = 1; version <= 12; ++version) {
        MetadataRequest request;
        request.topics.reset();
        const auto response = call(request, version);
        ASSERT_EQ(names_of(response), (std::vector<std::string>{"a", "b"})) << version;
        ASSERT_EQ(response.topics[1].partitions.size(), 3u) << version;
        const auto& last = response.topics[1].partitions[2];
        EXPECT_EQ(last.partition_index, 2);
        EXPECT_EQ(last.error_code, ErrorCode::none);
        EXPECT_EQ(last.leader_id, 0);
        EXPECT_EQ(last.replica_nodes, std::vector<std::int32_t>{0});
        EXPECT_EQ(last.isr_nodes, std::vector<std::int32_t>{0});
        EXPECT_TRUE(last.offline_replicas.empty());
        EXPECT_EQ(last.leader_epoch, version >= 7 ? 0 : -1);
    }
}

TEST_F(Metadata, TellsClusterControllerAndRack) {
    stop();
    config.broker_id = 0;
    config.rack = "cellar";
    start();
    const auto response = call(MetadataRequest{});
    EXPECT_EQ(response.controller_id, 0);
    EXPECT_EQ(response.brokers.at(0).rack, "cellar");
    ASSERT_TRUE(response.cluster_id);
    EXPECT_EQ(response.cluster_id->size(), 22u);
    stop();
    start();
    EXPECT_EQ(call(MetadataRequest{}).cluster_id, response.cluster_id);
}

TEST_F(Metadata, MET5_NamesTheListenerThroughWhichTheRequestCame) {
    client = std::make_shared<Client>(
        Client{"10.0.0.1", std::make_shared<Endpoint>(Endpoint{"OUTSIDE", "kafka.example", 19092})});
    const auto response = call(MetadataRequest{});
    EXPECT_EQ(response.brokers.at(0).host, "kafka.example");
    EXPECT_EQ(response.brokers.at(0).port, 19092);
}

TEST_F(Metadata, MET2_MakesATopicThatIsAskedForByName) {
    stop();
    config.num_partitions = 4;
    start();
    const auto response = call(about({"new"}), 9);
    ASSERT_EQ(response.topics.size(), 1u);
    EXPECT_EQ(response.topics[0].error_code, ErrorCode::none);
    EXPECT_EQ(response.topics[0].partitions.size(), 4u);
    EXPECT_EQ(broker->directory().topic("new")->partitions, 4);
}

TEST_F(Metadata, MET2_OldClientsHaveNoSayInIt) {
    EXPECT_EQ(call(about({"old"}), 3).topics.at(0).error_code, ErrorCode::none);
    EXPECT_TRUE(broker->directory().topic("old"));
}

TEST_F(Metadata, MET2_MakesNothingWhereTheClientOrTheBrokerForbidsIt) {
    for (std::int16_t version = 4; version <= 12; ++version) {
        const auto response = call(about({"x"}, false), version);
        EXPECT_EQ(response.topics.at(0).error_code, ErrorCode::unknown_topic_or_partition) << version;
    }
    stop();
    config.auto_create_topics = false;
    start();
    EXPECT_EQ(call(about({"x"}), 1).topics.at(0).error_code, ErrorCode::unknown_topic_or_partition);
    EXPECT_FALSE(broker->directory().topic("x"));
}

TEST_F(Metadata, MET2_MakesKafkasOwnTopicsAsTheyAre) {
    const auto response = call(about({"__consumer_offsets"}));
    EXPECT_TRUE(response.topics.at(0).is_internal);
    EXPECT_EQ(response.topics.at(0).partitions.size(), 50u);
    const auto topic = broker->directory().topic("__consumer_offsets");
    ASSERT_TRUE(topic);
    EXPECT_EQ(topic->config.at("cleanup.policy"), "compact");
}

TEST_F(Metadata, MET3_AnIllegalNameIsSaidToBeOne) {
    for (const bool may_make : {true, false}) {
        const auto response = call(about({"a b", "..", "fine"}, may_make));
        ASSERT_EQ(names_of(response), (std::vector<std::string>{"..", "a b", "fine"}));
        EXPECT_EQ(response.topics[0].error_code, ErrorCode::invalid_topic_exception);
        EXPECT_EQ(response.topics[1].error_code, ErrorCode::invalid_topic_exception);
    }
    make("a.b");
    EXPECT_EQ(call(about({"a_b"})).topics.at(0).error_code, ErrorCode::invalid_topic_exception);
    EXPECT_FALSE(broker->directory().topic("a_b"));
}

TEST_F(Metadata, FindsTopicsByTheirIds) {
    make("a");
    const auto id = parse_uuid(broker->directory().topic("a")->id);
    ASSERT_TRUE(id);
    MetadataRequest request;
    request.topics = {{.topic_id = *id, .name = std::nullopt}, {.topic_id = Uuid{{1}}, .name = std::nullopt}};
    const auto response = call(request, 12);
    ASSERT_EQ(response.topics.size(), 2u);
    const bool first = response.topics[0].topic_id == *id;
    const auto& known = response.topics[first ? 0 : 1];
    const auto& unknown = response.topics[first ? 1 : 0];
    EXPECT_EQ(known.name, "a");
    EXPECT_EQ(known.partitions.size(), 1u);
    EXPECT_EQ(unknown.error_code, ErrorCode::unknown_topic_id);
    EXPECT_EQ(unknown.name, std::nullopt);
    EXPECT_EQ(unknown.topic_id, Uuid{{1}});
}

TEST_F(Metadata, IdsAreRefusedBeforeVersion12) {
    MetadataRequest request;
    request.topics = {{.topic_id = Uuid{{1}}, .name = "a"}};
    for (const std::int16_t version : {10, 11})
        EXPECT_EQ(call(request, version).topics.at(0).error_code, ErrorCode::invalid_request) << version;
}

TEST_F(Metadata, OperationsAreAllOfThemWhereNobodyIsRefusedAnything) {
    make("a");
    auto request = about({"a", "none"}, false);
    request.include_topic_authorized_operations = true;
    request.include_cluster_authorized_operations = true;
    const auto response = call(request, 10);
    // The bits of AclOperation's codes: 3 to 8, 10 and 11; of a cluster 5 and 7 to 12.
    EXPECT_EQ(response.topics.at(0).topic_authorized_operations, 0b1101'1111'1000);
    EXPECT_EQ(response.topics.at(1).topic_authorized_operations, std::numeric_limits<std::int32_t>::min());
    EXPECT_EQ(response.cluster_authorized_operations, 0b1'1111'1010'0000);
    EXPECT_EQ(call(about({"a"}), 10).topics.at(0).topic_authorized_operations,
              std::numeric_limits<std::int32_t>::min());
}

TEST_F(Metadata, KnowsWhatAnotherProcessHasMadeAndDeleted) {
    MetadataRequest all;
    all.topics.reset();
    EXPECT_TRUE(call(all).topics.empty());
    store::OpenOptions how;
    how.access = store::Access::write;
    auto other = store::DataDirectory::open(config.log_dir, how);
    ASSERT_TRUE(other) << other.error().message();
    ASSERT_TRUE(other->create_topic({.name = "theirs", .partitions = 2, .config = {}}));
    EXPECT_EQ(call(all).topics.at(0).partitions.size(), 2u);
    ASSERT_TRUE(other->set_partitions("theirs", 5));
    EXPECT_EQ(call(all).topics.at(0).partitions.size(), 5u);
    ASSERT_TRUE(other->delete_topic("theirs"));
    EXPECT_TRUE(call(all).topics.empty());
}

// Leader epochs of partitions in use are those that appends are made with.
TEST_F(Metadata, TellsTheLeaderEpochThatAFetchIsHeldAgainst) {
    make("a");
    auto writer = broker->directory().open_writer({"a", 0});
    ASSERT_TRUE(writer);
    ASSERT_TRUE((*writer)->change([](mq::log::Log& one) { return one.start_leader_epoch(6); }));
    EXPECT_EQ(call(about({"a"})).topics.at(0).partitions.at(0).leader_epoch, 6);
}

TEST_F(Metadata, RefusesADirectoryOfAnotherBroker) {
    stop();
    config.broker_id = 5;
    const auto opened = Broker::open(config, log);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::bad_configuration);
    EXPECT_NE(opened.error().message().find("broker 0"), std::string::npos) << opened.error().message();
    EXPECT_NE(opened.error().message().find("5"), std::string::npos);
}

TEST_F(Metadata, WritesItsIdIntoADirectoryThatHasNone) {
    stop();
    config.log_dir = dir.path() + "/other";
    config.broker_id = 7;
    start();
    EXPECT_EQ(call(MetadataRequest{}).controller_id, 7);
    stop();
    config.broker_id.reset();
    start();
    EXPECT_EQ(call(MetadataRequest{}).brokers.at(0).node_id, 7);
}

}  // namespace
}  // namespace mq::broker
