#include "cli/range.h"

#include <gtest/gtest.h>

#include <ostream>

namespace mq::cli {

std::ostream& operator<<(std::ostream& out, const Bound& bound) {
    return out << '{' << static_cast<int>(bound.kind) << ", " << bound.value << '}';
}

namespace {

using Kind = Bound::Kind;

constexpr TimestampMs kNow = 1'700'000'000'000;
constexpr TimestampMs kHour = 3'600'000;

Range parsed(std::string_view text) {
    const auto range = parse_range(text, kNow);
    EXPECT_TRUE(range) << text;
    return range ? *range : Range{};
}

Range from(Kind kind, std::int64_t value) { return {Bound{kind, value}, std::nullopt}; }
Range both(Bound a, Bound b) { return {a, b}; }

TEST(ParseRange, KnowsEverySpellingOfTheEnds) {
    for (const char* text : {"earliest", "beginning", "start"})
        EXPECT_EQ(parsed(text), from(Kind::from_start, 0)) << text;
    for (const char* text : {"latest", "end"}) EXPECT_EQ(parsed(text), from(Kind::from_end, 0)) << text;
    for (const char* text : {"committed", "stored"}) EXPECT_EQ(parsed(text), from(Kind::committed, 0)) << text;
}

TEST(ParseRange, ReadsSingleOffsets) {
    EXPECT_EQ(parsed("42"), from(Kind::offset, 42));
    EXPECT_EQ(parsed("010"), from(Kind::offset, 10));
    EXPECT_EQ(parsed("+5"), from(Kind::from_start, 5));
    EXPECT_EQ(parsed("start+5"), from(Kind::from_start, 5));
    EXPECT_EQ(parsed("-10"), from(Kind::from_end, 10));
    EXPECT_EQ(parsed("end-10"), from(Kind::from_end, 10));
}

TEST(ParseRange, ReadsSpans) {
    EXPECT_EQ(parsed("100:200"), both({Kind::offset, 100}, {Kind::offset, 200}));
    EXPECT_EQ(parsed("100:"), from(Kind::offset, 100));
    EXPECT_EQ(parsed(":200"), both({Kind::from_start, 0}, {Kind::offset, 200}));
    EXPECT_EQ(parsed(":end"), both({Kind::from_start, 0}, {Kind::from_end, 0}));
    EXPECT_EQ(parsed("-10:-5"), both({Kind::from_end, 10}, {Kind::from_end, 5}));
    EXPECT_EQ(parsed("start+1:end-1"), both({Kind::from_start, 1}, {Kind::from_end, 1}));
    EXPECT_EQ(parsed("5:@-1h"), both({Kind::offset, 5}, {Kind::timestamp, kNow - kHour}));
}

TEST(ParseRange, ReadsTimesThoughTheyHoldColons) {
    const Bound now{Kind::timestamp, kNow};
    EXPECT_EQ(parsed("@1700000000"), (Range{now, std::nullopt}));
    EXPECT_EQ(parsed("@2023-11-14T22:13:20Z"), (Range{now, std::nullopt}));
    EXPECT_EQ(parsed("@2023-11-14T22:13:20Z:"), (Range{now, std::nullopt}));
    EXPECT_EQ(parsed("@2023-11-14T22:13:20Z:2023-11-14T23:13:20Z"), both(now, {Kind::timestamp, kNow + kHour}));
    EXPECT_EQ(parsed("@2023-11-14T22:13:20Z:@2023-11-14T23:13:20Z"), both(now, {Kind::timestamp, kNow + kHour}));
    EXPECT_EQ(parsed("@2023-11-15T00:13:20+02:00:end"), both(now, {Kind::from_end, 0}));
    EXPECT_EQ(parsed("@1700000000:1700003600"), both(now, {Kind::timestamp, kNow + kHour}));
    EXPECT_EQ(parsed("@-1h"), from(Kind::timestamp, kNow - kHour));
    EXPECT_EQ(parsed("@-48h:-24h"), both({Kind::timestamp, kNow - 48 * kHour}, {Kind::timestamp, kNow - 24 * kHour}));
    EXPECT_EQ(parsed("@-PT1H:now"), both({Kind::timestamp, kNow - kHour}, now));
}

TEST(ParseRange, ReadsKcatsTimes) {
    EXPECT_EQ(parsed("s@1700000000000"), from(Kind::timestamp, kNow));
    EXPECT_EQ(parsed("e@1700000000000"), (Range{std::nullopt, Bound{Kind::timestamp, kNow}}));
}

TEST(ParseRange, RefusesTheRest) {
    for (const char* text : {"", ":", "x", "1x", "1:2:3", "+", "-", "start-1", "end+1", "@", "@x", "@1:x", "s@",
                             "e@x", "--1", "99999999999999999999", "1,2", "start+", "0x10"}) {
        EXPECT_FALSE(parse_range(text, kNow)) << text;
    }
}

TEST(Ranges, OfAPartitionGoBeforeTheCommonOne) {
    Ranges ranges;
    ASSERT_TRUE(ranges.add("5:end", kNow));
    ASSERT_TRUE(ranges.add("3=start", kNow));
    ASSERT_TRUE(ranges.add("4=e@1700000000000", kNow));
    EXPECT_EQ(ranges.of_partition(0), both({Kind::offset, 5}, {Kind::from_end, 0}));
    EXPECT_EQ(ranges.of_partition(3), both({Kind::from_start, 0}, {Kind::from_end, 0}));
    EXPECT_EQ(ranges.of_partition(4), both({Kind::offset, 5}, {Kind::timestamp, kNow}));
    EXPECT_FALSE(ranges.add("x=5", kNow));
    EXPECT_FALSE(ranges.add("-1=5", kNow));
}

TEST(Ranges, KcatsStartAndEndComeInTwoOptions) {
    Ranges ranges;
    ASSERT_TRUE(ranges.add("s@1000", kNow));
    ASSERT_TRUE(ranges.add("e@2000", kNow));
    EXPECT_EQ(ranges.of_partition(0), both({Kind::timestamp, 1000}, {Kind::timestamp, 2000}));
}

// Offsets 10 to 20; only records from offset 15 on are at or after time 1000.
LogBounds some_log() {
    return {Offset{10}, Offset{20}, [](TimestampMs time) -> Result<std::optional<Offset>> {
                if (time <= 1000) return Offset{15};
                return std::nullopt;
            }};
}

TEST(Resolve, CountsFromEitherEndAndStopsAtTheOther) {
    const LogBounds log = some_log();
    EXPECT_EQ(resolve({Kind::from_start, 0}, log).value(), Offset{10});
    EXPECT_EQ(resolve({Kind::from_start, 3}, log).value(), Offset{13});
    EXPECT_EQ(resolve({Kind::from_start, 99}, log).value(), Offset{20});
    EXPECT_EQ(resolve({Kind::from_end, 0}, log).value(), Offset{20});
    EXPECT_EQ(resolve({Kind::from_end, 4}, log).value(), Offset{16});
    EXPECT_EQ(resolve({Kind::from_end, INT64_MAX}, log).value(), Offset{10});
    EXPECT_EQ(resolve({Kind::offset, 5}, log).value(), Offset{5});
}

TEST(Resolve, ATimeAfterTheLastRecordIsTheEnd) {
    const LogBounds log = some_log();
    EXPECT_EQ(resolve({Kind::timestamp, 1000}, log).value(), Offset{15});
    EXPECT_EQ(resolve({Kind::timestamp, 1001}, log).value(), Offset{20});
    EXPECT_EQ(resolve({Kind::timestamp, INT64_MAX}, log).value(), Offset{20});
}

TEST(Resolve, CommittedNeedsAGroup) {
    EXPECT_EQ(resolve({Kind::committed, 0}, some_log()).error().code, Errc::unsupported);
}

}  // namespace
}  // namespace mq::cli
