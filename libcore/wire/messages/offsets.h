// Offsets: of the log, of leader epochs, and those that groups commit.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "wire/messages/common.h"

namespace mq::wire {

struct ListOffsetsRequest {
    static constexpr ApiKey kApi = ApiKey::list_offsets;
    using Response = struct ListOffsetsResponse;

    struct Partition {
        std::int32_t partition_index = 0;
        std::int32_t current_leader_epoch = -1;
        std::int64_t timestamp = 0;
        std::int32_t max_num_offsets = 1;

        static void fields(auto& io, auto& m) {
            io("PartitionIndex", m.partition_index);
            io("CurrentLeaderEpoch", m.current_leader_epoch, since(4).ignorable());
            io("Timestamp", m.timestamp);
            io("MaxNumOffsets", m.max_num_offsets, only(0));
        }
        bool operator==(const Partition&) const = default;
    };
    using Topic = NamedTopic<Partition>;

    std::int32_t replica_id = 0;
    std::int8_t isolation_level = 0;
    std::vector<Topic> topics{};

    static void fields(auto& io, auto& m) {
        io("ReplicaId", m.replica_id);
        io("IsolationLevel", m.isolation_level, since(2));
        io("Topics", m.topics);
    }
    bool operator==(const ListOffsetsRequest&) const = default;
};

struct ListOffsetsResponse {
    static constexpr ApiKey kApi = ApiKey::list_offsets;

    struct Partition {
        std::int32_t partition_index = 0;
        ErrorCode error_code = ErrorCode::none;
        std::vector<std::int64_t> old_style_offsets{};
        std::int64_t timestamp = -1;
        std::int64_t offset = -1;
        std::int32_t leader_epoch = -1;

        static void fields(auto& io, auto& m) {
            io("PartitionIndex", m.partition_index);
            io("ErrorCode", m.error_code);
            io("OldStyleOffsets", m.old_style_offsets, only(0));
            io("Timestamp", m.timestamp, since(1));
            io("Offset", m.offset, since(1));
            io("LeaderEpoch", m.leader_epoch, since(4));
        }
        bool operator==(const Partition&) const = default;
    };
    using Topic = NamedTopic<Partition>;

    std::int32_t throttle_time_ms = 0;
    std::vector<Topic> topics{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms, since(2).ignorable());
        io("Topics", m.topics);
    }
    bool operator==(const ListOffsetsResponse&) const = default;
};

struct OffsetForLeaderEpochRequest {
    static constexpr ApiKey kApi = ApiKey::offset_for_leader_epoch;
    using Response = struct OffsetForLeaderEpochResponse;

    struct Partition {
        std::int32_t partition = 0;
        std::int32_t current_leader_epoch = -1;
        std::int32_t leader_epoch = 0;

        static void fields(auto& io, auto& m) {
            io("Partition", m.partition);
            io("CurrentLeaderEpoch", m.current_leader_epoch, since(2).ignorable());
            io("LeaderEpoch", m.leader_epoch);
        }
        bool operator==(const Partition&) const = default;
    };
    struct Topic {
        std::string topic{};
        std::vector<Partition> partitions{};

        static void fields(auto& io, auto& m) {
            io("Topic", m.topic);
            io("Partitions", m.partitions);
        }
        bool operator==(const Topic&) const = default;
    };

    std::int32_t replica_id = -2;
    std::vector<Topic> topics{};

    static void fields(auto& io, auto& m) {
        io("ReplicaId", m.replica_id, since(3).ignorable());
        io("Topics", m.topics);
    }
    bool operator==(const OffsetForLeaderEpochRequest&) const = default;
};

struct OffsetForLeaderEpochResponse {
    static constexpr ApiKey kApi = ApiKey::offset_for_leader_epoch;

    struct Partition {
        ErrorCode error_code = ErrorCode::none;
        std::int32_t partition = 0;
        std::int32_t leader_epoch = -1;
        std::int64_t end_offset = -1;

        static void fields(auto& io, auto& m) {
            io("ErrorCode", m.error_code);
            io("Partition", m.partition);
            io("LeaderEpoch", m.leader_epoch, since(1).ignorable());
            io("EndOffset", m.end_offset);
        }
        bool operator==(const Partition&) const = default;
    };
    struct Topic {
        std::string topic{};
        std::vector<Partition> partitions{};

        static void fields(auto& io, auto& m) {
            io("Topic", m.topic);
            io("Partitions", m.partitions);
        }
        bool operator==(const Topic&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    std::vector<Topic> topics{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms, since(2).ignorable());
        io("Topics", m.topics);
    }
    bool operator==(const OffsetForLeaderEpochResponse&) const = default;
};

struct OffsetCommitRequest {
    static constexpr ApiKey kApi = ApiKey::offset_commit;
    using Response = struct OffsetCommitResponse;

    struct Partition {
        std::int32_t partition_index = 0;
        std::int64_t committed_offset = 0;
        std::int32_t committed_leader_epoch = -1;
        std::int64_t commit_timestamp = -1;
        std::optional<std::string> committed_metadata{};

        static void fields(auto& io, auto& m) {
            io("PartitionIndex", m.partition_index);
            io("CommittedOffset", m.committed_offset);
            io("CommittedLeaderEpoch", m.committed_leader_epoch, since(6).ignorable());
            io("CommitTimestamp", m.commit_timestamp, only(1));
            io("CommittedMetadata", m.committed_metadata);
        }
        bool operator==(const Partition&) const = default;
    };
    using Topic = NamedTopic<Partition>;

    std::string group_id{};
    std::int32_t generation_id_or_member_epoch = -1;
    std::string member_id{};
    std::optional<std::string> group_instance_id{};
    std::int64_t retention_time_ms = -1;
    std::vector<Topic> topics{};

    static void fields(auto& io, auto& m) {
        io("GroupId", m.group_id);
        io("GenerationIdOrMemberEpoch", m.generation_id_or_member_epoch, since(1).ignorable());
        io("MemberId", m.member_id, since(1).ignorable());
        io("GroupInstanceId", m.group_instance_id, since(7));
        io("RetentionTimeMs", m.retention_time_ms, between(2, 4).ignorable());
        io("Topics", m.topics);
    }
    bool operator==(const OffsetCommitRequest&) const = default;
};

struct OffsetCommitResponse {
    static constexpr ApiKey kApi = ApiKey::offset_commit;

    using Partition = PartitionError;
    using Topic = NamedTopic<Partition>;

    std::int32_t throttle_time_ms = 0;
    std::vector<Topic> topics{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms, since(3).ignorable());
        io("Topics", m.topics);
    }
    bool operator==(const OffsetCommitResponse&) const = default;
};

struct OffsetFetchRequest {
    static constexpr ApiKey kApi = ApiKey::offset_fetch;
    using Response = struct OffsetFetchResponse;

    using Topic = TopicPartitionIndexes;
    struct Group {
        std::string group_id{};
        std::optional<std::string> member_id{};
        std::int32_t member_epoch = -1;
        std::optional<std::vector<Topic>> topics = std::vector<Topic>{};

        static void fields(auto& io, auto& m) {
            io("GroupId", m.group_id);
            io("MemberId", m.member_id, since(9).ignorable());
            io("MemberEpoch", m.member_epoch, since(9).ignorable());
            io("Topics", m.topics);
        }
        bool operator==(const Group&) const = default;
    };

    std::string group_id{};
    std::optional<std::vector<Topic>> topics = std::vector<Topic>{};
    std::vector<Group> groups{};
    bool require_stable = false;

    static void fields(auto& io, auto& m) {
        io("GroupId", m.group_id, between(0, 7));
        io("Topics", m.topics, between(0, 7).null_since(2));
        io("Groups", m.groups, since(8));
        io("RequireStable", m.require_stable, since(7));
    }
    bool operator==(const OffsetFetchRequest&) const = default;
};

struct OffsetFetchResponse {
    static constexpr ApiKey kApi = ApiKey::offset_fetch;

    struct Partition {
        std::int32_t partition_index = 0;
        std::int64_t committed_offset = 0;
        std::int32_t committed_leader_epoch = -1;
        std::optional<std::string> metadata{};
        ErrorCode error_code = ErrorCode::none;

        static void fields(auto& io, auto& m) {
            io("PartitionIndex", m.partition_index);
            io("CommittedOffset", m.committed_offset);
            io("CommittedLeaderEpoch", m.committed_leader_epoch, since(5).ignorable());
            io("Metadata", m.metadata);
            io("ErrorCode", m.error_code);
        }
        bool operator==(const Partition&) const = default;
    };
    using Topic = NamedTopic<Partition>;
    struct Group {
        std::string group_id{};
        std::vector<Topic> topics{};
        ErrorCode error_code = ErrorCode::none;

        static void fields(auto& io, auto& m) {
            io("GroupId", m.group_id);
            io("Topics", m.topics);
            io("ErrorCode", m.error_code);
        }
        bool operator==(const Group&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    std::vector<Topic> topics{};
    ErrorCode error_code = ErrorCode::none;
    std::vector<Group> groups{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms, since(3).ignorable());
        io("Topics", m.topics, between(0, 7));
        io("ErrorCode", m.error_code, between(2, 7).ignorable());
        io("Groups", m.groups, since(8));
    }
    bool operator==(const OffsetFetchResponse&) const = default;
};

struct OffsetDeleteRequest {
    static constexpr ApiKey kApi = ApiKey::offset_delete;
    using Response = struct OffsetDeleteResponse;

    struct Partition {
        std::int32_t partition_index = 0;

        static void fields(auto& io, auto& m) { io("PartitionIndex", m.partition_index); }
        bool operator==(const Partition&) const = default;
    };
    using Topic = NamedTopic<Partition>;

    std::string group_id{};
    std::vector<Topic> topics{};

    static void fields(auto& io, auto& m) {
        io("GroupId", m.group_id);
        io("Topics", m.topics);
    }
    bool operator==(const OffsetDeleteRequest&) const = default;
};

struct OffsetDeleteResponse {
    static constexpr ApiKey kApi = ApiKey::offset_delete;

    using Partition = PartitionError;
    using Topic = NamedTopic<Partition>;

    ErrorCode error_code = ErrorCode::none;
    std::int32_t throttle_time_ms = 0;
    std::vector<Topic> topics{};

    static void fields(auto& io, auto& m) {
        io("ErrorCode", m.error_code);
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("Topics", m.topics);
    }
    bool operator==(const OffsetDeleteResponse&) const = default;
};

struct DeleteRecordsRequest {
    static constexpr ApiKey kApi = ApiKey::delete_records;
    using Response = struct DeleteRecordsResponse;

    struct Partition {
        std::int32_t partition_index = 0;
        std::int64_t offset = 0;

        static void fields(auto& io, auto& m) {
            io("PartitionIndex", m.partition_index);
            io("Offset", m.offset);
        }
        bool operator==(const Partition&) const = default;
    };
    using Topic = NamedTopic<Partition>;

    std::vector<Topic> topics{};
    std::int32_t timeout_ms = 0;

    static void fields(auto& io, auto& m) {
        io("Topics", m.topics);
        io("TimeoutMs", m.timeout_ms);
    }
    bool operator==(const DeleteRecordsRequest&) const = default;
};

struct DeleteRecordsResponse {
    static constexpr ApiKey kApi = ApiKey::delete_records;

    struct Partition {
        std::int32_t partition_index = 0;
        std::int64_t low_watermark = 0;
        ErrorCode error_code = ErrorCode::none;

        static void fields(auto& io, auto& m) {
            io("PartitionIndex", m.partition_index);
            io("LowWatermark", m.low_watermark);
            io("ErrorCode", m.error_code);
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
    bool operator==(const DeleteRecordsResponse&) const = default;
};

}  // namespace mq::wire
