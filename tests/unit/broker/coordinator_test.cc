// The life of groups over the network, section 8 of Kafka's semantics as far as the coordinator adds to the state
// machine, which has its own tests (unit/groups).
#include "group_fixture.h"

namespace mq::broker {
namespace {

using Coordinator = GroupTest;
using wire::ErrorCode;

TEST_F(Coordinator, OneMemberJoinsCommitsAndLeaves) {
    const Member member = join_alone();
    EXPECT_EQ(member.generation, 1);
    EXPECT_EQ(beat(member), ErrorCode::none);
    EXPECT_EQ(committed(), -1);
    EXPECT_EQ(commit(member, 42), ErrorCode::none);
    EXPECT_EQ(committed(), 42);
    EXPECT_EQ(describe().group_state, "Stable");
    EXPECT_EQ(leave(member), ErrorCode::none);
    EXPECT_EQ(describe().group_state, "Empty");
    EXPECT_EQ(beat(member), ErrorCode::unknown_member_id);
    EXPECT_EQ(committed(), 42);
}

}  // namespace
}  // namespace mq::broker
