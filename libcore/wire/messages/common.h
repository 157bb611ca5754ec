// Parts of several messages.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "wire/message.h"

namespace mq::wire {

struct LeaderIdAndEpoch {
    std::int32_t leader_id = -1;
    std::int32_t leader_epoch = -1;

    static void fields(auto& io, auto& m) {
        io("LeaderId", m.leader_id);
        io("LeaderEpoch", m.leader_epoch);
    }
    bool operator==(const LeaderIdAndEpoch&) const = default;
};

// Where a client finds a leader that a response names.
struct NodeEndpoint {
    std::int32_t node_id = 0;
    std::string host{};
    std::int32_t port = 0;
    std::optional<std::string> rack{};

    static void fields(auto& io, auto& m) {
        io("NodeId", m.node_id);
        io("Host", m.host);
        io("Port", m.port);
        io("Rack", m.rack);
    }
    bool operator==(const NodeEndpoint&) const = default;
};

// What a message has of the partitions of a topic that it names...
template <typename Partition>
struct NamedTopic {
    std::string name{};
    std::vector<Partition> partitions{};

    static void fields(auto& io, auto& m) {
        io("Name", m.name);
        io("Partitions", m.partitions);
    }
    bool operator==(const NamedTopic&) const = default;
};

// ... or whose id it gives.
template <typename Partition>
struct IdentifiedTopic {
    Uuid topic_id{};
    std::vector<Partition> partitions{};

    static void fields(auto& io, auto& m) {
        io("TopicId", m.topic_id);
        io("Partitions", m.partitions);
    }
    bool operator==(const IdentifiedTopic&) const = default;
};
using TopicIdPartitions = IdentifiedTopic<std::int32_t>;

struct TopicPartitionIndexes {
    std::string name{};
    std::vector<std::int32_t> partition_indexes{};

    static void fields(auto& io, auto& m) {
        io("Name", m.name);
        io("PartitionIndexes", m.partition_indexes);
    }
    bool operator==(const TopicPartitionIndexes&) const = default;
};

struct PartitionError {
    std::int32_t partition_index = 0;
    ErrorCode error_code = ErrorCode::none;

    static void fields(auto& io, auto& m) {
        io("PartitionIndex", m.partition_index);
        io("ErrorCode", m.error_code);
    }
    bool operator==(const PartitionError&) const = default;
};

}  // namespace mq::wire
