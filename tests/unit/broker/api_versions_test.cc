// ApiVersions, and requests that no handler is for: section 5 of Kafka's wire protocol.
#include "broker_fixture.h"
#include "support/child.h"
#include "wire/messages/all.h"

namespace mq::broker {
namespace {

using ApiVersions = BrokerTest;
using wire::ApiVersionsRequest;

TEST_F(ApiVersions, AnnouncesWhatIsAnsweredAndNothingElse) {
    const auto response = call(ApiVersionsRequest{"mq", "1.0"}, 3);
    EXPECT_EQ(response.error_code, wire::ErrorCode::none);
    ASSERT_FALSE(response.api_keys.empty());
    std::set<std::int16_t> announced;
    for (const auto& api : response.api_keys) announced.insert(api.api_key);
    EXPECT_TRUE(announced.contains(18));
    EXPECT_FALSE(announced.contains(52));  // Vote: a quorum of controllers
}

TEST_F(ApiVersions, OfAVersionFromTheFutureIsAnsweredInVersion0WithWhatIsKnown) {
    // Key 18, version 99, correlation id 7, client id "x", then a body that nobody here can read.
    const std::string request{"\0\x12\0\x63\0\0\0\x07\0\x01x\xff\xff", 13};
    const auto ticket = send_payload(request);
    const auto response = take<ApiVersionsRequest>(ticket, 0);
    EXPECT_EQ(response.error_code, wire::ErrorCode::unsupported_version);
    ASSERT_EQ(response.api_keys.size(), 1u);
    EXPECT_EQ(response.api_keys[0].api_key, 18);
    EXPECT_EQ(response.api_keys[0].min_version, 0);
    EXPECT_EQ(response.api_keys[0].max_version, 4);
}

TEST_F(ApiVersions, OfAClientWhoseNameMakesNoSenseIsInvalid) {
    EXPECT_EQ(call(ApiVersionsRequest{"-mq", "1.0"}, 3).error_code, wire::ErrorCode::invalid_request);
    EXPECT_EQ(call(ApiVersionsRequest{"mq", ""}, 3).error_code, wire::ErrorCode::invalid_request);
    EXPECT_EQ(call(ApiVersionsRequest{"", ""}, 2).error_code, wire::ErrorCode::none);
}

TEST_F(ApiVersions, WhatNobodyAnswersClosesTheConnectionAndIsTold) {
    // Vote (52) is for controllers; 9999 is nobody's; and a version of Heartbeat that is not there.
    for (const std::string& request :
         {std::string{"\0\x34\0\0\0\0\0\x07\0\0", 10}, std::string{"\x27\x0f\0\0\0\0\0\x07\0\0", 10},
          std::string{"\0\x0c\0\x63\0\0\0\x07\0\0", 10}, std::string{"\0", 1}, std::string{}}) {
        const Reply reply = mailbox->take(send_payload(request));
        EXPECT_EQ(reply.kind, Reply::Kind::close);
        EXPECT_NE(reply.bytes, "") << "the connection has nothing to tell the log";
    }
}

TEST_F(ApiVersions, DIR5_ASecondBrokerOfADirectoryIsRefusedAndToldWhoIsTheFirst) {
    const std::string first = std::to_string(getpid());
    const auto end = test::run_in_child([&] {
        const auto opened = Broker::open(config, log);
        if (opened || opened.error().code != Errc::in_use) return 1;
        return opened.error().message().find(first) != std::string::npos ? 0 : 2;
    });
    EXPECT_EQ(end, test::exited_with(0));
}

}  // namespace
}  // namespace mq::broker
