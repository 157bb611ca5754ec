// What the broker makes of the bytes that a client sends for a partition: VAL-1 to VAL-12, ACK-11; rows 31 and 32.
#include "broker/validator.h"

#include <gtest/gtest.h>

#include <functional>

#include "record/batch_builder.h"
#include "record/compression.h"
#include "record/legacy_encoder.h"
#include "record/record.h"
#include "support/batches.h"
#include "support/bombs.h"
#include "support/child.h"
#include "support/golden.h"

namespace mq::broker {
namespace {

using record::BatchHeader;
using record::Codec;
using test::encode_batch;
using test::numbered_batch;
using wire::ErrorCode;

constexpr TimestampMs kNow = 1'700'000'000'000;
constexpr std::int16_t kLatest = 9;

store::TopicConfig topic(const store::ConfigMap& settings = {}) { return store::to_topic_config(settings).value(); }

struct Outcome {
    ErrorCode code = ErrorCode::none;
    std::string message{};
    std::vector<std::int32_t> refused{};
    std::string batch{};  // that is to be appended
    bool in_place = false;
};

Outcome check(std::string bytes, const store::TopicConfig& config = topic(), std::int16_t version = kLatest,
              std::size_t limit_bytes = 1 << 20) {
    const std::string before = bytes;
    auto valid = validate({bytes.data(), bytes.size()}, {config, version, limit_bytes, kNow});
    Outcome outcome;
    if (!valid) {
        outcome.code = valid.error().code;
        outcome.message = valid.error().message;
        for (const RecordRefusal& record : valid.error().records) outcome.refused.push_back(record.index);
        EXPECT_FALSE(outcome.message.empty());
        EXPECT_TRUE(bytes == before) << "what is refused stays as it is";
        return outcome;
    }
    outcome.batch.assign(valid->bytes.data(), valid->bytes.size());
    outcome.in_place = valid->bytes.data() == bytes.data();
    if (!outcome.batch.empty()) {
        const auto header = record::parse_batch_header(outcome.batch).value();
        EXPECT_EQ(header.record_count, valid->record_count);
        EXPECT_TRUE(record::verify_batch_checksum(outcome.batch, header));
    }
    return outcome;
}

BatchHeader header_of(const std::string& batch) { return record::parse_batch_header(batch).value(); }

// The batch with another header, under a checksum that fits.
std::string with_header(std::string batch, const std::function<void(BatchHeader&)>& change) {
    BatchHeader header = header_of(batch);
    change(header);
    record::store_batch_header(batch.data(), header);
    header.crc = record::batch_checksum(batch);
    record::store_batch_header(batch.data(), header);
    return batch;
}
std::string with_attributes(const std::string& batch, int bits) {
    return with_header(batch,
                       [bits](BatchHeader& h) { h.attributes = static_cast<std::int16_t>(h.attributes | bits); });
}

struct Plain {
    std::optional<std::string> key;
    std::optional<std::string> value;
    TimestampMs timestamp = kNoTimestamp;
    std::string headers{};
    bool operator==(const Plain&) const = default;
};
std::vector<Plain> records_of(const std::string& unit) {
    std::vector<Plain> found;
    record::RecordReader reader;
    EXPECT_TRUE(reader.open(unit));
    const auto own = [](NullableBytes bytes) {
        return bytes ? std::optional<std::string>{*bytes} : std::optional<std::string>{};
    };
    for (record::RecordView r; reader.next(r);)
        found.push_back({own(r.key), own(r.value), r.timestamp, std::string{r.raw_headers}});
    EXPECT_TRUE(reader.status());
    return found;
}
std::vector<std::int64_t> offsets_of(const std::string& unit) {
    std::vector<std::int64_t> found;
    record::RecordReader reader;
    EXPECT_TRUE(reader.open(unit));
    for (record::RecordView r; reader.next(r);) found.push_back(r.offset.value());
    return found;
}

record::BatchOptions with_codec(Codec codec) {
    record::BatchOptions options;
    options.codec = codec;
    return options;
}
constexpr Codec kCodecs[] = {Codec::none, Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd};

TEST(Validator, AGoodBatchOfEachCodecIsTakenAsItIs) {
    for (const Codec codec : kCodecs) {
        const std::string batch = numbered_batch(0, 50, kNow, with_codec(codec));
        const Outcome outcome = check(batch);
        EXPECT_EQ(outcome.code, ErrorCode::none) << outcome.message;
        EXPECT_TRUE(outcome.in_place);
        EXPECT_EQ(outcome.batch, batch);
    }
}

TEST(Validator, VAL1_Row32_EveryFlippedBitIsNoticed) {
    const std::string batch = numbered_batch(0, 3);
    for (std::size_t bit = 0; bit < batch.size() * 8; ++bit) {
        const std::size_t byte = bit / 8;
        // The leader epoch is the broker's to write.
        if (byte >= 12 && byte < 16) continue;
        std::string flipped = batch;
        flipped[byte] = static_cast<char>(flipped[byte] ^ (1 << bit % 8));
        const Outcome outcome = check(flipped);
        EXPECT_NE(outcome.code, ErrorCode::none) << "bit " << bit;
    }
    std::string changed = batch;
    changed.back() = static_cast<char>(changed.back() ^ 1);
    EXPECT_EQ(check(changed).code, ErrorCode::corrupt_message);
}

TEST(Validator, VAL2_ABatchOverMaxMessageBytesIsTooLargeAndOneOfThatSizeIsNot) {
    const std::string batch = numbered_batch(0, 10);
    const auto at_most = [](std::size_t bytes) { return topic({{"max.message.bytes", std::to_string(bytes)}}); };
    EXPECT_EQ(check(batch, at_most(batch.size())).code, ErrorCode::none);
    EXPECT_EQ(check(batch, at_most(batch.size() - 1)).code, ErrorCode::message_too_large);
}

TEST(Validator, VAL2_TheSizeIsLookedAtAgainAfterARecompression) {
    const std::string zeros = encode_batch({{"k", std::string(10'000, '\0'), kNow}}, with_codec(Codec::lz4));
    ASSERT_LT(zeros.size(), 1000u);
    EXPECT_EQ(check(zeros, topic({{"max.message.bytes", "1000"}})).code, ErrorCode::none);
    EXPECT_EQ(check(zeros, topic({{"max.message.bytes", "1000"}, {"compression.type", "uncompressed"}})).code,
              ErrorCode::message_too_large);
}

TEST(Validator, VAL3_ABatchOverSegmentBytesIsAnotherError) {
    EXPECT_EQ(check(numbered_batch(0, 10), topic({{"segment.bytes", "100"}})).code, ErrorCode::record_list_too_large);
}

// Row 32. Each batch has a right checksum but for what it says.
TEST(Validator, VAL4_VAL5_Row32_HostileBatchesAreRefused) {
    const std::string good = numbered_batch(0, 3, kNow);
    record::BatchOptions idempotent;
    idempotent.producer_id = 7;
    idempotent.producer_epoch = 0;
    idempotent.base_sequence = 0;
    const std::string of_producer = numbered_batch(0, 3, kNow, idempotent);
    ASSERT_EQ(check(of_producer).code, ErrorCode::none);
    struct Case {
        const char* what;
        std::string bytes;
        ErrorCode code;
    };
    const auto header = [&](const std::string& batch, const std::function<void(BatchHeader&)>& change) {
        return with_header(batch, change);
    };
    std::string short_record = good;
    short_record[61] = 2;  // the first record's length: 1 byte
    std::string long_record = good;
    long_record[61] = 126;  // 63 bytes: into the next
    const auto resum = [&](const std::string& batch) { return with_header(batch, [](BatchHeader&) {}); };
    const std::string tail = good + "x";
    const std::vector<Case> cases{
        {"base offset 1", header(good, [](auto& h) { h.base_offset = Offset{1}; }), ErrorCode::invalid_record},
        {"base offset -1", header(good, [](auto& h) { h.base_offset = Offset{-1}; }), ErrorCode::invalid_record},
        {"base offset 2^63-1", header(good, [](auto& h) { h.base_offset = Offset{INT64_MAX}; }),
         ErrorCode::invalid_record},
        {"no record", header(good, [](auto& h) { h.record_count = 0; }), ErrorCode::invalid_record},
        {"-1 records", header(good, [](auto& h) { h.record_count = -1; }), ErrorCode::invalid_record},
        {"one record less than offsets", header(good, [](auto& h) { h.record_count = 2; }),
         ErrorCode::invalid_record},
        {"one record more than offsets", header(good, [](auto& h) { h.record_count = 4; }),
         ErrorCode::invalid_record},
        {"2^31-1 records", header(good, [](auto& h) { h.record_count = INT32_MAX; }), ErrorCode::invalid_record},
        {"a last offset delta of 2^31-1", header(good, [](auto& h) { h.last_offset_delta = INT32_MAX; }),
         ErrorCode::invalid_record},
        {"a negative last offset delta", header(good, [](auto& h) { h.last_offset_delta = -1; }),
         ErrorCode::invalid_record},
        {"2^31-1 records and offsets",
         header(good,
                [](auto& h) {
                    h.record_count = INT32_MAX;
                    h.last_offset_delta = INT32_MAX - 1;
                }),
         ErrorCode::invalid_record},
        {"fewer records than it says",
         header(good,
                [](auto& h) {
                    h.record_count = 4;
                    h.last_offset_delta = 3;
                }),
         ErrorCode::invalid_record},
        {"more records than it says",
         header(good,
                [](auto& h) {
                    h.record_count = 2;
                    h.last_offset_delta = 1;
                }),
         ErrorCode::invalid_record},
        {"the control bit", with_attributes(good, record::kControlBit), ErrorCode::invalid_record},
        {"the control bit of a producer", with_attributes(of_producer, record::kControlBit),
         ErrorCode::invalid_record},
        {"a delete horizon", with_attributes(good, record::kDeleteHorizonBit), ErrorCode::invalid_record},
        {"a transaction", with_attributes(of_producer, record::kTransactionalBit), ErrorCode::invalid_txn_state},
        {"a producer without a sequence", header(of_producer, [](auto& h) { h.base_sequence = -1; }),
         ErrorCode::invalid_record},
        {"a producer without an epoch", header(of_producer, [](auto& h) { h.producer_epoch = -1; }),
         ErrorCode::invalid_record},
        {"producer -2", header(of_producer, [](auto& h) { h.producer_id = -2; }), ErrorCode::invalid_record},
        {"codec 5", with_attributes(good, 5), ErrorCode::unsupported_compression_type},
        {"codec 7", with_attributes(good, 7), ErrorCode::unsupported_compression_type},
        {"gzip that is none", with_attributes(good, 1), ErrorCode::invalid_record},
        {"snappy that is none", with_attributes(good, 2), ErrorCode::invalid_record},
        {"lz4 that is none", with_attributes(good, 3), ErrorCode::invalid_record},
        {"zstd that is none", with_attributes(good, 4), ErrorCode::invalid_record},
        {"a record cut short", resum(short_record), ErrorCode::invalid_record},
        {"a record into the next", resum(long_record), ErrorCode::invalid_record},
        {"half a batch", good.substr(0, good.size() / 2), ErrorCode::invalid_record},
        {"a byte after the batch", tail, ErrorCode::invalid_record},
        {"nothing", "", ErrorCode::invalid_record},
        {"eleven bytes", good.substr(0, 11), ErrorCode::invalid_record},
        {"a size of -1", std::string(8, '\0') + "\xff\xff\xff\xff" + good.substr(12), ErrorCode::corrupt_message},
        {"a size of 13", std::string{"\0\0\0\0\0\0\0\0\0\0\0\x0d", 12} + good.substr(12), ErrorCode::corrupt_message},
        {"a size of 48", std::string{"\0\0\0\0\0\0\0\0\0\0\0\x30", 12} + good.substr(12, 48),
         ErrorCode::corrupt_message},
        {"a size of 2^31-1", std::string{"\0\0\0\0\0\0\0\0\x7f\xff\xff\xff", 12} + good.substr(12),
         ErrorCode::invalid_record},
        {"magic 3", good.substr(0, 16) + '\3' + good.substr(17), ErrorCode::invalid_record},
        {"magic 255", good.substr(0, 16) + '\xff' + good.substr(17), ErrorCode::invalid_record},
    };
    for (const Case& c : cases) EXPECT_EQ(check(c.bytes).code, c.code) << c.what << ": " << check(c.bytes).message;
}

TEST(Validator, ACK11_Version3AndLaterCarryExactlyOneBatchOfMagic2) {
    const std::string batch = numbered_batch(0, 1);
    EXPECT_EQ(check(batch + batch).code, ErrorCode::invalid_record);
    EXPECT_EQ(check("").code, ErrorCode::invalid_record);
    const std::string old = test::slurp(test::partition_files("oldformats", "fmt-0.9.0-none-0", ".log").at(0));
    for (const std::int16_t version : {3, 7, 9})
        EXPECT_EQ(check(old, topic(), version).code, ErrorCode::invalid_record);
    // Before, nothing at all is no error.
    EXPECT_EQ(check("", topic(), 2).code, ErrorCode::none);
}

TEST(Validator, ACK11_ZstdIsForVersion7AndLater) {
    const std::string zstd = numbered_batch(0, 20, kNow, with_codec(Codec::zstd));
    for (const std::int16_t version : {2, 3, 6})
        EXPECT_EQ(check(zstd, topic(), version).code, ErrorCode::unsupported_compression_type);
    for (const std::int16_t version : {7, 11}) EXPECT_EQ(check(zstd, topic(), version).code, ErrorCode::none);
}

TEST(Validator, VAL6_OffsetsThatAreNotInARowAreMadeSo) {
    for (const Codec codec : kCodecs) {
        record::BatchOptions options = with_codec(codec);
        options.producer_id = 4;
        options.producer_epoch = 1;
        options.base_sequence = 10;
        options.last_offset_delta = 2;
        record::BatchBuilder builder{options};
        for (const int delta : {0, 2, 2}) {
            const record::Header headers[] = {{"h", "w"}, {"h", std::nullopt}};
            builder.add_at(delta, kNow, "k", "v" + std::to_string(delta), headers);
        }
        const std::string odd{builder.finish().value()};
        ASSERT_EQ(offsets_of(odd), (std::vector<std::int64_t>{0, 2, 2}));
        const Outcome outcome = check(odd);
        ASSERT_EQ(outcome.code, ErrorCode::none) << outcome.message;
        EXPECT_FALSE(outcome.in_place);
        EXPECT_EQ(offsets_of(outcome.batch), (std::vector<std::int64_t>{0, 1, 2}));
        EXPECT_EQ(records_of(outcome.batch), records_of(odd));
        const BatchHeader header = header_of(outcome.batch);
        EXPECT_EQ(header.codec(), codec);
        EXPECT_EQ(header.producer_id, 4);
        EXPECT_EQ(header.producer_epoch, 1);
        EXPECT_EQ(header.base_sequence, 10);
        EXPECT_EQ(header.last_offset_delta, 2);
    }
}

TEST(Validator, VAL7_ACompactedTopicNamesEachRecordWithoutAKey) {
    record::BatchBuilder builder;
    builder.add(kNow, "k", "v");
    builder.add(kNow, std::nullopt, "v");
    builder.add(kNow, "", "v");
    builder.add(kNow, std::nullopt, std::nullopt);
    const std::string batch{builder.finish().value()};
    EXPECT_EQ(check(batch).code, ErrorCode::none);
    for (const char* policy : {"compact", "compact,delete"}) {
        const Outcome outcome = check(batch, topic({{"cleanup.policy", policy}}));
        EXPECT_EQ(outcome.code, ErrorCode::invalid_record);
        EXPECT_EQ(outcome.refused, (std::vector<std::int32_t>{1, 3}));
    }
}

TEST(Validator, VAL7_OnlyTheFirstOfManyRefusedRecordsAreNamed) {
    record::BatchBuilder builder;
    for (int i = 0; i < 1000; ++i) builder.add(kNow, std::nullopt, "v");
    const Outcome outcome = check(std::string{builder.finish().value()}, topic({{"cleanup.policy", "compact"}}));
    EXPECT_EQ(outcome.refused.size(), kMostRecordRefusals);
    EXPECT_NE(outcome.message.find("1000 records of 1000"), std::string::npos) << outcome.message;
}

// The rule's two halves, of release 3.9.
TEST(Validator, VAL8_AProducerMustNotSayLogAppendTime) {
    const std::string batch = with_attributes(numbered_batch(0, 3, kNow), record::kLogAppendTimeBit);
    const Outcome on_append_time = check(batch, topic({{"message.timestamp.type", "LogAppendTime"}}));
    EXPECT_EQ(on_append_time.code, ErrorCode::invalid_timestamp);
    EXPECT_EQ(on_append_time.refused, (std::vector<std::int32_t>{0, 1, 2}));
    const Outcome on_create_time = check(batch);
    EXPECT_EQ(on_create_time.code, ErrorCode::none);
    EXPECT_EQ(header_of(on_create_time.batch).timestamp_type(), record::TimestampType::create_time);
    const std::string timeless = with_attributes(encode_batch({{"k", "v", kNoTimestamp}}), record::kLogAppendTimeBit);
    EXPECT_EQ(check(timeless).code, ErrorCode::invalid_timestamp);
}

TEST(Validator, VAL9_TimestampsLieWithinTheTopicsBounds) {
    const auto config =
        topic({{"message.timestamp.before.max.ms", "1000"}, {"message.timestamp.after.max.ms", "50"}});
    for (const Codec codec : {Codec::none, Codec::lz4}) {
        const auto at = [&](TimestampMs time) {
            return check(encode_batch({{"k", "v", kNow}, {"k", "v", time}}, with_codec(codec)), config);
        };
        for (const TimestampMs time : {kNow - 1000, kNow, kNow + 50, kNoTimestamp})
            EXPECT_EQ(at(time).code, ErrorCode::none) << time - kNow;
        for (const TimestampMs time :
             {kNow - 1001, kNow + 51, TimestampMs{0}, TimestampMs{-2}, INT64_MIN, INT64_MAX}) {
            EXPECT_EQ(at(time).code, ErrorCode::invalid_timestamp) << time - kNow;
            EXPECT_EQ(at(time).refused, (std::vector<std::int32_t>{1}));
        }
    }
    const auto only_after = topic({{"message.timestamp.after.max.ms", "50"}});
    EXPECT_EQ(check(numbered_batch(0, 1, 0), only_after).code, ErrorCode::none);
    EXPECT_EQ(check(numbered_batch(0, 1, kNow + 51), only_after).code, ErrorCode::invalid_timestamp);
    const auto by_append = topic({{"message.timestamp.before.max.ms", "0"},
                                  {"message.timestamp.after.max.ms", "0"},
                                  {"message.timestamp.type", "LogAppendTime"}});
    EXPECT_EQ(check(numbered_batch(0, 1, 5), by_append).code, ErrorCode::none);
}

TEST(Validator, VAL10_TheOldNameStandsInForTheNewOnesThatAreAtTheirDefault) {
    const auto refused = [](const store::ConfigMap& settings, TimestampMs time) {
        return check(encode_batch({{"k", "v", time}}), topic(settings)).code == ErrorCode::invalid_timestamp;
    };
    const std::string old = "message.timestamp.difference.max.ms";
    EXPECT_FALSE(refused({{old, "10"}}, kNow - 10));
    EXPECT_TRUE(refused({{old, "10"}}, kNow - 11));
    EXPECT_TRUE(refused({{old, "10"}}, kNow + 11));
    const store::ConfigMap both{{old, "10"}, {"message.timestamp.before.max.ms", "500"}};
    EXPECT_FALSE(refused(both, kNow - 500));
    EXPECT_TRUE(refused(both, kNow - 501));
    EXPECT_TRUE(refused(both, kNow + 11));
}

TEST(Validator, VAL11_AWrongMaximumTimestampIsPutRight) {
    const std::string good = numbered_batch(0, 3, kNow);
    const std::string wrong = with_header(good, [](auto& h) { h.max_timestamp = kNow + 1'000'000; });
    EXPECT_EQ(check(wrong).batch, good);
    EXPECT_TRUE(check(wrong).in_place);
}

TEST(Validator, TheTopicsCompressionTypeIsThatOfTheBatchUnlessItIsProducer) {
    for (const Codec from : kCodecs) {
        const std::string batch = numbered_batch(0, 200, kNow, with_codec(from));
        for (const Codec to : kCodecs) {
            const std::string name = to == Codec::none ? "uncompressed" : std::string{record::to_string(to)};
            const Outcome outcome = check(batch, topic({{"compression.type", name}}));
            ASSERT_EQ(outcome.code, ErrorCode::none) << outcome.message;
            EXPECT_EQ(header_of(outcome.batch).codec(), to);
            EXPECT_EQ(outcome.in_place, from == to);
            EXPECT_EQ(records_of(outcome.batch), records_of(batch));
        }
    }
    const std::string batch = encode_batch({{"k", std::string(5000, 'x'), kNow}});
    EXPECT_EQ(check(batch, topic({{"compression.type", "gzip"}, {"compression.gzip.level", "-1"}})).code,
              ErrorCode::none);
}

// Message sets of a real broker, in all codecs that clients of that time had.
TEST(Validator, MessageSetsOfMagic0And1BecomeOneBatch) {
    for (const std::string& partition : test::partitions_of("oldformats")) {
        const bool is_old = partition.starts_with("fmt-0.9.0") || partition.starts_with("fmt-0.10.0");
        if (!is_old || partition.find("logappend") != std::string::npos) continue;
        SCOPED_TRACE(partition);
        const std::string set = test::slurp(test::partition_files("oldformats", partition, ".log").at(0));
        std::vector<Plain> expected;
        for (std::string_view rest = set; !rest.empty();) {
            const auto header = record::parse_batch_header(rest).value();
            const auto unit = records_of(std::string{rest.substr(0, header.size_bytes)});
            expected.insert(expected.end(), unit.begin(), unit.end());
            rest.remove_prefix(header.size_bytes);
        }
        ASSERT_FALSE(expected.empty());
        for (const std::int16_t version : {0, 1, 2}) {
            const Outcome outcome = check(set, topic(), version);
            ASSERT_EQ(outcome.code, ErrorCode::none) << outcome.message;
            const auto found = records_of(outcome.batch);
            ASSERT_EQ(found.size(), expected.size());
            for (std::size_t i = 0; i < found.size(); ++i) {
                EXPECT_EQ(found[i].key, expected[i].key);
                EXPECT_EQ(found[i].value, expected[i].value);
                EXPECT_EQ(found[i].timestamp, expected[i].timestamp);
            }
            const BatchHeader header = header_of(outcome.batch);
            EXPECT_EQ(header.base_offset.value(), 0);
            EXPECT_EQ(header.magic, 2);
            EXPECT_FALSE(header.has_producer());
            const std::string codec{record::to_string(header.codec())};
            EXPECT_NE(partition.find('-' + codec + '-'), std::string::npos) << codec;
        }
        // Each byte of the messages is under a checksum, but for the offsets, which count for nothing.
        for (std::size_t at = 12; at < set.size(); at += 97) {
            std::string damaged = set;
            damaged[at] = static_cast<char>(damaged[at] ^ 4);
            const Outcome outcome = check(damaged, topic(), 2);
            EXPECT_TRUE(outcome.code != ErrorCode::none || records_of(outcome.batch).size() == expected.size()) << at;
        }
    }
}

// A message of magic 1 around a set that is compressed with gzip.
std::string wrapper_around(const std::string& set) {
    Buffer stream;
    EXPECT_TRUE(record::compress(Codec::gzip, {}, set, stream));
    record::BatchBuilder builder;
    builder.add(kNow, std::nullopt, stream.view());
    Buffer message;
    EXPECT_TRUE(record::LegacyEncoder{1}.append(builder.finish().value(), Offset{0}, message));
    message.data()[17] = 1;
    store_be(message.data() + 12, record::batch_checksum(message.view()));
    return std::string{message.view()};
}

TEST(Validator, Row32_HostileMessageSetsAreRefused) {
    const auto as_old = [](std::uint8_t magic, const std::string& batch) {
        Buffer set;
        EXPECT_TRUE(record::LegacyEncoder{magic}.append(batch, Offset{0}, set));
        return std::string{set.view()};
    };
    const std::string inner0 = as_old(0, numbered_batch(0, 3));
    const std::string inner1 = as_old(1, numbered_batch(0, 3));
    EXPECT_EQ(check(wrapper_around(inner1), topic(), 2).code, ErrorCode::none);
    EXPECT_EQ(check(wrapper_around(inner0), topic(), 2).code, ErrorCode::invalid_record) << "another magic inside";
    EXPECT_EQ(check(wrapper_around(wrapper_around(inner1)), topic(), 2).code, ErrorCode::invalid_record)
        << "a wrapper inside a wrapper";
    EXPECT_EQ(check(wrapper_around(""), topic(), 2).code, ErrorCode::invalid_record);
    std::string bad_inner = inner1;
    bad_inner.back() = static_cast<char>(bad_inner.back() ^ 1);
    EXPECT_EQ(check(wrapper_around(bad_inner), topic(), 2).code, ErrorCode::corrupt_message);
    std::string negative = inner1;
    negative[0] = '\xff';
    EXPECT_EQ(check(negative, topic(), 2).code, ErrorCode::invalid_record);
    std::string codec = inner1;
    codec[17] = 4;
    EXPECT_EQ(check(codec, topic(), 2).code, ErrorCode::unsupported_compression_type) << "zstd came with magic 2";
    // Each within the limit of decompressed bytes, all of them not.
    const std::string large =
        as_old(1, encode_batch({{"k", std::string(900'000, 'x'), kNow}}, with_codec(Codec::lz4)));
    EXPECT_EQ(check(large + large + large, topic({{"max.message.bytes", "100000000"}}), 2).code,
              ErrorCode::message_too_large);
    EXPECT_EQ(check(large, topic(), 2).code, ErrorCode::none);
}

TEST(Validator, MessageSetsAreHeldAgainstTheTopicsRulesToo) {
    const auto set_of = [](const char* partition) {
        return test::slurp(test::partition_files("oldformats", partition, ".log").at(0));
    };
    const std::string set = set_of("fmt-0.10.0-gzip-0");
    EXPECT_EQ(check(set, topic({{"message.timestamp.before.max.ms", "10"}}), 2).code, ErrorCode::invalid_timestamp);
    EXPECT_EQ(check(set, topic({{"max.message.bytes", "60"}}), 2).code, ErrorCode::message_too_large);
    EXPECT_EQ(check(set.substr(0, set.size() - 1), topic(), 2).code, ErrorCode::invalid_record);
    EXPECT_EQ(check(set, topic(), 2, 100).code, ErrorCode::message_too_large);
    // Magic 0, then 1.
    EXPECT_EQ(check(set_of("fmt-0.9.0-none-0") + set, topic(), 1).code, ErrorCode::invalid_record);
    // VAL-8: a broker's own LogAppendTime, sent back to it.
    EXPECT_EQ(
        check(set_of("fmt-0.10.0-logappend-gzip-0"), topic({{"message.timestamp.type", "LogAppendTime"}}), 2).code,
        ErrorCode::invalid_timestamp);
}

class Row31Validator : public testing::TestWithParam<std::size_t> {};

TEST_P(Row31Validator, ABombIsTooLargeAndCostsTwiceTheLimitAtMost) {
    const test::Bomb bomb = test::bombs().at(GetParam());
    const auto end = test::run_in_child([&] {
        std::string bytes = bomb.batch();
        for (const char* compression : {"producer", "uncompressed", "zstd"}) {
            const auto config = topic({{"compression.type", compression}, {"max.message.bytes", "100000000"}});
            constexpr std::size_t kLimitBytes = 64u << 20;
            const test::PeakMemory memory;
            const auto valid = validate({bytes.data(), bytes.size()}, {config, kLatest, kLimitBytes, kNow});
            if (valid || (valid.error().code != ErrorCode::message_too_large &&
                          valid.error().code != ErrorCode::invalid_record)) {
                return 1;
            }
            const bool lies = std::string_view{bomb.name}.ends_with("lying");
            if (!lies && valid.error().code != ErrorCode::message_too_large) return 2;
            if (memory.grown_bytes() > 2 * kLimitBytes) return 3;
        }
        return 0;
    });
    EXPECT_EQ(end, test::exited_with(0));
}

INSTANTIATE_TEST_SUITE_P(Bombs, Row31Validator, testing::Range(std::size_t{0}, test::bombs().size()),
                         [](const auto& index) { return std::string{test::bombs().at(index.param).name}; });

TEST(Validator, ACodecThatFailsIsTheBrokersFault) {
    store::TopicConfig config = topic({{"compression.type", "zstd"}});
    config.compression_level = 23;  // which no setting can say
    EXPECT_EQ(check(numbered_batch(0, 3, kNow), config).code, ErrorCode::unknown_server_error);
    config.compression_level = 22;
    EXPECT_EQ(check(numbered_batch(0, 3, kNow), config).code, ErrorCode::none);
}

// Just below the limit, and made anew: the records twice, and what the allocator keeps of a buffer that grew.
TEST(Validator, Row31_ARecompressionCostsThreeTimesTheLimitAtMost) {
    const auto end = test::run_in_child([] {
        std::string bytes =
            encode_batch({{"k", std::string((64u << 20) - 100, '\0'), kNow}}, with_codec(Codec::zstd));
        const auto config = topic({{"compression.type", "lz4"}});
        constexpr std::size_t kLimitBytes = 64u << 20;
        const test::PeakMemory memory;
        const auto valid = validate({bytes.data(), bytes.size()}, {config, kLatest, kLimitBytes, kNow});
        if (!valid) return 1;
        return memory.grown_bytes() > 3 * kLimitBytes ? 2 : 0;
    });
    EXPECT_EQ(end, test::exited_with(0));
}

}  // namespace
}  // namespace mq::broker
