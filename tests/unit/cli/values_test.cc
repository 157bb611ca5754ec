#include "cli/values.h"

#include <gtest/gtest.h>

namespace mq::cli {
namespace {

template <typename T>
std::optional<T> parsed(std::string_view text, T minimum = std::numeric_limits<T>::min()) {
    const auto value = parse_integer<T>(text, minimum);
    return value ? std::optional<T>{*value} : std::nullopt;
}

TEST(ParseInteger, IsBaseTenWhateverTheZeros) {
    EXPECT_EQ(parsed<int>("010"), 10);
    EXPECT_EQ(parsed<int>("-007"), -7);
    EXPECT_EQ(parsed<int>("+5"), 5);
    EXPECT_EQ(parsed<int>("0"), 0);
}

TEST(ParseInteger, TakesTheWholeRangeAndNothingBeyond) {
    EXPECT_EQ(parsed<std::int64_t>("9223372036854775807"), INT64_MAX);
    EXPECT_EQ(parsed<std::int64_t>("-9223372036854775808"), INT64_MIN);
    EXPECT_EQ(parsed<std::int64_t>("9223372036854775808"), std::nullopt);
    EXPECT_EQ(parsed<std::int64_t>("-9223372036854775809"), std::nullopt);
    EXPECT_EQ(parsed<std::uint64_t>("18446744073709551615"), UINT64_MAX);
    EXPECT_EQ(parsed<std::uint64_t>("18446744073709551616"), std::nullopt);
    EXPECT_EQ(parsed<std::int32_t>("2147483648"), std::nullopt);
    EXPECT_EQ(parsed<int>("4", 5), std::nullopt);
}

TEST(ParseInteger, RefusesWhatIsNoNumberOrMoreThanOne) {
    for (const char* text :
         {"", "-", "+", "x", "1x", "0x10", "1 ", " 1", "1.5", "1e3", "--1", "99999999999999999999x"}) {
        EXPECT_EQ(parsed<std::int64_t>(text), std::nullopt) << text;
    }
    EXPECT_EQ(parsed<std::uint32_t>("-1"), std::nullopt);
    EXPECT_EQ(parsed<std::uint32_t>("+1"), std::nullopt);
}

TEST(ParseInteger, NamesTheValueInTheError) {
    const auto error = parse_integer<int>("12x").error();
    EXPECT_EQ(error.code, Errc::bad_argument);
    EXPECT_NE(error.message().find("'12x'"), std::string::npos);
}

TEST(ParseSize, KnowsBinaryAndDecimalUnits) {
    EXPECT_EQ(parse_size("0").value(), 0u);
    EXPECT_EQ(parse_size("4096").value(), 4096u);
    EXPECT_EQ(parse_size("4096B").value(), 4096u);
    EXPECT_EQ(parse_size("1K").value(), 1024u);
    EXPECT_EQ(parse_size("1kib").value(), 1024u);
    EXPECT_EQ(parse_size("1kB").value(), 1000u);
    EXPECT_EQ(parse_size("1MiB").value(), 1048576u);
    EXPECT_EQ(parse_size("3MB").value(), 3000000u);
    EXPECT_EQ(parse_size("2G").value(), 2147483648u);
    EXPECT_EQ(parse_size("15E").value(), 15ull << 60);
}

TEST(ParseSize, RefusesOverflowAndUnknownUnits) {
    for (const char* text : {"16E", "18446744073709551616", "", "K", "1X", "1Kx", "1i", "1ib", "-1", "1.5M", "1 M"}) {
        EXPECT_FALSE(parse_size(text)) << text;
    }
}

TEST(ParseDuration, SumsUnitsAndReadsIso8601) {
    EXPECT_EQ(parse_duration_ms("10s").value(), 10'000);
    EXPECT_EQ(parse_duration_ms("1h30m").value(), 5'400'000);
    EXPECT_EQ(parse_duration_ms("250ms").value(), 250);
    EXPECT_EQ(parse_duration_ms("7d").value(), 604'800'000);
    EXPECT_EQ(parse_duration_ms("2w").value(), 1'209'600'000);
    EXPECT_EQ(parse_duration_ms("PT1H30M").value(), 5'400'000);
    EXPECT_EQ(parse_duration_ms("P1DT12H").value(), 129'600'000);
    EXPECT_EQ(parse_duration_ms("pt5s").value(), 5'000);
    EXPECT_EQ(parse_duration_ms("0").value(), 0);
}

TEST(ParseDuration, WantsAUnitAndFitsIn64Bits) {
    for (const char* text : {"", "10", "s", "1x", "1h30", "P", "PT", "P1H", "1M1", "PT1D", "-1s",
                             "10000000000000000s", "99999999999999999999s", "9223372036854775807ms1ms"}) {
        EXPECT_FALSE(parse_duration_ms(text)) << text;
    }
}

TEST(ParsePartitionList, IsInOrderAndNamesEachOnce) {
    const auto list = [](std::string_view text) { return parse_partition_list(text, 9).value(); };
    EXPECT_EQ(list("0,2-5"), (std::vector<std::int32_t>{0, 2, 3, 4, 5}));
    EXPECT_EQ(list("7,3-5,4-6,3"), (std::vector<std::int32_t>{3, 4, 5, 6, 7}));
    EXPECT_EQ(list("9-9"), (std::vector<std::int32_t>{9}));
}

TEST(ParsePartitionList, RefusesWhatIsNoListAndWhatIsAboveTheMost) {
    for (const char* text : {"", ",", "1,", ",1", "1,,2", "-", "1-", "-1", "3-2", "1-2-3", "a", "1 2", "10", "8-10",
                             "99999999999999999999"}) {
        EXPECT_FALSE(parse_partition_list(text, 9)) << text;
    }
}

TEST(ParseEscapes, AreThoseOfC) {
    using namespace std::string_literals;
    EXPECT_EQ(parse_escapes("a\\tb\\n").value(), "a\tb\n");
    EXPECT_EQ(parse_escapes("\\0").value(), "\0"s);
    EXPECT_EQ(parse_escapes("\\x41\\x4a\\x7").value(), "AJ\x07");
    EXPECT_EQ(parse_escapes("\\101").value(), "A");
    EXPECT_EQ(parse_escapes("\\\\n").value(), "\\n");
    EXPECT_EQ(parse_escapes("\\e[m").value(), "\033[m");
}

TEST(ParseEscapes, RefusesUnknownAndUnfinishedOnes) {
    for (const char* text : {"\\", "a\\", "\\q", "\\x", "\\xg", "\\400"}) EXPECT_FALSE(parse_escapes(text)) << text;
}

}  // namespace
}  // namespace mq::cli
