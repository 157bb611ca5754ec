// Produce without a network: acknowledgement (ACK-*), idempotence (IDM-*), and what other processes do meanwhile.
#include <csignal>

#include "broker/partitions.h"
#include "broker_fixture.h"
#include "record/record.h"
#include "shm/control_file.h"
#include "store/data_directory.h"
#include "support/batches.h"
#include "support/child.h"
#include "wire/messages/all.h"

namespace mq::broker {
namespace {

using test::Child;
using test::Gate;
using test::numbered_batch;
using wire::ErrorCode;
using wire::ProduceRequest;
using wire::ProduceResponse;

constexpr std::int16_t kLatest = 9;

class Produce : public BrokerTest {
protected:
    void SetUp() override {
        BrokerTest::SetUp();
        make_topic("numbers");
    }
    void make_topic(const std::string& name, store::ConfigMap settings = {}, std::int32_t partitions = 2) {
        const auto made = broker->directory().create_topic(
            {.name = name, .partitions = partitions, .replicas = 1, .config = std::move(settings)});
        ASSERT_TRUE(made) << made.error().message();
    }
    static ProduceRequest request(const std::string& topic, std::int32_t partition, ByteView records,
                                  std::int16_t acks = 1) {
        return {.acks = acks, .timeout_ms = 30'000, .topic_data = {{topic, {{partition, records}}}}};
    }
    ProduceResponse::Partition produce(const ProduceRequest& wanted, std::int16_t version = kLatest) {
        const ProduceResponse response = call(wanted, version);
        EXPECT_EQ(response.responses.size(), 1u);
        EXPECT_EQ(response.responses.at(0).partition_responses.size(), 1u);
        return response.responses.at(0).partition_responses.at(0);
    }
    ProduceResponse::Partition produce(ByteView records, std::int16_t acks = 1, std::int32_t partition = 0) {
        return produce(request("numbers", partition, records, acks));
    }
    // Values of all records of a partition, with their offsets.
    std::string content(const std::string& topic, std::int32_t partition = 0) {
        const auto reader = broker->directory().open_reader({topic, partition});
        EXPECT_TRUE(reader) << reader.error().message();
        std::string found;
        record::RecordReader records;
        log::ScannedBatch batch;
        for (;;) {
            const auto outcome = (*reader)->next(batch);
            EXPECT_TRUE(outcome) << outcome.error().message();
            if (!outcome || *outcome != log::ReadOutcome::batch) break;
            EXPECT_TRUE(records.open(batch.bytes));
            for (record::RecordView r; records.next(r);)
                found += std::to_string(r.offset.value()) + ":" + std::string{r.value.value_or("null")} + ' ';
            EXPECT_TRUE(records.status());
        }
        return found;
    }
};

TEST_F(Produce, ACK3_ACK9_WithAcks1IsAnsweredWithTheOffsetOfTheFirstRecord) {
    const auto first = produce(numbered_batch(0, 3));
    EXPECT_EQ(first.error_code, ErrorCode::none);
    EXPECT_EQ(first.base_offset, 0);
    EXPECT_EQ(first.log_append_time_ms, -1);
    EXPECT_EQ(first.log_start_offset, 0);
    EXPECT_EQ(produce(numbered_batch(3, 2)).base_offset, 3);
    EXPECT_EQ(produce(numbered_batch(0, 1), 1, 1).base_offset, 0);
    EXPECT_EQ(content("numbers"), "0:v0 1:v1 2:v2 3:v3 4:v4 ");
    EXPECT_EQ(content("numbers", 1), "0:v0 ");
}

TEST_F(Produce, ACK5_P2_WithAcksAllIsAnsweredOnceItIsOnStableStorage) {
    EXPECT_EQ(produce(numbered_batch(0, 3), -1).error_code, ErrorCode::none);
    shm::PartitionSlot* slot = broker->directory().control()->find("numbers", 0);
    ASSERT_NE(slot, nullptr);
    const auto& state = *reinterpret_cast<log::PublishedState*>(slot->state.data());
    EXPECT_EQ(state.flushed.load(), 3);
    EXPECT_EQ(produce(numbered_batch(3, 3), 1).error_code, ErrorCode::none);
    EXPECT_EQ(state.flushed.load(), 3);
    make_topic("cached", {{"write.caching", "true"}});
    EXPECT_EQ(produce(request("cached", 0, numbered_batch(0, 3), -1)).base_offset, 0);
    slot = broker->directory().control()->find("cached", 0);
    EXPECT_EQ(reinterpret_cast<log::PublishedState*>(slot->state.data())->flushed.load(), 0);
}

TEST_F(Produce, ACK2_WithAcks0IsNotAnsweredAndAFailureClosesTheConnection) {
    EXPECT_EQ(mailbox->take(send(request("numbers", 0, numbered_batch(0, 1), 0), kLatest)).kind,
              Reply::Kind::nothing);
    EXPECT_EQ(content("numbers"), "0:v0 ");
    EXPECT_EQ(mailbox->take(send(request("nobody", 0, numbered_batch(0, 1), 0), kLatest)).kind, Reply::Kind::close);
}

TEST_F(Produce, ACK1_OtherAcksAreRefusedOnEveryPartitionAndNothingIsAppended) {
    for (const std::int16_t acks : {2, -2, 32767}) {
        const auto answer = produce(numbered_batch(0, 1), acks);
        EXPECT_EQ(answer.error_code, ErrorCode::invalid_required_acks);
        EXPECT_EQ(answer.base_offset, -1);
    }
    EXPECT_EQ(content("numbers"), "");
}

TEST_F(Produce, ACK8_ACK10_EachPartitionHasItsOwnError) {
    const std::string good = numbered_batch(0, 1);
    const ProduceResponse response =
        call(ProduceRequest{.acks = -1,
                            .timeout_ms = 30'000,
                            .topic_data = {{"numbers", {{0, good}, {2, good}, {-1, good}, {1, good}}},
                                           {"nobody", {{0, good}}},
                                           {"__consumer_offsets", {{0, good}}}}},
             kLatest);
    std::string codes;
    for (const auto& topic : response.responses) {
        codes += topic.name;
        for (const auto& p : topic.partition_responses)
            codes += ' ' + std::to_string(p.index) + '=' + std::to_string(static_cast<int>(p.error_code));
        codes += '\n';
    }
    EXPECT_EQ(codes, "numbers 0=0 2=3 -1=3 1=0\nnobody 0=3\n__consumer_offsets 0=3\n");
    EXPECT_EQ(content("numbers", 1), "0:v0 ");
}

}  // namespace
}  // namespace mq::broker
