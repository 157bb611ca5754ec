// Produce without a network: acknowledgement (ACK-*) and idempotence (IDM-*).
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/clock.h"
#include "broker/partitions.h"
#include "broker/properties.h"
#include "produce_fixture.h"
#include "recorded_session.h"
#include "support/bombs.h"
#include "support/golden.h"

namespace mq::broker {
namespace {

using mq::test::encode_batch;
using mq::test::numbered_batch;
using wire::ErrorCode;
using wire::ProduceRequest;
using wire::ProduceResponse;

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
    for (const std::string& name : mq::test::recorded_sessions()) {
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

TEST_F(Idempotence, IDM11_TheBrokersFileSaysHowLongAProducerIsRemembered) {
    stop();
    const auto read = read_config("server.properties",
                                  "producer.id.expiration.ms=50\nproducer.id.expiration.check.interval.ms=1\n", {});
    ASSERT_TRUE(read) << read.error().message();
    config.topic_defaults = read->config.topic_defaults;
    start();
    EXPECT_EQ(send_batch(0, 2), "0");
    const TimestampMs sent = wall_clock_ms();
    while (wall_clock_ms() <= sent + 60) std::this_thread::yield();
    EXPECT_EQ(send_batch(7, 1), "2") << "of an unknown producer";
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

// RELIABILITY row 4: what a write that was cut short has left goes, and whoever runs the broker is told of it.
TEST_F(Produce, WhatRecoveryCutIsInTheLogOfTheBroker) {
    EXPECT_EQ(produce(numbered_batch(0, 2)).error_code, ErrorCode::none);
    stop();
    std::filesystem::remove(config.log_dir + "/.kafka_cleanshutdown");
    std::filesystem::remove(config.log_dir + "/.mq-control");
    const std::string segment = config.log_dir + "/numbers-0/00000000000000000000.log";
    const auto size = std::filesystem::file_size(segment);
    std::ofstream{segment, std::ios::app | std::ios::binary} << numbered_batch(2, 1).substr(0, 65);
    start();
    EXPECT_EQ(produce(numbered_batch(2, 1)).base_offset, 2);
    EXPECT_EQ(content("numbers"), "0:v0 1:v1 2:v2 ");
    const std::string told = segment + ": the log ends at byte " + std::to_string(size) + ", offset 2: ";
    const std::size_t at = log.lines().find(told);
    ASSERT_NE(at, std::string::npos) << log.lines();
    EXPECT_NE(log.lines().find(" (65 bytes)\n", at), std::string::npos) << log.lines();
}

}  // namespace
}  // namespace mq::broker
