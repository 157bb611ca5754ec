// InitProducerId and DescribeProducers: PID-1 to PID-3, IDM-1.
#include <algorithm>
#include <csignal>
#include <set>

#include "broker/producer_ids.h"
#include "broker_fixture.h"
#include "shm/control_file.h"
#include "shm/layout.h"
#include "store/data_directory.h"
#include "support/batches.h"
#include "support/child.h"
#include "support/golden.h"
#include "wire/messages/all.h"

namespace mq::broker {
namespace {

using wire::ErrorCode;
using wire::InitProducerIdRequest;

class InitProducerId : public BrokerTest {};

TEST_F(InitProducerId, PID1_PID2_IdsCountFrom0InEveryVersion) {
    for (std::int16_t version = 0; version <= wire::api_of(wire::ApiKey::init_producer_id).highest; ++version) {
        const auto answer = call(InitProducerIdRequest{}, version);
        EXPECT_EQ(answer.error_code, ErrorCode::none);
        EXPECT_EQ(answer.producer_id, version);
        EXPECT_EQ(answer.producer_epoch, 0);
    }
}

TEST_F(InitProducerId, PID2_PID3_ABlockIsDurableFirstAndARestartThrowsItsRestAway) {
    EXPECT_EQ(call(InitProducerIdRequest{}).producer_id, 0);
    const std::string catalogue = mq::test::slurp(config.log_dir + "/mq-topics.json");
    EXPECT_NE(catalogue.find("\"next_producer_id\":1000"), std::string::npos) << catalogue;
    stop();
    start();
    EXPECT_EQ(call(InitProducerIdRequest{}).producer_id, 1000);
    for (std::int64_t id = 1001; id < 2000; ++id) ASSERT_EQ(broker->producer_ids().next().value(), id);
    EXPECT_EQ(call(InitProducerIdRequest{}).producer_id, 2000) << "of the next block";
}

TEST_F(InitProducerId, PID1_WhoNamesAnOldIdGetsANewOne) {
    const auto answer = call(InitProducerIdRequest{.producer_id = 77, .producer_epoch = 3});
    EXPECT_EQ(answer.error_code, ErrorCode::none);
    EXPECT_EQ(answer.producer_id, 0);
    EXPECT_EQ(answer.producer_epoch, 0);
    EXPECT_EQ(call(InitProducerIdRequest{.producer_id = 77}).error_code, ErrorCode::invalid_request);
    EXPECT_EQ(call(InitProducerIdRequest{.producer_epoch = 3}).error_code, ErrorCode::invalid_request);
}

TEST_F(InitProducerId, ATransactionalProducerIsRefusedForGoodAndTheLogTellsWhy) {
    const auto answer = call(InitProducerIdRequest{.transactional_id = "orders", .transaction_timeout_ms = 60'000});
    EXPECT_EQ(answer.error_code, ErrorCode::transactional_id_authorization_failed);
    EXPECT_EQ(answer.producer_id, -1);
    EXPECT_NE(log.lines().find("'orders'"), std::string::npos) << log.lines();
    EXPECT_EQ(call(InitProducerIdRequest{.transactional_id = ""}).error_code, ErrorCode::invalid_request);
}

TEST_F(InitProducerId, ManyTransactionalProducersAreAFewLinesOfTheLog) {
    for (int i = 0; i < 1'000; ++i)
        EXPECT_EQ(call(InitProducerIdRequest{.transactional_id = "orders"}).error_code,
                  ErrorCode::transactional_id_authorization_failed);
    // Ten lines in ten seconds: a machine may be slow.
    EXPECT_LE(std::ranges::count(log.lines(), '\n'), 200) << log.lines();
}

TEST_F(InitProducerId, P5_WhileAStoppedProcessIsInTheWayClientsAreToldToTryAgain) {
    ASSERT_TRUE(broker->directory().create_topic({"numbers", 1, 1, {}}));
    mq::test::Child holder = mq::test::Child::fork([path = config.log_dir] {
        auto directory = store::DataDirectory::open(path, {.access = store::Access::write, .on_wait = {}});
        shm::ControlFile& control = *directory->control();
        const Status held = control.on_claimed_thread([&]() -> Status {
            MQ_ASSIGN(const shm::Guard append, control.lock(control.find("numbers", 0)->append, "a lock"));
            MQ_ASSIGN(const shm::Guard catalogue, control.lock(control.header().catalogue, "a lock"));
            raise(SIGSTOP);
            return {};
        });
        return held ? 0 : 1;
    });
    ASSERT_TRUE(holder.wait_until_stopped());
    EXPECT_EQ(call(InitProducerIdRequest{}).error_code, ErrorCode::coordinator_load_in_progress);
    const auto described = call(wire::DescribeProducersRequest{.topics = {{"numbers", {0}}}});
    EXPECT_EQ(described.topics.at(0).partitions.at(0).error_code, ErrorCode::request_timed_out);
    holder.send(SIGCONT);
    EXPECT_EQ(holder.wait(), mq::test::exited_with(0));
    EXPECT_EQ(call(InitProducerIdRequest{}).producer_id, 0);
}

TEST_F(InitProducerId, IDM1_DescribeProducersTellsWhoProducesToAPartition) {
    ASSERT_TRUE(broker->directory().create_topic({"numbers", 2, 1, {}}));
    for (const std::int32_t sequence : {0, 3}) {
        record::BatchOptions options;
        options.producer_id = 12;
        options.producer_epoch = 4;
        options.base_sequence = sequence;
        const std::string batch = mq::test::numbered_batch(0, 3, 5000 + sequence, options);
        const auto answer = call(
            wire::ProduceRequest{.acks = 1, .timeout_ms = 1000, .topic_data = {{"numbers", {{1, ByteView{batch}}}}}});
        ASSERT_EQ(answer.responses.at(0).partition_responses.at(0).error_code, ErrorCode::none);
    }
    const auto answer = call(wire::DescribeProducersRequest{.topics = {{"numbers", {0, 1, 2, 1}}, {"nobody", {0}}}});
    ASSERT_EQ(answer.topics.size(), 2u);
    const auto& partitions = answer.topics[0].partitions;
    ASSERT_EQ(partitions.size(), 4u);
    EXPECT_EQ(partitions[0].error_code, ErrorCode::none);
    EXPECT_TRUE(partitions[0].active_producers.empty());
    ASSERT_EQ(partitions[1].active_producers.size(), 1u);
    const auto& producer = partitions[1].active_producers[0];
    EXPECT_EQ(producer.producer_id, 12);
    EXPECT_EQ(producer.producer_epoch, 4);
    EXPECT_EQ(producer.last_sequence, 5);
    EXPECT_EQ(producer.last_timestamp, 5005);
    EXPECT_EQ(producer.coordinator_epoch, -1);
    EXPECT_EQ(producer.current_txn_start_offset, -1);
    EXPECT_EQ(partitions[2].error_code, ErrorCode::unknown_topic_or_partition);
    EXPECT_EQ(partitions[3].error_code, ErrorCode::invalid_request) << "named twice";
    EXPECT_EQ(answer.topics[1].partitions.at(0).error_code, ErrorCode::unknown_topic_or_partition);
}

}  // namespace
}  // namespace mq::broker
