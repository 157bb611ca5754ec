// Groups whose members the broker assigns (KIP-848).
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "wire/messages/common.h"

namespace mq::wire {

struct ConsumerGroupHeartbeatRequest {
    static constexpr ApiKey kApi = ApiKey::consumer_group_heartbeat;
    using Response = struct ConsumerGroupHeartbeatResponse;

    using TopicPartitions = TopicIdPartitions;

    std::string group_id{};
    std::string member_id{};
    std::int32_t member_epoch = 0;
    std::optional<std::string> instance_id{};
    std::optional<std::string> rack_id{};
    std::int32_t rebalance_timeout_ms = -1;
    std::optional<std::vector<std::string>> subscribed_topic_names{};
    std::optional<std::string> server_assignor{};
    std::optional<std::vector<TopicPartitions>> topic_partitions{};

    static void fields(auto& io, auto& m) {
        io("GroupId", m.group_id);
        io("MemberId", m.member_id);
        io("MemberEpoch", m.member_epoch);
        io("InstanceId", m.instance_id);
        io("RackId", m.rack_id);
        io("RebalanceTimeoutMs", m.rebalance_timeout_ms);
        io("SubscribedTopicNames", m.subscribed_topic_names);
        io("ServerAssignor", m.server_assignor);
        io("TopicPartitions", m.topic_partitions);
    }
    bool operator==(const ConsumerGroupHeartbeatRequest&) const = default;
};

struct ConsumerGroupHeartbeatResponse {
    static constexpr ApiKey kApi = ApiKey::consumer_group_heartbeat;

    using TopicPartitions = TopicIdPartitions;
    struct Assignment {
        std::vector<TopicPartitions> topic_partitions;

        static void fields(auto& io, auto& m) { io("TopicPartitions", m.topic_partitions); }
        bool operator==(const Assignment&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message{};
    std::optional<std::string> member_id{};
    std::int32_t member_epoch = 0;
    std::int32_t heartbeat_interval_ms = 0;
    std::optional<Assignment> assignment{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("ErrorCode", m.error_code);
        io("ErrorMessage", m.error_message);
        io("MemberId", m.member_id);
        io("MemberEpoch", m.member_epoch);
        io("HeartbeatIntervalMs", m.heartbeat_interval_ms);
        io("Assignment", m.assignment);
    }
    bool operator==(const ConsumerGroupHeartbeatResponse&) const = default;
};

struct ConsumerGroupDescribeRequest {
    static constexpr ApiKey kApi = ApiKey::consumer_group_describe;
    using Response = struct ConsumerGroupDescribeResponse;

    std::vector<std::string> group_ids{};
    bool include_authorized_operations = false;

    static void fields(auto& io, auto& m) {
        io("GroupIds", m.group_ids);
        io("IncludeAuthorizedOperations", m.include_authorized_operations);
    }
    bool operator==(const ConsumerGroupDescribeRequest&) const = default;
};

struct ConsumerGroupDescribeResponse {
    static constexpr ApiKey kApi = ApiKey::consumer_group_describe;

    struct TopicPartitions {
        Uuid topic_id{};
        std::string topic_name{};
        std::vector<std::int32_t> partitions{};

        static void fields(auto& io, auto& m) {
            io("TopicId", m.topic_id);
            io("TopicName", m.topic_name);
            io("Partitions", m.partitions);
        }
        bool operator==(const TopicPartitions&) const = default;
    };
    struct Assignment {
        std::vector<TopicPartitions> topic_partitions{};

        static void fields(auto& io, auto& m) { io("TopicPartitions", m.topic_partitions); }
        bool operator==(const Assignment&) const = default;
    };
    struct Member {
        std::string member_id{};
        std::optional<std::string> instance_id{};
        std::optional<std::string> rack_id{};
        std::int32_t member_epoch = 0;
        std::string client_id{};
        std::string client_host{};
        std::vector<std::string> subscribed_topic_names{};
        std::optional<std::string> subscribed_topic_regex{};
        Assignment assignment{};
        Assignment target_assignment{};

        static void fields(auto& io, auto& m) {
            io("MemberId", m.member_id);
            io("InstanceId", m.instance_id);
            io("RackId", m.rack_id);
            io("MemberEpoch", m.member_epoch);
            io("ClientId", m.client_id);
            io("ClientHost", m.client_host);
            io("SubscribedTopicNames", m.subscribed_topic_names);
            io("SubscribedTopicRegex", m.subscribed_topic_regex);
            io("Assignment", m.assignment);
            io("TargetAssignment", m.target_assignment);
        }
        bool operator==(const Member&) const = default;
    };
    struct Group {
        ErrorCode error_code = ErrorCode::none;
        std::optional<std::string> error_message{};
        std::string group_id{};
        std::string group_state{};
        std::int32_t group_epoch = 0;
        std::int32_t assignment_epoch = 0;
        std::string assignor_name{};
        std::vector<Member> members{};
        std::int32_t authorized_operations = std::numeric_limits<std::int32_t>::min();

        static void fields(auto& io, auto& m) {
            io("ErrorCode", m.error_code);
            io("ErrorMessage", m.error_message);
            io("GroupId", m.group_id);
            io("GroupState", m.group_state);
            io("GroupEpoch", m.group_epoch);
            io("AssignmentEpoch", m.assignment_epoch);
            io("AssignorName", m.assignor_name);
            io("Members", m.members);
            io("AuthorizedOperations", m.authorized_operations);
        }
        bool operator==(const Group&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    std::vector<Group> groups{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("Groups", m.groups);
    }
    bool operator==(const ConsumerGroupDescribeResponse&) const = default;
};

}  // namespace mq::wire
