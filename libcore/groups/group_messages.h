// What members ask the coordinator of their group, and what it answers: Kafka's classic protocol without its wire
// form. Source of the shapes: the message schemas JoinGroup, SyncGroup, Heartbeat, LeaveGroup, OffsetCommit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mq::groups {

// The numbers of Kafka's protocol; those that the coordinator of a group gives, or gets from an append.
enum class GroupError : std::int16_t {
    unknown_server_error = -1,
    none = 0,
    unknown_topic_or_partition = 3,
    invalid_fetch_size = 4,
    not_leader_or_follower = 6,
    request_timed_out = 7,
    message_too_large = 10,
    network_exception = 13,
    coordinator_load_in_progress = 14,
    coordinator_not_available = 15,
    not_coordinator = 16,
    record_list_too_large = 18,
    not_enough_replicas = 19,
    not_enough_replicas_after_append = 20,
    illegal_generation = 22,
    inconsistent_group_protocol = 23,
    invalid_group_id = 24,
    unknown_member_id = 25,
    invalid_session_timeout = 26,
    rebalance_in_progress = 27,
    invalid_commit_offset_size = 28,
    kafka_storage_error = 56,
    non_empty_group = 68,
    group_id_not_found = 69,
    member_id_required = 79,
    group_max_size_reached = 81,
    fenced_instance_id = 82,
    group_subscribed_to_topic = 86,
};

inline constexpr std::int32_t kNoGeneration = -1;

struct JoinProtocol {
    std::string name;      // "range"
    std::string metadata;  // opaque; of protocol type "consumer" a ConsumerSubscription
    bool operator==(const JoinProtocol&) const = default;
};

struct JoinRequest {
    std::string group;
    std::string member_id;                   // empty: none yet
    std::optional<std::string> instance_id;  // a static member
    std::string client_id;
    std::string client_host;
    std::int32_t session_timeout_ms = 0;
    std::int32_t rebalance_timeout_ms = -1;  // -1, as of version 0: the session timeout
    std::string protocol_type;
    std::vector<JoinProtocol> protocols;  // the one it likes best first
    bool takes_member_id = true;          // version 4 and later: can be told to come back with an id
    bool can_skip_assignment = false;     // version 9 and later
};
struct JoinedMember {
    std::string member_id;
    std::optional<std::string> instance_id;
    std::string metadata;
    bool operator==(const JoinedMember&) const = default;
};
struct JoinAnswer {
    GroupError error = GroupError::none;
    std::int32_t generation = kNoGeneration;
    std::optional<std::string> protocol_type;
    std::optional<std::string> protocol;
    std::string leader;
    bool skip_assignment = false;
    std::string member_id;
    std::vector<JoinedMember> members;  // only in the leader's
};

struct MemberAssignment {
    std::string member_id;
    std::string assignment;
};
struct SyncRequest {
    std::string group;
    std::int32_t generation = kNoGeneration;
    std::string member_id;
    std::optional<std::string> instance_id;
    std::optional<std::string> protocol_type;  // version 5 and later
    std::optional<std::string> protocol;
    std::vector<MemberAssignment> assignments;  // the leader's
};
struct SyncAnswer {
    GroupError error = GroupError::none;
    std::optional<std::string> protocol_type;
    std::optional<std::string> protocol;
    std::string assignment;
};

struct HeartbeatRequest {
    std::string group;
    std::int32_t generation = kNoGeneration;
    std::string member_id;
    std::optional<std::string> instance_id;
};

struct LeavingMember {
    std::string member_id;  // empty with an instance id: whoever has that
    std::optional<std::string> instance_id;
};
struct LeaveRequest {
    std::string group;
    std::vector<LeavingMember> members;  // before version 3 exactly one
};
struct LeaveAnswer {
    GroupError error = GroupError::none;
    std::vector<GroupError>
        members;  // as many as asked for, unless `error` says why not; before version 3 the answer
};

// Whose offsets are to be stored; what they are is the offset store's.
struct CommitRequest {
    std::string group;
    std::int32_t generation = kNoGeneration;
    std::string member_id;
    std::optional<std::string> instance_id;
    bool transactional = false;  // TxnOffsetCommit
};

struct OffsetDeleteAnswer {
    GroupError error = GroupError::none;
    std::vector<GroupError> topics;  // of each topic asked for; empty with an error
};

enum class ClassicState : unsigned char { empty, preparing_rebalance, completing_rebalance, stable, dead };

struct MemberSummary {
    std::string member_id;
    std::optional<std::string> instance_id;
    std::string client_id;
    std::string client_host;
    std::string metadata;  // both empty unless the group is stable
    std::string assignment;
};
struct GroupSummary {
    std::string group;
    ClassicState state = ClassicState::dead;
    std::string protocol_type;
    std::string protocol;  // empty unless the group is stable
    std::int32_t generation = 0;
    std::vector<MemberSummary> members;
};

}  // namespace mq::groups
