#include "wire/frame.h"

#include <gtest/gtest.h>

#include "hex.h"
#include "wire/messages/fetch.h"
#include "wire/messages/groups.h"
#include "wire/messages/versions.h"

namespace mq::wire::test {
namespace {

TEST(FirstFrame, IsTakenOnceItIsWhole) {
    const std::string bytes = from_hex("00000003 616263 00000000");
    for (std::size_t size = 0; size < 7; ++size) {
        const auto frame = first_frame(ByteView{bytes}.substr(0, size), 3);
        ASSERT_TRUE(frame);
        EXPECT_FALSE(*frame) << size;
    }
    EXPECT_EQ(first_frame(bytes, 3).value(), "abc");
    EXPECT_EQ(first_frame(ByteView{bytes}.substr(7), 3).value(), "");
}

TEST(FirstFrame, RefusesALengthFromItsFourBytesAlone) {
    EXPECT_EQ(first_frame(from_hex("00000004"), 3).error().code, Errc::too_large);
    EXPECT_EQ(first_frame(from_hex("7fffffff"), kDefaultMaxFrameBytes).error().code, Errc::too_large);
    EXPECT_EQ(first_frame(from_hex("ffffffff"), 3).error().code, Errc::corrupt);
    EXPECT_EQ(first_frame("GET / HTTP/1.1\r\n", kDefaultMaxFrameBytes).error().code, Errc::too_large);
    EXPECT_EQ(first_frame(from_hex("16030100"), kDefaultMaxFrameBytes).error().code, Errc::too_large);  // TLS
}

TEST(ParseRequest, ReadsEachVersionOfTheHeader) {
    // ControlledShutdown v0 has no client id.
    std::string bytes = from_hex("0007 0000 00000009 0000000b");
    auto frame = parse_request(bytes);
    ASSERT_TRUE(frame) << frame.error().message();
    EXPECT_EQ(frame->header, (RequestHeader{ApiKey::controlled_shutdown, 0, 9, {}}));
    EXPECT_EQ(frame->body.size(), 4);
    // The old header, also with null for a client id.
    bytes = from_hex("000c 0000 00000009 0001 63 ee");
    frame = parse_request(bytes);
    ASSERT_TRUE(frame) << frame.error().message();
    EXPECT_EQ(frame->header, (RequestHeader{ApiKey::heartbeat, 0, 9, "c"}));
    EXPECT_EQ(frame->body, from_hex("ee"));
    EXPECT_EQ(parse_request(from_hex("000c 0000 00000009 ffff"))->header.client_id, std::nullopt);
    // The flexible one: the client id keeps its int16 length, and tags follow.
    bytes = from_hex("000c 0004 00000009 0001 63 01 05 02 aabb ee");
    frame = parse_request(bytes);
    ASSERT_TRUE(frame) << frame.error().message();
    EXPECT_EQ(frame->header, (RequestHeader{ApiKey::heartbeat, 4, 9, "c"}));
    EXPECT_EQ(frame->body, from_hex("ee"));
}

TEST(ParseRequest, RefusesWhatNoBrokerAnswers) {
    EXPECT_EQ(parse_request(from_hex("0058 0000 00000009 ffff")).error().code, Errc::unsupported);
    EXPECT_EQ(parse_request(from_hex("ffff 0000 00000009 ffff")).error().code, Errc::unsupported);
    EXPECT_EQ(parse_request(from_hex("000c 0005 00000009 ffff")).error().code, Errc::unsupported);
    EXPECT_EQ(parse_request(from_hex("000c ffff 00000009 ffff")).error().code, Errc::unsupported);
    EXPECT_EQ(parse_request("").error().code, Errc::corrupt);
    const std::string whole = from_hex("000c 0004 00000009 0001 63 01 05 02 aabb");
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_EQ(parse_request(ByteView{whole}.substr(0, size)).error().code, Errc::corrupt) << size;
    }
}

// It has to be answered, with the versions that there are.
TEST(ParseRequest, UnderstandsTheHeaderOfAnApiVersionsRequestOfTheFuture) {
    const auto frame = parse_request(from_hex("0012 0063 00000009 0001 63 00 112233"));
    ASSERT_TRUE(frame) << frame.error().message();
    EXPECT_EQ(frame->header, (RequestHeader{ApiKey::api_versions, 99, 9, "c"}));
    EXPECT_EQ(frame->body, "");
}

TEST(AppendFrame, PutsTheLengthInFrontAndIsReadBack) {
    std::string out = "x";
    const HeartbeatRequest request{.group_id = "g", .generation_id = 7, .member_id = "m", .group_instance_id = {}};
    ASSERT_TRUE(
        append_request(request, {.api_key = {}, .api_version = 4, .correlation_id = 9, .client_id = "c"}, out));
    EXPECT_EQ(to_hex(out),
              "78"
              "00000016"
              "000c0004"
              "00000009"
              "000163"
              "00"
              "0267"
              "00000007"
              "026d"
              "00"
              "00");

    out.clear();
    ASSERT_TRUE(append_response(
        HeartbeatResponse{.throttle_time_ms = 1, .error_code = ErrorCode::rebalance_in_progress}, 4, 9, out));
    EXPECT_EQ(to_hex(out),
              "0000000c"
              "00000009"
              "00"
              "00000001"
              "001b"
              "00");
    const auto frame = parse_response(first_frame(out, 100)->value(), ApiKey::heartbeat, 4);
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->header.correlation_id, 9);
    EXPECT_EQ(decode<HeartbeatResponse>(frame->body, 4)->error_code, ErrorCode::rebalance_in_progress);
}

TEST(AppendFrame, OfApiVersionsHasNoTagsInItsHeader) {
    std::string out;
    ASSERT_TRUE(append_response(ApiVersionsResponse{}, 3, 9, out));
    EXPECT_EQ(to_hex(out),
              "0000000c"
              "00000009"
              "0000"
              "01"
              "00000000"
              "00");
    EXPECT_EQ(parse_response(first_frame(out, 100)->value(), ApiKey::api_versions, 3)->body.size(), 8);
}

// What is sent in pieces is, put together, what would have been sent whole.
TEST(AppendFrame, RecordsOutsideOfMemoryCountInTheLengthsAndAreLeftToTheSender) {
    const std::string content(70'000, 'r');
    FetchResponse inside;
    inside.responses = {{.topic = "t", .partitions = {{.partition_index = 1, .records = ByteView{content}}}}};
    FetchResponse outside = inside;
    outside.responses[0].partitions[0].records = {};
    outside.responses[0].partitions[0].external_records = {.index = 3, .bytes = content.size()};
    for (const std::int16_t version : {4, 12}) {
        std::string whole;
        ASSERT_TRUE(append_response(inside, version, 9, whole));
        std::string rest;
        std::vector<Splice> splices;
        ASSERT_TRUE(append_response(outside, version, 9, rest, &splices));
        ASSERT_EQ(splices.size(), 1);
        EXPECT_EQ(splices[0].external.index, 3);
        EXPECT_EQ(splices[0].size(), content.size());
        rest.insert(splices[0].position, content);
        EXPECT_EQ(rest, whole);
        EXPECT_FALSE(append_response(outside, version, 9, rest));
    }
}

TEST(AppendFrame, LeavesLargeRecordSetsWhereTheyAre) {
    const std::string large(5000, 'l');
    const std::string larger(70'000, 'r');
    const std::string small(100, 's');
    FetchResponse response;
    for (const std::string* records : {&large, &small, &larger}) {
        response.responses.emplace_back().partitions.emplace_back().records = *records;
    }
    for (const std::int16_t version : {4, 13}) {
        std::string whole = "before";
        ASSERT_TRUE(append_response(response, version, 9, whole));
        std::string rest = "before";
        std::vector<Splice> splices;
        ASSERT_TRUE(append_response(response, version, 9, rest, &splices));
        ASSERT_EQ(splices.size(), 2);
        EXPECT_EQ(splices[0].bytes.data(), large.data());
        EXPECT_EQ(splices[1].bytes.data(), larger.data());
        EXPECT_EQ(rest.size(), whole.size() - large.size() - larger.size());
        rest.insert(splices[1].position, splices[1].bytes);
        rest.insert(splices[0].position, splices[0].bytes);
        EXPECT_TRUE(rest == whole);
    }
    response.session_id = 7;  // has no place in version 4
    std::string out = "x";
    std::vector<Splice> splices(1);
    EXPECT_FALSE(append_response(response, 4, 9, out, &splices));
    EXPECT_EQ(out, "x");
    EXPECT_EQ(splices.size(), 1);
}

TEST(AppendFrame, LeavesNothingBehindWhenTheMessageCannotBeSaid) {
    std::string out = "x";
    HeartbeatRequest request;
    request.group_instance_id = "i";
    EXPECT_FALSE(
        append_request(request, {.api_key = {}, .api_version = 0, .correlation_id = 9, .client_id = {}}, out));
    EXPECT_EQ(out, "x");
    EXPECT_FALSE(append_request(
        HeartbeatRequest{},
        {.api_key = {}, .api_version = 0, .correlation_id = 9, .client_id = std::string(40'000, 'c')}, out));
    EXPECT_EQ(out, "x");
}

}  // namespace
}  // namespace mq::wire::test
