// Members of groups that talk to a broker without a network.
#pragma once

#include <thread>

#include "broker_fixture.h"
#include "record/consumer_protocol.h"
#include "store/data_directory.h"
#include "wire/messages/all.h"

namespace mq::broker {

class GroupTest : public BrokerTest {
protected:
    using ErrorCode = wire::ErrorCode;

    void SetUp() override {
        config.groups.initial_rebalance_delay_ms = 0;
        // A disk may take its time.
        config.offsets_commit_timeout_ms = 600'000;
        config.log_dir = dir.path() + "/data";
        begin();
        const auto made = broker->directory().create_topic({"t", 4, 1, {}});
        ASSERT_TRUE(made) << made.error().message();
    }
    void begin() {
        start();
        while (!broker->is_ready()) std::this_thread::yield();
    }

    // As clients do it.
    template <typename Request, typename ErrorOf>
    typename Request::Response call_until_loaded(const Request& request, ErrorOf error_of) {
        for (;;) {
            auto answer = call(request);
            if (error_of(answer) != ErrorCode::coordinator_load_in_progress) return answer;
        }
    }

    static std::string subscription_to(std::vector<std::string> topics) {
        record::ConsumerSubscription subscription;
        subscription.topics = std::move(topics);
        return encode(subscription);
    }
    static wire::JoinGroupRequest join_request(const std::string& member_id = {}, const std::string& group = "g") {
        static const std::string metadata = subscription_to({"t"});
        wire::JoinGroupRequest request;
        request.group_id = group;
        // Longer than any test.
        request.session_timeout_ms = 600'000;
        request.rebalance_timeout_ms = 600'000;
        request.member_id = member_id;
        request.protocol_type = "consumer";
        request.protocols = {{"range", metadata}};
        return request;
    }
    struct Member {
        std::string id;
        std::int32_t generation = 0;
    };
    // A group of one: joined, and in possession of the assignment "all".
    Member join_alone(const std::string& group = "g") {
        const auto first = call(join_request({}, group));
        EXPECT_EQ(first.error_code, ErrorCode::member_id_required);
        const auto joined = call(join_request(first.member_id, group));
        EXPECT_EQ(joined.error_code, ErrorCode::none);
        EXPECT_EQ(joined.leader, first.member_id);
        const auto synced = call(sync_request({joined.member_id, joined.generation_id}, "all", group));
        EXPECT_EQ(synced.error_code, ErrorCode::none);
        EXPECT_EQ(synced.assignment, "all");
        return {joined.member_id, joined.generation_id};
    }
    static wire::SyncGroupRequest sync_request(const Member& leader, ByteView assignment,
                                               const std::string& group = "g") {
        wire::SyncGroupRequest request;
        request.group_id = group;
        request.generation_id = leader.generation;
        request.member_id = leader.id;
        request.assignments = {{leader.id, assignment}};
        return request;
    }
    ErrorCode beat(const Member& member, const std::string& group = "g") {
        return call(wire::HeartbeatRequest{group, member.generation, member.id, {}}).error_code;
    }
    ErrorCode leave(const Member& member, const std::string& group = "g") {
        wire::LeaveGroupRequest request;
        request.group_id = group;
        request.members = {{member.id, {}, {}}};
        const auto left = call(request);
        EXPECT_EQ(left.error_code, ErrorCode::none);
        return left.members.at(0).error_code;
    }

    static wire::OffsetCommitRequest commit_request(const Member& member, std::int64_t offset,
                                                    const std::string& group = "g", std::int32_t partition = 0,
                                                    const std::string& topic = "t") {
        wire::OffsetCommitRequest request;
        request.group_id = group;
        request.generation_id_or_member_epoch = member.generation;
        request.member_id = member.id;
        request.topics = {{topic, {{partition, offset, -1, -1, "note"}}}};
        return request;
    }
    // As one that is no member of anything.
    static Member nobody() { return {"", -1}; }
    ErrorCode commit(const Member& member, std::int64_t offset, const std::string& group = "g",
                     std::int32_t partition = 0, const std::string& topic = "t") {
        return call(commit_request(member, offset, group, partition, topic)).topics.at(0).partitions.at(0).error_code;
    }
    // -1: nothing.
    std::int64_t committed(const std::string& group = "g", std::int32_t partition = 0,
                           const std::string& topic = "t") {
        wire::OffsetFetchRequest request;
        request.groups = {{group, {}, -1, std::vector<wire::OffsetFetchRequest::Topic>{{topic, {partition}}}}};
        const auto fetched = call_until_loaded(request, [](const auto& all) { return all.groups.at(0).error_code; });
        EXPECT_EQ(fetched.groups.at(0).error_code, ErrorCode::none);
        return fetched.groups.at(0).topics.at(0).partitions.at(0).committed_offset;
    }

    ErrorCode committed_or_error(const std::string& group) {
        wire::OffsetFetchRequest request;
        request.groups = {{group, {}, -1, std::nullopt}};
        return call(request).groups.at(0).error_code;
    }

    wire::DescribeGroupsResponse::Group describe(const std::string& group = "g") {
        const auto described = call_until_loaded(wire::DescribeGroupsRequest{{group}, false},
                                                 [](const auto& all) { return all.groups.at(0).error_code; });
        EXPECT_EQ(described.groups.at(0).error_code, ErrorCode::none);
        return described.groups.at(0);
    }
    ErrorCode remove(const std::string& group = "g") {
        return call(wire::DeleteGroupsRequest{{group}}).results.at(0).error_code;
    }
    // "g Empty" of each.
    std::vector<std::string> list(std::vector<std::string> states = {}, std::vector<std::string> types = {}) {
        const auto listed = call(wire::ListGroupsRequest{std::move(states), std::move(types)});
        EXPECT_EQ(listed.error_code, ErrorCode::none);
        std::vector<std::string> names;
        for (const auto& group : listed.groups) names.push_back(group.group_id + " " + group.group_state);
        return names;
    }
};

}  // namespace mq::broker
