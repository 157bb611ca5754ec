// The logs of a real broker, held against what Kafka's own dump tool says of them.
#include <gtest/gtest.h>

#include "golden_dump.h"
#include "record/batch_builder.h"
#include "record/record.h"
#include "support/golden.h"

namespace mq::record {
namespace {

using golden::DumpedRecord;
using golden::DumpedUnit;

const std::vector<std::string> kSets{"plain", "codecs", "segmented", "txn", "offsets", "oldformats", "epochs"};

std::int64_t size_or_null(const NullableBytes& bytes) {
    return bytes ? static_cast<std::int64_t>(bytes->size()) : -1;
}

bool is_ascii(ByteView bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

void expect_same_record(const RecordView& r, const DumpedRecord& dumped) {
    EXPECT_EQ(r.offset.value(), dumped.offset);
    EXPECT_EQ(r.timestamp, dumped.timestamp);
    EXPECT_EQ(size_or_null(r.key), dumped.key_size);
    EXPECT_EQ(size_or_null(r.value), dumped.value_size);
    EXPECT_EQ(r.sequence, dumped.sequence.value_or(-1));
    EXPECT_EQ(r.message_crc, dumped.crc);
    EXPECT_TRUE(r.message_crc_valid);
    // Control records are dumped decoded; bytes that are no text are dumped as replacement characters.
    if (dumped.text.empty() || !is_ascii(r.key.value_or("")) || !is_ascii(r.value.value_or(""))) return;
    std::string text;
    if (r.key) text += " key: " + std::string{*r.key};
    if (r.value) text += " payload: " + std::string{*r.value};
    EXPECT_EQ(text, dumped.text);
}

void expect_same_header(const BatchHeader& h, const DumpedUnit& dumped) {
    EXPECT_EQ(h.size_bytes, dumped.size);
    EXPECT_EQ(h.magic, dumped.magic);
    EXPECT_EQ(h.last_offset().value(), dumped.last_offset);
    EXPECT_EQ(h.max_timestamp, dumped.timestamp);
    EXPECT_EQ(h.crc, dumped.crc);
    if (dumped.magic != 2) return;
    EXPECT_EQ(h.base_offset.value(), dumped.number("baseOffset"));
    EXPECT_EQ(h.record_count, dumped.number("count"));
    EXPECT_EQ(h.base_sequence, dumped.number("baseSequence"));
    EXPECT_EQ(h.last_sequence(), dumped.number("lastSequence"));
    EXPECT_EQ(h.producer_id, dumped.number("producerId"));
    EXPECT_EQ(h.producer_epoch, dumped.number("producerEpoch"));
    EXPECT_EQ(h.leader_epoch, dumped.number("partitionLeaderEpoch"));
    EXPECT_EQ(h.is_transactional(), dumped.flag("isTransactional"));
    EXPECT_EQ(h.is_control(), dumped.flag("isControl"));
}

class GoldenLog : public testing::TestWithParam<std::string> {};

TEST_P(GoldenLog, EveryUnitAndRecordIsWhatKafkasDumpToolSays) {
    std::size_t units = 0;
    RecordReader reader;
    for (const auto& partition : test::partitions_of(GetParam())) {
        for (const auto& segment : golden::read_dump(GetParam(), partition, "log")) {
            SCOPED_TRACE(segment.path);
            const std::string bytes = test::read_golden(segment.path);
            std::int64_t end = 0;
            for (const auto& dumped : segment.units) {
                SCOPED_TRACE(dumped.line.substr(0, 300));
                ASSERT_EQ(dumped.position, end);
                end += dumped.size;
                const auto unit = ByteView{bytes}.substr(static_cast<std::size_t>(dumped.position),
                                                         static_cast<std::size_t>(dumped.size));
                const auto header = parse_batch_header(unit);
                ASSERT_TRUE(header) << header.error().message();
                expect_same_header(*header, dumped);
                EXPECT_TRUE(verify_batch_checksum(unit, *header));
                const auto opened = reader.open(unit);
                ASSERT_TRUE(opened) << opened.error().message();
                std::size_t i = 0;
                for (RecordView r; reader.next(r); ++i) {
                    ASSERT_LT(i, dumped.records.size());
                    SCOPED_TRACE(dumped.records[i].line.substr(0, 300));
                    expect_same_record(r, dumped.records[i]);
                }
                EXPECT_TRUE(reader.status());
                EXPECT_EQ(i, dumped.records.size());
                ++units;
            }
            EXPECT_EQ(end, static_cast<std::int64_t>(bytes.size()));
        }
    }
    EXPECT_GT(units, 0u);
}

INSTANTIATE_TEST_SUITE_P(Sets, GoldenLog, testing::ValuesIn(kSets), [](const auto& set) { return set.param; });

struct OwnedHeader {
    std::string key;
    std::optional<std::string> value;
    bool operator==(const OwnedHeader&) const = default;
};
struct OwnedRecord {
    std::int64_t offset;
    std::int64_t timestamp;
    std::optional<std::string> key;
    std::optional<std::string> value;
    std::int32_t sequence;
    std::vector<OwnedHeader> headers;
    bool operator==(const OwnedRecord&) const = default;
};

std::vector<OwnedRecord> records_of(ByteView unit) {
    std::vector<OwnedRecord> records;
    RecordReader reader;
    const auto opened = reader.open(unit);
    EXPECT_TRUE(opened) << opened.error().message();
    for (RecordView r; reader.next(r);) {
        OwnedRecord& o = records.emplace_back();
        o = {r.offset.value(), r.timestamp, {}, {}, r.sequence, {}};
        if (r.key) o.key = *r.key;
        if (r.value) o.value = *r.value;
        HeaderReader headers{r};
        for (Header h; headers.next(h);) {
            o.headers.push_back({std::string{h.key}, {}});
            if (h.value) o.headers.back().value = *h.value;
        }
    }
    EXPECT_TRUE(reader.status());
    return records;
}

// Everything of a batch that the builder can be told.
std::string rebuild(ByteView unit) {
    RecordReader reader;
    EXPECT_TRUE(reader.open(unit));
    const BatchHeader& h = reader.header();
    BatchBuilder builder{{.codec = h.codec(),
                          .level = {},
                          .timestamp_type = h.timestamp_type(),
                          .transactional = h.is_transactional(),
                          .control = h.is_control(),
                          .producer_id = h.producer_id,
                          .producer_epoch = h.producer_epoch,
                          .base_sequence = h.base_sequence,
                          .leader_epoch = h.leader_epoch,
                          .base_offset = h.base_offset,
                          .last_offset_delta = h.last_offset_delta,
                          .max_timestamp = h.max_timestamp,
                          .delete_horizon = {}}};
    for (RecordView r; reader.next(r);) {
        std::vector<Header> headers;
        HeaderReader header_reader{r};
        for (Header header; header_reader.next(header);) headers.push_back(header);
        builder.add_at(static_cast<std::int32_t>(r.offset - h.base_offset), h.base_timestamp + r.timestamp_delta,
                       r.key, r.value, headers);
    }
    EXPECT_TRUE(reader.status());
    const auto batch = builder.finish();
    EXPECT_TRUE(batch) << batch.error().message();
    return std::string{*batch};
}

TEST(GoldenBatch, ReencodedHasTheSameBytesUncompressedAndTheSameRecordsOtherwise) {
    std::size_t same_bytes = 0;
    std::size_t same_records = 0;
    golden::for_each_unit(kSets, [&](const std::string& path, ByteView unit) {
        const auto header = parse_batch_header(unit);
        ASSERT_TRUE(header);
        if (header->magic != kMagicV2) return;
        SCOPED_TRACE(path + " at offset " + std::to_string(header->base_offset.value()));
        const std::string again = rebuild(unit);
        if (header->codec() == Codec::none) {
            EXPECT_TRUE(again == unit) << "the bytes differ";
            ++same_bytes;
        } else {
            EXPECT_EQ(parse_batch_header(again)->codec(), header->codec());
            EXPECT_TRUE(records_of(again) == records_of(unit));
            ++same_records;
        }
    });
    EXPECT_GT(same_bytes, 100u);
    EXPECT_GT(same_records, 10u);
}

}  // namespace
}  // namespace mq::record
