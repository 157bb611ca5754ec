#include "record/batch_builder.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <limits>

#include "bytes.h"

namespace mq::record {
namespace {

using Bytes = std::optional<std::string>;

struct OwnedHeader {
    std::string key;
    Bytes value;
    bool operator==(const OwnedHeader&) const = default;
};
struct OwnedRecord {
    std::int32_t delta = 0;
    TimestampMs timestamp = 0;
    Bytes key;
    Bytes value;
    std::vector<OwnedHeader> headers;
    bool operator==(const OwnedRecord&) const = default;
};

void add(BatchBuilder& builder, const OwnedRecord& r) {
    std::vector<Header> headers;
    for (const auto& h : r.headers) headers.push_back({h.key, h.value});
    const std::size_t before = builder.size_bytes();
    builder.add_at(r.delta, r.timestamp, r.key, r.value, headers);
    EXPECT_LE(builder.size_bytes() - before, BatchBuilder::size_bound(r.key, r.value, headers));
}

std::vector<OwnedRecord> read_all(ByteView batch) {
    std::vector<OwnedRecord> records;
    RecordReader reader;
    const auto opened = reader.open(batch);
    EXPECT_TRUE(opened) << opened.error().message();
    EXPECT_TRUE(verify_batch_checksum(batch, reader.header()));
    const auto own = [](const NullableBytes& b) { return b ? Bytes{*b} : Bytes{}; };
    for (RecordView r; reader.next(r);) {
        OwnedRecord& o = records.emplace_back();
        o = {static_cast<std::int32_t>(r.offset - reader.header().base_offset),
             r.timestamp,
             own(r.key),
             own(r.value),
             {}};
        HeaderReader headers{r};
        for (Header h; headers.next(h);) o.headers.push_back({std::string{h.key}, own(h.value)});
        EXPECT_EQ(static_cast<std::size_t>(r.header_count), o.headers.size());
    }
    EXPECT_TRUE(reader.status()) << reader.status().error().message();
    return records;
}

rc::Gen<Bytes> any_bytes() {
    const auto sized =
        rc::gen::mapcat(rc::gen::element(0, 1, 5, 62, 63, 64, 65, 100, 8191, 8192, 20'000), [](int size) {
            return rc::gen::map(rc::gen::arbitrary<char>(),
                                [size](char c) { return Bytes{std::string(static_cast<std::size_t>(size), c)}; });
        });
    const auto text =
        rc::gen::map(rc::gen::arbitrary<std::string>(), [](std::string s) { return Bytes{std::move(s)}; });
    return rc::gen::weightedOneOf<Bytes>({{1, rc::gen::just(Bytes{})}, {3, sized}, {6, text}});
}

rc::Gen<OwnedHeader> any_header() {
    return rc::gen::build<OwnedHeader>(
        rc::gen::set(&OwnedHeader::key,
                     rc::gen::element<std::string>("", "a", "a", "trace-id", std::string(70, 'k'))),
        rc::gen::set(&OwnedHeader::value, any_bytes()));
}

rc::Gen<TimestampMs> any_timestamp() {
    constexpr auto kMin = std::numeric_limits<TimestampMs>::min();
    constexpr auto kMax = std::numeric_limits<TimestampMs>::max();
    return rc::gen::weightedOneOf<TimestampMs>(
        {{5, rc::gen::inRange<TimestampMs>(1'600'000'000'000, 1'600'000'010'000)},
         {1, rc::gen::elementOf(std::vector<TimestampMs>{kMin, kMax, -1, 0})},
         {1, rc::gen::arbitrary<TimestampMs>()}});
}

// Records whose deltas grow, mostly by one, with gaps as compaction leaves them.
rc::Gen<std::vector<OwnedRecord>> any_records() {
    const auto record = rc::gen::build<OwnedRecord>(
        rc::gen::set(&OwnedRecord::delta, rc::gen::element(1, 1, 1, 1, 2, 64, 9000, 40'000'000)),
        rc::gen::set(&OwnedRecord::timestamp, any_timestamp()), rc::gen::set(&OwnedRecord::key, any_bytes()),
        rc::gen::set(&OwnedRecord::value, any_bytes()),
        rc::gen::set(&OwnedRecord::headers, rc::gen::weightedOneOf<std::vector<OwnedHeader>>(
                                                {{3, rc::gen::just(std::vector<OwnedHeader>{})},
                                                 {1, rc::gen::container<std::vector<OwnedHeader>>(any_header())}})));
    return rc::gen::map(rc::gen::nonEmpty(rc::gen::container<std::vector<OwnedRecord>>(record)),
                        [](std::vector<OwnedRecord> records) {
                            std::int32_t delta = -1;
                            for (auto& r : records) {
                                if (delta > std::numeric_limits<std::int32_t>::max() - r.delta) r.delta = 1;
                                delta = r.delta += delta;
                            }
                            return records;
                        });
}

rc::Gen<BatchOptions> any_options() {
    return rc::gen::build<BatchOptions>(
        rc::gen::set(&BatchOptions::codec,
                     rc::gen::element(Codec::none, Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd)),
        rc::gen::set(&BatchOptions::transactional), rc::gen::set(&BatchOptions::control),
        rc::gen::set(&BatchOptions::producer_id), rc::gen::set(&BatchOptions::producer_epoch),
        rc::gen::set(&BatchOptions::base_sequence, rc::gen::inRange<std::int32_t>(-1, 2147483647)),
        rc::gen::set(&BatchOptions::leader_epoch),
        rc::gen::set(&BatchOptions::base_offset,
                     rc::gen::map(rc::gen::inRange<std::int64_t>(0, INT64_MAX - INT32_MAX),
                                  [](std::int64_t v) { return Offset{v}; })));
}

}  // namespace
}  // namespace mq::record

namespace rc {
using namespace mq::record;
template <>
struct Arbitrary<std::vector<OwnedRecord>> {
    static Gen<std::vector<OwnedRecord>> arbitrary() { return any_records(); }
};
template <>
struct Arbitrary<BatchOptions> {
    static Gen<BatchOptions> arbitrary() { return any_options(); }
};
}  // namespace rc

namespace mq::record {
namespace {

void showValue(const OwnedRecord& r, std::ostream& os) {
    os << "{delta " << r.delta << ", timestamp " << r.timestamp << ", " << r.headers.size() << " headers}";
}

TEST(BatchBuilder, WhatIsEncodedIsDecodedWithEveryCodec) {
    BatchBuilder builder;
    EXPECT_TRUE(rc::check([&](const std::vector<OwnedRecord>& records, const BatchOptions& options) {
        builder.clear();
        builder.set_options(options);
        for (const auto& r : records) add(builder, r);
        const auto batch = builder.finish();
        RC_ASSERT(batch.has_value());
        RC_ASSERT(read_all(*batch) == records);
        const auto h = parse_batch_header(*batch).value();
        RC_ASSERT(h.size_bytes == batch->size());
        RC_ASSERT(h.codec() == options.codec);
        RC_ASSERT(h.is_control() == options.control && h.is_transactional() == options.transactional);
        RC_ASSERT(h.producer_id == options.producer_id && h.producer_epoch == options.producer_epoch);
        RC_ASSERT(h.base_sequence == options.base_sequence && h.leader_epoch == options.leader_epoch);
        RC_ASSERT(h.base_offset == options.base_offset);
        RC_ASSERT(h.last_offset_delta == records.back().delta);
        RC_ASSERT(h.record_count == static_cast<std::int32_t>(records.size()));
        TimestampMs latest = records.front().timestamp;
        for (const auto& r : records) latest = std::max(latest, r.timestamp);
        RC_ASSERT(h.base_timestamp == records.front().timestamp);
        RC_ASSERT(h.max_timestamp == latest);
    }));
}

TEST(BatchBuilder, WhatIsDecodedIsEncodedToTheSameBytes) {
    EXPECT_TRUE(rc::check([](const std::vector<OwnedRecord>& records, const BatchOptions& options) {
        BatchBuilder first{options};
        for (const auto& r : records) add(first, r);
        const std::string batch{first.finish().value()};
        BatchBuilder second{options};
        for (const auto& r : read_all(batch)) add(second, r);
        RC_ASSERT(second.finish().value() == batch);
    }));
}

// Where a length or delta takes one byte more, and where the reader's quick path ends.
TEST(BatchBuilder, EveryBoundaryOfAVarintIsReadBack) {
    std::vector<std::int64_t> edges;
    for (const std::int64_t edge : {64, 8192, 1 << 20, 1 << 27}) {
        for (std::int64_t d = -2; d <= 2; ++d) edges.push_back(edge + d);
    }
    const std::string long_text((1 << 20) + 2, 'x');
    for (std::size_t size = 0; size < long_text.size() + 1; size = size < 300 ? size + 1 : size * 2) {
        for (const std::size_t near : {size, size + 1}) {
            const auto text = long_text.substr(0, near);
            for (const Bytes& key : {Bytes{}, Bytes{""}, Bytes{text}}) {
                BatchBuilder builder;
                const OwnedRecord r{0, 1, key, text, {}};
                add(builder, r);
                ASSERT_EQ(read_all(builder.finish().value()), std::vector{r}) << near;
            }
        }
    }
    for (const std::int64_t edge : edges) {
        BatchBuilder builder;
        const std::vector<OwnedRecord> records{{0, 0, {}, "a", {}},
                                               {static_cast<std::int32_t>(edge), edge, "k", {}, {}},
                                               {static_cast<std::int32_t>(edge) + 1, -edge, "k", "v", {}}};
        for (const auto& r : records) add(builder, r);
        ASSERT_EQ(read_all(builder.finish().value()), records) << edge;
    }
}

// Typed from the tables of the format: null key, "v", one header without a value.
TEST(BatchBuilder, ASmallBatchHasTheBytesOfTheFormat) {
    BatchBuilder builder;
    const Header header{"h", std::nullopt};
    builder.add(1000, std::nullopt, "v", {&header, 1});
    const std::string batch{builder.finish().value()};
    EXPECT_EQ(batch.substr(0, 17), from_hex("0000000000000000 0000003c ffffffff 02"));
    EXPECT_EQ(batch.substr(21),
              from_hex("0000 00000000 00000000000003e8 00000000000003e8 ffffffffffffffff ffff ffffffff"
                       "00000001 14 00 00 00 01 02 76 02 02 68 01"));
}

TEST(BatchBuilder, ABatchWithoutRecordsIsTheBareHeaderThatCompactionLeaves) {
    BatchOptions options;
    options.codec = Codec::zstd;
    options.producer_id = 7;
    options.base_offset = Offset{100};
    options.last_offset_delta = 9;
    options.max_timestamp = 555;
    BatchBuilder builder{options};
    const std::string batch{builder.finish().value()};
    ASSERT_EQ(batch.size(), kBatchHeaderBytes);
    const auto h = parse_batch_header(batch).value();
    EXPECT_EQ(h.codec(), Codec::none);
    EXPECT_EQ(h.last_offset(), Offset{109});
    EXPECT_EQ(h.base_timestamp, kNoTimestamp);
    EXPECT_EQ(h.max_timestamp, 555);
    EXPECT_TRUE(read_all(batch).empty());
}

TEST(BatchBuilder, ADeleteHorizonTakesTheBaseTimestampsPlace) {
    BatchOptions options;
    options.delete_horizon = 5000;
    BatchBuilder builder{options};
    const OwnedRecord r{3, 2000, "k", {}, {}};
    add(builder, r);
    const std::string batch{builder.finish().value()};
    const auto h = parse_batch_header(batch).value();
    EXPECT_TRUE(h.has_delete_horizon());
    EXPECT_EQ(h.base_timestamp, 5000);
    EXPECT_EQ(h.max_timestamp, 2000);
    EXPECT_EQ(read_all(batch), std::vector{r});
}

TEST(BatchBuilder, ALevelOutOfRangeIsABadArgumentAndTheRecordsStay) {
    BatchOptions options;
    options.codec = Codec::gzip;
    options.level = 10;
    BatchBuilder builder{options};
    builder.add(1, "k", "v");
    EXPECT_EQ(builder.finish().error().code, Errc::bad_argument);
    options.level = 9;
    builder.set_options(options);
    EXPECT_EQ(read_all(builder.finish().value()).size(), 1u);
}

std::string sample_batch(Codec codec) {
    BatchOptions options;
    options.codec = codec;
    BatchBuilder builder{options};
    for (int i = 0; i < 40; ++i) {
        const std::string value = "value " + std::to_string(i * i);
        const Header header{"h", value};
        builder.add(1000 + i, i % 3 == 0 ? NullableBytes{} : "key", value, {&header, i % 2 == 0 ? 1u : 0u});
    }
    return std::string{builder.finish().value()};
}

bool reads_whole(ByteView batch) {
    RecordReader reader{1 << 20};
    if (!reader.open(batch)) return false;
    for (RecordView r; reader.next(r);) {
    }
    return reader.status().has_value();
}

TEST(BatchDamage, EveryTruncationWhoseSizeFieldWasMendedIsAnError) {
    for (const Codec codec : {Codec::none, Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
        const std::string batch = sample_batch(codec);
        ASSERT_TRUE(reads_whole(batch));
        for (std::size_t size = 0; size < batch.size(); ++size) {
            std::string cut = batch.substr(0, size);
            EXPECT_FALSE(reads_whole(cut));
            if (size >= kUnitPrefixBytes)
                store_be(cut.data() + 8, static_cast<std::int32_t>(size - kUnitPrefixBytes));
            EXPECT_FALSE(reads_whole(cut)) << to_string(codec) << " cut to " << size;
        }
    }
}

TEST(BatchDamage, AFlippedBitIsFoundByTheChecksumOrLiesOutsideIt) {
    for (const Codec codec : {Codec::none, Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
        std::string batch = sample_batch(codec);
        for (std::size_t bit = 0; bit < batch.size() * 8; ++bit) {
            batch[bit / 8] = static_cast<char>(batch[bit / 8] ^ (1 << bit % 8));
            static_cast<void>(reads_whole(batch));  // any answer, but no crash
            const auto h = parse_batch_header(batch);
            const bool covered = bit / 8 >= kCrcCoverageStart - 4;  // the checksum itself, and what it covers
            EXPECT_FALSE(covered && h && verify_batch_checksum(batch, *h)) << to_string(codec) << " bit " << bit;
            batch[bit / 8] = static_cast<char>(batch[bit / 8] ^ (1 << bit % 8));
        }
    }
}

TEST(BatchDamage, ABatchThatDecompressesToMoreThanTheLimitIsTooLarge) {
    for (const Codec codec : {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
        BatchOptions options;
        options.codec = codec;
        BatchBuilder builder{options};
        builder.add(1, std::nullopt, std::string(2 << 20, 'z'));
        const std::string bomb{builder.finish().value()};
        RecordReader reader{1 << 20};
        EXPECT_EQ(reader.open(bomb).error().code, Errc::too_large);
        const std::string good = sample_batch(codec);
        EXPECT_TRUE(reader.open(good)) << "the reader is usable afterwards";
    }
}

}  // namespace
}  // namespace mq::record
