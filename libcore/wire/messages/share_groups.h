// Share groups (KIP-932). All versions are unstable: a broker hides them unless told otherwise.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "wire/message.h"
#include "wire/messages/common.h"

namespace mq::wire {

struct ShareGroupHeartbeatRequest {
    static constexpr ApiKey kApi = ApiKey::share_group_heartbeat;
    using Response = struct ShareGroupHeartbeatResponse;

    std::string group_id{};
    std::string member_id{};
    std::int32_t member_epoch = 0;
    std::optional<std::string> rack_id{};
    std::optional<std::vector<std::string>> subscribed_topic_names{};

    static void fields(auto& io, auto& m) {
        io("GroupId", m.group_id);
        io("MemberId", m.member_id);
        io("MemberEpoch", m.member_epoch);
        io("RackId", m.rack_id);
        io("SubscribedTopicNames", m.subscribed_topic_names);
    }
    bool operator==(const ShareGroupHeartbeatRequest&) const = default;
};

struct ShareGroupHeartbeatResponse {
    static constexpr ApiKey kApi = ApiKey::share_group_heartbeat;

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
    bool operator==(const ShareGroupHeartbeatResponse&) const = default;
};

struct ShareGroupDescribeRequest {
    static constexpr ApiKey kApi = ApiKey::share_group_describe;
    using Response = struct ShareGroupDescribeResponse;

    std::vector<std::string> group_ids{};
    bool include_authorized_operations = false;

    static void fields(auto& io, auto& m) {
        io("GroupIds", m.group_ids);
        io("IncludeAuthorizedOperations", m.include_authorized_operations);
    }
    bool operator==(const ShareGroupDescribeRequest&) const = default;
};

struct ShareGroupDescribeResponse {
    static constexpr ApiKey kApi = ApiKey::share_group_describe;

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
        std::optional<std::string> rack_id{};
        std::int32_t member_epoch = 0;
        std::string client_id{};
        std::string client_host{};
        std::vector<std::string> subscribed_topic_names{};
        Assignment assignment{};

        static void fields(auto& io, auto& m) {
            io("MemberId", m.member_id);
            io("RackId", m.rack_id);
            io("MemberEpoch", m.member_epoch);
            io("ClientId", m.client_id);
            io("ClientHost", m.client_host);
            io("SubscribedTopicNames", m.subscribed_topic_names);
            io("Assignment", m.assignment);
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
    bool operator==(const ShareGroupDescribeResponse&) const = default;
};

struct AcknowledgementBatch {
    std::int64_t first_offset = 0;
    std::int64_t last_offset = 0;
    std::vector<std::int8_t> acknowledge_types{};

    static void fields(auto& io, auto& m) {
        io("FirstOffset", m.first_offset);
        io("LastOffset", m.last_offset);
        io("AcknowledgeTypes", m.acknowledge_types);
    }
    bool operator==(const AcknowledgementBatch&) const = default;
};

struct ShareFetchRequest {
    static constexpr ApiKey kApi = ApiKey::share_fetch;
    using Response = struct ShareFetchResponse;

    struct Partition {
        std::int32_t partition_index = 0;
        std::int32_t partition_max_bytes = 0;
        std::vector<AcknowledgementBatch> acknowledgement_batches{};

        static void fields(auto& io, auto& m) {
            io("PartitionIndex", m.partition_index);
            io("PartitionMaxBytes", m.partition_max_bytes);
            io("AcknowledgementBatches", m.acknowledgement_batches);
        }
        bool operator==(const Partition&) const = default;
    };
    using Topic = IdentifiedTopic<Partition>;
    using ForgottenTopic = TopicIdPartitions;

    std::optional<std::string> group_id{};
    std::optional<std::string> member_id{};
    std::int32_t share_session_epoch = 0;
    std::int32_t max_wait_ms = 0;
    std::int32_t min_bytes = 0;
    std::int32_t max_bytes = std::numeric_limits<std::int32_t>::max();
    std::vector<Topic> topics{};
    std::vector<ForgottenTopic> forgotten_topics_data{};

    static void fields(auto& io, auto& m) {
        io("GroupId", m.group_id);
        io("MemberId", m.member_id);
        io("ShareSessionEpoch", m.share_session_epoch);
        io("MaxWaitMs", m.max_wait_ms);
        io("MinBytes", m.min_bytes);
        io("MaxBytes", m.max_bytes);
        io("Topics", m.topics);
        io("ForgottenTopicsData", m.forgotten_topics_data);
    }
    bool operator==(const ShareFetchRequest&) const = default;
};

struct ShareFetchResponse {
    static constexpr ApiKey kApi = ApiKey::share_fetch;

    struct LeaderIdAndEpoch {
        std::int32_t leader_id = 0;
        std::int32_t leader_epoch = 0;

        static void fields(auto& io, auto& m) {
            io("LeaderId", m.leader_id);
            io("LeaderEpoch", m.leader_epoch);
        }
        bool operator==(const LeaderIdAndEpoch&) const = default;
    };
    struct AcquiredRecords {
        std::int64_t first_offset = 0;
        std::int64_t last_offset = 0;
        std::int16_t delivery_count = 0;

        static void fields(auto& io, auto& m) {
            io("FirstOffset", m.first_offset);
            io("LastOffset", m.last_offset);
            io("DeliveryCount", m.delivery_count);
        }
        bool operator==(const AcquiredRecords&) const = default;
    };
    struct Partition {
        std::int32_t partition_index = 0;
        ErrorCode error_code = ErrorCode::none;
        std::optional<std::string> error_message{};
        ErrorCode acknowledge_error_code = ErrorCode::none;
        std::optional<std::string> acknowledge_error_message{};
        LeaderIdAndEpoch current_leader{};
        NullableBytes records{};
        std::vector<AcquiredRecords> acquired_records{};

        static void fields(auto& io, auto& m) {
            io("PartitionIndex", m.partition_index);
            io("ErrorCode", m.error_code);
            io("ErrorMessage", m.error_message);
            io("AcknowledgeErrorCode", m.acknowledge_error_code);
            io("AcknowledgeErrorMessage", m.acknowledge_error_message);
            io("CurrentLeader", m.current_leader);
            io.records("Records", m.records);
            io("AcquiredRecords", m.acquired_records);
        }
        bool operator==(const Partition&) const = default;
    };
    using Topic = IdentifiedTopic<Partition>;

    std::int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message{};
    std::vector<Topic> responses{};
    std::vector<NodeEndpoint> node_endpoints{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("ErrorCode", m.error_code);
        io("ErrorMessage", m.error_message);
        io("Responses", m.responses);
        io("NodeEndpoints", m.node_endpoints);
    }
    bool operator==(const ShareFetchResponse&) const = default;
};

struct ShareAcknowledgeRequest {
    static constexpr ApiKey kApi = ApiKey::share_acknowledge;
    using Response = struct ShareAcknowledgeResponse;

    struct Partition {
        std::int32_t partition_index = 0;
        std::vector<AcknowledgementBatch> acknowledgement_batches{};

        static void fields(auto& io, auto& m) {
            io("PartitionIndex", m.partition_index);
            io("AcknowledgementBatches", m.acknowledgement_batches);
        }
        bool operator==(const Partition&) const = default;
    };
    using Topic = IdentifiedTopic<Partition>;

    std::optional<std::string> group_id{};
    std::optional<std::string> member_id{};
    std::int32_t share_session_epoch = 0;
    std::vector<Topic> topics{};

    static void fields(auto& io, auto& m) {
        io("GroupId", m.group_id);
        io("MemberId", m.member_id);
        io("ShareSessionEpoch", m.share_session_epoch);
        io("Topics", m.topics);
    }
    bool operator==(const ShareAcknowledgeRequest&) const = default;
};

struct ShareAcknowledgeResponse {
    static constexpr ApiKey kApi = ApiKey::share_acknowledge;

    struct LeaderIdAndEpoch {
        std::int32_t leader_id = 0;
        std::int32_t leader_epoch = 0;

        static void fields(auto& io, auto& m) {
            io("LeaderId", m.leader_id);
            io("LeaderEpoch", m.leader_epoch);
        }
        bool operator==(const LeaderIdAndEpoch&) const = default;
    };
    struct Partition {
        std::int32_t partition_index = 0;
        ErrorCode error_code = ErrorCode::none;
        std::optional<std::string> error_message{};
        LeaderIdAndEpoch current_leader{};

        static void fields(auto& io, auto& m) {
            io("PartitionIndex", m.partition_index);
            io("ErrorCode", m.error_code);
            io("ErrorMessage", m.error_message);
            io("CurrentLeader", m.current_leader);
        }
        bool operator==(const Partition&) const = default;
    };
    using Topic = IdentifiedTopic<Partition>;

    std::int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message{};
    std::vector<Topic> responses{};
    std::vector<NodeEndpoint> node_endpoints{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("ErrorCode", m.error_code);
        io("ErrorMessage", m.error_message);
        io("Responses", m.responses);
        io("NodeEndpoints", m.node_endpoints);
    }
    bool operator==(const ShareAcknowledgeResponse&) const = default;
};

}  // namespace mq::wire
