// Where replicas are: log directories, leaders, reassignments.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "wire/messages/common.h"

namespace mq::wire {

struct AlterReplicaLogDirsRequest {
    static constexpr ApiKey kApi = ApiKey::alter_replica_log_dirs;
    using Response = struct AlterReplicaLogDirsResponse;

    struct Topic {
        std::string name{};
        std::vector<std::int32_t> partitions{};

        static void fields(auto& io, auto& m) {
            io("Name", m.name);
            io("Partitions", m.partitions);
        }
        bool operator==(const Topic&) const = default;
    };
    struct Dir {
        std::string path{};
        std::vector<Topic> topics{};

        static void fields(auto& io, auto& m) {
            io("Path", m.path);
            io("Topics", m.topics);
        }
        bool operator==(const Dir&) const = default;
    };

    std::vector<Dir> dirs{};

    static void fields(auto& io, auto& m) { io("Dirs", m.dirs); }
    bool operator==(const AlterReplicaLogDirsRequest&) const = default;
};

struct AlterReplicaLogDirsResponse {
    static constexpr ApiKey kApi = ApiKey::alter_replica_log_dirs;

    using Partition = PartitionError;
    struct Topic {
        std::string topic_name{};
        std::vector<Partition> partitions{};

        static void fields(auto& io, auto& m) {
            io("TopicName", m.topic_name);
            io("Partitions", m.partitions);
        }
        bool operator==(const Topic&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    std::vector<Topic> results{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("Results", m.results);
    }
    bool operator==(const AlterReplicaLogDirsResponse&) const = default;
};

struct DescribeLogDirsRequest {
    static constexpr ApiKey kApi = ApiKey::describe_log_dirs;
    using Response = struct DescribeLogDirsResponse;

    struct Topic {
        std::string topic{};
        std::vector<std::int32_t> partitions{};

        static void fields(auto& io, auto& m) {
            io("Topic", m.topic);
            io("Partitions", m.partitions);
        }
        bool operator==(const Topic&) const = default;
    };

    std::optional<std::vector<Topic>> topics = std::vector<Topic>{};

    static void fields(auto& io, auto& m) { io("Topics", m.topics); }
    bool operator==(const DescribeLogDirsRequest&) const = default;
};

struct DescribeLogDirsResponse {
    static constexpr ApiKey kApi = ApiKey::describe_log_dirs;

    struct Partition {
        std::int32_t partition_index = 0;
        std::int64_t partition_size = 0;
        std::int64_t offset_lag = 0;
        bool is_future_key = false;

        static void fields(auto& io, auto& m) {
            io("PartitionIndex", m.partition_index);
            io("PartitionSize", m.partition_size);
            io("OffsetLag", m.offset_lag);
            io("IsFutureKey", m.is_future_key);
        }
        bool operator==(const Partition&) const = default;
    };
    using Topic = NamedTopic<Partition>;
    struct LogDir {
        ErrorCode error_code = ErrorCode::none;
        std::string log_dir{};
        std::vector<Topic> topics{};
        std::int64_t total_bytes = -1;
        std::int64_t usable_bytes = -1;

        static void fields(auto& io, auto& m) {
            io("ErrorCode", m.error_code);
            io("LogDir", m.log_dir);
            io("Topics", m.topics);
            io("TotalBytes", m.total_bytes, since(4).ignorable());
            io("UsableBytes", m.usable_bytes, since(4).ignorable());
        }
        bool operator==(const LogDir&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;
    std::vector<LogDir> results{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("ErrorCode", m.error_code, since(3).ignorable());
        io("Results", m.results);
    }
    bool operator==(const DescribeLogDirsResponse&) const = default;
};

struct ElectLeadersRequest {
    static constexpr ApiKey kApi = ApiKey::elect_leaders;
    using Response = struct ElectLeadersResponse;

    struct Topic {
        std::string topic{};
        std::vector<std::int32_t> partitions{};

        static void fields(auto& io, auto& m) {
            io("Topic", m.topic);
            io("Partitions", m.partitions);
        }
        bool operator==(const Topic&) const = default;
    };

    std::int8_t election_type = 0;
    std::optional<std::vector<Topic>> topic_partitions = std::vector<Topic>{};
    std::int32_t timeout_ms = 60000;

    static void fields(auto& io, auto& m) {
        io("ElectionType", m.election_type, since(1));
        io("TopicPartitions", m.topic_partitions);
        io("TimeoutMs", m.timeout_ms);
    }
    bool operator==(const ElectLeadersRequest&) const = default;
};

struct ElectLeadersResponse {
    static constexpr ApiKey kApi = ApiKey::elect_leaders;

    struct Partition {
        std::int32_t partition_id = 0;
        ErrorCode error_code = ErrorCode::none;
        std::optional<std::string> error_message{};

        static void fields(auto& io, auto& m) {
            io("PartitionId", m.partition_id);
            io("ErrorCode", m.error_code);
            io("ErrorMessage", m.error_message);
        }
        bool operator==(const Partition&) const = default;
    };
    struct Topic {
        std::string topic{};
        std::vector<Partition> partition_result{};

        static void fields(auto& io, auto& m) {
            io("Topic", m.topic);
            io("PartitionResult", m.partition_result);
        }
        bool operator==(const Topic&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;
    std::vector<Topic> replica_election_results{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("ErrorCode", m.error_code, since(1));
        io("ReplicaElectionResults", m.replica_election_results);
    }
    bool operator==(const ElectLeadersResponse&) const = default;
};

struct AlterPartitionReassignmentsRequest {
    static constexpr ApiKey kApi = ApiKey::alter_partition_reassignments;
    using Response = struct AlterPartitionReassignmentsResponse;

    struct Partition {
        std::int32_t partition_index = 0;
        std::optional<std::vector<std::int32_t>> replicas{};

        static void fields(auto& io, auto& m) {
            io("PartitionIndex", m.partition_index);
            io("Replicas", m.replicas);
        }
        bool operator==(const Partition&) const = default;
    };
    using Topic = NamedTopic<Partition>;

    std::int32_t timeout_ms = 60000;
    std::vector<Topic> topics{};

    static void fields(auto& io, auto& m) {
        io("TimeoutMs", m.timeout_ms);
        io("Topics", m.topics);
    }
    bool operator==(const AlterPartitionReassignmentsRequest&) const = default;
};

struct AlterPartitionReassignmentsResponse {
    static constexpr ApiKey kApi = ApiKey::alter_partition_reassignments;

    struct Partition {
        std::int32_t partition_index = 0;
        ErrorCode error_code = ErrorCode::none;
        std::optional<std::string> error_message{};

        static void fields(auto& io, auto& m) {
            io("PartitionIndex", m.partition_index);
            io("ErrorCode", m.error_code);
            io("ErrorMessage", m.error_message);
        }
        bool operator==(const Partition&) const = default;
    };
    using Topic = NamedTopic<Partition>;

    std::int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message{};
    std::vector<Topic> responses{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("ErrorCode", m.error_code);
        io("ErrorMessage", m.error_message);
        io("Responses", m.responses);
    }
    bool operator==(const AlterPartitionReassignmentsResponse&) const = default;
};

struct ListPartitionReassignmentsRequest {
    static constexpr ApiKey kApi = ApiKey::list_partition_reassignments;
    using Response = struct ListPartitionReassignmentsResponse;

    using Topic = TopicPartitionIndexes;

    std::int32_t timeout_ms = 60000;
    std::optional<std::vector<Topic>> topics{};

    static void fields(auto& io, auto& m) {
        io("TimeoutMs", m.timeout_ms);
        io("Topics", m.topics);
    }
    bool operator==(const ListPartitionReassignmentsRequest&) const = default;
};

struct ListPartitionReassignmentsResponse {
    static constexpr ApiKey kApi = ApiKey::list_partition_reassignments;

    struct Partition {
        std::int32_t partition_index = 0;
        std::vector<std::int32_t> replicas{};
        std::vector<std::int32_t> adding_replicas{};
        std::vector<std::int32_t> removing_replicas{};

        static void fields(auto& io, auto& m) {
            io("PartitionIndex", m.partition_index);
            io("Replicas", m.replicas);
            io("AddingReplicas", m.adding_replicas);
            io("RemovingReplicas", m.removing_replicas);
        }
        bool operator==(const Partition&) const = default;
    };
    using Topic = NamedTopic<Partition>;

    std::int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message{};
    std::vector<Topic> topics{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("ErrorCode", m.error_code);
        io("ErrorMessage", m.error_message);
        io("Topics", m.topics);
    }
    bool operator==(const ListPartitionReassignmentsResponse&) const = default;
};

}  // namespace mq::wire
