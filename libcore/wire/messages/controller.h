// What the controller of a Kafka with ZooKeeper and its brokers tell each other.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "wire/messages/common.h"

namespace mq::wire {

struct LeaderAndIsrRequest {
    static constexpr ApiKey kApi = ApiKey::leader_and_isr;
    using Response = struct LeaderAndIsrResponse;

    struct PartitionState {
        std::string topic_name{};
        std::int32_t partition_index = 0;
        std::int32_t controller_epoch = 0;
        std::int32_t leader = 0;
        std::int32_t leader_epoch = 0;
        std::vector<std::int32_t> isr{};
        std::int32_t partition_epoch = 0;
        std::vector<std::int32_t> replicas{};
        std::vector<std::int32_t> adding_replicas{};
        std::vector<std::int32_t> removing_replicas{};
        bool is_new = false;
        std::int8_t leader_recovery_state = 0;

        static void fields(auto& io, auto& m) {
            io("TopicName", m.topic_name, between(0, 1).ignorable());
            io("PartitionIndex", m.partition_index);
            io("ControllerEpoch", m.controller_epoch);
            io("Leader", m.leader);
            io("LeaderEpoch", m.leader_epoch);
            io("Isr", m.isr);
            io("PartitionEpoch", m.partition_epoch);
            io("Replicas", m.replicas);
            io("AddingReplicas", m.adding_replicas, since(3).ignorable());
            io("RemovingReplicas", m.removing_replicas, since(3).ignorable());
            io("IsNew", m.is_new, since(1).ignorable());
            io("LeaderRecoveryState", m.leader_recovery_state, since(6));
        }
        bool operator==(const PartitionState&) const = default;
    };
    struct TopicState {
        std::string topic_name{};
        Uuid topic_id{};
        std::vector<PartitionState> partition_states{};

        static void fields(auto& io, auto& m) {
            io("TopicName", m.topic_name);
            io("TopicId", m.topic_id, since(5).ignorable());
            io("PartitionStates", m.partition_states);
        }
        bool operator==(const TopicState&) const = default;
    };
    struct LiveLeader {
        std::int32_t broker_id = 0;
        std::string host_name{};
        std::int32_t port = 0;

        static void fields(auto& io, auto& m) {
            io("BrokerId", m.broker_id);
            io("HostName", m.host_name);
            io("Port", m.port);
        }
        bool operator==(const LiveLeader&) const = default;
    };

    std::int32_t controller_id = 0;
    bool is_kraft_controller = false;
    std::int32_t controller_epoch = 0;
    std::int64_t broker_epoch = -1;
    std::int8_t type = 0;
    std::vector<PartitionState> ungrouped_partition_states{};
    std::vector<TopicState> topic_states{};
    std::vector<LiveLeader> live_leaders{};

    static void fields(auto& io, auto& m) {
        io("ControllerId", m.controller_id);
        io("isKRaftController", m.is_kraft_controller, since(7));
        io("ControllerEpoch", m.controller_epoch);
        io("BrokerEpoch", m.broker_epoch, since(2).ignorable());
        io("Type", m.type, since(5));
        io("UngroupedPartitionStates", m.ungrouped_partition_states, between(0, 1));
        io("TopicStates", m.topic_states, since(2));
        io("LiveLeaders", m.live_leaders);
    }
    bool operator==(const LeaderAndIsrRequest&) const = default;
};

struct LeaderAndIsrResponse {
    static constexpr ApiKey kApi = ApiKey::leader_and_isr;

    struct PartitionError {
        std::string topic_name{};
        std::int32_t partition_index = 0;
        ErrorCode error_code = ErrorCode::none;

        static void fields(auto& io, auto& m) {
            io("TopicName", m.topic_name, between(0, 4).ignorable());
            io("PartitionIndex", m.partition_index);
            io("ErrorCode", m.error_code);
        }
        bool operator==(const PartitionError&) const = default;
    };
    struct Topic {
        Uuid topic_id{};
        std::vector<PartitionError> partition_errors{};

        static void fields(auto& io, auto& m) {
            io("TopicId", m.topic_id);
            io("PartitionErrors", m.partition_errors);
        }
        bool operator==(const Topic&) const = default;
    };

    ErrorCode error_code = ErrorCode::none;
    std::vector<PartitionError> partition_errors{};
    std::vector<Topic> topics{};

    static void fields(auto& io, auto& m) {
        io("ErrorCode", m.error_code);
        io("PartitionErrors", m.partition_errors, between(0, 4));
        io("Topics", m.topics, since(5));
    }
    bool operator==(const LeaderAndIsrResponse&) const = default;
};

struct StopReplicaRequest {
    static constexpr ApiKey kApi = ApiKey::stop_replica;
    using Response = struct StopReplicaResponse;

    struct UngroupedPartition {
        std::string topic_name{};
        std::int32_t partition_index = 0;

        static void fields(auto& io, auto& m) {
            io("TopicName", m.topic_name);
            io("PartitionIndex", m.partition_index);
        }
        bool operator==(const UngroupedPartition&) const = default;
    };
    using Topic = TopicPartitionIndexes;
    struct PartitionState {
        std::int32_t partition_index = 0;
        std::int32_t leader_epoch = -1;
        bool delete_partition = false;

        static void fields(auto& io, auto& m) {
            io("PartitionIndex", m.partition_index);
            io("LeaderEpoch", m.leader_epoch);
            io("DeletePartition", m.delete_partition);
        }
        bool operator==(const PartitionState&) const = default;
    };
    struct TopicState {
        std::string topic_name{};
        std::vector<PartitionState> partition_states{};

        static void fields(auto& io, auto& m) {
            io("TopicName", m.topic_name);
            io("PartitionStates", m.partition_states);
        }
        bool operator==(const TopicState&) const = default;
    };

    std::int32_t controller_id = 0;
    bool is_kraft_controller = false;
    std::int32_t controller_epoch = 0;
    std::int64_t broker_epoch = -1;
    bool delete_partitions = false;
    std::vector<UngroupedPartition> ungrouped_partitions{};
    std::vector<Topic> topics{};
    std::vector<TopicState> topic_states{};

    static void fields(auto& io, auto& m) {
        io("ControllerId", m.controller_id);
        io("isKRaftController", m.is_kraft_controller, since(4));
        io("ControllerEpoch", m.controller_epoch);
        io("BrokerEpoch", m.broker_epoch, since(1).ignorable());
        io("DeletePartitions", m.delete_partitions, between(0, 2));
        io("UngroupedPartitions", m.ungrouped_partitions, only(0));
        io("Topics", m.topics, between(1, 2));
        io("TopicStates", m.topic_states, since(3));
    }
    bool operator==(const StopReplicaRequest&) const = default;
};

struct StopReplicaResponse {
    static constexpr ApiKey kApi = ApiKey::stop_replica;

    struct PartitionError {
        std::string topic_name{};
        std::int32_t partition_index = 0;
        ErrorCode error_code = ErrorCode::none;

        static void fields(auto& io, auto& m) {
            io("TopicName", m.topic_name);
            io("PartitionIndex", m.partition_index);
            io("ErrorCode", m.error_code);
        }
        bool operator==(const PartitionError&) const = default;
    };

    ErrorCode error_code = ErrorCode::none;
    std::vector<PartitionError> partition_errors{};

    static void fields(auto& io, auto& m) {
        io("ErrorCode", m.error_code);
        io("PartitionErrors", m.partition_errors);
    }
    bool operator==(const StopReplicaResponse&) const = default;
};

struct UpdateMetadataRequest {
    static constexpr ApiKey kApi = ApiKey::update_metadata;
    using Response = struct UpdateMetadataResponse;

    struct PartitionState {
        std::string topic_name{};
        std::int32_t partition_index = 0;
        std::int32_t controller_epoch = 0;
        std::int32_t leader = 0;
        std::int32_t leader_epoch = 0;
        std::vector<std::int32_t> isr{};
        std::int32_t zk_version = 0;
        std::vector<std::int32_t> replicas{};
        std::vector<std::int32_t> offline_replicas{};

        static void fields(auto& io, auto& m) {
            io("TopicName", m.topic_name, between(0, 4).ignorable());
            io("PartitionIndex", m.partition_index);
            io("ControllerEpoch", m.controller_epoch);
            io("Leader", m.leader);
            io("LeaderEpoch", m.leader_epoch);
            io("Isr", m.isr);
            io("ZkVersion", m.zk_version);
            io("Replicas", m.replicas);
            io("OfflineReplicas", m.offline_replicas, since(4).ignorable());
        }
        bool operator==(const PartitionState&) const = default;
    };
    struct TopicState {
        std::string topic_name{};
        Uuid topic_id{};
        std::vector<PartitionState> partition_states{};

        static void fields(auto& io, auto& m) {
            io("TopicName", m.topic_name);
            io("TopicId", m.topic_id, since(7).ignorable());
            io("PartitionStates", m.partition_states);
        }
        bool operator==(const TopicState&) const = default;
    };
    struct Endpoint {
        std::int32_t port = 0;
        std::string host{};
        std::string listener{};
        std::int16_t security_protocol = 0;

        static void fields(auto& io, auto& m) {
            io("Port", m.port);
            io("Host", m.host);
            io("Listener", m.listener, since(3).ignorable());
            io("SecurityProtocol", m.security_protocol);
        }
        bool operator==(const Endpoint&) const = default;
    };
    struct LiveBroker {
        std::int32_t id = 0;
        std::string v0_host{};
        std::int32_t v0_port = 0;
        std::vector<Endpoint> endpoints{};
        std::optional<std::string> rack{};

        static void fields(auto& io, auto& m) {
            io("Id", m.id);
            io("V0Host", m.v0_host, only(0).ignorable());
            io("V0Port", m.v0_port, only(0).ignorable());
            io("Endpoints", m.endpoints, since(1).ignorable());
            io("Rack", m.rack, since(2).ignorable());
        }
        bool operator==(const LiveBroker&) const = default;
    };

    std::int32_t controller_id = 0;
    bool is_kraft_controller = false;
    std::int8_t type = 0;
    std::int32_t controller_epoch = 0;
    std::int64_t broker_epoch = -1;
    std::vector<PartitionState> ungrouped_partition_states{};
    std::vector<TopicState> topic_states{};
    std::vector<LiveBroker> live_brokers{};

    static void fields(auto& io, auto& m) {
        io("ControllerId", m.controller_id);
        io("isKRaftController", m.is_kraft_controller, since(8));
        io("Type", m.type, since(8).tagged(0));
        io("ControllerEpoch", m.controller_epoch);
        io("BrokerEpoch", m.broker_epoch, since(5).ignorable());
        io("UngroupedPartitionStates", m.ungrouped_partition_states, between(0, 4));
        io("TopicStates", m.topic_states, since(5));
        io("LiveBrokers", m.live_brokers);
    }
    bool operator==(const UpdateMetadataRequest&) const = default;
};

struct UpdateMetadataResponse {
    static constexpr ApiKey kApi = ApiKey::update_metadata;

    ErrorCode error_code = ErrorCode::none;

    static void fields(auto& io, auto& m) { io("ErrorCode", m.error_code); }
    bool operator==(const UpdateMetadataResponse&) const = default;
};

struct ControlledShutdownRequest {
    static constexpr ApiKey kApi = ApiKey::controlled_shutdown;
    using Response = struct ControlledShutdownResponse;

    std::int32_t broker_id = 0;
    std::int64_t broker_epoch = -1;

    static void fields(auto& io, auto& m) {
        io("BrokerId", m.broker_id);
        io("BrokerEpoch", m.broker_epoch, since(2).ignorable());
    }
    bool operator==(const ControlledShutdownRequest&) const = default;
};

struct ControlledShutdownResponse {
    static constexpr ApiKey kApi = ApiKey::controlled_shutdown;

    struct RemainingPartition {
        std::string topic_name{};
        std::int32_t partition_index = 0;

        static void fields(auto& io, auto& m) {
            io("TopicName", m.topic_name);
            io("PartitionIndex", m.partition_index);
        }
        bool operator==(const RemainingPartition&) const = default;
    };

    ErrorCode error_code = ErrorCode::none;
    std::vector<RemainingPartition> remaining_partitions{};

    static void fields(auto& io, auto& m) {
        io("ErrorCode", m.error_code);
        io("RemainingPartitions", m.remaining_partitions);
    }
    bool operator==(const ControlledShutdownResponse&) const = default;
};

}  // namespace mq::wire
