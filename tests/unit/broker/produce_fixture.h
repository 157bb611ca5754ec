// A topic "numbers" of two partitions, and clients that produce to it; other processes that are in the way.
#pragma once

#include <csignal>
#include <list>

#include "broker_fixture.h"
#include "record/record.h"
#include "shm/control_file.h"
#include "shm/layout.h"
#include "store/data_directory.h"
#include "support/batches.h"
#include "support/child.h"
#include "wire/messages/produce.h"

namespace mq::broker {

class Produce : public BrokerTest {
protected:
    static constexpr std::int16_t kLatest = 9;

    void SetUp() override {
        BrokerTest::SetUp();
        make_topic("numbers");
    }
    void make_topic(const std::string& name, store::ConfigMap settings = {}, std::int32_t partitions = 2) {
        const auto made = broker->directory().create_topic(
            {.name = name, .partitions = partitions, .replicas = 1, .config = std::move(settings)});
        ASSERT_TRUE(made) << made.error().message();
    }
    static wire::ProduceRequest request(const std::string& topic, std::int32_t partition, ByteView records,
                                        std::int16_t acks = 1) {
        return {.acks = acks, .timeout_ms = 30'000, .topic_data = {{topic, {{partition, records}}}}};
    }
    wire::ProduceResponse::Partition produce(const wire::ProduceRequest& wanted, std::int16_t version = kLatest) {
        const wire::ProduceResponse response = call(wanted, version);
        EXPECT_EQ(response.responses.size(), 1u);
        EXPECT_EQ(response.responses.at(0).partition_responses.size(), 1u);
        return response.responses.at(0).partition_responses.at(0);
    }
    wire::ProduceResponse::Partition produce(ByteView records, std::int16_t acks = 1, std::int32_t partition = 0) {
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

class InTheWay : public Produce {
protected:
    // A process that stops with a lock of numbers-0 in its hands, and lets go of it when it is sent SIGCONT.
    mq::test::Child holder_of(shm::SharedLock shm::PartitionSlot::*lock) {
        const std::string path = config.log_dir;
        mq::test::Child holder = mq::test::Child::fork([path, lock] {
            auto directory = store::DataDirectory::open(path, {.access = store::Access::write, .on_wait = {}});
            if (!directory) return 1;
            shm::ControlFile& control = *directory->control();
            const Status held = control.on_claimed_thread([&]() -> Status {
                MQ_ASSIGN(const shm::Guard guard,
                          control.lock(control.find("numbers", 0)->*lock, "a lock of numbers-0"));
                raise(SIGSTOP);
                return {};
            });
            return held ? 0 : 2;
        });
        EXPECT_TRUE(holder.wait_until_stopped());
        return holder;
    }
    std::uint64_t send_number(int number, std::int16_t acks, std::int32_t timeout_ms = 30'000,
                              std::int32_t partition = 0) {
        wire::ProduceRequest wanted = request("numbers", partition, {}, acks);
        batches.push_back(mq::test::numbered_batch(number, 1));
        wanted.topic_data[0].partition_data[0].records = batches.back();
        wanted.timeout_ms = timeout_ms;
        return send(wanted, kLatest);
    }
    wire::ProduceResponse::Partition take_one(std::uint64_t ticket) {
        return take<wire::ProduceRequest>(ticket, kLatest).responses.at(0).partition_responses.at(0);
    }
    std::list<std::string> batches;
};

}  // namespace mq::broker
