// What membership decides about offsets: expected values from the rules OFF-2 to OFF-5, OFF-8, OFF-14 and OFF-16.
#include "group_machine_fixture.h"

namespace mq::groups {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::int64_t kRetentionMs = 7 * kDayMs;

class GroupMachineOffsets : public GroupMachineTest {
protected:
    GroupError commit(std::int32_t generation, const std::string& member, std::optional<std::string> instance = {}) {
        const GroupError error = machine.check_commit({"g", generation, member, std::move(instance), false}, now);
        take();
        return error;
    }
    bool expired(const std::string& topic, OffsetTimes times) const {
        return machine.offset_expired("g", topic, times, kRetentionMs, now);
    }
    OffsetTimes committed_days_ago(std::int64_t days) const { return {now.wall_ms - days * kDayMs, kNoTimestamp}; }
};

TEST_F(GroupMachineOffsets, OFF2_ACommitWithoutAGenerationCreatesTheGroup) {
    EXPECT_EQ(commit(0, ""), GroupError::illegal_generation);
    EXPECT_EQ(commit(5, "m"), GroupError::illegal_generation);
    EXPECT_EQ(state(), "Dead");
    EXPECT_EQ(commit(-1, ""), GroupError::none);
    EXPECT_EQ(state(), "Empty");
}

TEST_F(GroupMachineOffsets, OFF3_OnlyOfAnEmptyGroupMayAnybodyCommit) {
    const std::vector<std::string> names = stable_group(1);
    EXPECT_EQ(commit(-1, ""), GroupError::unknown_member_id);
    EXPECT_EQ(machine.check_commit({"g", -1, "", {}, true}, now), GroupError::none)
        << "an old transactional producer";
    leave({{names[0], {}}});
    EXPECT_EQ(commit(-1, ""), GroupError::none);
    EXPECT_EQ(commit(2, names[0]), GroupError::unknown_member_id);
}

TEST_F(GroupMachineOffsets, OFF4_ANamedMemberIsChecked) {
    const std::vector<std::string> names = stable_group(1, static_request("a"));
    EXPECT_EQ(commit(1, names[0], "a"), GroupError::none);
    EXPECT_EQ(commit(1, "other", "a"), GroupError::fenced_instance_id);
    EXPECT_EQ(commit(1, "other"), GroupError::unknown_member_id);
    EXPECT_EQ(commit(0, names[0]), GroupError::illegal_generation);
    EXPECT_EQ(commit(2, names[0]), GroupError::illegal_generation);
    EXPECT_EQ(commit(-1, names[0]), GroupError::illegal_generation);
}

TEST_F(GroupMachineOffsets, OFF5_StatesInWhichAMemberMayCommit) {
    const std::vector<std::string> names = stable_group(2);
    EXPECT_EQ(commit(1, names[0]), GroupError::none);
    join(request(names[0]));
    EXPECT_EQ(state(), "PreparingRebalance");
    EXPECT_EQ(commit(1, names[1]), GroupError::none);
    join(request(names[1]));
    EXPECT_EQ(state(), "CompletingRebalance");
    EXPECT_EQ(commit(2, names[0]), GroupError::rebalance_in_progress);
}

TEST_F(GroupMachineOffsets, OFF5_ACommitCountsAsAHeartbeat) {
    const std::vector<std::string> names = stable_group(1);
    for (int i = 0; i < 5; ++i) {
        pass(9'999);
        EXPECT_EQ(commit(1, names[0]), GroupError::none);
    }
    EXPECT_EQ(state(), "Stable");
}

TEST_F(GroupMachineOffsets, OFF8_WhatAFailedAppendMeans) {
    for (const auto& [append, error] : std::map<int, int>{{0, 0},
                                                          {3, 15},
                                                          {19, 15},
                                                          {20, 15},
                                                          {6, 16},
                                                          {56, 16},
                                                          {10, 28},
                                                          {18, 28},
                                                          {4, 28},
                                                          {13, 14},
                                                          {7, 7},
                                                          {-1, -1}}) {
        EXPECT_EQ(static_cast<int>(error_of_offset_append(static_cast<GroupError>(append))), error) << append;
    }
}

TEST_F(GroupMachineOffsets, OFF14_OfAnEmptyGroupTheAgeCountsFromItsLastMember) {
    const std::vector<std::string> names = stable_group(1);
    leave({{names[0], {}}});
    EXPECT_FALSE(expired("t", committed_days_ago(30)));
    pass(kRetentionMs - 1);
    EXPECT_FALSE(expired("t", committed_days_ago(30)));
    pass(1);
    EXPECT_TRUE(expired("t", committed_days_ago(0))) << "also of an offset that was committed since";
}

TEST_F(GroupMachineOffsets, OFF14_OfOldRecordsFromTheCommit) {
    GroupMachine other{{}, [] { return "x"; }};
    record::GroupMetadataValue old;
    old.protocol_type = "consumer";
    old.generation = 3;
    other.load("old", old);
    old.current_state_timestamp = now.wall_ms - 8 * kDayMs;
    other.load("dated", old);
    other.loaded(now);
    EXPECT_FALSE(other.offset_expired("old", "t", committed_days_ago(6), kRetentionMs, now));
    EXPECT_TRUE(other.offset_expired("old", "t", committed_days_ago(7), kRetentionMs, now));
    EXPECT_TRUE(other.offset_expired("dated", "t", committed_days_ago(6), kRetentionMs, now));
}

TEST_F(GroupMachineOffsets, OFF14_OfAStableConsumerGroupOnlyTopicsThatNobodyReads) {
    const std::vector<std::string> names = stable_group(2);
    EXPECT_FALSE(expired("t", committed_days_ago(30)));
    EXPECT_FALSE(expired("u", committed_days_ago(6)));
    EXPECT_TRUE(expired("u", committed_days_ago(7)));
    join(request(names[0]));
    EXPECT_FALSE(expired("u", committed_days_ago(7))) << "PreparingRebalance";
}

TEST_F(GroupMachineOffsets, OFF14_OfAnUnreadableOrForeignGroupNothing) {
    JoinRequest odd = request();
    odd.protocol_type = "connect";
    stable_group(1, odd);
    EXPECT_FALSE(expired("u", committed_days_ago(30)));
}

TEST_F(GroupMachineOffsets, OFF14_OfAGroupThatWasNeverJoinedFromTheCommit) {
    commit(-1, "");
    EXPECT_FALSE(expired("t", committed_days_ago(6)));
    EXPECT_TRUE(expired("t", committed_days_ago(7)));
    EXPECT_FALSE(expired("t", {now.wall_ms - 30 * kDayMs, now.wall_ms + 1})) << "an explicit end is honoured";
    EXPECT_TRUE(expired("t", {now.wall_ms, now.wall_ms}));
}

TEST_F(GroupMachineOffsets, OFF16_OffsetsOfTopicsThatAreReadStay) {
    using Errors = std::vector<GroupError>;
    const std::vector<std::string> topics{"t", "u"};
    EXPECT_EQ(machine.check_offset_delete("g", topics).error, GroupError::group_id_not_found);
    const std::vector<std::string> names = stable_group(1);
    EXPECT_EQ(machine.check_offset_delete("g", topics).topics,
              (Errors{GroupError::group_subscribed_to_topic, GroupError::none}));
    leave({{names[0], {}}});
    EXPECT_EQ(machine.check_offset_delete("g", topics).topics, (Errors{GroupError::none, GroupError::none}));
    JoinRequest odd = request();
    odd.protocols[0].metadata = "not a subscription";
    stable_group(1, odd);
    EXPECT_EQ(machine.check_offset_delete("g", topics).topics,
              (Errors{GroupError::group_subscribed_to_topic, GroupError::group_subscribed_to_topic}))
        << "what they read is not known";
}

TEST_F(GroupMachineOffsets, OFF16_AGroupOfAnotherTypeMustBeEmpty) {
    JoinRequest odd = request();
    odd.protocol_type = "connect";
    const std::vector<std::string> names = stable_group(1, odd), topics{"t"};
    EXPECT_EQ(machine.check_offset_delete("g", topics).error, GroupError::non_empty_group);
    leave({{names[0], {}}});
    EXPECT_EQ(machine.check_offset_delete("g", topics).error, GroupError::none);
}

TEST_F(GroupMachineOffsets, Row19_TenThousandJumpsOfTheWallClockEndNoSessionAndExpireNothing) {
    const std::vector<std::string> names = stable_group(1);
    JoinRequest brief = request();
    brief.group = "left";
    join(brief);
    pass(3'000);
    const std::string left = machine.describe("left").members.at(0).member_id;
    leave({{left, {}}}, "left");
    const TimestampMs true_start = now.wall_ms;
    const std::int64_t begun = now.monotonic_ms;
    for (int i = 0; i < 10'000; ++i) {
        pass(1'000);
        const std::int64_t passed = now.monotonic_ms - begun;
        const TimestampMs jumps[] = {true_start + passed - 3'600'000, true_start + 3'650 * kDayMs,
                                     true_start - i * kDayMs, 0, true_start + passed};
        now.wall_ms = jumps[i % 5];
        ASSERT_EQ(beat(names[0], 1), GroupError::none) << "jump " << i;
        ASSERT_FALSE(machine.offset_expired("left", "t", {true_start, kNoTimestamp}, kRetentionMs, now)) << i;
        // A monotonic clock that went back would be a fault of the system's: it is held.
        ASSERT_EQ(machine.heartbeat({"g", 1, names[0], {}}, {now.monotonic_ms - 1'000'000, now.wall_ms}),
                  GroupError::none);
    }
    EXPECT_EQ(state(), "Stable");
    EXPECT_EQ(machine.describe("g").generation, 1);
    pass(10'000);
    EXPECT_EQ(state(), "Empty") << "and real silence still ends it";
}

// ---- what others do to a group that nobody has joined here

record::GroupMetadataValue empty_record(std::int32_t generation, TimestampMs since) {
    record::GroupMetadataValue value;
    value.protocol_type = "consumer";
    value.generation = generation;
    value.current_state_timestamp = since;
    return value;
}

TEST_F(GroupMachineOffsets, RenewedAGroupIsWhatItsRecordSaysWithoutMembers) {
    auto value = empty_record(7, now.wall_ms);
    value.members.push_back({"gone", {}, "c", "/h", 1, 1, "", ""});
    machine.renew("g", value, true);
    EXPECT_EQ(state(), "Empty");
    EXPECT_FALSE(machine.is_joined("g"));
    EXPECT_TRUE(machine.describe("g").members.empty());
    EXPECT_EQ(commit(7, "gone"), GroupError::unknown_member_id);
    // JOI-14
    const Token token = join(request());
    EXPECT_TRUE(machine.is_joined("g"));
    pass(3'000);
    EXPECT_EQ(joins.at(token).generation, 8);
    machine.renew("g", std::nullopt, false);
    EXPECT_EQ(state(), "CompletingRebalance") << "a group that is joined is not touched";
}

TEST_F(GroupMachineOffsets, RenewedAGroupThatOthersHaveDeletedIsGoneWithItsTimers) {
    const std::vector<std::string> names = stable_group(1);
    EXPECT_EQ(leave({{names[0], {}}}).members.at(0), GroupError::none);
    EXPECT_EQ(state(), "Empty");
    machine.renew("g", std::nullopt, false);
    EXPECT_EQ(state(), "Dead");
    EXPECT_EQ(machine.groups(), std::vector<std::string>{});
    pass(600'000);
}

TEST_F(GroupMachineOffsets, OFF14_RenewedByItsOwnRecordAGroupIsStillAsOldAsTheMonotonicClockSays) {
    const std::vector<std::string> names = stable_group(1);
    EXPECT_EQ(leave({{names[0], {}}}).members.at(0), GroupError::none);
    const auto record = writes.back().value;
    now.wall_ms += 30 * kDayMs;
    machine.renew("g", record, true);
    EXPECT_FALSE(expired("t", committed_days_ago(60)));
    // Another's record is as old as the wall clock says.
    machine.renew("g", empty_record(record.generation + 1, record.current_state_timestamp + 1), true);
    EXPECT_TRUE(expired("t", committed_days_ago(60)));
}

// Its members went away some time after the record was written.
TEST_F(GroupMachineOffsets, OFF14_OfARecordWithMembersTheAgeCountsFromTheCommitIfThatIsLater) {
    auto record = empty_record(7, now.wall_ms - 60 * kDayMs);
    machine.renew("g", record, true);
    EXPECT_TRUE(expired("t", committed_days_ago(1)));
    record.members.push_back({"gone", {}, "c", "/h", 1, 1, "", ""});
    machine.renew("g", record, true);
    EXPECT_FALSE(expired("t", committed_days_ago(1)));
    EXPECT_TRUE(expired("t", committed_days_ago(30)));
    record.current_state_timestamp = now.wall_ms - kDayMs;
    machine.renew("g", record, true);
    EXPECT_FALSE(expired("t", committed_days_ago(30)));
}

TEST_F(GroupMachineOffsets, AnIdThatWasGivenOutCountsAsJoined) {
    auto modern = request();
    modern.takes_member_id = true;
    const Token token = join(modern);
    EXPECT_EQ(join_error(token), GroupError::member_id_required);
    EXPECT_TRUE(machine.is_joined("g"));
    pass(modern.session_timeout_ms);
    EXPECT_FALSE(machine.is_joined("g"));
}

}  // namespace
}  // namespace mq::groups
