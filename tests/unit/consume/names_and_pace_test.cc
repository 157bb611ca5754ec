#include <gtest/gtest.h>

#include <random>

#include "mq-consume/pacer.h"
#include "mq-consume/split_directory.h"

namespace mq::consume {
namespace {

using namespace std::chrono_literals;

TEST(SafeFileName, Row39_NoNameLeavesTheDirectory) {
    EXPECT_EQ(safe_file_name("t-0-7", "0-7"), "t-0-7");
    EXPECT_EQ(safe_file_name("", "0-7"), "_");
    EXPECT_EQ(safe_file_name(".", "0-7"), "_");
    EXPECT_EQ(safe_file_name("..", "0-7"), "_.");
    EXPECT_EQ(safe_file_name("../../etc/passwd", "0-7"), "_._.._etc_passwd");
    EXPECT_EQ(safe_file_name(std::string_view{"a\0b\nc", 5}, "0-7"), "a_b_c");
    EXPECT_EQ(safe_file_name("\u00fc", "0-7"), "\u00fc");
}

TEST(SafeFileName, Row39_AnyBytesMakeANameOfAFile) {
    std::minstd_rand random{39};
    for (int i = 0; i < 20'000; ++i) {
        std::string name(random() % 600, '\0');
        for (char& c : name)
            c = static_cast<char>(random() % 3 == 0 ? (random() % 2 == 0 ? '.' : '/') : static_cast<char>(random()));
        const std::string safe = safe_file_name(name, "12-345");
        EXPECT_FALSE(safe.empty());
        EXPECT_LE(safe.size(), 255u);
        EXPECT_EQ(safe.find('/'), safe.npos);
        EXPECT_EQ(safe.find('\0'), safe.npos);
        EXPECT_NE(safe.front(), '.');
    }
}

TEST(SafeFileName, LongNamesThatDifferAtTheEndOnlyStayApart) {
    const std::string longest(255, 'x');
    EXPECT_EQ(safe_file_name(longest, "0-7"), longest);
    const std::string longer(256, 'x');
    std::string cut(251, 'x');
    cut.append("~0-7");
    EXPECT_EQ(safe_file_name(longer, "0-7"), cut);
    EXPECT_NE(safe_file_name(longer, "0-7"), safe_file_name(longer, "0-8"));
}

TEST(Pacer, KeepsTheDistancesOfTimestampsAndNeverWaitsForThePast) {
    const Pacer::Clock::time_point now{1h};
    Pacer pacer{1};
    EXPECT_EQ(pacer.due(1000, now), now);
    EXPECT_EQ(pacer.due(1500, now + 10ms), now + 500ms);
    EXPECT_EQ(pacer.due(900, now + 10ms), now);
    Pacer faster{4};
    EXPECT_EQ(faster.due(0, now), now);
    EXPECT_EQ(faster.due(1000, now), now + 250ms);
}

TEST(Pacer, ATimestampFromNowhereDoesNotOverflow) {
    const Pacer::Clock::time_point now{1h};
    Pacer pacer{0.001};
    EXPECT_EQ(pacer.due(0, now), now);
    EXPECT_LE(pacer.due(INT64_MAX, now), now + 24h * 367);
    EXPECT_EQ(pacer.due(INT64_MIN, now), now);
}

}  // namespace
}  // namespace mq::consume
