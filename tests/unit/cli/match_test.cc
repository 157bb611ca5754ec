// The expressions of -m. Every expectation follows from the table in cli/match.h.
#include "cli/match.h"

#include <gtest/gtest.h>

namespace mq::cli {
namespace {

using record::RecordView;

// Key "user-7", value "Hello", timestamp 1700000000000, offset 42, headers a=1, a=2 and b=null.
RecordView sample() {
    RecordView record;
    record.offset = Offset{42};
    record.timestamp = 1'700'000'000'000;
    record.key = "user-7";
    record.value = "Hello";
    record.header_count = 3;
    record.raw_headers = ByteView{
        "\x02"
        "a\x02"
        "1\x02"
        "a\x02"
        "2\x02"
        "b\x01",
        11};
    return record;
}

bool matches(std::vector<std::string> expressions, bool any = false) {
    const auto matcher = Matcher::parse(expressions, any, 1'700'000'060'000);
    EXPECT_TRUE(matcher) << matcher.error().message();
    return matcher && matcher->matches(sample());
}

TEST(Matcher, NoExpressionMatchesEverything) { EXPECT_TRUE(matches({})); }

TEST(Matcher, APatternIsFoundAnywhereATextMustBeTheWhole) {
    EXPECT_TRUE(matches({"key~r-[0-9]"}));
    EXPECT_FALSE(matches({"key~^r-"}));
    EXPECT_TRUE(matches({"key=user-7"}));
    EXPECT_FALSE(matches({"key=user"}));
    EXPECT_TRUE(matches({"key!=user"}));
    EXPECT_TRUE(matches({"value~(?i)hello"}));
}

TEST(Matcher, OneHeaderOfSeveralWithThatNameIsEnough) {
    EXPECT_TRUE(matches({"header.a=2"}));
    EXPECT_TRUE(matches({"header.a"}));
    EXPECT_FALSE(matches({"header.a=3"}));
    EXPECT_FALSE(matches({"header.c"}));
}

TEST(Matcher, NullIsNeitherPresentNorEqualToAnything) {
    EXPECT_FALSE(matches({"header.b"}));
    EXPECT_FALSE(matches({"header.b="}));
    EXPECT_TRUE(matches({"!header.b"}));
}

TEST(Matcher, NumbersAreComparedAsNumbers) {
    EXPECT_TRUE(matches({"offset>9"}));
    EXPECT_TRUE(matches({"offset>=42", "offset<=42", "offset=42"}));
    EXPECT_FALSE(matches({"offset!=42"}));
    EXPECT_TRUE(matches({"size=11"}));
    EXPECT_TRUE(matches({"ts=2023-11-14T22:13:20Z"}));
    EXPECT_TRUE(matches({"ts>-2m", "ts<-30s"}));  // relative to now, a minute after the record
}

TEST(Matcher, AllMustHoldUnlessAnyIsEnough) {
    EXPECT_FALSE(matches({"offset=42", "key=x"}));
    EXPECT_TRUE(matches({"offset=42", "key=x"}, true));
    EXPECT_FALSE(matches({"key=y", "key=x"}, true));
}

TEST(Matcher, AFieldOfTheToolIsAskedOfTheTool) {
    const auto matcher = Matcher::parse({"group=g1"}, false, 0, {"group"});
    ASSERT_TRUE(matcher);
    EXPECT_TRUE(matcher->matches(
        sample(), [](std::string_view field) { return std::optional{std::string{field == "group" ? "g1" : ""}}; }));
    EXPECT_FALSE(matcher->matches(sample(), [](std::string_view) { return std::optional<std::string>{}; }));
    EXPECT_FALSE(matcher->matches(sample()));
}

TEST(Matcher, WhatMakesNoSenseIsRefusedByName) {
    for (const char* expression :
         {"colour=red", "key~(", "key>5", "offset~4", "offset>x", "ts>yesterday", "", "offset", "size"}) {
        const auto matcher = Matcher::parse({expression}, false, 0);
        ASSERT_FALSE(matcher) << expression;
        EXPECT_EQ(matcher.error().code, Errc::bad_argument);
        EXPECT_NE(matcher.error().detail.find(std::string{"'"} + expression + "'"), std::string::npos) << expression;
    }
}

}  // namespace
}  // namespace mq::cli
