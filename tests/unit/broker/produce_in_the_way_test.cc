// Produce while other processes are in the way: stopped with a lock in their hands, killed, or changing the topic.
#include <thread>

#include "produce_fixture.h"
#include "support/bombs.h"
#include "support/scale.h"

namespace mq::broker {
namespace {

using mq::test::Child;
using mq::test::encode_batch;
using mq::test::numbered_batch;
using wire::ErrorCode;
using wire::ProduceRequest;
using wire::ProduceResponse;

record::BatchOptions compressed(record::Codec codec) {
    record::BatchOptions options;
    options.codec = codec;
    return options;
}

TEST_F(InTheWay, P5_AStoppedHolderOfTheAppendLockDelaysItsPartitionOnlyAndOrderIsKept) {
    ASSERT_EQ(produce(numbered_batch(0, 1)).error_code, ErrorCode::none);
    ASSERT_EQ(produce(numbered_batch(0, 1), 1, 1).error_code, ErrorCode::none);
    Child holder = holder_of(&shm::PartitionSlot::append);
    std::vector<std::uint64_t> waiting;
    for (int i = 1; i <= 20; ++i) waiting.push_back(send_number(i, i % 2 == 0 ? 1 : -1));
    // The connection goes on, and so do others' partitions.
    EXPECT_EQ(take_one(send_number(1, -1, 30'000, 1)).base_offset, 1);
    for (const std::uint64_t ticket : waiting) EXPECT_FALSE(mailbox->has(ticket));
    const std::string pid = std::to_string(holder.pid());
    while (log.lines().find("process " + pid + " holds it") == std::string::npos) std::this_thread::yield();
    holder.send(SIGCONT);
    for (int i = 1; i <= 20; ++i) EXPECT_EQ(take_one(waiting[static_cast<std::size_t>(i - 1)]).base_offset, i);
    EXPECT_EQ(holder.wait(), mq::test::exited_with(0));
    EXPECT_EQ(take_one(send_number(21, 1)).base_offset, 21);
    std::string expected;
    for (int i = 0; i <= 21; ++i) expected += std::to_string(i) + ":v" + std::to_string(i) + ' ';
    EXPECT_EQ(content("numbers"), expected);
}

TEST_F(InTheWay, WhatWaitedForTooLongIsToldSoAndIsNotAppendedLater) {
    ASSERT_EQ(produce(numbered_batch(0, 1)).error_code, ErrorCode::none);
    Child holder = holder_of(&shm::PartitionSlot::append);
    const auto answer = take_one(send_number(1, 1, 1));
    EXPECT_EQ(answer.error_code, ErrorCode::request_timed_out);
    EXPECT_EQ(answer.base_offset, -1);
    holder.send(SIGCONT);
    EXPECT_EQ(holder.wait(), mq::test::exited_with(0));
    EXPECT_EQ(take_one(send_number(2, 1)).base_offset, 1);
    EXPECT_EQ(content("numbers"), "0:v0 1:v2 ");
}

TEST_F(InTheWay, P5_AKilledHolderDelaysNobody) {
    ASSERT_EQ(produce(numbered_batch(0, 1)).error_code, ErrorCode::none);
    Child holder = holder_of(&shm::PartitionSlot::append);
    const std::uint64_t waiting = send_number(1, -1);
    holder.send(SIGKILL);
    EXPECT_EQ(take_one(waiting).base_offset, 1);
}

TEST_F(InTheWay, ACK6_AFlushThatDoesNotComeIsATimeOutAndTheDataStays) {
    ASSERT_EQ(produce(numbered_batch(0, 1), -1).error_code, ErrorCode::none);
    Child holder = holder_of(&shm::PartitionSlot::flush);
    const std::uint64_t patient = send_number(1, -1);
    EXPECT_EQ(take_one(send_number(2, -1, 10)).error_code, ErrorCode::request_timed_out);
    // Appends need no flush lock.
    EXPECT_EQ(take_one(send_number(3, 1)).base_offset, 3);
    EXPECT_FALSE(mailbox->has(patient));
    holder.send(SIGCONT);
    EXPECT_EQ(take_one(patient).base_offset, 1);
    EXPECT_EQ(holder.wait(), mq::test::exited_with(0));
    EXPECT_EQ(content("numbers"), "0:v0 1:v1 2:v2 3:v3 ");
}

TEST_F(InTheWay, ATopicThatWasMadeAnewIsWrittenToFromItsStart) {
    ASSERT_EQ(produce(numbered_batch(0, 3), -1).error_code, ErrorCode::none);
    for (int round = 0; round < 3; ++round) {
        // By another process: nobody tells the broker.
        const auto end = mq::test::run_in_child([&] {
            auto directory =
                store::DataDirectory::open(config.log_dir, {.access = store::Access::write, .on_wait = {}});
            if (!directory->delete_topic("numbers")) return 1;
            return directory->create_topic({"numbers", 2, 1, {}}) ? 0 : 2;
        });
        ASSERT_EQ(end, mq::test::exited_with(0));
        EXPECT_EQ(produce(numbered_batch(round, 1), -1).base_offset, 0);
        EXPECT_EQ(produce(numbered_batch(round + 1, 1), 1).base_offset, 1);
        EXPECT_EQ(produce(numbered_batch(round + 2, 1), -1).base_offset, 2);
    }
    ASSERT_TRUE(broker->directory().delete_topic("numbers"));
    EXPECT_EQ(produce(numbered_batch(0, 1), -1).error_code, ErrorCode::unknown_topic_or_partition);
}

// A broker that stops answers what waits.
TEST_F(InTheWay, AStopAnswersWhatWaits) {
    ASSERT_EQ(produce(numbered_batch(0, 1), -1).error_code, ErrorCode::none);
    Child holder = holder_of(&shm::PartitionSlot::append);
    const std::uint64_t waiting = send_number(1, -1);
    std::thread stopping{[&] { EXPECT_TRUE(broker->stop()); }};
    EXPECT_EQ(take_one(waiting).error_code, ErrorCode::not_leader_or_follower);
    holder.send(SIGKILL);
    stopping.join();
    broker.reset();
}

// Many threads, each with its own batches in order, and another process beside them.
TEST_F(InTheWay, P4_EachConnectionsAppendsAreInItsOrder) {
    constexpr int kThreads = 4;
    constexpr int kEach = 200;
    Child other = Child::fork([path = config.log_dir] {
        auto directory = store::DataDirectory::open(path, {.access = store::Access::write, .on_wait = {}});
        auto writer = directory->open_writer({"numbers", 0});
        for (int i = 0; i < 500; ++i) {
            std::string batch = numbered_batch(i, 1);
            if (!(*writer)->append(batch)) return 1;
        }
        return 0;
    });
    std::vector<std::thread> threads;
    std::vector<std::vector<std::uint64_t>> tickets(kThreads);
    std::atomic<std::uint64_t> next_ticket{1000};
    for (int thread = 0; thread < kThreads; ++thread) {
        threads.emplace_back([&, thread] {
            for (int i = 0; i < kEach; ++i) {
                const std::string batch = encode_batch({{"t" + std::to_string(thread), std::to_string(i), 1000}});
                std::string frame;
                ASSERT_TRUE(wire::append_request(request("numbers", 0, batch, i % 3 == 0 ? -1 : 1),
                                                 {{}, kLatest, 7, "test"}, frame));
                auto payload = std::make_shared<std::string>(frame.substr(wire::kLengthBytes));
                const std::uint64_t ticket = next_ticket.fetch_add(1);
                tickets[static_cast<std::size_t>(thread)].push_back(ticket);
                broker->handle({client, {}, {payload->data(), payload->size()}, payload}, mailbox, ticket);
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    for (const auto& of_thread : tickets) {
        std::int64_t last = -1;
        for (const std::uint64_t ticket : of_thread) {
            const auto answer = take_one(ticket);
            ASSERT_EQ(answer.error_code, ErrorCode::none);
            EXPECT_GT(answer.base_offset, last);
            last = answer.base_offset;
        }
    }
    EXPECT_EQ(other.wait(), mq::test::exited_with(0));
    const auto reader = broker->directory().open_reader({"numbers", 0});
    ASSERT_TRUE(reader) << reader.error().message();
    const auto bounds = (*reader)->bounds();
    ASSERT_TRUE(bounds) << bounds.error().message();
    EXPECT_EQ(bounds->log_end.value(), 500 + kThreads * kEach);
}

TEST_F(InTheWay, Row31_WhatWaitsToBeAppendedIsBoundedWhateverItWasMadeOf) {
    stop();
    config.decompressed_max_bytes = 4u << 20;
    start();
    constexpr std::size_t kBatches = 60;
    const std::string little =
        encode_batch({{"k", std::string(1'000'000, 'x'), 1000}}, compressed(record::Codec::zstd));
    ASSERT_LT(little.size(), 1000u);
    const auto changed =
        broker->directory().change_config("numbers", {{"compression.type", std::string{"uncompressed"}}});
    ASSERT_TRUE(changed) << changed.error().message();
    ASSERT_EQ(produce(numbered_batch(0, 1)).error_code, ErrorCode::none);
    ProduceRequest wanted = request("numbers", 0, little);
    wanted.topic_data[0].partition_data.resize(kBatches, wanted.topic_data[0].partition_data[0]);
    Child holder = holder_of(&shm::PartitionSlot::append);
    const mq::test::PeakMemory memory;
    const std::uint64_t ticket = send(wanted, kLatest);
    EXPECT_LE(memory.grown_bytes(), 3 * config.decompressed_max_bytes);
    EXPECT_FALSE(mailbox->has(ticket));
    holder.send(SIGCONT);
    const auto response = take<ProduceRequest>(ticket, kLatest);
    const auto& parts = response.responses.at(0).partition_responses;
    ASSERT_EQ(parts.size(), kBatches);
    for (std::size_t i = 0; i < kBatches; ++i) EXPECT_EQ(parts[i].base_offset, static_cast<std::int64_t>(i + 1));
    EXPECT_EQ(holder.wait(), mq::test::exited_with(0));
}

// Row 33: each record says where it belongs. Some batches wait for a stopped process, some are encoded anew, some
// requests have run out of time.
TEST_F(InTheWay, Row33_NoRecordEndsInAnotherPartition) {
    constexpr int kTopics = 3;
    constexpr int kThreads = 3;
    const int rounds = static_cast<int>(mq::test::test_scale(60, 60'000));
    make_topic("t0", {}, 2);
    make_topic("t1", {{"compression.type", "lz4"}}, 2);
    make_topic("t2", {{"message.timestamp.type", "LogAppendTime"}, {"compression.type", "zstd"}}, 2);
    std::atomic<bool> done{false};
    // Stops with a lock in its hands again and again.
    Child nuisance = Child::fork([path = config.log_dir] {
        auto directory = store::DataDirectory::open(path, {.access = store::Access::write, .on_wait = {}});
        shm::ControlFile& control = *directory->control();
        for (int i = 0;; ++i) {
            shm::PartitionSlot* slot = control.find("t" + std::to_string(i % kTopics), i % 2);
            if (slot == nullptr) continue;
            const Status held = control.on_claimed_thread([&]() -> Status {
                MQ_ASSIGN(const shm::Guard guard, control.lock(slot->append, "a lock"));
                raise(SIGSTOP);
                return {};
            });
            if (!held) return 1;
        }
    });
    std::thread waker{[&] {
        while (!done.load() && nuisance.wait_until_stopped()) nuisance.send(SIGCONT);
        nuisance.send(SIGKILL);
    }};
    std::vector<std::thread> threads;
    std::atomic<std::uint64_t> next_ticket{1000};
    std::atomic<std::uint64_t> acknowledged{0};
    for (int thread = 0; thread < kThreads; ++thread) {
        threads.emplace_back([&, thread] {
            for (int round = 0; round < rounds; ++round) {
                std::list<std::string> made;
                ProduceRequest wanted{.acks = static_cast<std::int16_t>(round % 2 == 0 ? 1 : -1),
                                      .timeout_ms = round % 7 == 0 ? 0 : 30'000};
                for (int topic = 0; topic < kTopics; ++topic) {
                    ProduceRequest::Topic of_topic{"t" + std::to_string(topic), {}};
                    for (int partition = 0; partition < 2; ++partition) {
                        const std::string place = of_topic.name + '-' + std::to_string(partition);
                        std::vector<mq::test::TestRecord> records;
                        for (int i = 0; i < 40; ++i)
                            records.push_back({place, place + " of " + std::to_string(thread), 1000 + i});
                        const auto codec = static_cast<record::Codec>((round + topic + partition) % 5);
                        made.push_back(encode_batch(records, compressed(codec)));
                        of_topic.partition_data.push_back({partition, ByteView{made.back()}});
                    }
                    wanted.topic_data.push_back(std::move(of_topic));
                }
                std::string frame;
                ASSERT_TRUE(wire::append_request(wanted, {{}, kLatest, 7, "test"}, frame));
                auto payload = std::make_shared<std::string>(frame.substr(wire::kLengthBytes));
                const std::uint64_t ticket = next_ticket.fetch_add(1);
                broker->handle({client, {}, {payload->data(), payload->size()}, payload}, mailbox, ticket);
                payload.reset();
                const std::string reply = bytes_of(mailbox->take(ticket));
                const auto parsed =
                    wire::parse_response(ByteView{reply}.substr(wire::kLengthBytes), wire::ApiKey::produce, kLatest);
                const auto response = wire::decode<ProduceResponse>(parsed->body, kLatest);
                for (const auto& topic : response->responses)
                    for (const auto& p : topic.partition_responses)
                        if (p.error_code == ErrorCode::none) acknowledged += 40;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    done.store(true);
    waker.join();
    EXPECT_EQ(nuisance.wait(), mq::test::ended_by(SIGKILL));
    std::uint64_t found = 0;
    for (int topic = 0; topic < kTopics; ++topic) {
        for (int partition = 0; partition < 2; ++partition) {
            const log::TopicPartition id{"t" + std::to_string(topic), partition};
            const auto reader = broker->directory().open_reader(id);
            ASSERT_TRUE(reader);
            record::RecordReader records;
            log::ScannedBatch batch;
            while ((*reader)->next(batch).value() == log::ReadOutcome::batch) {
                ASSERT_TRUE(records.open(batch.bytes));
                for (record::RecordView r; records.next(r); ++found)
                    ASSERT_EQ(r.key.value_or("null"), log::partition_directory(id));
                ASSERT_TRUE(records.status());
            }
        }
    }
    EXPECT_GE(found, acknowledged.load());
    EXPECT_GE(acknowledged.load(), static_cast<std::uint64_t>(kThreads * rounds * 6 * 40 / 2));
}

}  // namespace
}  // namespace mq::broker
