// Fetch: batches on their way out of partitions, to consumers and followers.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "wire/message.h"
#include "wire/messages/common.h"

namespace mq::wire {

struct FetchRequest {
    static constexpr ApiKey kApi = ApiKey::fetch;
    using Response = struct FetchResponse;

    struct ReplicaState {
        std::int32_t replica_id = -1;
        std::int64_t replica_epoch = -1;

        static void fields(auto& io, auto& m) {
            io("ReplicaId", m.replica_id);
            io("ReplicaEpoch", m.replica_epoch);
        }
        bool operator==(const ReplicaState&) const = default;
    };
    struct Partition {
        std::int32_t partition = 0;
        std::int32_t current_leader_epoch = -1;
        std::int64_t fetch_offset = 0;
        std::int32_t last_fetched_epoch = -1;
        std::int64_t log_start_offset = -1;
        std::int32_t partition_max_bytes = 0;
        Uuid replica_directory_id{};

        static void fields(auto& io, auto& m) {
            io("Partition", m.partition);
            io("CurrentLeaderEpoch", m.current_leader_epoch, since(9).ignorable());
            io("FetchOffset", m.fetch_offset);
            io("LastFetchedEpoch", m.last_fetched_epoch, since(12));
            io("LogStartOffset", m.log_start_offset, since(5).ignorable());
            io("PartitionMaxBytes", m.partition_max_bytes);
            io("ReplicaDirectoryId", m.replica_directory_id, since(17).ignorable().tagged(0));
        }
        bool operator==(const Partition&) const = default;
    };
    struct Topic {
        std::string topic{};
        Uuid topic_id{};
        std::vector<Partition> partitions{};

        static void fields(auto& io, auto& m) {
            io("Topic", m.topic, between(0, 12).ignorable());
            io("TopicId", m.topic_id, since(13).ignorable());
            io("Partitions", m.partitions);
        }
        bool operator==(const Topic&) const = default;
    };
    struct ForgottenTopic {
        std::string topic{};
        Uuid topic_id{};
        std::vector<std::int32_t> partitions{};

        static void fields(auto& io, auto& m) {
            io("Topic", m.topic, between(7, 12).ignorable());
            io("TopicId", m.topic_id, since(13).ignorable());
            io("Partitions", m.partitions);
        }
        bool operator==(const ForgottenTopic&) const = default;
    };

    std::optional<std::string> cluster_id{};
    std::int32_t replica_id = -1;
    ReplicaState replica_state{};
    std::int32_t max_wait_ms = 0;
    std::int32_t min_bytes = 0;
    std::int32_t max_bytes = std::numeric_limits<std::int32_t>::max();
    std::int8_t isolation_level = 0;
    std::int32_t session_id = 0;
    std::int32_t session_epoch = -1;
    std::vector<Topic> topics{};
    std::vector<ForgottenTopic> forgotten_topics_data{};
    std::string rack_id{};

    static void fields(auto& io, auto& m) {
        io("ClusterId", m.cluster_id, since(12).ignorable().tagged(0));
        io("ReplicaId", m.replica_id, between(0, 14));
        io("ReplicaState", m.replica_state, since(15).tagged(1));
        io("MaxWaitMs", m.max_wait_ms);
        io("MinBytes", m.min_bytes);
        io("MaxBytes", m.max_bytes, since(3).ignorable());
        io("IsolationLevel", m.isolation_level, since(4).ignorable());
        io("SessionId", m.session_id, since(7).ignorable());
        io("SessionEpoch", m.session_epoch, since(7).ignorable());
        io("Topics", m.topics);
        io("ForgottenTopicsData", m.forgotten_topics_data, since(7));
        io("RackId", m.rack_id, since(11).ignorable());
    }
    bool operator==(const FetchRequest&) const = default;
};

struct FetchResponse {
    static constexpr ApiKey kApi = ApiKey::fetch;

    struct EpochEndOffset {
        std::int32_t epoch = -1;
        std::int64_t end_offset = -1;

        static void fields(auto& io, auto& m) {
            io("Epoch", m.epoch);
            io("EndOffset", m.end_offset);
        }
        bool operator==(const EpochEndOffset&) const = default;
    };
    struct SnapshotId {
        std::int64_t end_offset = -1;
        std::int32_t epoch = -1;

        static void fields(auto& io, auto& m) {
            io("EndOffset", m.end_offset);
            io("Epoch", m.epoch);
        }
        bool operator==(const SnapshotId&) const = default;
    };
    struct AbortedTransaction {
        std::int64_t producer_id = 0;
        std::int64_t first_offset = 0;

        static void fields(auto& io, auto& m) {
            io("ProducerId", m.producer_id);
            io("FirstOffset", m.first_offset);
        }
        bool operator==(const AbortedTransaction&) const = default;
    };
    struct Partition {
        std::int32_t partition_index = 0;
        ErrorCode error_code = ErrorCode::none;
        std::int64_t high_watermark = 0;
        std::int64_t last_stable_offset = -1;
        std::int64_t log_start_offset = -1;
        EpochEndOffset diverging_epoch{};
        LeaderIdAndEpoch current_leader{};
        SnapshotId snapshot_id{};
        std::optional<std::vector<AbortedTransaction>> aborted_transactions = std::vector<AbortedTransaction>{};
        std::int32_t preferred_read_replica = -1;
        NullableBytes records{};
        record::schema::ExternalRecords external_records{};  // instead of `records`, in what is sent

        static void fields(auto& io, auto& m) {
            io("PartitionIndex", m.partition_index);
            io("ErrorCode", m.error_code);
            io("HighWatermark", m.high_watermark);
            io("LastStableOffset", m.last_stable_offset, since(4).ignorable());
            io("LogStartOffset", m.log_start_offset, since(5).ignorable());
            io("DivergingEpoch", m.diverging_epoch, since(12).tagged(0));
            io("CurrentLeader", m.current_leader, since(12).tagged(1));
            io("SnapshotId", m.snapshot_id, since(12).tagged(2));
            io("AbortedTransactions", m.aborted_transactions, since(4).ignorable());
            io("PreferredReadReplica", m.preferred_read_replica, since(11));
            io.records("Records", m.records, m.external_records);
        }
        bool operator==(const Partition&) const = default;
    };
    struct Topic {
        std::string topic{};
        Uuid topic_id{};
        std::vector<Partition> partitions{};

        static void fields(auto& io, auto& m) {
            io("Topic", m.topic, between(0, 12).ignorable());
            io("TopicId", m.topic_id, since(13).ignorable());
            io("Partitions", m.partitions);
        }
        bool operator==(const Topic&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;
    std::int32_t session_id = 0;
    std::vector<Topic> responses{};
    std::vector<NodeEndpoint> node_endpoints{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms, since(1).ignorable());
        io("ErrorCode", m.error_code, since(7).ignorable());
        io("SessionId", m.session_id, since(7));
        io("Responses", m.responses);
        io("NodeEndpoints", m.node_endpoints, since(16).tagged(0));
    }
    bool operator==(const FetchResponse&) const = default;
};

}  // namespace mq::wire
