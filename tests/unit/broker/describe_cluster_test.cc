// DescribeCluster and DescribeTopicPartitions (KIP-966).
#include "broker_fixture.h"
#include "store/data_directory.h"
#include "wire/messages/metadata.h"

namespace mq::broker {
namespace {

using wire::DescribeClusterRequest;
using wire::DescribeTopicPartitionsRequest;
using wire::DescribeTopicPartitionsResponse;
using wire::ErrorCode;

using DescribeCluster = BrokerTest;

TEST_F(DescribeCluster, TellsTheOneBroker) {
    for (const std::int16_t version : {0, 1}) {
        const auto response = call(DescribeClusterRequest{}, version);
        EXPECT_EQ(response.error_code, ErrorCode::none);
        EXPECT_EQ(response.cluster_id, broker->cluster_id());
        EXPECT_EQ(response.controller_id, 0);
        ASSERT_EQ(response.brokers.size(), 1u);
        EXPECT_EQ(response.brokers[0].host, "localhost");
        EXPECT_EQ(response.brokers[0].port, 9092);
        EXPECT_EQ(response.cluster_authorized_operations, std::numeric_limits<std::int32_t>::min());
    }
    EXPECT_EQ(
        call(DescribeClusterRequest{.include_cluster_authorized_operations = true}).cluster_authorized_operations,
        8096);
}

TEST_F(DescribeCluster, IsAskedOfABrokerAndNotOfAController) {
    EXPECT_EQ(call(DescribeClusterRequest{.endpoint_type = 2}).error_code, ErrorCode::mismatched_endpoint_type);
    EXPECT_EQ(call(DescribeClusterRequest{.endpoint_type = 9}).error_code, ErrorCode::unsupported_endpoint_type);
}

class DescribeTopicPartitions : public BrokerTest {
protected:
    void SetUp() override {
        BrokerTest::SetUp();
        for (const auto& [name, partitions] : {std::pair{"a", 3}, std::pair{"b", 2}, std::pair{"c", 1}})
            ASSERT_TRUE(broker->directory().create_topic({.name = name, .partitions = partitions, .config = {}}));
    }
    // "a0 a1 a2 b0": what a response has, and where the next begins.
    static std::string pages_of(const DescribeTopicPartitionsResponse& response) {
        std::string text;
        for (const auto& topic : response.topics) {
            for (const auto& partition : topic.partitions)
                text += *topic.name + std::to_string(partition.partition_index) + " ";
        }
        if (response.next_cursor)
            text +=
                "then " + response.next_cursor->topic_name + std::to_string(response.next_cursor->partition_index);
        return text;
    }
};

TEST_F(DescribeTopicPartitions, AllTopicsInPages) {
    DescribeTopicPartitionsRequest request;
    EXPECT_EQ(pages_of(call(request)), "a0 a1 a2 b0 b1 c0 ");
    request.response_partition_limit = 2;
    std::vector<std::string> pages;
    do {
        const auto response = call(request);
        pages.push_back(pages_of(response));
        request.cursor = response.next_cursor;
    } while (request.cursor);
    EXPECT_EQ(pages, (std::vector<std::string>{"a0 a1 then a2", "a2 b0 then b1", "b1 c0 "}));
    request.cursor.reset();
    request.response_partition_limit = 3;
    EXPECT_EQ(pages_of(call(request)), "a0 a1 a2 then b0");
    request.response_partition_limit = 0;
    EXPECT_EQ(pages_of(call(request)), "a0 then a1");
}

TEST_F(DescribeTopicPartitions, NamedTopicsFromTheCursorOn) {
    DescribeTopicPartitionsRequest request;
    request.topics = {{"c"}, {"a"}, {"none"}, {"a b"}};
    auto response = call(request);
    ASSERT_EQ(response.topics.size(), 4u);
    EXPECT_EQ(response.topics[0].name, "a");
    EXPECT_EQ(response.topics[0].topic_authorized_operations, 3576);
    EXPECT_EQ(response.topics[1].error_code, ErrorCode::invalid_topic_exception);
    EXPECT_EQ(response.topics[2].name, "c");
    EXPECT_EQ(response.topics[3].error_code, ErrorCode::unknown_topic_or_partition);
    const auto& partition = response.topics[2].partitions.at(0);
    EXPECT_EQ(partition.leader_id, 0);
    EXPECT_EQ(partition.eligible_leader_replicas, std::vector<std::int32_t>{});

    request.topics = {{"a"}, {"c"}};
    request.cursor = {"b", 1};
    EXPECT_EQ(pages_of(call(request)), "b1 c0 ");
    request.cursor->partition_index = -1;
    EXPECT_EQ(call(request).topics.at(0).error_code, ErrorCode::invalid_request);
}

}  // namespace
}  // namespace mq::broker
