// The cluster itself: quorum, features, voters, brokers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "wire/message.h"

namespace mq::wire {

struct DescribeQuorumRequest {
    static constexpr ApiKey kApi = ApiKey::describe_quorum;
    using Response = struct DescribeQuorumResponse;

    struct Partition {
        std::int32_t partition_index = 0;

        static void fields(auto& io, auto& m) { io("PartitionIndex", m.partition_index); }
        bool operator==(const Partition&) const = default;
    };
    struct Topic {
        std::string topic_name{};
        std::vector<Partition> partitions{};

        static void fields(auto& io, auto& m) {
            io("TopicName", m.topic_name);
            io("Partitions", m.partitions);
        }
        bool operator==(const Topic&) const = default;
    };

    std::vector<Topic> topics{};

    static void fields(auto& io, auto& m) { io("Topics", m.topics); }
    bool operator==(const DescribeQuorumRequest&) const = default;
};

struct DescribeQuorumResponse {
    static constexpr ApiKey kApi = ApiKey::describe_quorum;

    struct ReplicaState {
        std::int32_t replica_id = 0;
        Uuid replica_directory_id{};
        std::int64_t log_end_offset = 0;
        std::int64_t last_fetch_timestamp = -1;
        std::int64_t last_caught_up_timestamp = -1;

        static void fields(auto& io, auto& m) {
            io("ReplicaId", m.replica_id);
            io("ReplicaDirectoryId", m.replica_directory_id, since(2));
            io("LogEndOffset", m.log_end_offset);
            io("LastFetchTimestamp", m.last_fetch_timestamp, since(1).ignorable());
            io("LastCaughtUpTimestamp", m.last_caught_up_timestamp, since(1).ignorable());
        }
        bool operator==(const ReplicaState&) const = default;
    };
    struct Partition {
        std::int32_t partition_index = 0;
        ErrorCode error_code = ErrorCode::none;
        std::optional<std::string> error_message{};
        std::int32_t leader_id = 0;
        std::int32_t leader_epoch = 0;
        std::int64_t high_watermark = 0;
        std::vector<ReplicaState> current_voters{};
        std::vector<ReplicaState> observers{};

        static void fields(auto& io, auto& m) {
            io("PartitionIndex", m.partition_index);
            io("ErrorCode", m.error_code);
            io("ErrorMessage", m.error_message, since(2).ignorable());
            io("LeaderId", m.leader_id);
            io("LeaderEpoch", m.leader_epoch);
            io("HighWatermark", m.high_watermark);
            io("CurrentVoters", m.current_voters);
            io("Observers", m.observers);
        }
        bool operator==(const Partition&) const = default;
    };
    struct Topic {
        std::string topic_name{};
        std::vector<Partition> partitions{};

        static void fields(auto& io, auto& m) {
            io("TopicName", m.topic_name);
            io("Partitions", m.partitions);
        }
        bool operator==(const Topic&) const = default;
    };
    struct Listener {
        std::string name{};
        std::string host{};
        std::uint16_t port = 0;

        static void fields(auto& io, auto& m) {
            io("Name", m.name);
            io("Host", m.host);
            io("Port", m.port);
        }
        bool operator==(const Listener&) const = default;
    };
    struct Node {
        std::int32_t node_id = 0;
        std::vector<Listener> listeners{};

        static void fields(auto& io, auto& m) {
            io("NodeId", m.node_id);
            io("Listeners", m.listeners);
        }
        bool operator==(const Node&) const = default;
    };

    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message{};
    std::vector<Topic> topics{};
    std::vector<Node> nodes{};

    static void fields(auto& io, auto& m) {
        io("ErrorCode", m.error_code);
        io("ErrorMessage", m.error_message, since(2).ignorable());
        io("Topics", m.topics);
        io("Nodes", m.nodes, since(2));
    }
    bool operator==(const DescribeQuorumResponse&) const = default;
};

struct UpdateFeaturesRequest {
    static constexpr ApiKey kApi = ApiKey::update_features;
    using Response = struct UpdateFeaturesResponse;

    struct FeatureUpdate {
        std::string feature{};
        std::int16_t max_version_level = 0;
        bool allow_downgrade = false;
        std::int8_t upgrade_type = 1;

        static void fields(auto& io, auto& m) {
            io("Feature", m.feature);
            io("MaxVersionLevel", m.max_version_level);
            io("AllowDowngrade", m.allow_downgrade, only(0));
            io("UpgradeType", m.upgrade_type, since(1));
        }
        bool operator==(const FeatureUpdate&) const = default;
    };

    std::int32_t timeout_ms = 60000;
    std::vector<FeatureUpdate> feature_updates{};
    bool validate_only = false;

    static void fields(auto& io, auto& m) {
        io("timeoutMs", m.timeout_ms);
        io("FeatureUpdates", m.feature_updates);
        io("ValidateOnly", m.validate_only, since(1));
    }
    bool operator==(const UpdateFeaturesRequest&) const = default;
};

struct UpdateFeaturesResponse {
    static constexpr ApiKey kApi = ApiKey::update_features;

    struct Feature {
        std::string feature{};
        ErrorCode error_code = ErrorCode::none;
        std::optional<std::string> error_message{};

        static void fields(auto& io, auto& m) {
            io("Feature", m.feature);
            io("ErrorCode", m.error_code);
            io("ErrorMessage", m.error_message);
        }
        bool operator==(const Feature&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message{};
    std::vector<Feature> results{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("ErrorCode", m.error_code);
        io("ErrorMessage", m.error_message);
        io("Results", m.results);
    }
    bool operator==(const UpdateFeaturesResponse&) const = default;
};

struct UnregisterBrokerRequest {
    static constexpr ApiKey kApi = ApiKey::unregister_broker;
    using Response = struct UnregisterBrokerResponse;

    std::int32_t broker_id = 0;

    static void fields(auto& io, auto& m) { io("BrokerId", m.broker_id); }
    bool operator==(const UnregisterBrokerRequest&) const = default;
};

struct UnregisterBrokerResponse {
    static constexpr ApiKey kApi = ApiKey::unregister_broker;

    std::int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("ErrorCode", m.error_code);
        io("ErrorMessage", m.error_message);
    }
    bool operator==(const UnregisterBrokerResponse&) const = default;
};

struct AddRaftVoterRequest {
    static constexpr ApiKey kApi = ApiKey::add_raft_voter;
    using Response = struct AddRaftVoterResponse;

    struct Listener {
        std::string name{};
        std::string host{};
        std::uint16_t port = 0;

        static void fields(auto& io, auto& m) {
            io("Name", m.name);
            io("Host", m.host);
            io("Port", m.port);
        }
        bool operator==(const Listener&) const = default;
    };

    std::optional<std::string> cluster_id{};
    std::int32_t timeout_ms = 0;
    std::int32_t voter_id = 0;
    Uuid voter_directory_id{};
    std::vector<Listener> listeners{};

    static void fields(auto& io, auto& m) {
        io("ClusterId", m.cluster_id);
        io("TimeoutMs", m.timeout_ms);
        io("VoterId", m.voter_id);
        io("VoterDirectoryId", m.voter_directory_id);
        io("Listeners", m.listeners);
    }
    bool operator==(const AddRaftVoterRequest&) const = default;
};

struct AddRaftVoterResponse {
    static constexpr ApiKey kApi = ApiKey::add_raft_voter;

    std::int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("ErrorCode", m.error_code);
        io("ErrorMessage", m.error_message);
    }
    bool operator==(const AddRaftVoterResponse&) const = default;
};

struct RemoveRaftVoterRequest {
    static constexpr ApiKey kApi = ApiKey::remove_raft_voter;
    using Response = struct RemoveRaftVoterResponse;

    std::optional<std::string> cluster_id{};
    std::int32_t voter_id = 0;
    Uuid voter_directory_id{};

    static void fields(auto& io, auto& m) {
        io("ClusterId", m.cluster_id);
        io("VoterId", m.voter_id);
        io("VoterDirectoryId", m.voter_directory_id);
    }
    bool operator==(const RemoveRaftVoterRequest&) const = default;
};

struct RemoveRaftVoterResponse {
    static constexpr ApiKey kApi = ApiKey::remove_raft_voter;

    std::int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("ErrorCode", m.error_code);
        io("ErrorMessage", m.error_message);
    }
    bool operator==(const RemoveRaftVoterResponse&) const = default;
};

}  // namespace mq::wire
