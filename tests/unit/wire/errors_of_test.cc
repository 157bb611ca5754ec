#include "wire/errors_of.h"

#include <gtest/gtest.h>

#include <vector>

#include "wire/messages/all.h"

namespace mq::wire {
namespace {

template <typename T>
std::vector<ErrorCode> errors(const T& response) {
    std::vector<ErrorCode> all;
    errors_of(response, [&](ErrorCode error) { all.push_back(error); });
    return all;
}

TEST(ErrorsOf, AreThoseOfTheWholeAndOfItsParts) {
    EXPECT_EQ(errors(HeartbeatResponse{.error_code = ErrorCode::rebalance_in_progress}),
              std::vector{ErrorCode::rebalance_in_progress});

    ProduceResponse produced;
    produced.responses.resize(2);
    produced.responses[0].partition_responses.resize(1);
    produced.responses[1].partition_responses.resize(2);
    produced.responses[1].partition_responses[1].error_code = ErrorCode::not_leader_or_follower;
    EXPECT_EQ(errors(produced), (std::vector{ErrorCode::none, ErrorCode::none, ErrorCode::not_leader_or_follower}));

    EXPECT_TRUE(errors(MetadataResponse{}).empty());
}

}  // namespace
}  // namespace mq::wire
