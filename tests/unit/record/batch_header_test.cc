#include "record/batch.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/crc32c.h"
#include "bytes.h"

namespace mq::record {
namespace {

// One record (null key, value "v") as the Java client lays it out, typed from the format's tables.
const std::string kBatch = from_hex(
    "0000000000000064"  // base offset 100
    "0000003a"          // 58 bytes follow
    "00000007"          // leader epoch
    "02"                // magic
    "00000000"          // crc, filled in below
    "0000"              // attributes
    "00000000"          // last offset delta
    "0000000000000005"  // base timestamp
    "0000000000000005"  // max timestamp
    "0000000000000009"
    "0001"                          // producer id and epoch
    "00000003"                      // base sequence
    "00000001"                      // record count
    "10 00 00 00 01 02 76 00 00");  // 8 bytes: attributes, deltas, null key, "v", no headers; one byte too many

std::string sealed(std::string batch) {
    store_be(batch.data() + 17, crc32c(ByteView{batch}.substr(21)));
    return batch;
}

template <typename T>
std::string with(std::size_t position, T value) {
    std::string batch = kBatch;
    store_be(batch.data() + position, value);
    return batch;
}

Errc code_of(ByteView bytes) { return parse_batch_header(bytes).error().code; }

TEST(BatchHeader, EveryFieldOfMagic2IsReadAndWrittenBackByteForByte) {
    const std::string batch = sealed(kBatch);
    const auto h = parse_batch_header(batch);
    ASSERT_TRUE(h) << h.error().message();
    EXPECT_EQ(h->base_offset, Offset{100});
    EXPECT_EQ(h->size_bytes, 70u);
    EXPECT_EQ(h->leader_epoch, 7);
    EXPECT_EQ(h->magic, 2);
    EXPECT_EQ(h->base_timestamp, 5);
    EXPECT_EQ(h->producer_id, 9);
    EXPECT_EQ(h->producer_epoch, 1);
    EXPECT_EQ(h->base_sequence, 3);
    EXPECT_EQ(h->record_count, 1);
    EXPECT_EQ(h->next_offset(), Offset{101});
    std::string again(kBatchHeaderBytes, '\0');
    store_batch_header(again.data(), *h);
    EXPECT_EQ(again, batch.substr(0, kBatchHeaderBytes));
    EXPECT_TRUE(verify_batch_checksum(batch, *h));
}

TEST(BatchHeader, EveryShorterPrefixIsTruncated) {
    for (std::size_t size = 0; size < kBatchHeaderBytes; ++size) {
        EXPECT_EQ(code_of(ByteView{kBatch}.substr(0, size)), Errc::truncated) << size;
    }
    EXPECT_TRUE(parse_batch_header(ByteView{kBatch}.substr(0, kBatchHeaderBytes)));
}

TEST(BatchHeader, SizesThatCannotBeAreCorrupt) {
    for (const std::int32_t size : {std::numeric_limits<std::int32_t>::min(), -1, 0, 13, 14, 48}) {
        EXPECT_EQ(code_of(with(8, size)), Errc::corrupt) << size;
    }
    EXPECT_EQ(parse_batch_header(with(8, 49))->size_bytes, 61u);
    EXPECT_EQ(parse_batch_header(with(8, std::numeric_limits<std::int32_t>::max()))->size_bytes, 2147483659u);
}

TEST(BatchHeader, NegativeCountsAndOffsetsAndDeltasAreCorrupt) {
    EXPECT_EQ(code_of(with(57, -1)), Errc::corrupt);
    EXPECT_EQ(code_of(with(23, -1)), Errc::corrupt);
    EXPECT_EQ(code_of(with(0, std::int64_t{-1})), Errc::corrupt);
    EXPECT_EQ(code_of(with(0, std::numeric_limits<std::int64_t>::min())), Errc::corrupt);
}

TEST(BatchHeader, AnOffsetWithoutASuccessorIsCorrupt) {
    constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(code_of(with(0, kMax)), Errc::corrupt);
    EXPECT_EQ(parse_batch_header(with(0, kMax - 1))->next_offset().value(), kMax);
    std::string batch = with(0, kMax - 5);
    store_be(batch.data() + 23, 4);
    EXPECT_TRUE(parse_batch_header(batch));
    store_be(batch.data() + 23, 5);
    EXPECT_EQ(code_of(batch), Errc::corrupt);
}

TEST(BatchHeader, UnknownMagicsAndCodecsAreUnsupported) {
    for (const char magic : {char{3}, char{127}, static_cast<char>(-1), static_cast<char>(-128)}) {
        std::string batch = kBatch;
        batch[16] = magic;
        EXPECT_EQ(code_of(batch), Errc::unsupported);
    }
    for (const std::int16_t codec : {5, 6, 7}) EXPECT_EQ(code_of(with(21, codec)), Errc::unsupported);
    EXPECT_EQ(parse_batch_header(with(21, std::int16_t{4}))->codec(), Codec::zstd);
}

TEST(BatchHeader, AttributeBitsHaveTheirMeaning) {
    const auto h = parse_batch_header(with(21, std::int16_t{0x7b})).value();
    EXPECT_EQ(h.codec(), Codec::lz4);
    EXPECT_EQ(h.timestamp_type(), TimestampType::log_append_time);
    EXPECT_TRUE(h.is_transactional() && h.is_control() && h.has_delete_horizon());
}

// Message of magic 1: offset, size, crc, magic, attributes, timestamp, null key, value "v". CRC by zlib's crc32.
const std::string kMessage1 =
    from_hex("0000000000000005 00000017 00000000 01 08 0000000000000042 ffffffff 00000001 76");
const std::string kMessage0 = from_hex("0000000000000005 0000000f 00000000 00 00 ffffffff 00000001 76");

TEST(BatchHeader, OlderMessagesHaveNoneForWhatTheyLack) {
    const auto v1 = parse_batch_header(kMessage1);
    ASSERT_TRUE(v1) << v1.error().message();
    EXPECT_EQ(v1->size_bytes, 35u);
    EXPECT_EQ(v1->max_timestamp, 0x42);
    EXPECT_EQ(v1->timestamp_type(), TimestampType::log_append_time);
    EXPECT_EQ(v1->leader_epoch, -1);
    EXPECT_EQ(v1->record_count, 1);
    EXPECT_EQ(v1->last_offset(), Offset{5});
    EXPECT_FALSE(v1->has_producer() || v1->is_transactional() || v1->is_control());
    const auto v0 = parse_batch_header(kMessage0);
    ASSERT_TRUE(v0) << v0.error().message();
    EXPECT_EQ(v0->max_timestamp, kNoTimestamp);
}

TEST(BatchHeader, OlderMessagesNeedFourteenAndTwentyTwoBytes) {
    std::string v0 = kMessage0;
    store_be(v0.data() + 8, 14);
    EXPECT_TRUE(parse_batch_header(v0));
    store_be(v0.data() + 8, 13);
    EXPECT_EQ(code_of(v0), Errc::corrupt);
    std::string v1 = kMessage1;
    store_be(v1.data() + 8, 22);
    EXPECT_TRUE(parse_batch_header(v1));
    store_be(v1.data() + 8, 21);
    EXPECT_EQ(code_of(v1), Errc::corrupt);
    EXPECT_EQ(code_of(ByteView{kMessage1}.substr(0, 33)), Errc::truncated);
    EXPECT_EQ(code_of(ByteView{kMessage0}.substr(0, 25)), Errc::truncated);
}

TEST(BatchHeader, OlderMessagesKnowNoZstd) {
    std::string v1 = kMessage1;
    v1[17] = 4;
    EXPECT_EQ(code_of(v1), Errc::unsupported);
    v1[17] = 3;
    EXPECT_EQ(parse_batch_header(v1)->codec(), Codec::lz4);
}

TEST(BatchChecksum, AFlippedBitAnywhereInItsCoverageIsFoundAndNamed) {
    const std::string batch = sealed(kBatch);
    for (std::size_t i = kCrcCoverageStart; i < batch.size(); ++i) {
        std::string flipped = batch;
        flipped[i] = static_cast<char>(flipped[i] ^ 1);
        BatchHeader h = *parse_batch_header(batch);
        const auto verified = verify_batch_checksum(flipped, h);
        ASSERT_FALSE(verified) << i;
        EXPECT_EQ(verified.error().code, Errc::corrupt);
        EXPECT_NE(verified.error().detail.find(std::to_string(h.crc)), std::string::npos);
    }
    const auto header = *parse_batch_header(batch);
    EXPECT_EQ(verify_batch_checksum(ByteView{batch}.substr(0, 69), header).error().code, Errc::truncated);
}

TEST(BatchStamp, OffsetAndEpochNeedNoNewChecksumAndLogAppendTimeRenewsIt) {
    std::string batch = sealed(kBatch);
    stamp_batch(batch.data(), Offset{1} + (std::int64_t{1} << 40), 12);
    auto h = parse_batch_header(batch).value();
    EXPECT_EQ(h.base_offset.value(), (std::int64_t{1} << 40) + 1);
    EXPECT_EQ(h.leader_epoch, 12);
    EXPECT_TRUE(verify_batch_checksum(batch, h));
    stamp_log_append_time(batch.data(), batch.size(), 777);
    h = parse_batch_header(batch).value();
    EXPECT_EQ(h.max_timestamp, 777);
    EXPECT_EQ(h.base_timestamp, 5);
    EXPECT_EQ(h.timestamp_type(), TimestampType::log_append_time);
    EXPECT_TRUE(verify_batch_checksum(batch, h));
}

TEST(AddSequence, WrapsToZeroAfterTheLargest) {
    EXPECT_EQ(add_sequence(2147483647, 0), 2147483647);
    EXPECT_EQ(add_sequence(2147483647, 1), 0);
    EXPECT_EQ(add_sequence(2147483646, 5), 3);
    EXPECT_EQ(add_sequence(-1, 5), -1);
}

TEST(Codec, NamesAreThoseOfKafkasSettings) {
    for (const auto* name : {"none", "gzip", "snappy", "lz4", "zstd"})
        EXPECT_EQ(to_string(*codec_from_name(name)), name);
    EXPECT_FALSE(codec_from_name("GZIP"));
    EXPECT_EQ(to_string(static_cast<Codec>(6)), "unknown");
}

}  // namespace
}  // namespace mq::record
