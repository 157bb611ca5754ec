#include "cli/framing.h"

#include <gtest/gtest.h>

#include "record/batch_builder.h"

namespace mq::cli {
namespace {

using namespace std::string_view_literals;

TEST(Framing, NamesAreThoseOfTheOption) {
    for (const auto name : framing_names(true)) EXPECT_EQ(to_string(*framing_from_name(name)), name);
    EXPECT_EQ(framing_names(true).size(), 6u);
    EXPECT_EQ(framing_names(false).size(), 5u);
    EXPECT_EQ(framing_from_name("U32BE"), std::nullopt);
    EXPECT_EQ(framing_from_name(""), std::nullopt);
}

TEST(Framing, FramesByHand) {
    const auto frame = [](Framing framing, std::string_view payload) {
        std::string out = "before";
        EXPECT_TRUE(append_frame(out, framing, payload));
        return out.substr(6);
    };
    EXPECT_EQ(frame(Framing::u32be, "ab"), "\0\0\0\2ab"sv);
    EXPECT_EQ(frame(Framing::u32le, "ab"), "\2\0\0\0ab"sv);
    EXPECT_EQ(frame(Framing::varint, "ab"), "\2ab"sv);
    // 300 = 0b10'0101100, the example of the Protocol Buffers documentation.
    EXPECT_EQ(frame(Framing::varint, std::string(300, 'x')).substr(0, 2), "\xac\x02");
    EXPECT_EQ(frame(Framing::netstring, "hello world!"), "12:hello world!,");  // of the netstring specification
    EXPECT_EQ(frame(Framing::netstring, ""), "0:,");
}

TEST(Framing, ParseTakesBackWhatAppendWrote) {
    for (const Framing framing : {Framing::u32be, Framing::u32le, Framing::varint, Framing::netstring}) {
        for (const std::size_t size : {0u, 1u, 9u, 10u, 127u, 128u, 16383u, 16384u, 70000u}) {
            const std::string payload(size, '\n');
            std::string out;
            ASSERT_TRUE(append_frame(out, framing, payload));
            for (std::size_t have = 0; have < std::min<std::size_t>(out.size(), 8); ++have) {
                ASSERT_TRUE(parse_frame(framing, ByteView{out}.substr(0, have))) << have;
            }
            const auto parsed = parse_frame(framing, out);
            ASSERT_TRUE(parsed && *parsed);
            EXPECT_EQ((*parsed)->size_bytes(), out.size());
            EXPECT_EQ(ByteView{out}.substr((*parsed)->prefix_bytes, (*parsed)->payload_bytes), payload);
            EXPECT_TRUE(check_frame_end(framing, out));
        }
    }
}

TEST(Framing, WhatIsNoLengthIsCorrupt) {
    for (const ByteView bad :
         {"a"sv, ":"sv, "05:hello,"sv, "00:,"sv, "5;hello"sv, "-1:"sv, "99999999999:"sv, "4294967296:"sv}) {
        const auto parsed = parse_frame(Framing::netstring, bad);
        ASSERT_FALSE(parsed) << bad;
        EXPECT_EQ(parsed.error().code, Errc::corrupt);
    }
    EXPECT_FALSE(parse_frame(Framing::varint, "\xff\xff\xff\xff\xff"sv));
    EXPECT_FALSE(parse_frame(Framing::varint, "\xff\xff\xff\xff\x1f"sv));  // 2^33 - 1
    EXPECT_FALSE(check_frame_end(Framing::netstring, "5:hello;"));
}

TEST(Framing, BatchesTellTheirOwnSizeAndMayTellTheirPartition) {
    record::BatchBuilder builder;
    builder.add(5, "k", "v");
    const auto batch = builder.finish();
    ASSERT_TRUE(batch);
    const auto parsed = parse_frame(Framing::kbatch, *batch);
    ASSERT_TRUE(parsed && *parsed);
    EXPECT_EQ((*parsed)->size_bytes(), batch->size());
    EXPECT_FALSE(parse_frame(Framing::kbatch, std::string(61, '\xff')));
    EXPECT_FALSE(*parse_frame(Framing::kbatch, batch->substr(0, 60)));

    for (const std::int32_t epoch : {-1, 0, 7}) EXPECT_EQ(marked_partition(epoch), std::nullopt);
    for (const std::int32_t partition : {0, 1, 99'999}) {
        mark_partition(builder.finished_data(), partition);
        const auto header = record::parse_batch_header(*batch);
        ASSERT_TRUE(header);
        EXPECT_EQ(marked_partition(header->leader_epoch), partition);
        EXPECT_TRUE(record::verify_batch_checksum(*batch, *header));
    }
}

}  // namespace
}  // namespace mq::cli
