// What there is: brokers, topics, partitions, producers.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "wire/messages/common.h"

namespace mq::wire {

struct MetadataRequest {
    static constexpr ApiKey kApi = ApiKey::metadata;
    using Response = struct MetadataResponse;

    struct Topic {
        Uuid topic_id{};
        std::optional<std::string> name = "";

        static void fields(auto& io, auto& m) {
            io("TopicId", m.topic_id, since(10).ignorable());
            io("Name", m.name, null_since(10));
        }
        bool operator==(const Topic&) const = default;
    };

    std::optional<std::vector<Topic>> topics = std::vector<Topic>{};
    bool allow_auto_topic_creation = true;
    bool include_cluster_authorized_operations = false;
    bool include_topic_authorized_operations = false;

    static void fields(auto& io, auto& m) {
        io("Topics", m.topics, null_since(1));
        io("AllowAutoTopicCreation", m.allow_auto_topic_creation, since(4));
        io("IncludeClusterAuthorizedOperations", m.include_cluster_authorized_operations, between(8, 10));
        io("IncludeTopicAuthorizedOperations", m.include_topic_authorized_operations, since(8));
    }
    bool operator==(const MetadataRequest&) const = default;
};

struct MetadataResponse {
    static constexpr ApiKey kApi = ApiKey::metadata;

    struct Broker {
        std::int32_t node_id = 0;
        std::string host{};
        std::int32_t port = 0;
        std::optional<std::string> rack{};

        static void fields(auto& io, auto& m) {
            io("NodeId", m.node_id);
            io("Host", m.host);
            io("Port", m.port);
            io("Rack", m.rack, since(1).ignorable());
        }
        bool operator==(const Broker&) const = default;
    };
    struct Partition {
        ErrorCode error_code = ErrorCode::none;
        std::int32_t partition_index = 0;
        std::int32_t leader_id = 0;
        std::int32_t leader_epoch = -1;
        std::vector<std::int32_t> replica_nodes{};
        std::vector<std::int32_t> isr_nodes{};
        std::vector<std::int32_t> offline_replicas{};

        static void fields(auto& io, auto& m) {
            io("ErrorCode", m.error_code);
            io("PartitionIndex", m.partition_index);
            io("LeaderId", m.leader_id);
            io("LeaderEpoch", m.leader_epoch, since(7).ignorable());
            io("ReplicaNodes", m.replica_nodes);
            io("IsrNodes", m.isr_nodes);
            io("OfflineReplicas", m.offline_replicas, since(5).ignorable());
        }
        bool operator==(const Partition&) const = default;
    };
    struct Topic {
        ErrorCode error_code = ErrorCode::none;
        std::optional<std::string> name = "";
        Uuid topic_id{};
        bool is_internal = false;
        std::vector<Partition> partitions{};
        std::int32_t topic_authorized_operations = std::numeric_limits<std::int32_t>::min();

        static void fields(auto& io, auto& m) {
            io("ErrorCode", m.error_code);
            io("Name", m.name, null_since(12));
            io("TopicId", m.topic_id, since(10).ignorable());
            io("IsInternal", m.is_internal, since(1).ignorable());
            io("Partitions", m.partitions);
            io("TopicAuthorizedOperations", m.topic_authorized_operations, since(8));
        }
        bool operator==(const Topic&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    std::vector<Broker> brokers{};
    std::optional<std::string> cluster_id{};
    std::int32_t controller_id = -1;
    std::vector<Topic> topics{};
    std::int32_t cluster_authorized_operations = std::numeric_limits<std::int32_t>::min();

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms, since(3).ignorable());
        io("Brokers", m.brokers);
        io("ClusterId", m.cluster_id, since(2).ignorable());
        io("ControllerId", m.controller_id, since(1).ignorable());
        io("Topics", m.topics);
        io("ClusterAuthorizedOperations", m.cluster_authorized_operations, between(8, 10));
    }
    bool operator==(const MetadataResponse&) const = default;
};

struct DescribeClusterRequest {
    static constexpr ApiKey kApi = ApiKey::describe_cluster;
    using Response = struct DescribeClusterResponse;

    bool include_cluster_authorized_operations = false;
    std::int8_t endpoint_type = 1;

    static void fields(auto& io, auto& m) {
        io("IncludeClusterAuthorizedOperations", m.include_cluster_authorized_operations);
        io("EndpointType", m.endpoint_type, since(1));
    }
    bool operator==(const DescribeClusterRequest&) const = default;
};

struct DescribeClusterResponse {
    static constexpr ApiKey kApi = ApiKey::describe_cluster;

    struct Broker {
        std::int32_t broker_id = 0;
        std::string host{};
        std::int32_t port = 0;
        std::optional<std::string> rack{};

        static void fields(auto& io, auto& m) {
            io("BrokerId", m.broker_id);
            io("Host", m.host);
            io("Port", m.port);
            io("Rack", m.rack);
        }
        bool operator==(const Broker&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message{};
    std::int8_t endpoint_type = 1;
    std::string cluster_id{};
    std::int32_t controller_id = -1;
    std::vector<Broker> brokers{};
    std::int32_t cluster_authorized_operations = std::numeric_limits<std::int32_t>::min();

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("ErrorCode", m.error_code);
        io("ErrorMessage", m.error_message);
        io("EndpointType", m.endpoint_type, since(1));
        io("ClusterId", m.cluster_id);
        io("ControllerId", m.controller_id);
        io("Brokers", m.brokers);
        io("ClusterAuthorizedOperations", m.cluster_authorized_operations);
    }
    bool operator==(const DescribeClusterResponse&) const = default;
};

// The partition at which a response that became too long stopped; the next request begins there.
struct TopicPartitionCursor {
    std::string topic_name{};
    std::int32_t partition_index = 0;

    static void fields(auto& io, auto& m) {
        io("TopicName", m.topic_name);
        io("PartitionIndex", m.partition_index);
    }
    bool operator==(const TopicPartitionCursor&) const = default;
};

struct DescribeTopicPartitionsRequest {
    static constexpr ApiKey kApi = ApiKey::describe_topic_partitions;
    using Response = struct DescribeTopicPartitionsResponse;

    struct Topic {
        std::string name{};

        static void fields(auto& io, auto& m) { io("Name", m.name); }
        bool operator==(const Topic&) const = default;
    };

    std::vector<Topic> topics{};
    std::int32_t response_partition_limit = 2000;
    std::optional<TopicPartitionCursor> cursor{};

    static void fields(auto& io, auto& m) {
        io("Topics", m.topics);
        io("ResponsePartitionLimit", m.response_partition_limit);
        io("Cursor", m.cursor);
    }
    bool operator==(const DescribeTopicPartitionsRequest&) const = default;
};

struct DescribeTopicPartitionsResponse {
    static constexpr ApiKey kApi = ApiKey::describe_topic_partitions;

    struct Partition {
        ErrorCode error_code = ErrorCode::none;
        std::int32_t partition_index = 0;
        std::int32_t leader_id = 0;
        std::int32_t leader_epoch = -1;
        std::vector<std::int32_t> replica_nodes{};
        std::vector<std::int32_t> isr_nodes{};
        std::optional<std::vector<std::int32_t>> eligible_leader_replicas{};
        std::optional<std::vector<std::int32_t>> last_known_elr{};
        std::vector<std::int32_t> offline_replicas{};

        static void fields(auto& io, auto& m) {
            io("ErrorCode", m.error_code);
            io("PartitionIndex", m.partition_index);
            io("LeaderId", m.leader_id);
            io("LeaderEpoch", m.leader_epoch);
            io("ReplicaNodes", m.replica_nodes);
            io("IsrNodes", m.isr_nodes);
            io("EligibleLeaderReplicas", m.eligible_leader_replicas);
            io("LastKnownElr", m.last_known_elr);
            io("OfflineReplicas", m.offline_replicas);
        }
        bool operator==(const Partition&) const = default;
    };
    struct Topic {
        ErrorCode error_code = ErrorCode::none;
        std::optional<std::string> name{};
        Uuid topic_id{};
        bool is_internal = false;
        std::vector<Partition> partitions{};
        std::int32_t topic_authorized_operations = std::numeric_limits<std::int32_t>::min();

        static void fields(auto& io, auto& m) {
            io("ErrorCode", m.error_code);
            io("Name", m.name);
            io("TopicId", m.topic_id);
            io("IsInternal", m.is_internal);
            io("Partitions", m.partitions);
            io("TopicAuthorizedOperations", m.topic_authorized_operations);
        }
        bool operator==(const Topic&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    std::vector<Topic> topics{};
    std::optional<TopicPartitionCursor> next_cursor{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("Topics", m.topics);
        io("NextCursor", m.next_cursor);
    }
    bool operator==(const DescribeTopicPartitionsResponse&) const = default;
};

struct DescribeProducersRequest {
    static constexpr ApiKey kApi = ApiKey::describe_producers;
    using Response = struct DescribeProducersResponse;

    using Topic = TopicPartitionIndexes;

    std::vector<Topic> topics{};

    static void fields(auto& io, auto& m) { io("Topics", m.topics); }
    bool operator==(const DescribeProducersRequest&) const = default;
};

struct DescribeProducersResponse {
    static constexpr ApiKey kApi = ApiKey::describe_producers;

    struct ActiveProducer {
        std::int64_t producer_id = 0;
        std::int32_t producer_epoch = 0;
        std::int32_t last_sequence = -1;
        std::int64_t last_timestamp = -1;
        std::int32_t coordinator_epoch = 0;
        std::int64_t current_txn_start_offset = -1;

        static void fields(auto& io, auto& m) {
            io("ProducerId", m.producer_id);
            io("ProducerEpoch", m.producer_epoch);
            io("LastSequence", m.last_sequence);
            io("LastTimestamp", m.last_timestamp);
            io("CoordinatorEpoch", m.coordinator_epoch);
            io("CurrentTxnStartOffset", m.current_txn_start_offset);
        }
        bool operator==(const ActiveProducer&) const = default;
    };
    struct Partition {
        std::int32_t partition_index = 0;
        ErrorCode error_code = ErrorCode::none;
        std::optional<std::string> error_message{};
        std::vector<ActiveProducer> active_producers{};

        static void fields(auto& io, auto& m) {
            io("PartitionIndex", m.partition_index);
            io("ErrorCode", m.error_code);
            io("ErrorMessage", m.error_message);
            io("ActiveProducers", m.active_producers);
        }
        bool operator==(const Partition&) const = default;
    };
    using Topic = NamedTopic<Partition>;

    std::int32_t throttle_time_ms = 0;
    std::vector<Topic> topics{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("Topics", m.topics);
    }
    bool operator==(const DescribeProducersResponse&) const = default;
};

}  // namespace mq::wire
