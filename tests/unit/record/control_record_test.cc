#include "record/control_record.h"

#include <gtest/gtest.h>

#include "bytes.h"
#include "golden_dump.h"
#include "support/golden.h"

namespace mq::record {
namespace {

RecordView control(std::string_view key, NullableBytes value) {
    RecordView r;
    r.key = key;
    r.value = value;
    return r;
}

// For instance "endTxnMarker: COMMIT coordinatorEpoch: 0".
std::string as_dumped(const ControlRecord& c) {
    return " endTxnMarker: " + std::string{to_string(c.type)} +
           " coordinatorEpoch: " + std::to_string(c.coordinator_epoch);
}

TEST(ControlRecord, EveryMarkerOfABrokerIsWhatKafkasDumpToolSaysAndIsBuiltAgainByteForByte) {
    std::size_t markers = 0;
    for (const std::string set : {"txn", "offsets"}) {
        for (const auto& partition : test::partitions_of(set)) {
            for (const auto& segment : golden::read_dump(set, partition, "log")) {
                const std::string bytes = test::read_golden(segment.path);
                for (const auto& dumped : segment.units) {
                    if (!dumped.flag("isControl")) continue;
                    SCOPED_TRACE(dumped.line);
                    const auto unit = ByteView{bytes}.substr(static_cast<std::size_t>(dumped.position),
                                                             static_cast<std::size_t>(dumped.size));
                    RecordReader reader;
                    RecordView r;
                    ASSERT_TRUE(reader.open(unit) && reader.next(r));
                    const auto parsed = parse_control_record(r);
                    ASSERT_TRUE(parsed);
                    EXPECT_TRUE(dumped.records.at(0).line.ends_with(as_dumped(*parsed)));
                    const BatchHeader& h = reader.header();
                    auto again = encode_end_transaction({.producer_id = h.producer_id,
                                                         .producer_epoch = h.producer_epoch,
                                                         .type = parsed->type,
                                                         .coordinator_epoch = parsed->coordinator_epoch,
                                                         .timestamp = r.timestamp});
                    stamp_batch(again.data(), h.base_offset, h.leader_epoch);
                    EXPECT_TRUE(unit == ByteView(again.data(), again.size()));
                    ++markers;
                }
            }
        }
    }
    EXPECT_GT(markers, 5u);
}

TEST(ControlRecord, AHigherVersionIsReadAsVersionZero) {
    const auto parsed = parse_control_record(control(from_hex("0007 0001 ff"), from_hex("0009 00000005 ff")));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->type, ControlType::commit);
    EXPECT_EQ(parsed->coordinator_epoch, 5);
}

TEST(ControlRecord, AnUnknownTypeIsNoErrorAndEndsNoTransaction) {
    const auto parsed = parse_control_record(control(from_hex("0000 0063"), std::nullopt));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(static_cast<int>(parsed->type), 99);
    EXPECT_FALSE(parsed->ends_transaction());
    EXPECT_EQ(to_string(parsed->type), "UNKNOWN");
    EXPECT_EQ(to_string(static_cast<ControlType>(-1)), "UNKNOWN");
}

TEST(ControlRecord, ShortOrNullKeysAndValuesAndNegativeVersionsAreCorrupt) {
    const std::string key = from_hex("0000 0001");
    const std::string value = from_hex("0000 00000000");
    EXPECT_TRUE(parse_control_record(control(key, value)));
    const auto code = [](const RecordView& r) { return parse_control_record(r).error().code; };
    EXPECT_EQ(code(control(key.substr(0, 3), value)), Errc::corrupt);
    EXPECT_EQ(code(RecordView{}), Errc::corrupt);
    EXPECT_EQ(code(control(key, ByteView{value}.substr(0, 5))), Errc::corrupt);
    EXPECT_EQ(code(control(key, std::nullopt)), Errc::corrupt);
    EXPECT_EQ(code(control(from_hex("ffff 0001"), value)), Errc::corrupt);
    const std::string negative = from_hex("ffff 00000000");
    EXPECT_EQ(code(control(key, negative)), Errc::corrupt);
}

}  // namespace
}  // namespace mq::record
