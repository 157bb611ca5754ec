// Down-conversion to magic 0 and 1: against what a real broker sent to an old client, and read by python3-kafka.
#include "record/legacy_encoder.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <sstream>
#include <tuple>

#include "bytes.h"
#include "record/batch_builder.h"
#include "record/compression.h"
#include "support/child.h"
#include "support/golden.h"
#include "support/temp_dir.h"

namespace mq::record {
namespace {

struct TestRecord {
    TimestampMs timestamp = 0;
    std::optional<std::string> key;
    std::optional<std::string> value;
};

NullableBytes view_of(const std::optional<std::string>& text) {
    return text ? NullableBytes{ByteView{*text}} : std::nullopt;
}

std::string batch_of(const std::vector<TestRecord>& records, BatchOptions options) {
    BatchBuilder builder{options};
    const Header header{"header", ByteView{"dropped"}};
    for (const TestRecord& record : records)
        builder.add(record.timestamp, view_of(record.key), view_of(record.value), {&header, 1});
    return std::string{builder.finish().value()};
}

std::string converted(ByteView unit, std::uint8_t magic, Offset first = Offset{0}) {
    LegacyEncoder encoder{magic};
    Buffer out;
    const Status appended = encoder.append(unit, first, out);
    EXPECT_TRUE(appended) << appended.error().message();
    return std::string{out.view()};
}

// What stands in a message set: its whole messages, and those inside of its wrappers.
struct Message {
    std::int64_t offset = 0;
    int magic = 0;
    int attributes = 0;
    std::optional<std::int64_t> timestamp;
    std::optional<std::string> key;
    std::optional<std::string> value;  // of a wrapper absent
    std::vector<Message> inside;
    bool operator==(const Message&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Message& m) {
    return out << m.offset << " v" << m.magic << " attributes " << m.attributes << ": " << m.value.value_or("null")
               << ", " << m.inside.size() << " inside";
}

std::optional<std::string> take_bytes(ByteCursor& cursor) {
    const auto size = cursor.be<std::int32_t>();
    if (size < 0) return std::nullopt;
    return std::string{cursor.take(static_cast<std::size_t>(size))};
}

std::vector<Message> messages_of(ByteView set) {
    std::vector<Message> messages;
    while (set.size() >= kUnitPrefixBytes) {
        const auto size = static_cast<std::size_t>(load_be<std::int32_t>(set.data() + 8)) + kUnitPrefixBytes;
        if (size > set.size()) break;
        const ByteView unit = set.substr(0, size);
        EXPECT_EQ(load_be<std::uint32_t>(unit.data() + 12), batch_checksum(unit));
        ByteCursor cursor{unit};
        Message message;
        message.offset = cursor.be<std::int64_t>();
        cursor.take(8);
        message.magic = cursor.be<std::int8_t>();
        message.attributes = cursor.be<std::int8_t>();
        if (message.magic > 0) message.timestamp = cursor.be<std::int64_t>();
        message.key = take_bytes(cursor);
        message.value = take_bytes(cursor);
        if (const auto codec = static_cast<Codec>(message.attributes & kCodecMask); codec != Codec::none) {
            Buffer inner;
            EXPECT_TRUE(decompress(codec, *message.value, 1 << 20, inner, static_cast<std::uint8_t>(message.magic)));
            message.inside = messages_of(inner.view());
            message.value.reset();
        }
        messages.push_back(std::move(message));
        set.remove_prefix(size);
    }
    return messages;
}

// The record set of the only partition of a recorded Fetch response: it ends the frame.
std::string recorded_records(const std::string& session, const std::string& frame) {
    std::istringstream lines{test::read_golden("wire/" + session + ".jsonl")};
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("{\"n\": " + frame + ",")) continue;
        const std::size_t at = line.find("\"hex\": \"") + 8;
        const std::string bytes = from_hex(ByteView{line}.substr(at, line.find('"', at) - at));
        for (std::size_t size_at = 4; size_at + 4 <= bytes.size(); ++size_at) {
            if (load_be<std::uint32_t>(bytes.data() + size_at) == bytes.size() - size_at - 4)
                return bytes.substr(size_at + 4);
        }
    }
    throw std::runtime_error{"no such frame"};
}

// A client of the year 2015 and one of today read the same partition of the same broker.
TEST(LegacyEncoder, GoldenBatchesBecomeTheMessagesThatARealBrokerMadeOfThem) {
    const std::string stored = recorded_records("kcat-legacy-0.10-C", "9");
    std::size_t compared = 0;
    for (const auto& [frame, from] : std::map<std::string, std::int64_t>{{"7", 0}, {"9", 48}, {"11", 63}}) {
        const auto expected = messages_of(recorded_records("kcat-legacy-0.9-C", frame));
        std::vector<Message> ours;
        LegacyEncoder encoder{0};
        Buffer out;
        for (ByteView rest = stored; !rest.empty();) {
            const auto header = parse_batch_header(rest).value();
            if (header.last_offset() >= Offset{from}) {
                ASSERT_TRUE(encoder.append(rest.substr(0, header.size_bytes), Offset{from}, out));
            }
            rest.remove_prefix(header.size_bytes);
        }
        ours = messages_of(out.view());
        ASSERT_FALSE(expected.empty());
        ASSERT_GE(ours.size(), expected.size()) << "frame " << frame;
        for (std::size_t i = 0; i < expected.size(); ++i, ++compared)
            EXPECT_EQ(ours[i], expected[i]) << "frame " << frame << ", message " << i;
    }
    EXPECT_GT(compared, 20u);
}

constexpr const char* kReader = R"(
import sys
from kafka.record import MemoryRecords
def show(b): return 'null' if b is None else b.decode()
records = MemoryRecords(sys.stdin.buffer.read())
while records.has_next():
    batch = records.next_batch()
    assert batch.validate_crc()
    for r in batch:
        print(r.offset, r.timestamp, r.timestamp_type, show(r.key), show(r.value))
)";

TEST(LegacyEncoder, PythonKafkaReadsWhatComesOut) {
    const std::vector<TestRecord> records{{1500, "k", "one"}, {1400, std::nullopt, "two"}, {1600, "k", std::nullopt}};
    for (const Codec codec : {Codec::none, Codec::gzip}) {
        for (const std::uint8_t magic : {std::uint8_t{0}, std::uint8_t{1}}) {
            BatchOptions options;
            options.codec = codec;
            options.base_offset = Offset{40};
            const std::string set = converted(batch_of(records, options), magic);
            const auto ran = test::run_program({{"/usr/bin/python3", "-c", kReader}, set});
            EXPECT_EQ(ran.end, test::exited_with(0)) << ran.err;
            EXPECT_EQ(ran.out, magic == 0 ? "40 None None k one\n41 None None null two\n"
                                            "42 None None k null\n"
                                          : "40 1500 0 k one\n41 1400 0 null two\n42 1600 0 k null\n")
                << "magic " << int{magic} << ", " << to_string(codec);
        }
    }
}

TEST(LegacyEncoder, UncompressedMessagesBeforeTheOffsetAreLeftOutAndWrappersStayWhole) {
    const std::vector<TestRecord> records{{1, {}, "a"}, {2, {}, "b"}, {3, {}, "c"}};
    BatchOptions options;
    options.base_offset = Offset{10};
    const auto plain = messages_of(converted(batch_of(records, options), 1, Offset{12}));
    ASSERT_EQ(plain.size(), 1u);
    EXPECT_EQ(plain[0].offset, 12);
    options.codec = Codec::gzip;
    const auto wrapped = messages_of(converted(batch_of(records, options), 1, Offset{12}));
    ASSERT_EQ(wrapped.size(), 1u);
    EXPECT_EQ(wrapped[0].offset, 12);
    EXPECT_EQ(wrapped[0].timestamp, 3);
    ASSERT_EQ(wrapped[0].inside.size(), 3u);
    // Magic 1 counts from the first, magic 0 from the beginning of the log.
    EXPECT_EQ(wrapped[0].inside[2].offset, 2);
    EXPECT_EQ(messages_of(converted(batch_of(records, options), 0, Offset{12}))[0].inside[2].offset, 12);
}

TEST(LegacyEncoder, TheTimeOfALogAppendTimeBatchIsThatOfAllItsMessages) {
    std::string batch = batch_of({{1, {}, "a"}, {2, {}, "b"}}, {});
    stamp_log_append_time(batch.data(), batch.size(), 9000);
    for (const Message& message : messages_of(converted(batch, 1))) {
        EXPECT_EQ(message.timestamp, 9000);
        EXPECT_EQ(message.attributes, kLogAppendTimeBit);
    }
}

TEST(LegacyEncoder, EveryCodecOfOldComesBackAsTheSameRecords) {
    std::mt19937 random{7};
    std::vector<TestRecord> records;
    for (int i = 0; i < 500; ++i)
        records.push_back({1000 + i, "key" + std::to_string(i % 7), std::string(random() % 300, 'x')});
    for (const Codec codec : {Codec::none, Codec::gzip, Codec::snappy, Codec::lz4}) {
        for (const std::uint8_t magic : {std::uint8_t{0}, std::uint8_t{1}}) {
            BatchOptions options;
            options.codec = codec;
            options.base_offset = Offset{70};
            const std::string set = converted(batch_of(records, options), magic);
            RecordReader reader;
            std::size_t count = 0;
            for (ByteView rest = set; !rest.empty();) {
                const auto header = parse_batch_header(rest).value();
                const ByteView unit = rest.substr(0, header.size_bytes);
                ASSERT_TRUE(verify_batch_checksum(unit, header));
                ASSERT_TRUE(reader.open(unit));
                for (RecordView record; reader.next(record); ++count) {
                    ASSERT_EQ(record.offset, Offset{70 + static_cast<std::int64_t>(count)});
                    ASSERT_EQ(record.key, records[count].key);
                    ASSERT_EQ(record.value, records[count].value);
                    ASSERT_EQ(record.timestamp, magic == 1 ? records[count].timestamp : kNoTimestamp);
                    ASSERT_TRUE(record.message_crc_valid);
                }
                rest.remove_prefix(header.size_bytes);
            }
            EXPECT_EQ(count, records.size()) << to_string(codec) << ", magic " << int{magic};
        }
    }
}

// Real brokers of 0.9 and 0.10 stored these: the same flags and block size, another checksum of them.
TEST(LegacyEncoder, GoldenTheHeaderChecksumOfLz4IsBrokenForMagic0Only) {
    BatchOptions options;
    options.codec = Codec::lz4;
    const std::string batch = batch_of({{1, {}, std::string(1000, 'x')}}, options);
    constexpr std::size_t kHeaderBytes = 7;
    for (const auto& [magic, name, value_at] : {std::tuple{std::uint8_t{0}, "fmt-0.9.0-lz4-0", std::size_t{26}},
                                                std::tuple{std::uint8_t{1}, "fmt-0.10.0-lz4-0", std::size_t{34}}}) {
        const std::string golden =
            test::slurp(test::golden_path("oldformats") + '/' + name + "/00000000000000000000.log");
        EXPECT_EQ(converted(batch, magic).substr(value_at, kHeaderBytes), golden.substr(value_at, kHeaderBytes));
    }
}

TEST(LegacyEncoder, ControlBatchesBringNothingAndZstdIsRefused) {
    BatchOptions options;
    options.control = true;
    options.transactional = true;
    EXPECT_EQ(converted(batch_of({{1, "key", "value"}}, options), 1), "");
    options = {};
    options.codec = Codec::zstd;
    LegacyEncoder encoder{1};
    Buffer out;
    out.append("before");
    const Status refused = encoder.append(batch_of({{1, {}, "a"}}, options), Offset{0}, out);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::unsupported);
    EXPECT_EQ(out.view(), "before");
}

// What is stored may be damaged: no more than an error comes of it, and nothing is left behind.
TEST(LegacyEncoder, DamagedBatchesAreErrorsOrOtherRecordsAndNeverMore) {
    std::mt19937 random{11};
    for (const Codec codec : {Codec::none, Codec::gzip, Codec::snappy, Codec::lz4}) {
        BatchOptions options;
        options.codec = codec;
        const std::string honest = batch_of({{1, "k", std::string(200, 'x')}, {2, {}, "b"}}, options);
        LegacyEncoder encoder{1, 1 << 16};
        for (int round = 0; round < 3000; ++round) {
            std::string batch = honest;
            for (int i = 0; i < 3; ++i) batch[random() % batch.size()] = static_cast<char>(random());
            Buffer out;
            const Status appended = encoder.append(batch, Offset{0}, out);
            EXPECT_TRUE(appended || out.empty());
            EXPECT_LT(out.size(), std::size_t{1} << 18);
        }
    }
}

TEST(LegacyEncoder, WhatIsTooLargeInMemoryIsRefused) {
    BatchOptions options;
    options.codec = Codec::gzip;
    const std::string bomb = batch_of({{1, {}, std::string(1 << 20, 'x')}}, options);
    LegacyEncoder encoder{1, 1 << 16};
    Buffer out;
    const Status refused = encoder.append(bomb, Offset{0}, out);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::too_large);
}

// As the last response of the recording: 8 bytes of ff, then a length that is one too large, or 61.
TEST(LegacyEncoder, AnOverflowMessageIsOneThatDoesNotFit) {
    const std::string recorded = recorded_records("kcat-legacy-0.9-C", "11");
    Buffer out;
    out.append(ByteView{recorded}.substr(0, 27));
    append_overflow_message(recorded.size() - out.size(), out);
    EXPECT_EQ(out.view(), recorded);
    out.clear();
    append_overflow_message(100, out);
    EXPECT_EQ(out.view().substr(0, 12), from_hex("ffffffffffffffff 00000065"));
    EXPECT_EQ(out.size(), 100u);
    out.clear();
    append_overflow_message(5, out);
    EXPECT_EQ(out.view(), from_hex("ffffffffff"));
}

}  // namespace
}  // namespace mq::record
