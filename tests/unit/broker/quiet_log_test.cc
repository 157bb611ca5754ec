// Lines that clients can cause without end: expected values from the header's numbers.
#include "broker/quiet_log.h"

#include <gtest/gtest.h>

#include "broker_fixture.h"

namespace mq::broker {
namespace {

TEST(QuietLog, TellsAFewOfEachKindInASpanAndThenHowManyMoreThereWere) {
    Memory log;
    QuietLog quiet{log};
    const auto tell = [&](QuietLog::Kind kind, std::int64_t now_ms) {
        return quiet.tell(kind, now_ms, [] { return std::string{"line"}; });
    };
    EXPECT_TRUE(tell(QuietLog::Kind::groups, 1'000)) << "a span begins";
    for (int i = 1; i < QuietLog::kLines + 5; ++i) EXPECT_FALSE(tell(QuietLog::Kind::groups, 10'000));
    EXPECT_TRUE(tell(QuietLog::Kind::topics, 10'500));
    std::string ten;
    for (int i = 0; i < 11; ++i) ten += "line\n";
    EXPECT_EQ(log.lines(), ten);

    quiet.settle(1'000 + QuietLog::kSpanMs - 1);
    EXPECT_EQ(log.lines(), ten);
    quiet.settle(1'000 + QuietLog::kSpanMs);
    EXPECT_EQ(log.lines(), ten + "5 more members that were refused in the last 10 s\n");
    EXPECT_TRUE(tell(QuietLog::Kind::groups, 12'000)) << "the next span";
    EXPECT_FALSE(tell(QuietLog::Kind::topics, 12'000)) << "the span of this kind goes on";
}

}  // namespace
}  // namespace mq::broker
