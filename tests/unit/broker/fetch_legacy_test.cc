// Fetch of versions 0 to 3: records in the formats of old. Section 8 and 9 of the wire protocol.
#include <filesystem>
#include <sstream>

#include "fetch_fixture.h"
#include "support/golden.h"

namespace mq::broker {
namespace {

using FetchLegacy = FetchBase;

struct Message {
    std::int64_t offset = 0;
    int magic = 0;
    TimestampMs timestamp = kNoTimestamp;
    std::string key;
    std::string value;
    bool operator==(const Message&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Message& m) {
    return out << m.offset << " v" << m.magic << " at " << m.timestamp << " " << m.key << ": " << m.value;
}

// The records of the whole messages of a set.
std::vector<Message> messages_of(ByteView set) {
    std::vector<Message> messages;
    record::RecordReader reader;
    for (;;) {
        const auto header = record::parse_batch_header(set);
        if (!header || header->size_bytes > set.size()) return messages;
        const Status opened = reader.open(set.substr(0, header->size_bytes));
        EXPECT_TRUE(opened) << opened.error().message();
        for (record::RecordView record; reader.next(record);) {
            EXPECT_TRUE(record.message_crc_valid);
            messages.push_back({record.offset.value(), record.magic, record.timestamp,
                                std::string{record.key.value_or("null")},
                                std::string{record.value.value_or("null")}});
        }
        set.remove_prefix(header->size_bytes);
    }
}

std::string frame_of(const std::string& session, const std::string& number) {
    std::istringstream lines{test::read_golden("wire/" + session + ".jsonl")};
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("{\"n\": " + number + ",")) continue;
        std::string bytes;
        for (std::size_t at = line.find("\"hex\": \"") + 8; line[at] != '"'; at += 2)
            bytes += static_cast<char>(std::stoi(line.substr(at, 2), nullptr, 16));
        return bytes;
    }
    throw std::runtime_error{"no such frame"};
}

template <typename Response>
Response golden_response(const std::string& payload, std::int16_t version) {
    const auto frame = wire::parse_response(payload, Response::kApi, version).value();
    return wire::decode<Response>(frame.body, version).value();
}

// Two recordings of the same partition of a real broker: what a client of today got is stored here, and what one of
// 2015 got must come back. Streams of a codec may differ in length, and where the answer is cut with them.
TEST_F(FetchLegacy, GoldenAnswersToAnOldClientComeBack) {
    make_topic("wire", 3);
    const std::string today = frame_of("kcat-legacy-0.10-C", "9");
    const auto stored = golden_response<FetchResponse>(today, 11).responses[0].partitions[0];
    for (ByteView rest = *stored.records; !rest.empty();) {
        const auto header = record::parse_batch_header(rest).value();
        append(std::string{rest.substr(0, header.size_bytes)}, {"wire", 1});
        rest.remove_prefix(header.size_bytes);
    }
    std::size_t compared = 0;
    for (const auto& [request, response] : {std::pair{"6", "7"}, {"8", "9"}, {"10", "11"}, {"12", "13"}}) {
        const std::string recorded = frame_of("kcat-legacy-0.9-C", response);
        const auto expected = golden_response<FetchResponse>(recorded, 1).responses[0].partitions[0];
        const std::string ours = bytes_of(mailbox->take(send_payload(frame_of("kcat-legacy-0.9-C", request))));
        EXPECT_EQ(ours.size() - wire::kLengthBytes, recorded.size()) << "frame " << response;
        const std::string frame = ours.substr(wire::kLengthBytes);
        const auto got = golden_response<FetchResponse>(frame, 1).responses[0].partitions[0];
        EXPECT_EQ(got.high_watermark, expected.high_watermark);
        EXPECT_EQ(got.error_code, expected.error_code);
        const auto want = messages_of(*expected.records);
        const auto have = messages_of(*got.records);
        for (std::size_t i = 0; i < std::min(want.size(), have.size()); ++i, ++compared)
            EXPECT_EQ(have[i], want[i]) << "frame " << response;
    }
    EXPECT_GT(compared, 60u);
}

// Topics that were written by brokers before 0.11 and are there still.
TEST_F(FetchLegacy, GoldenMessagesOfOldGoOutAsTheyAreStoredAndAsTheirRecords) {
    stop();
    std::filesystem::remove_all(config.log_dir);
    test::copy_tree(test::golden_path("oldformats"), config.log_dir);
    start();
    std::size_t partitions = 0;
    for (const std::string& name : test::partitions_of("oldformats")) {
        const auto id = log::parse_partition_directory(name).value();
        std::string stored;
        for (const std::string& file : test::partition_files("oldformats", name, ".log")) stored += test::slurp(file);
        const auto expected = messages_of(stored);
        if (expected.empty()) continue;
        SCOPED_TRACE(name);
        ++partitions;
        for (const std::int16_t version : {1, 3, 11}) {
            std::string got;
            std::vector<Message> messages;
            const auto header = record::parse_batch_header(stored).value();
            if (header.codec() == record::Codec::zstd && version < 10) continue;
            for (std::int64_t next = expected.front().offset; next <= expected.back().offset;) {
                const auto answer = fetch_one(of({from(next, id.partition)}, id.topic), version);
                ASSERT_EQ(answer.error_code, ErrorCode::none) << "offset " << next << " version " << version;
                got += records(answer);
                const auto more = messages_of(*answer.records);
                ASSERT_FALSE(more.empty());
                for (const Message& message : more)
                    if (message.offset >= next) messages.push_back(message);
                next = messages.back().offset + 1;
            }
            EXPECT_TRUE(version < 4 || got == stored);
            ASSERT_EQ(messages.size(), expected.size()) << "version " << version;
            for (std::size_t i = 0; i < expected.size(); ++i) {
                EXPECT_EQ(messages[i].offset, expected[i].offset);
                EXPECT_EQ(messages[i].value, expected[i].value);
            }
        }
    }
    EXPECT_GT(partitions, 0u);
}

TEST_F(FetchLegacy, Versions0And1GetMagic0AndVersions2And3GetMagic1) {
    make_topic();
    append(test::encode_batch({{"k", "a", 5000}, {"k", "b", 5001}}));
    for (const std::int16_t version : {0, 1, 2, 3}) {
        const int magic = version < 2 ? 0 : 1;
        const auto time = [&](TimestampMs at) { return magic == 0 ? kNoTimestamp : at; };
        EXPECT_EQ(messages_of(*fetch_one(of({from(1)}), version).records),
                  (std::vector<Message>{{1, magic, time(5001), "k", "b"}}))
            << "version " << version;
    }
    EXPECT_EQ(messages_of(*fetch_one(of({from(1)}), 4).records).size(), 2u);
}

TEST_F(FetchLegacy, FET6_BeforeVersion3AnOversizedFirstBatchComesCutAndFromThenOnWhole) {
    make_topic();
    append_large(9000);
    const auto cut = fetch_one(of({from(0, 0, 1000)}), 2);
    EXPECT_EQ(cut.error_code, ErrorCode::none);
    // Longer than what is there: the client asks for more.
    ASSERT_EQ(cut.records->size(), 1000u);
    EXPECT_EQ(load_be<std::int32_t>(cut.records->data() + 8), 1001);
    EXPECT_EQ(messages_of(*cut.records).size(), 0u);
    const auto whole = messages_of(*fetch_one(of({from(0, 0, 1000)}), 3).records);
    ASSERT_EQ(whole.size(), 1u);
    EXPECT_EQ(whole[0].value.size(), 9000u);
}

TEST_F(FetchLegacy, EveryCodecOfOldComesBackAndZstdDoesNot) {
    using record::Codec;
    for (const Codec codec : {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
        const std::string topic{to_string(codec)};
        make_topic(topic);
        record::BatchOptions options;
        options.codec = codec;
        append(test::numbered_batch(0, 50, 1000, options), {topic, 0});
        for (const std::int16_t version : {1, 3}) {
            const auto answer = fetch_one(of({from(20)}, topic), version);
            if (codec == Codec::zstd) {
                EXPECT_EQ(answer.error_code, ErrorCode::unsupported_compression_type);
                EXPECT_EQ(records(answer), "");
                continue;
            }
            // Cut where the batch ended: a message set of the same records may be longer.
            const auto messages = messages_of(*answer.records);
            ASSERT_EQ(messages.size(), 50u) << topic << " version " << version;
            EXPECT_EQ(messages[49].value, "v49");
            EXPECT_EQ(messages[49].offset, 49);
        }
    }
}

TEST_F(FetchLegacy, ManyBatchesAreFollowedToTheEndByWhatIsReturned) {
    make_topic();
    for (int i = 0; i < 300; i += 3) append(test::numbered_batch(i, 3));
    for (const std::int16_t version : {0, 2, 3}) {
        std::vector<std::string> values;
        for (std::int64_t next = 0; next < 300;) {
            const auto messages = messages_of(*fetch_one(of({from(next, 0, 2000)}), version).records);
            ASSERT_FALSE(messages.empty()) << "offset " << next << ", version " << version;
            for (const Message& message : messages) values.push_back(message.value);
            next = messages.back().offset + 1;
        }
        ASSERT_EQ(values.size(), 300u);
        EXPECT_EQ(values[150], "v150");
    }
}

TEST_F(FetchLegacy, WhatIsConvertedForAllClientsTogetherHasABoundAndEachComesOnByABatch) {
    stop();
    config.request_memory_bytes = 6000;
    start();
    make_topic();
    for (int i = 0; i < 300; i += 3) append(test::numbered_batch(i, 3));
    const auto values_of = [&](const Reply& reply) {
        const std::string payload = bytes_of(reply).substr(wire::kLengthBytes);
        const auto response = golden_response<FetchResponse>(payload, 1);
        return messages_of(*response.responses[0].partitions[0].records).size();
    };
    // Answers that clients have not taken yet.
    std::vector<Reply> unsent;
    std::uint64_t held_bytes = 0;
    for (int i = 0; i < 3; ++i) {
        unsent.push_back(mailbox->take(send(of({from(0, 0, 4000)}), 1)));
        held_bytes += bytes_of(unsent.back()).size();
    }
    EXPECT_GT(values_of(unsent[0]), 30u);
    EXPECT_LT(values_of(unsent[1]), values_of(unsent[0]));
    EXPECT_EQ(values_of(unsent[2]), 3u);
    EXPECT_LT(held_bytes, 6000u + 1000u);
    unsent.clear();
    EXPECT_GT(values_of(mailbox->take(send(of({from(0, 0, 4000)}), 1))), 30u);
}

TEST_F(FetchLegacy, ATopicMayRefuseToConvert) {
    stop();
    config.topic_defaults["message.downconversion.enable"] = "false";
    start();
    make_topic();
    append_records(0, 1);
    EXPECT_EQ(fetch_one(of({from(0)}), 3).error_code, ErrorCode::unsupported_version);
    EXPECT_EQ(fetch_one(of({from(0)}), 4).error_code, ErrorCode::none);
}

TEST_F(FetchLegacy, AnOldClientWaitsAsAnyOther) {
    make_topic();
    FetchRequest request = of({from(0)});
    request.max_wait_ms = 60'000;
    request.min_bytes = 1;
    const auto ticket = send(request, 1);
    EXPECT_FALSE(mailbox->has(ticket));
    append_records(0, 1);
    EXPECT_EQ(messages_of(*take<FetchRequest>(ticket, 1).responses[0].partitions[0].records).size(), 1u);
}

TEST_F(FetchLegacy, WhatIsDamagedIsAnErrorAndNotHalfAMessage) {
    make_topic();
    record::BatchOptions options;
    options.codec = record::Codec::gzip;
    append(test::numbered_batch(0, 50, 1000, options));
    std::string bytes = test::slurp(segment());
    for (std::size_t at = record::kBatchHeaderBytes + 12; at < bytes.size(); ++at) bytes[at] = '\x7f';
    test::spill(segment(), bytes);
    EXPECT_EQ(fetch_one(of({from(0)}), 1).error_code, ErrorCode::not_leader_or_follower);
    EXPECT_NE(log.lines().find(segment()), std::string::npos);
}

}  // namespace
}  // namespace mq::broker
