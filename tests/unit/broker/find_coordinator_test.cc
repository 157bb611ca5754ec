#include "group_fixture.h"

namespace mq::broker {
namespace {

using FindCoordinator = GroupTest;
using wire::ErrorCode;

TEST_F(FindCoordinator, GRP1_IsThisBrokerAsTheClientReachedIt) {
    for (std::int16_t version = 0; version <= 3; ++version) {
        const auto found = call(wire::FindCoordinatorRequest{"g", 0, {}}, version);
        EXPECT_EQ(found.error_code, ErrorCode::none);
        // As Kafka 2.4 answered in golden/wire/java-console-consumer-group.
        EXPECT_EQ(found.error_message.value_or("NONE"), "NONE");
        EXPECT_EQ(found.node_id, broker->id());
        EXPECT_EQ(found.host, "localhost");
        EXPECT_EQ(found.port, 9092);
    }
}

TEST_F(FindCoordinator, OfManyGroupsAnswersEach) {
    for (std::int16_t version = 4; version <= wire::api_of(wire::ApiKey::find_coordinator).highest; ++version) {
        const auto found = call(wire::FindCoordinatorRequest{"", 0, {"a", "b", ""}}, version);
        ASSERT_EQ(found.coordinators.size(), 3u);
        EXPECT_EQ(found.coordinators[1].key, "b");
        for (const auto& each : found.coordinators) {
            EXPECT_EQ(each.error_code, ErrorCode::none);
            EXPECT_EQ(each.error_message, "");
            EXPECT_EQ(each.port, 9092);
        }
    }
}

TEST_F(FindCoordinator, GRP2_MakesNoTopicAndWaitsForNone) {
    EXPECT_EQ(call(wire::FindCoordinatorRequest{"", 0, {"g"}}).coordinators.at(0).error_code, ErrorCode::none);
    EXPECT_FALSE(broker->directory().topic("__consumer_offsets"));
}

// So that a client comes to ask for a producer id, and is told there that it may not have one.
TEST_F(FindCoordinator, OfTransactionsIsThisBrokerAndOfWhatNobodyKnowsNone) {
    const auto found = call(wire::FindCoordinatorRequest{"tx", 1, {}}, 3);
    EXPECT_EQ(found.error_code, ErrorCode::none);
    EXPECT_EQ(found.node_id, broker->id());
    EXPECT_EQ(found.port, 9092);
    const auto none = call(wire::FindCoordinatorRequest{"", 9, {"x"}}).coordinators.at(0);
    EXPECT_EQ(none.error_code, ErrorCode::invalid_request);
    EXPECT_EQ(none.node_id, -1);
    EXPECT_EQ(none.port, -1);
}

}  // namespace
}  // namespace mq::broker
