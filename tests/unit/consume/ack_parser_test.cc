#include "mq-consume/ack_parser.h"

#include <gtest/gtest.h>

namespace mq::consume {
namespace {

TEST(AckParser, ReadsALineForEachAcknowledgement) {
    AckParser parser;
    std::vector<Ack> acks;
    ASSERT_TRUE(parser.feed("orders 0 41\n\na.b-c_d 2147483647 9223372036854775806\r\n", acks));
    EXPECT_EQ(acks, (std::vector<Ack>{{{"orders", 0}, Offset{41}, 1},
                                      {{"a.b-c_d", 2147483647}, Offset{9223372036854775806}, 3}}));
    EXPECT_TRUE(parser.finish());
}

TEST(AckParser, LinesMayComeInAnyPieces) {
    const std::string text = "orders 0 41\norders 12 7\n\nx 1 2\n";
    AckParser whole;
    std::vector<Ack> expected;
    ASSERT_TRUE(whole.feed(text, expected));
    ASSERT_EQ(expected.size(), 3u);
    for (std::size_t size = 1; size < text.size(); ++size) {
        AckParser parser;
        std::vector<Ack> acks;
        for (std::size_t at = 0; at < text.size(); at += size) ASSERT_TRUE(parser.feed(text.substr(at, size), acks));
        EXPECT_EQ(acks, expected) << size;
        EXPECT_TRUE(parser.finish());
    }
}

TEST(AckParser, MalformedLinesAreToldWithTheirNumber) {
    for (const std::string line :
         {"orders", "orders 0", "orders 0 ", "orders 0 -1", "orders -1 0", "orders 0 1 2", "orders  0 1",
          " orders 0 1", "orders\t0\t1", "orders 0 0x1", "orders 0 +1", "orders 0 9223372036854775807",
          "orders 0 9223372036854775808", "orders 2147483648 0", "or/ders 0 1", ".. 0 1", "orders 0 1\r\r"}) {
        AckParser parser;
        std::vector<Ack> acks;
        const Status fed = parser.feed("orders 0 1\n\n" + line + "\norders 0 2\n", acks);
        ASSERT_FALSE(fed) << line;
        EXPECT_EQ(fed.error().code, Errc::corrupt);
        EXPECT_NE(fed.error().message().find("line 3: "), std::string::npos) << fed.error().message();
        EXPECT_EQ(acks.size(), 1u) << "what stands before it counts";
    }
}

TEST(AckParser, ALineWithoutAnEndIsNotGatheredForEver) {
    AckParser parser;
    std::vector<Ack> acks;
    Status fed;
    std::size_t given = 0;
    for (; fed && given < 10'000; ++given) fed = parser.feed("x", acks);
    ASSERT_FALSE(fed);
    EXPECT_LE(given, AckParser::kLongestAckLine + 1);
}

// "orders 0 12" may have been going to be "orders 0 123".
TEST(AckParser, ALastLineWithoutANewlineIsCutOff) {
    AckParser parser;
    std::vector<Ack> acks;
    ASSERT_TRUE(parser.feed("orders 0 1\norders 0 12", acks));
    EXPECT_EQ(acks.size(), 1u);
    const Status end = parser.finish();
    ASSERT_FALSE(end);
    EXPECT_NE(end.error().message().find("line 2"), std::string::npos);
}

}  // namespace
}  // namespace mq::consume
