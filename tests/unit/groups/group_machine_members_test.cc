// SyncGroup, Heartbeat, LeaveGroup, static members and the reading of the log: expected values from the rules GRP-4,
// SYN, HBT, LEV and STA.
#include "group_machine_fixture.h"

namespace mq::groups {
namespace {

class GroupMachineMembers : public GroupMachineTest {
protected:
    // Two joined members, the first of which leads; nobody has synced.
    std::vector<std::string> completing_group() {
        const Token a = join(request()), b = join(request());
        pass(6'000);
        EXPECT_EQ(state(), "CompletingRebalance");
        return {joins.at(a).member_id, joins.at(b).member_id};
    }
    SyncRequest sync_request(const std::string& member, std::int32_t generation) {
        return {"g", generation, member, {}, {}, {}, {}};
    }
};

TEST_F(GroupMachineMembers, SYN1_MemberGenerationAndProtocolAreChecked) {
    const std::vector<std::string> names = stable_group(2);
    EXPECT_EQ(sync_error(sync({"none", 1, names[0], {}, {}, {}, {}})), GroupError::unknown_member_id);
    EXPECT_EQ(sync_error(sync(sync_request("somebody", 1))), GroupError::unknown_member_id);
    EXPECT_EQ(sync_error(sync(sync_request(names[0], 0))), GroupError::illegal_generation);
    EXPECT_EQ(sync_error(sync(sync_request(names[0], 2))), GroupError::illegal_generation);
    SyncRequest one = sync_request(names[1], 1);
    one.protocol_type = "connect";
    EXPECT_EQ(sync_error(sync(one)), GroupError::inconsistent_group_protocol);
    one.protocol_type = "consumer";
    one.protocol = "sticky";
    EXPECT_EQ(sync_error(sync(one)), GroupError::inconsistent_group_protocol);
    one.protocol = "range";
    EXPECT_EQ(sync_error(sync(one)), GroupError::none);
}

TEST_F(GroupMachineMembers, SYN2_AnswersOfTheStatesThatHoldNothing) {
    const std::vector<std::string> names = stable_group(2);
    const Token stable = sync(sync_request(names[1], 1));
    EXPECT_EQ(syncs.at(stable).assignment, "for " + names[1]);
    EXPECT_EQ(syncs.at(stable).protocol, "range");
    EXPECT_EQ(syncs.at(stable).protocol_type, "consumer");
    join(request(names[0]));
    EXPECT_EQ(sync_error(sync(sync_request(names[1], 1))), GroupError::rebalance_in_progress);
    leave({{names[0], {}}, {names[1], {}}});
    EXPECT_EQ(state(), "Empty");
    EXPECT_EQ(sync_error(sync(sync_request(names[1], 2))), GroupError::unknown_member_id);
}

TEST_F(GroupMachineMembers, SYN3_AllWaitForTheLeaderAndItsRecord) {
    const std::vector<std::string> names = completing_group();
    hold_writes = true;
    const Token follower = sync(sync_request(names[1], 1));
    EXPECT_FALSE(answered_sync(follower));
    SyncRequest leaders = sync_request(names[0], 1);
    leaders.assignments = {{names[0], "zero"}, {"who left", "none"}};
    const Token leader = sync(leaders);
    EXPECT_FALSE(answered_sync(leader));
    ASSERT_EQ(writes.size(), 1U);
    EXPECT_EQ(state(), "CompletingRebalance");

    const record::GroupMetadataValue& value = writes[0].value;
    EXPECT_EQ(writes[0].group, "g");
    EXPECT_EQ(value.protocol_type, "consumer");
    EXPECT_EQ(value.generation, 1);
    EXPECT_EQ(value.protocol, "range");
    EXPECT_EQ(value.leader, names[0]);
    EXPECT_EQ(value.current_state_timestamp, kStartWallMs + 6'000);
    const record::GroupMember expected{names[0], {}, "c", "/127.0.0.1", 60'000, 10'000, subscription_to({"t"}),
                                       "zero"};
    ASSERT_EQ(value.members.size(), 2U);
    EXPECT_EQ(value.members[0], expected);
    EXPECT_EQ(value.members[1].assignment, "");

    machine.written(writes[0].id, GroupError::none, now);
    take();
    EXPECT_EQ(syncs.at(leader).assignment, "zero");
    EXPECT_EQ(sync_error(follower), GroupError::none);
    EXPECT_EQ(syncs.at(follower).assignment, "");
    EXPECT_EQ(state(), "Stable");
}

TEST_F(GroupMachineMembers, SYN4_AFailedWriteIsToldToAllAndTheyRebalance) {
    for (const auto& [append, error] : std::map<GroupError, GroupError>{
             {GroupError::unknown_topic_or_partition, GroupError::coordinator_not_available},
             {GroupError::not_enough_replicas, GroupError::coordinator_not_available},
             {GroupError::not_enough_replicas_after_append, GroupError::coordinator_not_available},
             {GroupError::not_leader_or_follower, GroupError::not_coordinator},
             {GroupError::kafka_storage_error, GroupError::not_coordinator},
             {GroupError::request_timed_out, GroupError::rebalance_in_progress},
             {GroupError::message_too_large, GroupError::unknown_server_error},
             {GroupError::record_list_too_large, GroupError::unknown_server_error},
             {GroupError::invalid_fetch_size, GroupError::unknown_server_error},
         }) {
        hold_writes = false;
        writes.clear();
        const std::vector<std::string> names = completing_group();
        const std::int32_t generation = machine.describe("g").generation;
        hold_writes = true;
        const std::vector<Token> waiting = sync_all({names[1], names[0]}, generation);
        machine.written(writes.at(writes.size() - 1).id, append, now);
        take();
        for (const Token token : waiting) EXPECT_EQ(sync_error(token), error);
        EXPECT_EQ(state(), "PreparingRebalance");
        hold_writes = false;
        leave({{names[0], {}}, {names[1], {}}});
    }
}

TEST_F(GroupMachineMembers, SYN4_AWriteThatEndsTooLateChangesNothing) {
    const std::vector<std::string> names = completing_group();
    hold_writes = true;
    const std::vector<Token> waiting = sync_all(names, 1);
    join(request());
    EXPECT_EQ(sync_error(waiting[0]), GroupError::rebalance_in_progress);
    machine.written(writes.at(0).id, GroupError::none, now);
    take();
    EXPECT_EQ(state(), "PreparingRebalance");
    // The same write once more, and one that nobody asked for.
    machine.written(writes.at(0).id, GroupError::none, now);
    machine.written(77, GroupError::none, now);
    EXPECT_EQ(state(), "PreparingRebalance");
}

TEST_F(GroupMachineMembers, SYN4_AWriteOfTheGenerationBeforeChangesNothing) {
    const std::vector<std::string> names = completing_group();
    hold_writes = true;
    sync_all(names, 1);
    JoinRequest changed = request(names[1]);
    changed.protocols[0].metadata = "other";
    join(changed);
    join(request(names[0]));
    EXPECT_EQ(machine.describe("g").generation, 2);
    machine.written(writes.at(0).id, GroupError::none, now);
    EXPECT_EQ(state(), "CompletingRebalance");
}

TEST_F(GroupMachineMembers, SYN5_WhoDoesNotSyncWithinTheRebalanceTimeoutIsRemoved) {
    const std::vector<std::string> names = completing_group();
    sync_all({names[0]}, 1);
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(state(), "Stable");
        EXPECT_EQ(beat(names[0], 1), GroupError::none);
        EXPECT_EQ(beat(names[1], 1), GroupError::none);
        pass(6'000);
    }
    EXPECT_EQ(state(), "PreparingRebalance");
    EXPECT_EQ(beat(names[1], 1), GroupError::unknown_member_id);
}

TEST_F(GroupMachineMembers, SYN5_AlsoTheLeaderForWhomAllWait) {
    const std::vector<std::string> names = completing_group();
    const Token follower = sync(sync_request(names[1], 1));
    for (int i = 0; i < 10; ++i) {
        EXPECT_FALSE(answered_sync(follower));
        beat(names[0], 1);
        pass(6'000);
    }
    EXPECT_EQ(sync_error(follower), GroupError::rebalance_in_progress);
    EXPECT_EQ(joins.at(join(request(names[1]))).leader, names[1]);
}

TEST_F(GroupMachineMembers, SYN5_ButNotInTheNextPhaseWhichHasItsOwnEnd) {
    const std::vector<std::string> names = completing_group();
    sync_all({names[0]}, 1);
    for (int i = 0; i < 9; ++i) {
        beat(names[0], 1);
        beat(names[1], 1);
        pass(6'000);
    }
    const Token leader = join(request(names[0]));
    beat(names[1], 1);
    pass(9'000);
    EXPECT_EQ(beat(names[1], 1), GroupError::rebalance_in_progress) << "63 s after its generation began";
    join(request(names[1]));
    EXPECT_EQ(joins.at(leader).members.size(), 2U);
}

TEST_F(GroupMachineMembers, HBT1_WhatAHeartbeatIsTold) {
    EXPECT_EQ(beat("m", 1), GroupError::unknown_member_id);
    const std::vector<std::string> names = completing_group();
    EXPECT_EQ(beat(names[0], 1), GroupError::none) << "CompletingRebalance, since 2.8";
    sync_all(names, 1);
    EXPECT_EQ(beat(names[0], 1), GroupError::none);
    EXPECT_EQ(beat(names[0], 0), GroupError::illegal_generation);
    EXPECT_EQ(beat("somebody", 1), GroupError::unknown_member_id);
    EXPECT_EQ(beat(names[0], 1, "instance"), GroupError::unknown_member_id);
    join(request(names[0]));
    EXPECT_EQ(beat(names[1], 1), GroupError::rebalance_in_progress);
    leave({{names[0], {}}, {names[1], {}}});
    EXPECT_EQ(beat(names[0], 2), GroupError::unknown_member_id) << "Empty";
}

TEST_F(GroupMachineMembers, HBT2_WhoIsSilentForItsSessionTimeoutIsRemoved) {
    const std::vector<std::string> names = stable_group(2);
    pass(9'999);
    EXPECT_EQ(beat(names[0], 1), GroupError::none);
    EXPECT_EQ(state(), "Stable");
    pass(1);
    EXPECT_EQ(state(), "PreparingRebalance");
    EXPECT_EQ(beat(names[1], 1), GroupError::unknown_member_id);
    pass(10'000);
    EXPECT_EQ(state(), "Empty");
}

TEST_F(GroupMachineMembers, HBT2_WhoWaitsForTheLeaderIsNotSilent) {
    const std::vector<std::string> names = completing_group();
    const Token waits = sync(sync_request(names[1], 1));
    for (int i = 0; i < 5; ++i) {
        pass(9'000);
        beat(names[0], 1);
    }
    sync_all({names[0]}, 1);
    EXPECT_EQ(sync_error(waits), GroupError::none);
    pass(9'999);
    EXPECT_EQ(beat(names[1], 1), GroupError::none) << "its session began with the answer";
}

TEST_F(GroupMachineMembers, LEV1_ALeavingMemberIsGoneAtOnce) {
    EXPECT_EQ(leave({{"m", {}}}, "none").members, std::vector<GroupError>{GroupError::unknown_member_id});
    const std::vector<std::string> names = stable_group(2);
    EXPECT_EQ(leave({{"somebody", {}}}).members, std::vector<GroupError>{GroupError::unknown_member_id});
    EXPECT_EQ(leave({{names[0], {}}}).members, std::vector<GroupError>{GroupError::none});
    EXPECT_EQ(state(), "PreparingRebalance");
    EXPECT_EQ(joins.at(join(request(names[1]))).leader, names[1]);
    sync_all({names[1]}, 2);
    leave({{names[1], {}}});
    EXPECT_EQ(state(), "Empty");
}

TEST_F(GroupMachineMembers, LEV1_WhoLeavesWhileItWaitsIsAnswered) {
    const std::vector<std::string> names = completing_group();
    const Token waits = sync(sync_request(names[1], 1));
    leave({{names[1], {}}});
    EXPECT_EQ(sync_error(waits), GroupError::unknown_member_id);
    const Token joining = join(request(names[0]));
    EXPECT_TRUE(answered_join(joining));
}

TEST_F(GroupMachineMembers, LEV2_AListHasAnErrorForEach) {
    const Token a = join(static_request("a")), b = join(static_request("b"));
    join(request());
    JoinRequest late = request();
    late.takes_member_id = true;
    const std::string pending = joins.at(join(late)).member_id;
    pass(3'000);
    ASSERT_FALSE(answered_join(a));
    const LeaveAnswer answer = leave({{"", "a"}, {"", "nobody"}, {"wrong", "b"}, {pending, {}}, {"", {}}});
    EXPECT_EQ(answer.error, GroupError::none);
    EXPECT_EQ(answer.members, (std::vector<GroupError>{GroupError::none, GroupError::unknown_member_id,
                                                       GroupError::fenced_instance_id, GroupError::none,
                                                       GroupError::unknown_member_id}));
    EXPECT_EQ(join_error(a), GroupError::unknown_member_id);
    pass(9'000);
    EXPECT_EQ(join_error(b), GroupError::none);
    EXPECT_EQ(joins.at(b).members.size(), 2U);
}

TEST_F(GroupMachineMembers, LEV3_AStaticMemberThatOnlyGoesSilentHoldsItsPlaceForItsSession) {
    stable_group(1, static_request("a"));
    pass(9'999);
    EXPECT_EQ(state(), "Stable");
    pass(1);
    EXPECT_EQ(state(), "Empty");
}

// ---- static members

TEST_F(GroupMachineMembers, STA1_ANewIdReplacesTheOldOneWhoseRequestsAreFenced) {
    const Token old = join(static_request("a"));
    const Token again = join(static_request("a"));
    EXPECT_EQ(join_error(old), GroupError::fenced_instance_id);
    EXPECT_FALSE(answered_join(again)) << "STA-4: in PreparingRebalance just replaced";
    pass(3'000);
    EXPECT_EQ(joins.at(again).member_id, "a-id2");
    EXPECT_EQ(joins.at(again).members.size(), 1U);
}

TEST_F(GroupMachineMembers, STA1_AHeldSyncIsFencedToo) {
    const Token a = join(static_request("a")), b = join(static_request("b"));
    pass(6'000);
    SyncRequest one = sync_request(joins.at(b).member_id, 1);
    one.instance_id = "b";
    const Token held = sync(one);
    join(static_request("b"));
    EXPECT_EQ(sync_error(held), GroupError::fenced_instance_id);
    EXPECT_EQ(state(), "PreparingRebalance") << "STA-4: from CompletingRebalance";
    EXPECT_TRUE(answered_join(a));
}

TEST_F(GroupMachineMembers, STA2_AnInstanceIdOfAnotherMemberIdIsFenced) {
    const std::vector<std::string> names = stable_group(1, static_request("a"));
    EXPECT_EQ(join_error(join(static_request("a", "a-id0"))), GroupError::fenced_instance_id);
    EXPECT_EQ(beat("a-id0", 1, "a"), GroupError::fenced_instance_id);  // HBT-1
    EXPECT_EQ(beat(names[0], 1, "a"), GroupError::none);
    SyncRequest one = sync_request("a-id0", 1);
    one.instance_id = "a";
    EXPECT_EQ(sync_error(sync(one)), GroupError::fenced_instance_id);
    EXPECT_EQ(join_error(join(static_request("b", names[0]))), GroupError::unknown_member_id);
}

TEST_F(GroupMachineMembers, STA3_ReplacementInAStableGroupIsStoredAndMovesNothing) {
    const std::vector<std::string> names = stable_group(1, static_request("a"));
    const Token before_nine = join(static_request("a"));
    EXPECT_EQ(joins.at(before_nine).generation, 1);
    EXPECT_EQ(joins.at(before_nine).leader, names[0]) << "the old id: it must not compute an assignment";
    EXPECT_FALSE(joins.at(before_nine).skip_assignment);
    EXPECT_TRUE(joins.at(before_nine).members.empty());
    EXPECT_EQ(writes.back().value.members[0].member_id, "a-id2");
    EXPECT_EQ(writes.back().value.members[0].assignment, "for " + names[0]);
    EXPECT_EQ(writes.back().value.leader, "a-id2");

    JoinRequest nine = static_request("a");
    nine.can_skip_assignment = true;
    const Token since_nine = join(nine);
    EXPECT_EQ(joins.at(since_nine).leader, "a-id3");
    EXPECT_TRUE(joins.at(since_nine).skip_assignment);
    EXPECT_EQ(joins.at(since_nine).members, (std::vector<JoinedMember>{{"a-id3", "a", subscription_to({"t"})}}));
    EXPECT_EQ(state(), "Stable");
    SyncRequest one = sync_request("a-id3", 1);
    one.instance_id = "a";
    EXPECT_EQ(syncs.at(sync(one)).assignment, "for " + names[0]);
}

TEST_F(GroupMachineMembers, STA3_AReplacementThatCannotBeStoredIsTakenBack) {
    const std::vector<std::string> names = stable_group(1, static_request("a"));
    hold_writes = true;
    const Token token = join(static_request("a"));
    EXPECT_FALSE(answered_join(token));
    machine.written(writes.back().id, GroupError::not_enough_replicas, now);
    take();
    EXPECT_EQ(join_error(token), GroupError::coordinator_not_available);
    EXPECT_EQ(beat(names[0], 1, "a"), GroupError::none);
    EXPECT_EQ(machine.describe("g").members[0].member_id, names[0]);
}

TEST_F(GroupMachineMembers, STA3_TheSessionBeginsWithTheAnswerHoweverLongTheWriteTook) {
    stable_group(1, static_request("a"));
    hold_writes = true;
    const Token token = join(static_request("a"));
    pass(30'000);
    EXPECT_FALSE(answered_join(token));
    machine.written(writes.back().id, GroupError::none, now);
    take();
    EXPECT_EQ(join_error(token), GroupError::none);
    pass(9'999);
    EXPECT_EQ(state(), "Stable");
    pass(1);
    EXPECT_EQ(state(), "Empty");
}

TEST_F(GroupMachineMembers, STA3_ARebalanceAnswersWhomTheRecordWouldHave) {
    stable_group(1, static_request("a"));
    hold_writes = true;
    const Token token = join(static_request("a"));
    const Token other = join(request());
    EXPECT_EQ(joins.at(token).generation, 2);
    EXPECT_EQ(joins.at(other).generation, 2);
    machine.written(writes.back().id, GroupError::not_enough_replicas, now);
    take();
    EXPECT_EQ(state(), "CompletingRebalance");
}

TEST_F(GroupMachineMembers, STA4_AnotherProtocolChoiceNeedsARebalance) {
    JoinRequest one = static_request("a");
    one.protocols = {{"range", ""}, {"sticky", ""}};
    stable_group(1, one);
    one.protocols = {{"sticky", ""}, {"range", ""}};
    const Token token = join(one);
    EXPECT_EQ(joins.at(token).generation, 2);
    EXPECT_EQ(joins.at(token).protocol, "sticky");
}

// ---- the log

class GroupMachineLoading : public GroupMachineMembers {
protected:
    void SetUp() override {}
    static record::GroupMetadataValue two_members() {
        record::GroupMetadataValue value;
        value.protocol_type = "consumer";
        value.generation = 7;
        value.protocol = "range";
        value.leader = "b-1";
        value.current_state_timestamp = kStartWallMs - 5'000;
        value.members = {{"a-1", "a", "c", "/h", 60'000, 10'000, subscription_to({"t"}), "A"},
                         {"b-1", {}, "c", "/h", -1, 20'000, subscription_to({"t"}), "B"}};
        return value;
    }
};

TEST_F(GroupMachineLoading, GRP4_WhileItReadsMembersAreToldToWait) {
    EXPECT_EQ(join_error(join(request())), GroupError::coordinator_load_in_progress);
    EXPECT_EQ(leave({{"m", {}}}).error, GroupError::coordinator_load_in_progress);
    EXPECT_EQ(machine.check_commit({"g", -1, "", {}, false}, now), GroupError::coordinator_load_in_progress);
    EXPECT_EQ(beat("m", 1), GroupError::none);
    EXPECT_EQ(sync_error(sync(sync_request("m", 1))), GroupError::rebalance_in_progress);
}

TEST_F(GroupMachineLoading, MembersOfTheLogGoOnWithANewSession) {
    machine.load("g", two_members());
    machine.loaded(now);
    EXPECT_EQ(state(), "Stable");
    EXPECT_EQ(machine.describe("g").generation, 7);
    EXPECT_EQ(syncs.at(sync(sync_request("b-1", 7))).assignment, "B");
    EXPECT_EQ(beat("a-1", 7, "a"), GroupError::none);
    // b-1 leads: its join is a rebalance, a-1's is not.
    EXPECT_EQ(joins.at(join(static_request("a", "a-1"))).generation, 7);
    pass(10'000);
    EXPECT_EQ(state(), "PreparingRebalance");
    EXPECT_EQ(beat("b-1", 7), GroupError::rebalance_in_progress);
    EXPECT_EQ(joins.at(join(request("b-1"))).generation, 8);
}

TEST_F(GroupMachineLoading, ATombstoneRemovesWhatWasReadBefore) {
    machine.load("g", two_members());
    machine.load("g", std::nullopt);
    machine.load_offsets_of("h");
    machine.load("h", two_members());
    machine.load("h", std::nullopt);
    machine.loaded(now);
    EXPECT_EQ(state(), "Dead");
    EXPECT_EQ(state("h"), "Empty") << "it has offsets";
    EXPECT_EQ(machine.groups(), std::vector<std::string>{"h"});
}

TEST_F(GroupMachineLoading, WhatItWritesItReads) {
    machine.loaded(now);
    const std::vector<std::string> names = stable_group(3);
    GroupMachine second{{}, [] { return "x"; }};
    second.load("g", writes.back().value);
    second.loaded(now);
    const GroupSummary before = machine.describe("g"), after = second.describe("g");
    EXPECT_EQ(after.state, before.state);
    EXPECT_EQ(after.generation, before.generation);
    EXPECT_EQ(after.protocol, before.protocol);
    ASSERT_EQ(after.members.size(), before.members.size());
    for (std::size_t i = 0; i < after.members.size(); ++i) {
        EXPECT_EQ(after.members[i].member_id, before.members[i].member_id);
        EXPECT_EQ(after.members[i].metadata, before.members[i].metadata);
        EXPECT_EQ(after.members[i].assignment, before.members[i].assignment);
    }
}

TEST_F(GroupMachineLoading, ARecordThatNoCoordinatorWroteDoesNoHarm) {
    record::GroupMetadataValue value = two_members();
    value.leader = "somebody";
    value.protocol.reset();
    value.members.push_back(value.members[0]);
    value.members.push_back(value.members[0]);
    value.members.back().member_id = "a-2";
    machine.load("g", value);
    machine.loaded(now);
    EXPECT_EQ(machine.describe("g").members.size(), 2U);
    EXPECT_EQ(join_error(join(request())), GroupError::inconsistent_group_protocol);
    pass(20'000);
    EXPECT_EQ(state(), "Empty");
}

TEST_F(GroupMachineMembers, WhoLosesThePartitionTellsAllWhoWait) {
    const std::vector<std::string> names = completing_group();
    const Token waits = sync(sync_request(names[1], 1));
    JoinRequest other = request();
    other.group = "h";
    const Token joins_h = join(other);
    machine.resign();
    take();
    EXPECT_EQ(sync_error(waits), GroupError::not_coordinator);
    EXPECT_EQ(join_error(joins_h), GroupError::not_coordinator);
    EXPECT_EQ(join_error(join(request())), GroupError::not_coordinator);
    EXPECT_EQ(beat(names[0], 1), GroupError::not_coordinator);
    EXPECT_EQ(machine.next_wakeup_ms(), std::nullopt);
}

}  // namespace
}  // namespace mq::groups
