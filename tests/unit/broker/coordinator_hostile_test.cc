// What members, and those who only say that they are, may do to a coordinator and to the other groups.
#include "group_fixture.h"
#include "offsets/offset_store.h"
#include "support/bombs.h"

namespace mq::broker {
namespace {

using wire::ErrorCode;

constexpr std::size_t kMegabyte = 1'000'000;

using HostileMember = GroupTest;

// Client ids may be as long as a string can be, and member ids begin with them.
TEST_F(HostileMember, WhoHasALongNameWritesNothingThatCannotBeRead) {
    EXPECT_EQ(commit(nobody(), 5, "g"), ErrorCode::none);
    const Member leader = join_alone();
    std::string frame;
    ASSERT_TRUE(wire::append_request(join_request(), {{}, 3, 7, std::string(32'767, 'c')}, frame));
    const auto long_name = send_payload(frame.substr(wire::kLengthBytes));
    const auto rejoined = call(join_request(leader.id));
    EXPECT_EQ(rejoined.error_code, ErrorCode::none);
    EXPECT_EQ(rejoined.members.size(), 2u);
    EXPECT_EQ(take<wire::JoinGroupRequest>(long_name, 3).error_code, ErrorCode::none);
    EXPECT_EQ(call(sync_request({leader.id, 2}, "all")).error_code, ErrorCode::none);
    EXPECT_EQ(describe().members.size(), 2u);
    stop();
    begin();
    EXPECT_EQ(committed(), 5);
    EXPECT_EQ(describe().members.size(), 2u);
}

// Nor does its group, for whom it is too large, or any other.
TEST_F(HostileMember, WhoHasTooMuchToSayHasNoGroup) {
    EXPECT_EQ(commit(nobody(), 5), ErrorCode::none);
    auto request = join_request();
    const std::string metadata(20 * kMegabyte, 'm');
    request.protocols = {{"range", metadata}};
    const auto joined = call(request, 3);
    EXPECT_EQ(joined.error_code, ErrorCode::none);
    // SYN-4
    EXPECT_EQ(call(sync_request({joined.member_id, 1}, "all")).error_code, ErrorCode::unknown_server_error);
    EXPECT_EQ(leave({joined.member_id, 1}), ErrorCode::none);
    EXPECT_EQ(committed(), 5);
    stop();
    begin();
    EXPECT_EQ(committed(), 5);
    EXPECT_EQ(describe().group_state, "Empty");
}

TEST_F(HostileMember, WhoNamesAThingAThousandTimesIsToldOnce) {
    auto request = join_request();
    const std::string metadata(kMegabyte / 2, 'm');
    request.protocols = {{"range", metadata}};
    const auto joined = call(request, 3);
    EXPECT_EQ(call(sync_request({joined.member_id, 1}, "all")).error_code, ErrorCode::none);
    auto noted = commit_request({joined.member_id, 1}, 5);
    noted.topics[0].partitions[0].committed_metadata = std::string(4000, 'n');
    EXPECT_EQ(call(noted).topics.at(0).partitions.at(0).error_code, ErrorCode::none);

    const test::PeakMemory peak;
    const auto described = call(wire::DescribeGroupsRequest{std::vector<std::string>(1000, "g"), false});
    ASSERT_EQ(described.groups.size(), 1u);
    EXPECT_EQ(described.groups[0].members.at(0).member_metadata.size(), metadata.size());

    using Topic = wire::OffsetFetchRequest::Topic;
    const std::vector<Topic> again{{"t", std::vector<std::int32_t>(50'000, 0)}, {"t", {0, 1}}};
    wire::OffsetFetchRequest of_one;
    of_one.group_id = "g";
    of_one.topics = again;
    const auto one = call(of_one, 7);
    ASSERT_EQ(one.topics.size(), 2u);
    EXPECT_EQ(one.topics[0].partitions.size(), 1u);
    EXPECT_EQ(one.topics[1].partitions.size(), 1u);
    wire::OffsetFetchRequest of_many;
    of_many.groups.assign(50'000, {"g", {}, -1, std::vector<Topic>{{"t", {0}}}});
    const auto many = call(of_many);
    ASSERT_EQ(many.groups.size(), 1u);
    EXPECT_EQ(many.groups[0].topics.at(0).partitions.at(0).metadata, std::string(4000, 'n'));
    EXPECT_LT(peak.grown_bytes(), 100 * kMegabyte);

    EXPECT_EQ(leave({joined.member_id, 1}), ErrorCode::none);
    const auto removed = call(wire::DeleteGroupsRequest{{"g", "g", "g"}});
    ASSERT_EQ(removed.results.size(), 1u);
    EXPECT_EQ(removed.results[0].error_code, ErrorCode::none);
}

// It is the longest time that there is.
TEST_F(HostileMember, OFF10_ARetentionForAllTimeDoesNotEnd) {
    auto request = commit_request(nobody(), 5);
    request.retention_time_ms = std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(call(request, 4).topics.at(0).partitions.at(0).error_code, ErrorCode::none);
    EXPECT_GT((*broker->offsets().fetch("g", {"t", 0}))->expire_timestamp, wall_clock_ms());
}

TEST_F(HostileMember, OFF14_ACommitOfBeforeAllTimeIsOldAsWell) {
    stop();
    config.offsets_retention_check_ms = 20;
    begin();
    auto request = commit_request(nobody(), 5);
    request.topics[0].partitions[0].commit_timestamp = std::numeric_limits<std::int64_t>::min();
    EXPECT_EQ(call(request, 1).topics.at(0).partitions.at(0).error_code, ErrorCode::none);
    while (committed() != -1) std::this_thread::yield();
}

}  // namespace
}  // namespace mq::broker
