#include "cli/times.h"

#include <gtest/gtest.h>

namespace mq::cli {
namespace {

constexpr TimestampMs kNow = 1'700'000'000'000;  // 2023-11-14T22:13:20Z

std::optional<TimestampMs> parsed(std::string_view text) {
    const auto time = parse_time(text, kNow);
    return time ? std::optional{*time} : std::nullopt;
}

TEST(ParseTime, TellsEpochUnitsByTheirDigits) {
    EXPECT_EQ(parsed("0"), 0);
    EXPECT_EQ(parsed("1700000000"), kNow);
    EXPECT_EQ(parsed("1700000000000"), kNow);
    EXPECT_EQ(parsed("1700000000000000"), kNow);
    EXPECT_EQ(parsed("1700000000000000000"), kNow);
    EXPECT_EQ(parsed("99999999999999999999"), std::nullopt);
}

TEST(ParseTime, ReadsRfc3339WithItsZone) {
    EXPECT_EQ(parsed("2023-11-14T22:13:20Z"), kNow);
    EXPECT_EQ(parsed("2023-11-14t22:13:20z"), kNow);
    EXPECT_EQ(parsed("2023-11-15T00:13:20+02:00"), kNow);
    EXPECT_EQ(parsed("2023-11-14T16:43:20-0530"), kNow);
    EXPECT_EQ(parsed("2023-11-14 22:13:20.125"), kNow + 125);
    EXPECT_EQ(parsed("2023-11-14T22:13:20.1259Z"), kNow + 125);
    EXPECT_EQ(parsed("2023-11-14T22:13Z"), kNow - 20'000);
    EXPECT_EQ(parsed("2023-11-14"), 1'699'920'000'000);
    EXPECT_EQ(parsed("1969-12-31T23:59:59Z"), -1000);
    EXPECT_EQ(parsed("2024-02-29"), 1'709'164'800'000);
}

TEST(ParseTime, CountsFromNow) {
    EXPECT_EQ(parsed("now"), kNow);
    EXPECT_EQ(parsed("-1h"), kNow - 3'600'000);
    EXPECT_EQ(parsed("+PT1M"), kNow + 60'000);
}

TEST(ParseTime, RefusesWhatNoCalendarHas) {
    for (const char* text :
         {"", "2023-02-29", "2023-13-01", "2023-1-1", "2023-11-14T", "2023-11-14T25:00Z", "2023-11-14T22:60Z",
          "2023-11-14T22:13:20.Z", "2023-11-14T22:13:20+2", "2023-11-14T22:13:20Zx", "yesterday", "-1", "1h"}) {
        EXPECT_EQ(parsed(text), std::nullopt) << text;
    }
}

TEST(FormatTime, PrintsWhatParsingReads) {
    std::string out;
    append_iso_time(out, kNow + 7);
    EXPECT_EQ(out, "2023-11-14T22:13:20.007Z");
    out.clear();
    append_iso_time(out, -1);
    EXPECT_EQ(out, "1969-12-31T23:59:59.999Z");
    out.clear();
    append_iso_time(out, INT64_MAX);
    EXPECT_EQ(out, "9223372036854775807");
    out.clear();
    append_strftime(out, "%F %T", kNow);
    EXPECT_EQ(out, "2023-11-14 22:13:20");
}

}  // namespace
}  // namespace mq::cli
