#include "record/record.h"

#include <gtest/gtest.h>

#include "bytes.h"
#include "record/batch_builder.h"

namespace mq::record {
namespace {

// A batch of magic 2 around `records`, whose checksum nobody asks for here.
std::string batch_of(std::int32_t count, std::string_view records, std::int32_t last_offset_delta = 0) {
    BatchHeader h;
    h.base_offset = Offset{1000};
    h.size_bytes = static_cast<std::uint32_t>(kBatchHeaderBytes + records.size());
    h.last_offset_delta = last_offset_delta;
    h.base_timestamp = h.max_timestamp = 50;
    h.record_count = count;
    std::string batch(kBatchHeaderBytes, '\0');
    store_batch_header(batch.data(), h);
    return batch + std::string{records};
}

struct Outcome {
    std::size_t records = 0;
    Errc code{};
    std::string detail;
};

// Reads a batch that must turn out malformed.
Outcome read_malformed(ByteView batch) {
    RecordReader reader;
    Outcome outcome;
    if (const auto opened = reader.open(batch); !opened) return {0, opened.error().code, opened.error().detail};
    for (RecordView r; reader.next(r);) ++outcome.records;
    EXPECT_FALSE(reader.status()) << "read without an error";
    if (!reader.status()) {
        outcome.code = reader.status().error().code;
        outcome.detail = reader.status().error().detail;
    }
    return outcome;
}

void expect_corrupt(std::string_view records_hex, const char* detail, std::int32_t count = 1) {
    SCOPED_TRACE(records_hex);
    const Outcome outcome = read_malformed(batch_of(count, from_hex(records_hex)));
    EXPECT_EQ(outcome.code, Errc::corrupt);
    EXPECT_EQ(outcome.detail, detail);
}

TEST(RecordReader, AHandMadeRecordHasItsFields) {
    // 10 bytes: attributes 0, timestamp delta 7, offset delta 0, key "k", value null, one header "h" = null
    const std::string batch = batch_of(1, from_hex("14 00 0e 00 02 6b 01 02 02 68 01"));
    RecordReader reader;
    ASSERT_TRUE(reader.open(batch));
    RecordView r;
    ASSERT_TRUE(reader.next(r));
    EXPECT_EQ(r.offset, Offset{1000});
    EXPECT_EQ(r.timestamp, 57);
    EXPECT_EQ(r.key, "k");
    EXPECT_EQ(r.value, std::nullopt);
    ASSERT_EQ(r.header_count, 1);
    HeaderReader headers{r};
    Header h;
    ASSERT_TRUE(headers.next(h));
    EXPECT_EQ(h.key, "h");
    EXPECT_EQ(h.value, std::nullopt);
    EXPECT_FALSE(headers.next(h));
    EXPECT_FALSE(reader.next(r));
    EXPECT_TRUE(reader.status());
}

TEST(RecordReader, LengthPastTheEndIsCorruptNeverRead) {
    expect_corrupt("0e 00 00 00 01 01 00", "record length");
    expect_corrupt("feffffff0f 00 00 00 01 01 00", "record length");  // 2147483647
    expect_corrupt("01 00 00 00 01 01 00", "record length");          // -1
    expect_corrupt("ffffffff0f 00 00 00 01 01 00", "record length");  // -2147483648
    expect_corrupt("00", "record deltas");                            // an empty record
    expect_corrupt("", "record length");
}

TEST(RecordReader, OverlongVarintsAreCorrupt) {
    expect_corrupt("ffffffffffffffff7f 00 00 00 01 01 00", "record length");
    expect_corrupt("1c 00 00 808080808000 01 01 00 000000", "record deltas");
    expect_corrupt("24 00 8080808080808080808000 00 01 01 00 0000", "record deltas");
    expect_corrupt("14 00 00 00 808080808000 01 00", "key length");
}

TEST(RecordReader, KeyAndValueLengthsPastTheRecordAreCorruptEvenIfTheBatchGoesOn) {
    const std::string next = " 0c 00 00 00 01 01 00 0c 00 00 00 01 01 00";
    expect_corrupt("0c 00 00 00 06 01 00" + next, "key length", 3);
    expect_corrupt("0c 00 00 00 01 04 00" + next, "value length", 3);
    expect_corrupt("0c 00 00 00 03 01 00" + next, "key length", 3);    // -2
    expect_corrupt("0c 00 00 00 01 03 00" + next, "value length", 3);  // -2
    expect_corrupt("0a 00 00 00 01 01" + next, "header count", 3);     // no header count
    expect_corrupt("08 00 00 00 01" + next, "value length", 3);
    expect_corrupt("0e 00 00 00 01 01 00 00" + next, "bytes after the headers of a record", 3);
}

TEST(RecordReader, HeaderCountsAndLengthsThatLieAreCorrupt) {
    expect_corrupt("14 00 00 00 01 01 feffffff0f", "header count");    // 2147483647
    expect_corrupt("0c 00 00 00 01 01 01", "header count");            // -1
    expect_corrupt("12 00 00 00 01 01 04 02 68 01", "header count");   // two, bytes for one
    expect_corrupt("10 00 00 00 01 01 02 01 01", "header length");     // a null key
    expect_corrupt("12 00 00 00 01 01 02 02 68 04", "header length");  // a value past the end
    expect_corrupt("12 00 00 00 01 01 02 02 68 03", "header length");  // a value of -2
}

TEST(RecordReader, OffsetDeltasOutsideTheBatchAreCorrupt) {
    expect_corrupt("0c 00 00 01 01 01 00", "offset delta");  // -1
    expect_corrupt("0c 00 00 02 01 01 00", "offset delta");  // 1, the last is 0
    expect_corrupt("14 00 00 feffffff0f 01 01 00", "offset delta");
}

TEST(RecordReader, CountsThatDisagreeWithTheBytesAreCorrupt) {
    const std::string record = "0c 00 00 00 01 01 00";
    expect_corrupt(record, "record length", 2);
    expect_corrupt(record, "record length", 2147483647);
    expect_corrupt(record, "bytes after the last record", 0);
    expect_corrupt(record + record, "bytes after the last record", 1);
}

TEST(RecordReader, RecordsBeforeTheDamageAreStillRead) {
    const std::string good = from_hex("0c 00 00 00 01 01 00");
    std::string records;
    for (int i = 0; i < 5; ++i) records += good;
    const Outcome outcome = read_malformed(batch_of(6, records + from_hex("0c 00 00 00 7f 01 00")));
    EXPECT_EQ(outcome.records, 5u);
    EXPECT_EQ(outcome.detail, "key length");
}

TEST(RecordReader, TheErrorTellsThePositionAmongTheRecords) {
    const std::string batch = batch_of(2, from_hex("0c 00 00 00 01 01 00 7f"));
    RecordReader reader;
    ASSERT_TRUE(reader.open(batch));
    for (RecordView r; reader.next(r);) {
    }
    ASSERT_FALSE(reader.status());
    EXPECT_EQ(reader.status().error().position, 7u);
}

TEST(RecordReader, AUnitOfAnotherSizeIsRefused) {
    const std::string batch = batch_of(1, from_hex("0c 00 00 00 01 01 00"));
    RecordReader reader;
    EXPECT_EQ(reader.open(ByteView{batch}.substr(0, batch.size() - 1)).error().code, Errc::truncated);
    EXPECT_EQ(reader.open(batch + "x").error().code, Errc::bad_argument);
    RecordView r;
    EXPECT_FALSE(reader.next(r));
    EXPECT_FALSE(reader.status());
}

TEST(RecordReader, ABatchEmptiedByCompactionHasNoRecordsWhateverItsCodecBits) {
    for (std::int16_t codec = 0; codec <= 4; ++codec) {
        std::string batch = batch_of(0, "", 9);
        store_be(batch.data() + 21, codec);
        RecordReader reader;
        ASSERT_TRUE(reader.open(batch));
        RecordView r;
        EXPECT_FALSE(reader.next(r));
        EXPECT_TRUE(reader.status());
        EXPECT_EQ(reader.header().next_offset(), Offset{1010});
    }
}

TEST(RecordReader, LogAppendTimeIsEveryRecordsTimeAndTheDeltasStay) {
    BatchBuilder builder;
    builder.add(10, std::nullopt, "a");
    builder.add(30, std::nullopt, "b");
    ASSERT_TRUE(builder.finish());
    stamp_log_append_time(builder.finished_data(), builder.size_bytes(), 99);
    RecordReader reader;
    ASSERT_TRUE(reader.open({builder.finished_data(), builder.size_bytes()}));
    RecordView r;
    ASSERT_TRUE(reader.next(r) && reader.next(r));
    EXPECT_EQ(r.timestamp, 99);
    EXPECT_EQ(r.timestamp_delta, 20);
}

TEST(RecordReader, ReadsAnotherBatchAfterAMalformedOne) {
    const std::string malformed = batch_of(1, from_hex("0c 00 00 00 7f 01 00"));
    RecordReader reader;
    RecordView r;
    ASSERT_TRUE(reader.open(malformed));
    EXPECT_FALSE(reader.next(r));
    EXPECT_FALSE(reader.next(r));
    EXPECT_FALSE(reader.status());
    const std::string good = batch_of(1, from_hex("0c 00 00 00 01 01 00"));
    ASSERT_TRUE(reader.open(good));
    EXPECT_TRUE(reader.next(r));
    EXPECT_FALSE(reader.next(r));
    EXPECT_TRUE(reader.status());
}

}  // namespace
}  // namespace mq::record
