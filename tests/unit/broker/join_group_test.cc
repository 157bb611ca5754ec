// JoinGroup, SyncGroup, Heartbeat and LeaveGroup in their versions. The rules are the state machine's (unit/groups);
// here is what lies between it and the wire.
#include "group_fixture.h"

namespace mq::broker {
namespace {

using JoinGroup = GroupTest;
using wire::ErrorCode;

TEST_F(JoinGroup, JOI5_SinceVersion4AMemberComesBackWithTheIdThatItWasGiven) {
    const auto first = call(join_request(), 4);
    EXPECT_EQ(first.error_code, ErrorCode::member_id_required);
    EXPECT_EQ(first.generation_id, -1);
    // The client id of the fixture, and a UUID.
    EXPECT_EQ(first.member_id.size(), std::string{"test-"}.size() + 36);
    EXPECT_TRUE(first.member_id.starts_with("test-"));
    EXPECT_EQ(call(join_request(first.member_id), 4).error_code, ErrorCode::none);
}

TEST_F(JoinGroup, JOI6_BeforeVersion4JoinsAtOnce) {
    for (std::int16_t version = 0; version <= 3; ++version) {
        const auto joined = call(join_request({}, "g" + std::to_string(version)), version);
        EXPECT_EQ(joined.error_code, ErrorCode::none);
        EXPECT_EQ(joined.generation_id, 1);
        EXPECT_EQ(joined.protocol_name, "range");
        EXPECT_EQ(joined.leader, joined.member_id);
        ASSERT_EQ(joined.members.size(), 1u);
        EXPECT_EQ(joined.members[0].metadata, subscription_to({"t"}));
    }
}

TEST_F(JoinGroup, JOI1_SessionTimeoutsHaveBounds) {
    auto request = join_request();
    for (const std::int32_t wrong : {5'999, 1'800'001, -1}) {
        request.session_timeout_ms = wrong;
        EXPECT_EQ(call(request, 3).error_code, ErrorCode::invalid_session_timeout);
    }
    // Version 0 has no other timeout.
    request.session_timeout_ms = 6'000;
    EXPECT_EQ(call(request, 0).error_code, ErrorCode::none);
}

TEST_F(JoinGroup, GRP3_AnEmptyGroupIsInvalid) {
    EXPECT_EQ(call(join_request({}, "")).error_code, ErrorCode::invalid_group_id);
    EXPECT_EQ(call(sync_request({"m", 1}, "", "")).error_code, ErrorCode::invalid_group_id);
    EXPECT_EQ(call(wire::HeartbeatRequest{"", 1, "m", {}}).error_code, ErrorCode::invalid_group_id);
    EXPECT_EQ(call(wire::LeaveGroupRequest{"", "m", {}}, 0).error_code, ErrorCode::invalid_group_id);
    EXPECT_EQ(call(wire::OffsetDeleteRequest{"", {}}).error_code, ErrorCode::invalid_group_id);
}

TEST_F(JoinGroup, AGroupThatTheLogCannotNameIsInvalid) {
    EXPECT_EQ(call(join_request({}, std::string(256, 'g'))).error_code, ErrorCode::invalid_group_id);
    EXPECT_EQ(call(join_request({}, "\xff")).error_code, ErrorCode::invalid_group_id);
    EXPECT_EQ(call(join_request({}, std::string(255, 'g'))).error_code, ErrorCode::member_id_required);
}

TEST_F(JoinGroup, JOI2_JOI7_AnIdThatNobodyGaveIsUnknown) {
    EXPECT_EQ(call(join_request("stranger")).error_code, ErrorCode::unknown_member_id);
    join_alone();
    EXPECT_EQ(call(join_request("stranger")).error_code, ErrorCode::unknown_member_id);
}

TEST_F(JoinGroup, JOI18_WithAnErrorHasNoProtocol) {
    const auto old = call(join_request("stranger"), 6);
    EXPECT_EQ(old.protocol_name, "");
    EXPECT_EQ(old.generation_id, -1);
    EXPECT_TRUE(old.members.empty());
    const auto later = call(join_request("stranger"), 7);
    EXPECT_EQ(later.protocol_name, std::nullopt);
    EXPECT_EQ(later.protocol_type, std::nullopt);
}

TEST_F(JoinGroup, JOI18_SinceVersion7TellsTheProtocolType) {
    const auto first = call(join_request());
    EXPECT_EQ(call(join_request(first.member_id)).protocol_type, "consumer");
}

TEST_F(JoinGroup, JOI12_JOI16_TwoMembersGetOneGenerationAndTheFirstLeads) {
    const Member first = join_alone();
    const auto second_id = call(join_request()).member_id;
    const auto second = send(join_request(second_id));
    EXPECT_EQ(beat(first), ErrorCode::rebalance_in_progress);
    EXPECT_FALSE(mailbox->has(second));
    const auto leader = call(join_request(first.id));
    const auto follower = take<wire::JoinGroupRequest>(second);
    EXPECT_EQ(leader.generation_id, 2);
    EXPECT_EQ(follower.generation_id, 2);
    EXPECT_EQ(follower.leader, first.id);
    EXPECT_EQ(leader.members.size(), 2u);
    EXPECT_TRUE(follower.members.empty());

    // SYN-3: held until the leader's comes.
    auto wants = sync_request({second_id, 2}, "");
    wants.assignments.clear();
    const auto held = send(wants);
    EXPECT_FALSE(mailbox->has(held));
    auto gives = sync_request({first.id, 2}, "mine");
    gives.assignments.push_back({second_id, "yours"});
    EXPECT_EQ(call(gives).assignment, "mine");
    const auto synced = take<wire::SyncGroupRequest>(held);
    EXPECT_EQ(synced.assignment, "yours");
    EXPECT_EQ(synced.protocol_type, "consumer");
    EXPECT_EQ(synced.protocol_name, "range");
}

TEST_F(JoinGroup, STA1_AStaticMemberThatComesBackGetsANewIdAndFencesTheOld) {
    auto request = join_request();
    request.group_instance_id = "i";
    const auto first = call(request);
    EXPECT_TRUE(first.member_id.starts_with("i-"));
    auto sync = sync_request({first.member_id, 1}, "all");
    sync.group_instance_id = "i";
    EXPECT_EQ(call(sync).error_code, ErrorCode::none);
    const auto second = call(request);
    EXPECT_EQ(second.error_code, ErrorCode::none);
    EXPECT_EQ(second.generation_id, 1);
    EXPECT_NE(second.member_id, first.member_id);
    // STA-3: to version 9 its leadership is told, with an assignment that it need not make.
    EXPECT_TRUE(second.skip_assignment);
    EXPECT_EQ(call(wire::HeartbeatRequest{"g", 1, first.member_id, "i"}).error_code, ErrorCode::fenced_instance_id);
    const auto third = call(request, 8);
    EXPECT_FALSE(third.skip_assignment);
    EXPECT_EQ(third.leader, second.member_id);
}

TEST_F(JoinGroup, LEV1_BeforeVersion3OneMemberLeavesAndTheAnswerIsIts) {
    const Member member = join_alone();
    EXPECT_EQ(call(wire::LeaveGroupRequest{"g", "stranger", {}}, 2).error_code, ErrorCode::unknown_member_id);
    EXPECT_EQ(call(wire::LeaveGroupRequest{"g", member.id, {}}, 2).error_code, ErrorCode::none);
    EXPECT_EQ(describe().group_state, "Empty");
}

TEST_F(JoinGroup, LEV2_SinceVersion3ManyLeaveWithAnAnswerEach) {
    auto request = join_request();
    request.group_instance_id = "i";
    EXPECT_EQ(call(request).error_code, ErrorCode::none);
    wire::LeaveGroupRequest leaving;
    leaving.group_id = "g";
    leaving.members = {{"", "i", {}}, {"stranger", {}, {}}, {"", "j", {}}};
    const auto left = call(leaving);
    EXPECT_EQ(left.error_code, ErrorCode::none);
    ASSERT_EQ(left.members.size(), 3u);
    EXPECT_EQ(left.members[0].error_code, ErrorCode::none);
    EXPECT_EQ(left.members[0].group_instance_id, "i");
    EXPECT_EQ(left.members[1].error_code, ErrorCode::unknown_member_id);
    EXPECT_EQ(left.members[1].member_id, "stranger");
    EXPECT_EQ(left.members[2].error_code, ErrorCode::unknown_member_id);
}

TEST_F(JoinGroup, HBT1_WrongGenerationsAndStrangersAreTold) {
    const Member member = join_alone();
    EXPECT_EQ(beat(member), ErrorCode::none);
    EXPECT_EQ(beat({member.id, 7}), ErrorCode::illegal_generation);
    EXPECT_EQ(beat({"stranger", 1}), ErrorCode::unknown_member_id);
    EXPECT_EQ(beat(member, "other"), ErrorCode::unknown_member_id);
}

TEST_F(JoinGroup, HBT2_AMemberThatIsSilentForItsSessionIsRemoved) {
    stop();
    config.groups.min_session_timeout_ms = 1;
    begin();
    auto request = join_request();
    request.session_timeout_ms = 50;
    const auto joined = call(request, 3);
    ASSERT_EQ(joined.error_code, ErrorCode::none);
    // Its successor is let in when it is gone: its join is held until then.
    const auto successor = call(join_request(), 3);
    EXPECT_EQ(successor.error_code, ErrorCode::none);
    EXPECT_EQ(successor.members.size(), 1u);
    EXPECT_EQ(successor.leader, successor.member_id);
}

}  // namespace
}  // namespace mq::broker
