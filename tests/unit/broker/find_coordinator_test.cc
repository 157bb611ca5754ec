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

TEST_F(FindCoordinator, OfTransactionsIsRefusedForGoodAndSaysWhy) {
    const auto found = call(wire::FindCoordinatorRequest{"tx", 1, {}}, 3);
    EXPECT_EQ(found.error_code, ErrorCode::transactional_id_authorization_failed);
    EXPECT_FALSE(wire::is_retriable(found.error_code));
    EXPECT_EQ(found.error_message, "This broker has no transactions");
    EXPECT_EQ(found.node_id, -1);
    EXPECT_EQ(found.port, -1);
    EXPECT_EQ(call(wire::FindCoordinatorRequest{"", 9, {"x"}}).coordinators.at(0).error_code,
              ErrorCode::invalid_request);
}

}  // namespace
}  // namespace mq::broker
