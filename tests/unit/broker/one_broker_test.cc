// What a cluster of one broker, without security and quotas, has a plain answer to; the sizes of partitions.
#include <filesystem>

#include "broker_fixture.h"
#include "store/data_directory.h"
#include "support/batches.h"
#include "wire/messages/acls.h"
#include "wire/messages/authentication.h"
#include "wire/messages/configs.h"
#include "wire/messages/placement.h"

namespace mq::broker {
namespace {

using wire::ErrorCode;

class OneBroker : public BrokerTest {
protected:
    void SetUp() override {
        BrokerTest::SetUp();
        ASSERT_TRUE(broker->directory().create_topic({.name = "t", .partitions = 2, .config = {}}));
    }
};

// As java-log-dirs: all topics of null, with the bytes of their segments, a lag of 0, and nothing that moves.
TEST_F(OneBroker, TellsTheSizesOfPartitions) {
    const std::string segment = dir.path() + "/data/t-1/00000000000000000000.log";
    {
        auto writer = broker->directory().open_writer({"t", 1});
        ASSERT_TRUE(writer);
        ASSERT_TRUE((*writer)->roll());
    }
    std::filesystem::resize_file(segment, 386);
    wire::DescribeLogDirsRequest request;
    request.topics.reset();
    for (std::int16_t version = 0; version <= 4; ++version) {
        const auto response = call(request, version);
        ASSERT_EQ(response.results.size(), 1u);
        const auto& log_dir = response.results[0];
        EXPECT_EQ(log_dir.error_code, ErrorCode::none);
        EXPECT_EQ(log_dir.log_dir, std::filesystem::absolute(dir.path() + "/data"));
        ASSERT_EQ(log_dir.topics.size(), 1u);
        ASSERT_EQ(log_dir.topics[0].partitions.size(), 2u);
        EXPECT_EQ(log_dir.topics[0].partitions[0].partition_size, 0);
        EXPECT_EQ(log_dir.topics[0].partitions[1].partition_size, 386);
        EXPECT_EQ(log_dir.topics[0].partitions[1].offset_lag, 0);
        EXPECT_FALSE(log_dir.topics[0].partitions[1].is_future_key);
        const auto space = std::filesystem::space(dir.path());
        EXPECT_EQ(log_dir.total_bytes, version >= 4 ? static_cast<std::int64_t>(space.capacity) : -1);
        EXPECT_EQ(log_dir.usable_bytes > 0, version >= 4);
    }
}

TEST_F(OneBroker, TellsTheSizesOfThoseThatAreAskedFor) {
    wire::DescribeLogDirsRequest request;
    EXPECT_TRUE(call(request).results.at(0).topics.empty());
    request.topics = {{"t", {1, 7}}, {"none", {0}}};
    const auto response = call(request);
    ASSERT_EQ(response.results.at(0).topics.size(), 1u);
    ASSERT_EQ(response.results[0].topics[0].partitions.size(), 1u);
    EXPECT_EQ(response.results[0].topics[0].partitions[0].partition_index, 1);
}

TEST_F(OneBroker, HasNoReassignments) {
    wire::ListPartitionReassignmentsRequest list;
    EXPECT_EQ(call(list).error_code, ErrorCode::none);
    EXPECT_TRUE(call(list).topics.empty());
    wire::AlterPartitionReassignmentsRequest request;
    request.topics = {{"t", {{0, std::nullopt}, {1, {{0}}}, {2, {{0}}}, {0, {{1}}}, {0, {{0, 1}}}}},
                      {"none", {{0, {{0}}}}}};
    const auto response = call(request);
    const auto& of_t = response.responses.at(0).partitions;
    EXPECT_EQ(of_t.at(0).error_code, ErrorCode::no_reassignment_in_progress);
    EXPECT_EQ(of_t.at(1).error_code, ErrorCode::none);
    EXPECT_EQ(of_t.at(2).error_code, ErrorCode::unknown_topic_or_partition);
    EXPECT_EQ(of_t.at(3).error_code, ErrorCode::invalid_replica_assignment);
    EXPECT_EQ(of_t.at(4).error_code, ErrorCode::invalid_replica_assignment);
    EXPECT_EQ(response.responses.at(1).partitions.at(0).error_code, ErrorCode::unknown_topic_or_partition);
}

TEST_F(OneBroker, LeadsEverythingAlready) {
    wire::ElectLeadersRequest request;
    request.topic_partitions = {{"t", {0, 5}}};
    for (std::int16_t version = 0; version <= 2; ++version) {
        const auto response = call(request, version);
        EXPECT_EQ(response.error_code, ErrorCode::none);
        const auto& results = response.replica_election_results.at(0).partition_result;
        EXPECT_EQ(results.at(0).error_code, ErrorCode::election_not_needed);
        EXPECT_EQ(results.at(1).error_code, ErrorCode::unknown_topic_or_partition);
    }
    request.topic_partitions.reset();
    EXPECT_TRUE(call(request).replica_election_results.empty());
}

TEST_F(OneBroker, HasOneDirectory) {
    wire::AlterReplicaLogDirsRequest request;
    request.dirs = {{dir.path() + "/data", {{"t", {0, 9}}}}, {"/elsewhere", {{"t", {1}}}}};
    const auto response = call(request);
    EXPECT_EQ(response.results.at(0).partitions.at(0).error_code, ErrorCode::none);
    EXPECT_EQ(response.results.at(0).partitions.at(1).error_code, ErrorCode::unknown_topic_or_partition);
    EXPECT_EQ(response.results.at(1).partitions.at(0).error_code, ErrorCode::log_dir_not_found);
}

TEST_F(OneBroker, HasNoAuthorizer) {
    EXPECT_EQ(call(wire::DescribeAclsRequest{}).error_code, ErrorCode::security_disabled);
    wire::CreateAclsRequest create;
    create.creations.resize(2);
    const auto created = call(create);
    ASSERT_EQ(created.results.size(), 2u);
    EXPECT_EQ(created.results[1].error_code, ErrorCode::security_disabled);
    wire::DeleteAclsRequest erase;
    erase.filters.resize(1);
    EXPECT_EQ(call(erase).filter_results.at(0).error_code, ErrorCode::security_disabled);
}

TEST_F(OneBroker, HasNoQuotasAndNoUsers) {
    const auto quotas = call(wire::DescribeClientQuotasRequest{});
    EXPECT_EQ(quotas.error_code, ErrorCode::none);
    ASSERT_TRUE(quotas.entries);
    EXPECT_TRUE(quotas.entries->empty());
    wire::DescribeUserScramCredentialsRequest users;
    users.users.reset();
    EXPECT_TRUE(call(users).results.empty());
    users.users = {{"eve"}};
    EXPECT_EQ(call(users).results.at(0).error_code, ErrorCode::resource_not_found);
}

}  // namespace
}  // namespace mq::broker
