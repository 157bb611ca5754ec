// ListGroups, DescribeGroups, DeleteGroups.
#include "group_fixture.h"
#include "offsets/offset_store.h"

namespace mq::broker {
namespace {

using ListGroups = GroupTest;
using wire::ErrorCode;
using Names = std::vector<std::string>;

TEST_F(ListGroups, NamesEachByItsStateAndType) {
    EXPECT_EQ(list(), Names{});
    EXPECT_EQ(commit(nobody(), 5, "simple"), ErrorCode::none);
    join_alone("joined");
    EXPECT_EQ(list(), (Names{"joined Stable", "simple Empty"}));
    // Kafka compares without regard to case (ListGroups, 3.9).
    EXPECT_EQ(list({"stable"}), Names{"joined Stable"});
    EXPECT_EQ(list({"Empty", "Dead"}), Names{"simple Empty"});
    EXPECT_EQ(list({}, {"Classic"}), (Names{"joined Stable", "simple Empty"}));
    EXPECT_EQ(list({}, {"consumer"}), Names{});
    for (std::int16_t version = 0; version <= 5; ++version) {
        const auto listed = call(wire::ListGroupsRequest{}, version);
        ASSERT_EQ(listed.groups.size(), 2u);
        EXPECT_EQ(listed.groups[0].protocol_type, "consumer");
        EXPECT_EQ(listed.groups[1].protocol_type, "");
        EXPECT_EQ(listed.groups[0].group_type, version >= 5 ? "classic" : "");
    }
}

TEST_F(ListGroups, DescribeTellsWhoIsThere) {
    const Member member = join_alone();
    for (std::int16_t version = 0; version <= 5; ++version) {
        const auto described = call(wire::DescribeGroupsRequest{{"g", "unknown"}, false}, version);
        ASSERT_EQ(described.groups.size(), 2u);
        const auto& group = described.groups[0];
        EXPECT_EQ(group.group_id, "g");
        EXPECT_EQ(group.group_state, "Stable");
        EXPECT_EQ(group.protocol_type, "consumer");
        EXPECT_EQ(group.protocol_data, "range");
        ASSERT_EQ(group.members.size(), 1u);
        EXPECT_EQ(group.members[0].member_id, member.id);
        EXPECT_EQ(group.members[0].client_id, "test");
        EXPECT_EQ(group.members[0].client_host, "/127.0.0.1");
        EXPECT_EQ(group.members[0].member_metadata, subscription_to({"t"}));
        EXPECT_EQ(group.members[0].member_assignment, "all");
        EXPECT_EQ(group.authorized_operations, std::numeric_limits<std::int32_t>::min());
        // As golden/wire/java-groups-describe-missing.
        EXPECT_EQ(described.groups[1].group_state, "Dead");
        EXPECT_EQ(described.groups[1].error_code, ErrorCode::none);
    }
    // Bits 3, 6 and 8: Read, Delete, Describe.
    EXPECT_EQ(call(wire::DescribeGroupsRequest{{"g"}, true}, 3).groups.at(0).authorized_operations, 328);
}

TEST_F(ListGroups, OFF17_OnlyGroupsWithoutMembersAreDeleted) {
    EXPECT_EQ(remove("unknown"), ErrorCode::group_id_not_found);
    const Member member = join_alone();
    EXPECT_EQ(commit(member, 5), ErrorCode::none);
    EXPECT_EQ(remove(), ErrorCode::non_empty_group);
    EXPECT_EQ(leave(member), ErrorCode::none);
    EXPECT_EQ(remove(), ErrorCode::none);
    EXPECT_EQ(remove(), ErrorCode::group_id_not_found);
    EXPECT_EQ(committed(), -1);
    EXPECT_EQ(describe().group_state, "Dead");
    EXPECT_EQ(list(), Names{});
    // And it begins anew.
    EXPECT_EQ(join_alone().generation, 1);
}

// What others do to groups that nobody has joined over the network is never hidden, nor undone.
TEST_F(ListGroups, WhatOthersDoToGroupsIsSeenAtOnce) {
    const Member member = join_alone();
    EXPECT_EQ(commit(member, 5), ErrorCode::none);
    EXPECT_EQ(leave(member), ErrorCode::none);
    EXPECT_EQ(list(), Names{"g Empty"});
    // As mq-offsets does it.
    ASSERT_TRUE(broker->offsets().remove_group("g"));
    EXPECT_EQ(list(), Names{});
    EXPECT_EQ(describe().group_state, "Dead");
    EXPECT_EQ(commit({"", 0}, 5), ErrorCode::illegal_generation);
    EXPECT_EQ(list(), Names{});

    record::GroupMetadataValue value;
    value.protocol_type = "consumer";
    value.generation = 17;
    value.current_state_timestamp = wall_clock_ms();
    ASSERT_TRUE(broker->offsets().put_metadata("h", value));
    EXPECT_EQ(list(), Names{"h Empty"});
    EXPECT_EQ(describe("h").group_state, "Empty");
    EXPECT_EQ(describe("h").protocol_type, "consumer");
    // JOI-14
    EXPECT_EQ(join_alone("h").generation, 18);
}

TEST_F(ListGroups, OFF15_ADeletedTopicTakesItsOffsetsAlong) {
    EXPECT_EQ(commit(nobody(), 5), ErrorCode::none);
    wire::DeleteTopicsRequest request;
    request.topic_names = {"t"};
    request.timeout_ms = 10'000;
    EXPECT_EQ(call(request, 5).responses.at(0).error_code, ErrorCode::none);
    EXPECT_EQ(list(), Names{});
}

}  // namespace
}  // namespace mq::broker
