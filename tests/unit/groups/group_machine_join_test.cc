// JoinGroup: expected values from the rules GRP and JOI.
#include "group_machine_fixture.h"

namespace mq::groups {
namespace {

class GroupMachineJoin : public GroupMachineTest {};

TEST_F(GroupMachineJoin, GRP3_AnEmptyGroupIdIsInvalidForAllButCommit) {
    JoinRequest none = request();
    none.group = "";
    EXPECT_EQ(join_error(join(none)), GroupError::invalid_group_id);
    EXPECT_EQ(sync_error(sync({"", 1, "m", {}, {}, {}, {}})), GroupError::invalid_group_id);
    EXPECT_EQ(beat("m", 1, {}, ""), GroupError::invalid_group_id);
    EXPECT_EQ(leave({{"m", {}}}, "").error, GroupError::invalid_group_id);
    EXPECT_EQ(machine.check_commit({"", -1, "", {}, true}, now), GroupError::invalid_group_id);
    EXPECT_EQ(machine.check_offset_delete("", {}).error, GroupError::invalid_group_id);
    EXPECT_EQ(machine.check_commit({"", -1, "", {}, false}, now), GroupError::none);  // OFF-1
}

TEST_F(GroupMachineJoin, JOI3_AnEmptyGroupMayBecomeOfAnotherType) {
    leave({{stable_group(1)[0], {}}});
    JoinRequest other = request();
    other.protocol_type = "connect";
    other.protocols = {{"default", ""}};
    const Token token = join(other);
    pass(3'000);
    EXPECT_EQ(joins.at(token).protocol_type, "connect");
    EXPECT_EQ(joins.at(token).protocol, "default");
}

TEST_F(GroupMachineJoin, GRP5_WhatMembersSayInTheirMetadataIsNotRead) {
    JoinRequest odd = request();
    odd.protocols = {{"range", "no subscription"}};
    const std::vector<std::string> names = stable_group(2, odd);
    EXPECT_EQ(machine.describe("g").members[1].metadata, "no subscription");
}

TEST_F(GroupMachineJoin, JOI1_SessionTimeoutsHaveBounds) {
    for (const auto& [timeout, error] : std::map<std::int32_t, GroupError>{
             {5'999, GroupError::invalid_session_timeout},
             {6'000, GroupError::member_id_required},
             {1'800'000, GroupError::member_id_required},
             {1'800'001, GroupError::invalid_session_timeout},
         }) {
        JoinRequest one = request();
        one.takes_member_id = true;
        one.session_timeout_ms = timeout;
        EXPECT_EQ(join_error(join(one)), error) << timeout;
    }
}

TEST_F(GroupMachineJoin, JOI1_WithoutARebalanceTimeoutItIsThatOfTheSession) {
    JoinRequest old = request();
    old.rebalance_timeout_ms = -1;
    stable_group(1, old);
    ASSERT_EQ(writes.size(), 1U);
    EXPECT_EQ(writes[0].value.members[0].rebalance_timeout_ms, 10'000);
}

TEST_F(GroupMachineJoin, JOI2_AnUnknownGroupIsCreatedOnlyWithoutAMemberId) {
    EXPECT_EQ(join_error(join(request("somebody"))), GroupError::unknown_member_id);
    EXPECT_EQ(state(), "Dead");
    join(request());
    EXPECT_EQ(state(), "PreparingRebalance");
}

TEST_F(GroupMachineJoin, JOI3_ProtocolsMustBeNamedAndShared) {
    JoinRequest one = request();
    one.protocol_type = "";
    EXPECT_EQ(join_error(join(one)), GroupError::inconsistent_group_protocol);
    one = request();
    one.protocols.clear();
    EXPECT_EQ(join_error(join(one)), GroupError::inconsistent_group_protocol);
    EXPECT_EQ(state(), "Dead") << "a refused join leaves nothing";

    stable_group(1);
    one = request();
    one.protocol_type = "connect";
    EXPECT_EQ(join_error(join(one)), GroupError::inconsistent_group_protocol);
    one = request();
    one.protocols = {{"roundrobin", ""}};
    const Token refused = join(one);
    EXPECT_EQ(join_error(refused), GroupError::inconsistent_group_protocol);
    // JOI-18: what an error's answer holds.
    EXPECT_EQ(joins.at(refused).generation, -1);
    EXPECT_EQ(joins.at(refused).protocol, std::nullopt);
    EXPECT_TRUE(joins.at(refused).members.empty());
    EXPECT_EQ(state(), "Stable");
}

class GroupMachineSmall : public GroupMachineTest {
protected:
    static GroupConfig small() {
        GroupConfig config;
        config.max_group_size = 2;
        return config;
    }
    GroupMachineSmall() : GroupMachineTest(small()) {}
};

TEST_F(GroupMachineSmall, JOI4_AFullGroupTakesNobodyButItsOwn) {
    const std::vector<std::string> names = stable_group(2);
    EXPECT_EQ(join_error(join(request())), GroupError::group_max_size_reached);
    EXPECT_EQ(state(), "Stable");
    const Token again = join(request(names[0]));
    EXPECT_FALSE(answered_join(again));
    // In a join phase who comes first is in: the last of the old members has to go.
    const Token third = join(request());
    EXPECT_FALSE(answered_join(third));
    EXPECT_EQ(join_error(join(request(names[1]))), GroupError::group_max_size_reached);
    EXPECT_EQ(joins.at(again).members.size(), 2U);
    EXPECT_EQ(join_error(third), GroupError::none);
}

TEST_F(GroupMachineSmall, JOI4_AStaticMemberThatComesBackIsNotOneMore) {
    stable_group(1, static_request("s"));
    join(request());
    EXPECT_EQ(state(), "PreparingRebalance");
    join(static_request("s"));
    EXPECT_EQ(machine.describe("g").members.size(), 2U);
    EXPECT_EQ(state(), "CompletingRebalance");
    const Token back = join(static_request("s"));
    EXPECT_FALSE(answered_join(back)) << "a rebalance, not a refusal";
}

TEST_F(GroupMachineJoin, JOI5_ADynamicMemberIsGivenAnIdAndComesBackWithIt) {
    JoinRequest one = request("", "client");
    one.takes_member_id = true;
    const Token first = join(one);
    EXPECT_EQ(join_error(first), GroupError::member_id_required);
    EXPECT_EQ(joins.at(first).member_id, "client-id1");
    one.member_id = "client-id1";
    const Token second = join(one);
    EXPECT_FALSE(answered_join(second));
    pass(3'000);
    EXPECT_EQ(join_error(second), GroupError::none);
    EXPECT_EQ(joins.at(second).member_id, "client-id1");
}

TEST_F(GroupMachineJoin, JOI5_APendingIdIsDroppedAfterTheSessionTimeout) {
    JoinRequest one = request();
    one.takes_member_id = true;
    join(one);
    EXPECT_EQ(state(), "Empty");
    pass(9'999);
    EXPECT_EQ(state(), "Empty");
    pass(1);
    EXPECT_EQ(state(), "Dead") << "and with it the group that nothing came of";
    EXPECT_EQ(join_error(join(request("c-id1"))), GroupError::unknown_member_id);
}

TEST_F(GroupMachineJoin, JOI5_OfTooManyPendingIdsTheOldestIsDropped) {
    constexpr int kMost = 10'000;
    JoinRequest one = request();
    one.takes_member_id = true;
    one.session_timeout_ms = 60'000;
    for (int i = 0; i <= kMost; ++i) {
        join(one);
        pass(1);
    }
    EXPECT_EQ(join_error(join(request("c-id1"))), GroupError::unknown_member_id);
    const Token second = join(request("c-id2"));
    EXPECT_FALSE(answered_join(second));
    // Each is dropped when its own time is over.
    pass(59'999);
    EXPECT_EQ(join_error(second), GroupError::none);
    EXPECT_EQ(join_error(join(request("c-id" + std::to_string(kMost)))), GroupError::unknown_member_id);
}

// Also where all of them join at once, each for itself.
TEST_F(GroupMachineJoin, JOI12_TwentyThousandMembersMakeAGroup) {
    constexpr int kMembers = 20'000;
    for (int i = 0; i < kMembers; ++i) join(request());
    pass(6'000);
    EXPECT_EQ(joins.size(), std::size_t{kMembers});
    EXPECT_EQ(joins.at(1).members.size(), std::size_t{kMembers});
    EXPECT_EQ(state(), "CompletingRebalance");
}

TEST_F(GroupMachineJoin, JOI6_AMemberIdFitsIntoAStringAndCutsNoCharacter) {
    const std::string suffix = "-id1";
    std::string name;
    while (name.size() < 32'767 - suffix.size()) name += "\xc3\xa9";
    const Token first = join(request("", name + "rest"));
    pass(3'000);
    const std::string id = joins.at(first).member_id;
    EXPECT_EQ(id, name.substr(0, 32'762) + suffix);
    EXPECT_LE(id.size(), 32'767U);
}

TEST_F(GroupMachineJoin, JOI5_ARebalanceWaitsForPendingIds) {
    const std::vector<std::string> names = stable_group(1);
    JoinRequest late = request();
    late.takes_member_id = true;
    const std::string late_id = joins.at(join(late)).member_id;
    const Token leader = join(request(names[0]));
    EXPECT_FALSE(answered_join(leader));
    const Token second = join(request(late_id));
    EXPECT_TRUE(answered_join(leader));
    EXPECT_TRUE(answered_join(second));
    EXPECT_EQ(joins.at(leader).members.size(), 2U);
}

TEST_F(GroupMachineJoin, JOI5_ARebalanceEndsWhenThePendingIdIsDropped) {
    const std::vector<std::string> names = stable_group(1);
    JoinRequest late = request();
    late.takes_member_id = true;
    late.session_timeout_ms = 20'000;
    join(late);
    const Token leader = join(request(names[0]));
    pass(19'999);
    EXPECT_FALSE(answered_join(leader));
    pass(1);
    EXPECT_EQ(joins.at(leader).members.size(), 1U);
}

TEST_F(GroupMachineJoin, JOI6_OldVersionsAndStaticMembersJoinAtOnce) {
    const Token old = join(request("", "client"));
    JoinRequest fixed = static_request("instance");
    fixed.takes_member_id = true;
    const Token now_static = join(fixed);
    pass(6'000);
    EXPECT_EQ(joins.at(old).member_id, "client-id1");
    EXPECT_EQ(joins.at(now_static).member_id, "instance-id2");
}

TEST_F(GroupMachineJoin, JOI7_AnIdThatIsNeitherMemberNorPendingIsUnknown) {
    stable_group(1);
    EXPECT_EQ(join_error(join(request("somebody"))), GroupError::unknown_member_id);
}

TEST_F(GroupMachineJoin, JOI8_InAStableGroupTheLeaderOrChangedMetadataForceARebalance) {
    const std::vector<std::string> names = stable_group(2);
    const Token follower = join(request(names[1]));
    EXPECT_EQ(join_error(follower), GroupError::none);
    EXPECT_EQ(joins.at(follower).generation, 1);
    EXPECT_TRUE(joins.at(follower).members.empty());
    EXPECT_EQ(state(), "Stable");

    JoinRequest changed = request(names[1]);
    changed.protocols[0].metadata = subscription_to({"t", "u"});
    join(changed);
    EXPECT_EQ(state(), "PreparingRebalance");
    join(request(names[0]));
    EXPECT_EQ(state(), "CompletingRebalance");
    sync_all(names, 2);
    join(request(names[0]));
    EXPECT_EQ(state(), "PreparingRebalance");
}

TEST_F(GroupMachineJoin, JOI9_InCompletingRebalanceTheSameMetadataGetsTheSameGeneration) {
    const Token first = join(request());
    const Token second = join(request());
    pass(6'000);
    const std::string leader = joins.at(first).member_id, follower = joins.at(second).member_id;
    const Token again = join(request(leader));
    EXPECT_EQ(joins.at(again).generation, 1);
    EXPECT_EQ(joins.at(again).members.size(), 2U);
    EXPECT_TRUE(joins.at(join(request(follower))).members.empty());
    EXPECT_EQ(state(), "CompletingRebalance");
    JoinRequest changed = request(follower);
    changed.protocols[0].metadata = "other";
    join(changed);
    EXPECT_EQ(state(), "PreparingRebalance");
}

TEST_F(GroupMachineJoin, JOI10_InPreparingRebalanceProtocolsAreReplacedAndTheAnswerIsHeld) {
    const std::vector<std::string> names = stable_group(2);
    JoinRequest changed = request(names[0]);
    changed.protocols[0].metadata = "first";
    const Token early = join(changed);
    changed.protocols[0].metadata = "second";
    const Token later = join(changed);
    EXPECT_EQ(join_error(early), GroupError::rebalance_in_progress) << "superseded";
    EXPECT_FALSE(answered_join(later));
    join(request(names[1]));
    EXPECT_EQ(joins.at(later).members[0].metadata, "second");
}

TEST_F(GroupMachineJoin, JOI11_TheFirstPhaseIsProlongedWhileNewMembersCome) {
    const Token first = join(request());
    pass(2'999);
    const Token second = join(request());
    pass(1);
    EXPECT_FALSE(answered_join(first)) << "prolonged to 6 s";
    pass(2'999);
    EXPECT_FALSE(answered_join(first));
    pass(1);
    EXPECT_EQ(joins.at(first).generation, 1);
    EXPECT_EQ(joins.at(first).members.size(), 2U);
    EXPECT_TRUE(answered_join(second));
}

TEST_F(GroupMachineJoin, JOI11_ButNotPastTheRebalanceTimeout) {
    JoinRequest hasty = request();
    hasty.rebalance_timeout_ms = 7'000;
    const Token first = join(hasty);
    for (int i = 0; i < 6; ++i) {
        pass(1'000);
        join(hasty);
    }
    pass(999);
    EXPECT_FALSE(answered_join(first));
    pass(1);
    EXPECT_EQ(joins.at(first).members.size(), 7U);
}

TEST_F(GroupMachineJoin, JOI11_AGroupThatHadMembersBeforeWaitsOneStepOnly) {
    leave({{stable_group(1)[0], {}}});
    const Token first = join(request());
    pass(2'999);
    join(request());
    EXPECT_FALSE(answered_join(first));
    pass(1);
    EXPECT_EQ(joins.at(first).members.size(), 2U);
}

TEST_F(GroupMachineJoin, JOI12_APhaseEndsWithTheLastRejoinOrTheLargestRebalanceTimeout) {
    const std::vector<std::string> names = stable_group(3);
    const Token first = join(request(names[0]));
    const Token second = join(request(names[1]));
    EXPECT_FALSE(answered_join(first));
    const Token third = join(request(names[2]));
    for (const Token token : {first, second, third}) EXPECT_EQ(joins.at(token).generation, 2);

    sync_all(names, 2);
    const Token again = join(request(names[0]));
    for (int i = 0; i < 12; ++i) {
        // The other two live, but do not come.
        EXPECT_FALSE(answered_join(again));
        EXPECT_EQ(beat(names[1], 2), GroupError::rebalance_in_progress);
        EXPECT_EQ(beat(names[2], 2), GroupError::rebalance_in_progress);
        pass(5'000);
    }
    EXPECT_EQ(joins.at(again).members.size(), 1U);
}

TEST_F(GroupMachineJoin, JOI13_WhoDidNotRejoinIsRemovedAndALeaderReplaced) {
    const std::vector<std::string> names = stable_group(3);
    JoinRequest changed = request(names[1]);
    changed.protocols[0].metadata = "other";
    const Token token = join(changed);
    const Token third = join(request(names[2]));
    pass(60'000);
    EXPECT_EQ(joins.at(token).leader, names[1]);
    EXPECT_EQ(joins.at(token).members.size(), 2U);
    EXPECT_TRUE(joins.at(third).members.empty());
    EXPECT_EQ(beat(names[0], 2), GroupError::unknown_member_id);
}

TEST_F(GroupMachineJoin, JOI13_WithNobodyLeftTheGroupIsEmptyOfTheNextGeneration) {
    const std::vector<std::string> names = stable_group(1);
    leave({{names[0], {}}});
    EXPECT_EQ(state(), "Empty");
    ASSERT_EQ(writes.size(), 2U);
    EXPECT_EQ(writes[1].value.generation, 2);
    EXPECT_EQ(writes[1].value.protocol_type, "consumer");
    EXPECT_EQ(writes[1].value.protocol, std::nullopt);
    EXPECT_EQ(writes[1].value.leader, std::nullopt);
    EXPECT_EQ(writes[1].value.current_state_timestamp, now.wall_ms);
    EXPECT_TRUE(writes[1].value.members.empty());
}

TEST_F(GroupMachineJoin, JOI13_StaticMembersStayUntilTheirSessionEnds) {
    const Token a = join(static_request("a")), b = join(static_request("b"));
    pass(6'000);
    const std::vector<std::string> names{joins.at(a).member_id, joins.at(b).member_id};
    sync_all(names, 1);
    EXPECT_EQ(state(), "Stable");
    join(static_request("a", names[0]));
    EXPECT_EQ(state(), "PreparingRebalance");
    pass(9'999);
    EXPECT_EQ(machine.describe("g").members.size(), 2U);
    pass(1);
    EXPECT_EQ(machine.describe("g").members.size(), 1U);
    EXPECT_EQ(state(), "CompletingRebalance");
}

TEST_F(GroupMachineJoin, JOI13_WithOnlyAbsentStaticMembersThePhaseIsPutOff) {
    JoinRequest fixed = static_request("a");
    fixed.session_timeout_ms = 100'000;
    const std::vector<std::string> names = stable_group(1, fixed);
    // A second one comes, which forces a phase, and leaves again.
    JoinRequest other = request();
    other.takes_member_id = true;
    other.member_id = joins.at(join(other)).member_id;
    const Token held = join(other);
    leave({{other.member_id, {}}});
    EXPECT_EQ(join_error(held), GroupError::unknown_member_id);
    pass(60'000);
    EXPECT_EQ(state(), "PreparingRebalance") << "put off";
    EXPECT_EQ(machine.describe("g").members.size(), 1U);
    pass(40'000);
    EXPECT_EQ(state(), "Empty");
    EXPECT_EQ(machine.describe("g").generation, 2);
}

TEST_F(GroupMachineJoin, JOI14_GenerationsRiseByOne) {
    const std::vector<std::string> names = stable_group(1);
    EXPECT_EQ(machine.describe("g").generation, 1);
    for (int generation = 2; generation < 6; ++generation) {
        EXPECT_EQ(joins.at(join(request(names[0]))).generation, generation);
        sync_all(names, generation);
    }
}

TEST_F(GroupMachineJoin, JOI15_EachVotesForItsFirstProtocolThatAllHave) {
    JoinRequest one = request();
    one.protocols = {{"sticky", ""}, {"range", ""}, {"roundrobin", ""}};
    const Token a = join(one);
    one.protocols = {{"roundrobin", "r"}, {"range", ""}};
    join(one);
    join(one);
    pass(12'000);
    // One vote for range (sticky is not everybody's), two for roundrobin.
    EXPECT_EQ(joins.at(a).protocol, "roundrobin");
    EXPECT_EQ(joins.at(a).members[1].metadata, "r");
}

TEST_F(GroupMachineJoin, JOI15_AProtocolThatNotAllHaveGetsNoVotes) {
    JoinRequest one = request();
    one.protocols = {{"sticky", ""}, {"range", ""}, {"roundrobin", ""}};
    const Token a = join(one);
    join(one);
    one.protocols = {{"roundrobin", ""}, {"range", ""}};
    join(one);
    pass(12'000);
    EXPECT_EQ(joins.at(a).protocol, "range");
}

TEST_F(GroupMachineJoin, JOI16_OnlyTheFirstToJoinLeadsAndSeesTheMembers) {
    const Token a = join(request()), b = join(static_request("s"));
    pass(6'000);
    const std::vector<JoinedMember> all{{"c-id1", {}, subscription_to({"t"})},
                                        {"s-id2", "s", subscription_to({"t"})}};
    EXPECT_EQ(joins.at(a).leader, "c-id1");
    EXPECT_EQ(joins.at(a).members, all);
    EXPECT_EQ(joins.at(b).leader, "c-id1");
    EXPECT_TRUE(joins.at(b).members.empty());
    EXPECT_EQ(joins.at(b).protocol_type, "consumer");  // JOI-18
    EXPECT_FALSE(joins.at(b).skip_assignment);
}

TEST_F(GroupMachineJoin, JOI17_WhoIsHeldNeedsNoHeartbeat) {
    JoinRequest patient = request();
    patient.rebalance_timeout_ms = 280'000;
    const std::vector<std::string> names = stable_group(2, patient);
    patient.member_id = names[0];
    const Token held = join(patient);
    for (int i = 0; i < 30; ++i) {
        pass(9'000);
        beat(names[1], 1);
    }
    EXPECT_FALSE(answered_join(held)) << "270 s, with a session timeout of 10 s";
    pass(10'000);
    EXPECT_EQ(joins.at(held).members.size(), 1U);
}

TEST_F(GroupMachineJoin, JOI17_ANewMembersJoinIsGivenUpAfterFiveMinutes) {
    JoinRequest patient = request();
    patient.rebalance_timeout_ms = 1'000'000;
    const std::vector<std::string> names = stable_group(1, patient);
    const Token late = join(request());
    for (int i = 0; i < 30; ++i) {
        EXPECT_FALSE(answered_join(late));
        pass(10'000 - 1);
        beat(names[0], 1);
        EXPECT_EQ(beat("c-id2", 1), GroupError::rebalance_in_progress);
    }
    pass(30);
    EXPECT_EQ(join_error(late), GroupError::unknown_member_id);
    EXPECT_EQ(machine.describe("g").members.size(), 1U);
}

}  // namespace
}  // namespace mq::groups
