// The broker is killed while clients and shell tools work on the same topics (RELIABILITY rows 20 and 33). With
// acks=all nothing that was acknowledged is lost; what an idempotent producer sent is there once; no reader skips,
// repeats or sees a record of another partition.
#include <gtest/gtest.h>

#include "storm/broker_storm.h"
#include "support/scale.h"

namespace mq::test {
namespace {

TEST(BrokerStorm, P1_P2_NothingAcknowledgedIsLostOrDoubledWhileTheBrokerIsKilled) {
    const std::uint64_t storms = test_scale(1, 500);
    std::uint64_t acknowledged = 0;
    for (std::uint64_t i = 0; i < storms; ++i) {
        const std::uint64_t seed = test_seed() + i;
        SCOPED_TRACE("seed " + std::to_string(seed));
        BrokerStorm storm{{.rounds = 20, .seed = seed}};
        ASSERT_EQ(storm.run(), "");
        acknowledged += storm.verdict().acknowledged;
    }
    EXPECT_GT(acknowledged, 1'000 * storms);
    RecordProperty("acknowledged", static_cast<int>(acknowledged));
}

// Row 23. Producers without retries have no order to hold here: what one connection delays another overtakes.
TEST(BrokerStorm, Row23_ANetworkThatFailsLosesAndDoublesNothing) {
    const std::uint64_t seed = test_seed();
    BrokerStorm storm{
        {.plain_producers = 0, .rounds = static_cast<unsigned>(test_scale(6, 10'000)), .seed = seed, .chaos = true}};
    ASSERT_EQ(storm.run(), "") << "seed " << seed;
    EXPECT_GT(storm.verdict().acknowledged, 500U);
}

}  // namespace
}  // namespace mq::test
