// Produce without a network: acknowledgement (ACK-*), idempotence (IDM-*), and what other processes do meanwhile.
#include <csignal>
#include <thread>

#include "base/clock.h"
#include "broker/partitions.h"
#include "broker_fixture.h"
#include "record/record.h"
#include "recorded_session.h"
#include "shm/control_file.h"
#include "shm/layout.h"
#include "store/data_directory.h"
#include "support/batches.h"
#include "support/bombs.h"
#include "support/child.h"
#include "support/golden.h"
#include "support/scale.h"
#include "wire/messages/all.h"

namespace mq::broker {
namespace {

using mq::test::Child;
using mq::test::encode_batch;
using mq::test::numbered_batch;
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

TEST_F(Produce, ACK7_OneBrokerIsOneReplicaWhateverMinInsyncReplicasSays) {
    make_topic("strict", {{"min.insync.replicas", "2"}});
    EXPECT_EQ(produce(request("strict", 0, numbered_batch(0, 1), -1)).error_code, ErrorCode::none);
}

TEST_F(Produce, ACK9_VAL11_ALogAppendTimeTopicTellsTheTime) {
    make_topic("stamped", {{"message.timestamp.type", "LogAppendTime"}});
    const TimestampMs before = wall_clock_ms();
    const auto answer = produce(request("stamped", 0, numbered_batch(0, 2, 5)));
    const TimestampMs after = wall_clock_ms();
    EXPECT_EQ(answer.error_code, ErrorCode::none);
    EXPECT_GE(answer.log_append_time_ms, before);
    EXPECT_LE(answer.log_append_time_ms, after);
    const auto reader = broker->directory().open_reader({"stamped", 0});
    log::ScannedBatch batch;
    ASSERT_EQ((*reader)->next(batch).value(), log::ReadOutcome::batch);
    EXPECT_EQ(batch.header.max_timestamp, answer.log_append_time_ms);
    EXPECT_EQ(batch.header.timestamp_type(), record::TimestampType::log_append_time);
    EXPECT_EQ(batch.header.base_timestamp, 5);
}

TEST_F(Produce, ACK9_LogStartOffsetIsThatOfThePartition) {
    EXPECT_EQ(produce(numbered_batch(0, 5)).log_start_offset, 0);
    const Status trimmed = broker->partitions().find({"numbers", 0})->with_writer([](store::PartitionWriter& writer) {
        return writer.trim(Offset{3});
    });
    ASSERT_TRUE(trimmed) << trimmed.error().message();
    EXPECT_EQ(produce(numbered_batch(5, 1)).log_start_offset, 3);
    std::string wrong = numbered_batch(0, 1);
    wrong.back() = static_cast<char>(wrong.back() ^ 1);
    EXPECT_EQ(produce(wrong).log_start_offset, -1);
}

// Errors of records have a place in version 8 and later (wire protocol 9).
TEST_F(Produce, VAL7_VAL12_ARefusalNamesTheRecordsWhereTheVersionHasAPlaceForThem) {
    make_topic("keyed", {{"cleanup.policy", "compact"}});
    record::BatchBuilder builder;
    builder.add(1000, "k", "v");
    builder.add(1000, std::nullopt, "v");
    const std::string batch{builder.finish().value()};
    const auto answer = produce(request("keyed", 0, batch), 8);
    EXPECT_EQ(answer.error_code, ErrorCode::invalid_record);
    ASSERT_EQ(answer.record_errors.size(), 1u);
    EXPECT_EQ(answer.record_errors[0].batch_index, 1);
    EXPECT_TRUE(answer.record_errors[0].batch_index_error_message);
    EXPECT_TRUE(answer.error_message);
    const auto old = produce(request("keyed", 0, batch), 7);
    EXPECT_EQ(old.error_code, ErrorCode::invalid_record);
    EXPECT_TRUE(old.record_errors.empty());
    EXPECT_EQ(content("keyed"), "");
}

TEST_F(Produce, ACK11_EveryVersionIsAnswered) {
    std::int64_t next = 0;
    for (std::int16_t version = 0; version <= wire::api_of(wire::ApiKey::produce).highest; ++version) {
        for (const std::int16_t acks : {1, -1}) {
            const auto answer = produce(request("numbers", 0, numbered_batch(0, 2), acks), version);
            EXPECT_EQ(answer.error_code, ErrorCode::none) << version;
            EXPECT_EQ(answer.base_offset, next) << version;
            EXPECT_EQ(answer.log_start_offset, version >= 5 ? 0 : -1) << version;
            next += 2;
        }
    }
}

TEST_F(Produce, OldMessageSetsAreKeptAsOneBatch) {
    const std::string set =
        mq::test::slurp(mq::test::partition_files("oldformats", "fmt-0.9.0-none-0", ".log").at(0));
    const auto answer = produce(request("numbers", 0, set), 1);
    EXPECT_EQ(answer.error_code, ErrorCode::none);
    const auto reader = broker->directory().open_reader({"numbers", 0});
    log::ScannedBatch batch;
    ASSERT_EQ((*reader)->next(batch).value(), log::ReadOutcome::batch);
    EXPECT_EQ(batch.header.magic, 2);
    EXPECT_EQ((*reader)->next(batch).value(), log::ReadOutcome::end_of_log);
    EXPECT_EQ(produce(request("numbers", 0, "", 1), 2).error_code, ErrorCode::none);
}

// What kcat and Java clients sent to a real broker. The broker keeps their bytes, but for offset and leader epoch.
TEST_F(Produce, ACK9_GoldenSessionsAreAnsweredAsByARealBroker) {
    std::size_t produced = 0;
    for (const std::string& name : mq::broker::test::recorded_sessions()) {
        if (name.find("-P") == std::string::npos && name.find("java-console-producer") == std::string::npos) continue;
        SCOPED_TRACE(name);
        std::map<std::pair<int, std::int32_t>, std::uint64_t> tickets;
        broker->partitions().forget("wire");
        static_cast<void>(broker->directory().delete_topic("wire"));
        make_topic("wire", {}, 3);
        for (const auto& frame : mq::broker::test::read_session(name)) {
            if (frame.key != wire::ApiKey::produce || frame.left_out != 0) continue;
            const auto id = std::pair{frame.connection, frame.correlation_id};
            if (frame.is_request) {
                tickets[id] = send_payload(frame.payload);
                ++produced;
                continue;
            }
            const auto expected = wire::decode<ProduceResponse>(
                wire::parse_response(frame.payload, wire::ApiKey::produce, frame.version)->body, frame.version);
            ASSERT_TRUE(expected) << expected.error().message();
            const Reply reply = mailbox->take(tickets.at(id));
            ASSERT_EQ(reply.kind, Reply::Kind::frame);
            taken.push_back(bytes_of(reply));
            const auto parsed =
                wire::parse_response(ByteView{taken.back()}.substr(4), wire::ApiKey::produce, frame.version);
            ASSERT_TRUE(parsed);
            EXPECT_EQ(parsed->header.correlation_id, frame.correlation_id);
            auto found = wire::decode<ProduceResponse>(parsed->body, frame.version);
            ASSERT_TRUE(found) << found.error().message();
            // The recorded broker's logs held records already, and had been trimmed; it throttled for a moment.
            found->throttle_time_ms = expected->throttle_time_ms;
            for (auto& p : found->responses.at(0).partition_responses) {
                for (const auto& other : expected->responses.at(0).partition_responses) {
                    if (other.index != p.index) continue;
                    EXPECT_GE(p.base_offset, 0);
                    p.base_offset = other.base_offset;
                    EXPECT_EQ(p.log_start_offset, 0);
                    p.log_start_offset = other.log_start_offset;
                }
            }
            EXPECT_TRUE(*found == *expected);
        }
    }
    EXPECT_GE(produced, 8u);
}

// ---- Idempotence

class Idempotence : public Produce {
protected:
    static constexpr std::int32_t kMax = 2147483647;
    static std::string batch(std::int32_t sequence, int count = 1, ProducerEpoch epoch = 0, ProducerId id = 5) {
        record::BatchOptions options;
        options.producer_id = id;
        options.producer_epoch = epoch;
        options.base_sequence = sequence;
        // What is older than a day is forgotten (IDM-11).
        return numbered_batch(sequence % 1000, count, wall_clock_ms(), options);
    }
    // "12" for records at offset 12 on, "E45" for an error.
    std::string send_batch(std::int32_t sequence, int count = 1, ProducerEpoch epoch = 0, ProducerId id = 5) {
        const auto answer = produce(batch(sequence, count, epoch, id), -1);
        if (answer.error_code == ErrorCode::none) return std::to_string(answer.base_offset);
        EXPECT_EQ(answer.base_offset, -1);
        return "E" + std::to_string(static_cast<int>(answer.error_code));
    }
};

TEST_F(Idempotence, IDM2_IDM3_TheFiveLastBatchesMayComeAgain) {
    for (int i = 0; i < 6; ++i) EXPECT_EQ(send_batch(i * 2, 2), std::to_string(i * 2));
    for (int i = 1; i < 6; ++i) EXPECT_EQ(send_batch(i * 2, 2), std::to_string(i * 2)) << i;
    EXPECT_EQ(send_batch(0, 2), "E45") << "the sixth last";
    EXPECT_EQ(send_batch(10, 1), "E45") << "it begins like one, and ends otherwise";
    EXPECT_EQ(send_batch(12, 1), "12");
    EXPECT_EQ(content("numbers"), "0:v0 1:v1 2:v2 3:v3 4:v4 5:v5 6:v6 7:v7 8:v8 9:v9 10:v10 11:v11 12:v12 ");
}

TEST_F(Idempotence, IDM4_IDM5_AnOlderEpochIsRefusedAndANewerOneBeginsAt0) {
    EXPECT_EQ(send_batch(0, 3, 1), "0");
    EXPECT_EQ(send_batch(3, 1, 0), "E47");
    EXPECT_EQ(send_batch(3, 1, 2), "E45");
    EXPECT_EQ(send_batch(0, 1, 2), "3");
    EXPECT_EQ(send_batch(3, 1, 1), "E47");
}

TEST_F(Idempotence, IDM6_OfAnUnknownProducerAnySequenceIsTaken) {
    EXPECT_EQ(send_batch(77, 3, 4, 123), "0");
    EXPECT_EQ(send_batch(79, 1, 4, 123), "E45");
    EXPECT_EQ(send_batch(80, 1, 4, 123), "3");
}

TEST_F(Idempotence, IDM7_IDM8_SequencesAreInARowAndWrap) {
    EXPECT_EQ(send_batch(0, 2), "0");
    EXPECT_EQ(send_batch(3, 1), "E45");
    EXPECT_EQ(send_batch(1, 1), "E45");
    EXPECT_EQ(send_batch(2, 1), "2");
    EXPECT_EQ(send_batch(kMax - 1, 4, 0, 9), "3") << "2147483646, 2147483647, 0, 1";
    EXPECT_EQ(send_batch(2, 1, 0, 9), "7");
    EXPECT_EQ(send_batch(kMax - 1, 4, 0, 9), "3");
    EXPECT_EQ(send_batch(kMax, 1, 0, 10), "8");
    EXPECT_EQ(send_batch(0, 1, 0, 10), "9");
}

TEST_F(Idempotence, IDM1_EachPartitionKnowsItsOwnProducers) {
    EXPECT_EQ(send_batch(0, 3), "0");
    const auto other = produce(batch(0, 3), 1, 1);
    EXPECT_EQ(other.error_code, ErrorCode::none);
    EXPECT_EQ(other.base_offset, 0);
    EXPECT_EQ(content("numbers", 1), "0:v0 1:v1 2:v2 ");
}

TEST_F(Idempotence, IDM2_ADuplicateTellsWhenItWasAppended) {
    make_topic("stamped", {{"message.timestamp.type", "LogAppendTime"}});
    const auto first = produce(request("stamped", 0, batch(0)));
    const auto again = produce(request("stamped", 0, batch(0)));
    EXPECT_EQ(again.error_code, ErrorCode::none);
    EXPECT_EQ(again.base_offset, 0);
    EXPECT_EQ(again.log_append_time_ms, first.log_append_time_ms);
}

// A producer may go from the network to the shared memory and back; a retry is a duplicate whichever way it comes.
TEST_F(Idempotence, IDM2_LocalAppendsAndThoseOfClientsAreOfOneState) {
    EXPECT_EQ(send_batch(0, 2), "0");
    const auto end = mq::test::run_in_child([&] {
        auto directory = store::DataDirectory::open(config.log_dir, {.access = store::Access::write, .on_wait = {}});
        auto writer = directory->open_writer({"numbers", 0});
        std::string next = batch(2, 2);
        const auto appended = (*writer)->append(next);
        if (!appended || appended->duplicate || appended->first_offset.value() != 2) return 1;
        std::string again = batch(0, 2);
        const auto duplicate = (*writer)->append(again);
        return duplicate && duplicate->duplicate && duplicate->first_offset.value() == 0 ? 0 : 2;
    });
    ASSERT_EQ(end, mq::test::exited_with(0));
    EXPECT_EQ(send_batch(2, 2), "2");
    EXPECT_EQ(send_batch(4, 1), "4");
    EXPECT_EQ(content("numbers"), "0:v0 1:v1 2:v2 3:v3 4:v4 ");
}

TEST_F(Idempotence, IDM2_TheStateOutlivesTheBroker) {
    EXPECT_EQ(send_batch(0, 2), "0");
    EXPECT_EQ(send_batch(2, 2), "2");
    stop();
    start();
    EXPECT_EQ(send_batch(2, 2), "2");
    EXPECT_EQ(send_batch(5, 1), "E45");
    EXPECT_EQ(send_batch(4, 1), "4");
}

// ---- Others in the way

class InTheWay : public Produce {
protected:
    // A process that stops with a lock of numbers-0 in its hands, and lets go of it when it is sent SIGCONT.
    Child holder_of(shm::SharedLock shm::PartitionSlot::*lock) {
        const std::string path = config.log_dir;
        Child holder = Child::fork([path, lock] {
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
        ProduceRequest wanted = request("numbers", partition, {}, acks);
        batches.push_back(numbered_batch(number, 1));
        wanted.topic_data[0].partition_data[0].records = batches.back();
        wanted.timeout_ms = timeout_ms;
        return send(wanted, kLatest);
    }
    ProduceResponse::Partition take_one(std::uint64_t ticket) {
        return take<ProduceRequest>(ticket, kLatest).responses.at(0).partition_responses.at(0);
    }
    std::list<std::string> batches;
};

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

// ---- Much from little

record::BatchOptions compressed(record::Codec codec) {
    record::BatchOptions options;
    options.codec = codec;
    return options;
}

TEST_F(Produce, Row31_ABombIsTooLargeAndTheLogIsAsItWas) {
    ASSERT_EQ(produce(numbered_batch(0, 1)).error_code, ErrorCode::none);
    const std::string path = config.log_dir + "/numbers-0/00000000000000000000.log";
    const std::string before = mq::test::slurp(path);
    make_topic("roomy", {{"max.message.bytes", "100000000"}}, 1);
    for (const mq::test::Bomb& bomb : mq::test::bombs()) {
        const std::string batch = bomb.batch();
        const bool lies = std::string_view{bomb.name}.ends_with("lying");
        const auto answer = produce(request("roomy", 0, batch));
        EXPECT_TRUE(answer.error_code == ErrorCode::message_too_large ||
                    (lies && answer.error_code == ErrorCode::invalid_record))
            << bomb.name << ": " << static_cast<int>(answer.error_code);
        EXPECT_NE(produce(batch).error_code, ErrorCode::none);
    }
    EXPECT_EQ(mq::test::slurp(path), before);
    EXPECT_EQ(content("roomy"), "");
}

TEST_F(Produce, WhatDecompressesToMuchIsTakenByAWorker) {
    const std::string large(10'000'000, 'x');
    const std::string batch = encode_batch({{"k", large, 1000}}, compressed(record::Codec::zstd));
    for (const std::int16_t acks : {1, -1}) {
        const auto answer = produce(batch, acks);
        EXPECT_EQ(answer.error_code, ErrorCode::none);
        EXPECT_EQ(answer.base_offset, acks == 1 ? 0 : 1);
    }
    // Those behind it in the request wait for it.
    const std::string small = numbered_batch(7, 1);
    const auto response = call(
        ProduceRequest{
            .acks = 1, .timeout_ms = 30'000, .topic_data = {{"numbers", {{0, small}, {0, batch}, {0, small}}}}},
        kLatest);
    const auto& parts = response.responses.at(0).partition_responses;
    ASSERT_EQ(parts.size(), 3u);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(parts[i].base_offset, static_cast<std::int64_t>(2 + i));
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
