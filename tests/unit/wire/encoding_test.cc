// Bytes put together by hand from the description of the protocol.
#include <gtest/gtest.h>

#include "hex.h"
#include "walk.h"
#include "wire/messages/fetch.h"
#include "wire/messages/groups.h"
#include "wire/messages/metadata.h"
#include "wire/messages/offsets.h"
#include "wire/messages/produce.h"
#include "wire/messages/versions.h"

namespace mq::wire::test {
namespace {

template <Message T>
void expect_both_ways(const T& message, std::int16_t version, std::string_view hex) {
    const std::string bytes = from_hex(hex);
    const auto written = encoded(message, version);
    ASSERT_TRUE(written) << written.error().message();
    EXPECT_EQ(to_hex(*written), to_hex(bytes));
    const auto read = decode<T>(bytes, version);
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(*read, message);
}

TEST(Encoding, OldVersionsHaveFixedLengthsAndFlexibleOnesVarintsAndTags) {
    HeartbeatRequest request{.group_id = "g", .generation_id = 7, .member_id = "m", .group_instance_id = {}};
    expect_both_ways(request, 0, "0001 67 00000007 0001 6d");
    expect_both_ways(request, 3, "0001 67 00000007 0001 6d ffff");
    expect_both_ways(request, 4, "02 67 00000007 02 6d 00 00");
    request.group_instance_id = "";
    expect_both_ways(request, 3, "0001 67 00000007 0001 6d 0000");
    expect_both_ways(request, 4, "02 67 00000007 02 6d 01 00");
}

TEST(Encoding, ALengthPlusOneOf128TakesTwoBytes) {
    HeartbeatRequest request{
        .group_id = std::string(127, 'g'), .generation_id = 0, .member_id = {}, .group_instance_id = {}};
    const auto bytes = encoded(request, 4);
    ASSERT_TRUE(bytes);
    EXPECT_EQ(to_hex(ByteView{*bytes}.substr(0, 3)), "800167");
}

TEST(Encoding, NullAndEmptyArraysDiffer) {
    MetadataRequest request;
    request.topics.reset();
    expect_both_ways(request, 1, "ffffffff");
    request.topics.emplace();
    expect_both_ways(request, 1, "00000000");
    expect_both_ways(request, 9, "01 01 00 00 00");
    request.topics.reset();
    expect_both_ways(request, 9, "00 01 00 00 00");
}

TEST(Encoding, AnIdIsSixteenBytesAndANullNameNothing) {
    MetadataRequest request;
    request.topics.emplace().resize(1);
    for (std::uint8_t i = 0; i < 16; ++i) request.topics->at(0).topic_id.bytes[i] = i;
    request.topics->at(0).name.reset();
    expect_both_ways(request, 12, "02 000102030405060708090a0b0c0d0e0f 00 00 01 00 00");
}

TEST(Encoding, ANullableStructInPlaceIsMarkedByOneByte) {
    DescribeTopicPartitionsRequest request;
    expect_both_ways(request, 0, "01 000007d0 ff 00");
    request.cursor = {.topic_name = "t", .partition_index = 3};
    expect_both_ways(request, 0, "01 000007d0 01 02 74 00000003 00 00");
}

TEST(Encoding, TagsAreWrittenAscendingAndOnlyForWhatDiffersFromItsDefault) {
    ApiVersionsResponse response;
    expect_both_ways(response, 3, "0000 01 00000000 00");
    response.zk_migration_ready = true;
    response.finalized_features_epoch = 5;
    response.supported_features.resize(1);
    response.supported_features[0] = {.name = "f", .min_version = 1, .max_version = 2};
    expect_both_ways(response, 3,
                     "0000 01 00000000"
                     "03"                           // three tagged fields
                     "00 08 02 02 66 0001 0002 00"  // SupportedFeatures: an array of one, 8 bytes
                     "01 08 0000000000000005"       // FinalizedFeaturesEpoch
                     "03 01 01");                   // ZkMigrationReady
    // Before version 3 they have no place and are ignorable.
    EXPECT_EQ(to_hex(encoded(response, 1).value()),
              "0000"
              "00000000"
              "00000000");
}

TEST(Encoding, TaggedStructsEndWithTagsOfTheirOwn) {
    FetchResponse response;
    FetchResponse::Partition partition;
    partition.current_leader = {.leader_id = 3, .leader_epoch = 4};
    partition.records = "RR";
    response.responses.resize(1);
    response.responses[0].partitions.push_back(partition);
    expect_both_ways(response, 13,
                     "00000000 0000 00000000 02 00000000000000000000000000000000 02"
                     "00000000 0000 0000000000000000 ffffffffffffffff ffffffffffffffff 01 ffffffff 03 5252"
                     "01 01 09 00000003 00000004 00"  // one tag, number 1, 9 bytes
                     "00 00");
}

TEST(Encoding, UnknownTagsAreSkipped) {
    const auto request = decode<HeartbeatRequest>(from_hex("02 67 00000007 02 6d 00"
                                                           "02 00 03 aabbcc ffffffff0f 00"),
                                                  4);
    ASSERT_TRUE(request) << request.error().message();
    EXPECT_EQ(request->member_id, "m");
    // A struct that has tagged fields of its own skips those of others too.
    const auto response =
        decode<ApiVersionsResponse>(from_hex("0000 01 00000000 03 01 08 0000000000000005 02 01 01 09 01 ee"), 3);
    ASSERT_TRUE(response) << response.error().message();
    EXPECT_EQ(response->finalized_features_epoch, 5);
}

TEST(Encoding, BytesAfterAMessageAreIgnored) {
    EXPECT_TRUE(decode<HeartbeatRequest>(from_hex("0001 67 00000007 0001 6d ee"), 0));
}

TEST(Encoding, ViewsPointIntoTheFrame) {
    const std::string bytes = from_hex("ffff 0001 00000000 00000001 0001 74 00000001 00000000 00000003 616263");
    const auto request = decode<ProduceRequest>(bytes, 3);
    ASSERT_TRUE(request) << request.error().message();
    const ByteView records = *request->topic_data.at(0).partition_data.at(0).records;
    EXPECT_EQ(records, "abc");
    EXPECT_EQ(records.data(), bytes.data() + bytes.size() - 3);
}

TEST(EncodingRefuses, WhatTheVersionCannotSay) {
    HeartbeatRequest request;
    request.group_instance_id = "i";
    std::string out = "before";
    const auto without_place = encode(request, 2, out);
    ASSERT_FALSE(without_place);
    EXPECT_EQ(without_place.error().code, Errc::bad_argument);
    EXPECT_EQ(without_place.error().detail, "GroupInstanceId: a value, in a version without it");
    EXPECT_EQ(out, "before");

    MetadataRequest metadata;
    metadata.topics.reset();
    const auto null = encode(metadata, 0, out);
    ASSERT_FALSE(null);
    EXPECT_EQ(null.error().detail, "Topics: null, in a version without it");
    EXPECT_EQ(out, "before");

    EXPECT_EQ(encode(request, 5, out).error().code, Errc::unsupported);
    EXPECT_EQ(encode(request, -1, out).error().code, Errc::unsupported);
}

TEST(EncodingRefuses, StringsOverTheirLimitInBothEncodings) {
    for (const std::int16_t version : {0, 4}) {
        HeartbeatRequest request;
        request.group_id = std::string(32767, 'g');
        const auto longest = encoded(request, version);
        ASSERT_TRUE(longest);
        EXPECT_EQ(decode<HeartbeatRequest>(*longest, version).value(), request);
        request.group_id += 'g';
        EXPECT_EQ(encoded(request, version).error().detail, "GroupId: a string of more than 32767 bytes");
    }
}

TEST(Encoding, AValueThatIsIgnorableIsLeftOutOfAnOldVersion) {
    FetchRequest request;
    request.rack_id = "r";
    const auto old = encoded(request, 10);
    ASSERT_TRUE(old) << old.error().message();
    EXPECT_EQ(decode<FetchRequest>(*old, 10)->rack_id, "");
}

}  // namespace
}  // namespace mq::wire::test
