// Groups of the classic protocol, and the way to their coordinator.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "wire/message.h"

namespace mq::wire {

struct FindCoordinatorRequest {
    static constexpr ApiKey kApi = ApiKey::find_coordinator;
    using Response = struct FindCoordinatorResponse;

    std::string key{};
    std::int8_t key_type = 0;
    std::vector<std::string> coordinator_keys{};

    static void fields(auto& io, auto& m) {
        io("Key", m.key, between(0, 3));
        io("KeyType", m.key_type, since(1));
        io("CoordinatorKeys", m.coordinator_keys, since(4));
    }
    bool operator==(const FindCoordinatorRequest&) const = default;
};

struct FindCoordinatorResponse {
    static constexpr ApiKey kApi = ApiKey::find_coordinator;

    struct Coordinator {
        std::string key{};
        std::int32_t node_id = 0;
        std::string host{};
        std::int32_t port = 0;
        ErrorCode error_code = ErrorCode::none;
        std::optional<std::string> error_message{};

        static void fields(auto& io, auto& m) {
            io("Key", m.key);
            io("NodeId", m.node_id);
            io("Host", m.host);
            io("Port", m.port);
            io("ErrorCode", m.error_code);
            io("ErrorMessage", m.error_message);
        }
        bool operator==(const Coordinator&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message{};
    std::int32_t node_id = 0;
    std::string host{};
    std::int32_t port = 0;
    std::vector<Coordinator> coordinators{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms, since(1).ignorable());
        io("ErrorCode", m.error_code, between(0, 3));
        io("ErrorMessage", m.error_message, between(1, 3).ignorable());
        io("NodeId", m.node_id, between(0, 3));
        io("Host", m.host, between(0, 3));
        io("Port", m.port, between(0, 3));
        io("Coordinators", m.coordinators, since(4));
    }
    bool operator==(const FindCoordinatorResponse&) const = default;
};

struct JoinGroupRequest {
    static constexpr ApiKey kApi = ApiKey::join_group;
    using Response = struct JoinGroupResponse;

    struct Protocol {
        std::string name{};
        ByteView metadata{};

        static void fields(auto& io, auto& m) {
            io("Name", m.name);
            io("Metadata", m.metadata);
        }
        bool operator==(const Protocol&) const = default;
    };

    std::string group_id{};
    std::int32_t session_timeout_ms = 0;
    std::int32_t rebalance_timeout_ms = -1;
    std::string member_id{};
    std::optional<std::string> group_instance_id{};
    std::string protocol_type{};
    std::vector<Protocol> protocols{};
    std::optional<std::string> reason{};

    static void fields(auto& io, auto& m) {
        io("GroupId", m.group_id);
        io("SessionTimeoutMs", m.session_timeout_ms);
        io("RebalanceTimeoutMs", m.rebalance_timeout_ms, since(1).ignorable());
        io("MemberId", m.member_id);
        io("GroupInstanceId", m.group_instance_id, since(5));
        io("ProtocolType", m.protocol_type);
        io("Protocols", m.protocols);
        io("Reason", m.reason, since(8).ignorable());
    }
    bool operator==(const JoinGroupRequest&) const = default;
};

struct JoinGroupResponse {
    static constexpr ApiKey kApi = ApiKey::join_group;

    struct Member {
        std::string member_id{};
        std::optional<std::string> group_instance_id{};
        ByteView metadata{};

        static void fields(auto& io, auto& m) {
            io("MemberId", m.member_id);
            io("GroupInstanceId", m.group_instance_id, since(5).ignorable());
            io("Metadata", m.metadata);
        }
        bool operator==(const Member&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;
    std::int32_t generation_id = -1;
    std::optional<std::string> protocol_type{};
    std::optional<std::string> protocol_name = "";
    std::string leader{};
    bool skip_assignment = false;
    std::string member_id{};
    std::vector<Member> members{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms, since(2).ignorable());
        io("ErrorCode", m.error_code);
        io("GenerationId", m.generation_id);
        io("ProtocolType", m.protocol_type, since(7).ignorable());
        io("ProtocolName", m.protocol_name, null_since(7));
        io("Leader", m.leader);
        io("SkipAssignment", m.skip_assignment, since(9));
        io("MemberId", m.member_id);
        io("Members", m.members);
    }
    bool operator==(const JoinGroupResponse&) const = default;
};

struct SyncGroupRequest {
    static constexpr ApiKey kApi = ApiKey::sync_group;
    using Response = struct SyncGroupResponse;

    struct Assignment {
        std::string member_id{};
        ByteView assignment{};

        static void fields(auto& io, auto& m) {
            io("MemberId", m.member_id);
            io("Assignment", m.assignment);
        }
        bool operator==(const Assignment&) const = default;
    };

    std::string group_id{};
    std::int32_t generation_id = 0;
    std::string member_id{};
    std::optional<std::string> group_instance_id{};
    std::optional<std::string> protocol_type{};
    std::optional<std::string> protocol_name{};
    std::vector<Assignment> assignments{};

    static void fields(auto& io, auto& m) {
        io("GroupId", m.group_id);
        io("GenerationId", m.generation_id);
        io("MemberId", m.member_id);
        io("GroupInstanceId", m.group_instance_id, since(3));
        io("ProtocolType", m.protocol_type, since(5).ignorable());
        io("ProtocolName", m.protocol_name, since(5).ignorable());
        io("Assignments", m.assignments);
    }
    bool operator==(const SyncGroupRequest&) const = default;
};

struct SyncGroupResponse {
    static constexpr ApiKey kApi = ApiKey::sync_group;

    std::int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> protocol_type{};
    std::optional<std::string> protocol_name{};
    ByteView assignment{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms, since(1).ignorable());
        io("ErrorCode", m.error_code);
        io("ProtocolType", m.protocol_type, since(5).ignorable());
        io("ProtocolName", m.protocol_name, since(5).ignorable());
        io("Assignment", m.assignment);
    }
    bool operator==(const SyncGroupResponse&) const = default;
};

struct HeartbeatRequest {
    static constexpr ApiKey kApi = ApiKey::heartbeat;
    using Response = struct HeartbeatResponse;

    std::string group_id{};
    std::int32_t generation_id = 0;
    std::string member_id{};
    std::optional<std::string> group_instance_id{};

    static void fields(auto& io, auto& m) {
        io("GroupId", m.group_id);
        io("GenerationId", m.generation_id);
        io("MemberId", m.member_id);
        io("GroupInstanceId", m.group_instance_id, since(3));
    }
    bool operator==(const HeartbeatRequest&) const = default;
};

struct HeartbeatResponse {
    static constexpr ApiKey kApi = ApiKey::heartbeat;

    std::int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms, since(1).ignorable());
        io("ErrorCode", m.error_code);
    }
    bool operator==(const HeartbeatResponse&) const = default;
};

struct LeaveGroupRequest {
    static constexpr ApiKey kApi = ApiKey::leave_group;
    using Response = struct LeaveGroupResponse;

    struct Member {
        std::string member_id{};
        std::optional<std::string> group_instance_id{};
        std::optional<std::string> reason{};

        static void fields(auto& io, auto& m) {
            io("MemberId", m.member_id);
            io("GroupInstanceId", m.group_instance_id);
            io("Reason", m.reason, since(5).ignorable());
        }
        bool operator==(const Member&) const = default;
    };

    std::string group_id{};
    std::string member_id{};
    std::vector<Member> members{};

    static void fields(auto& io, auto& m) {
        io("GroupId", m.group_id);
        io("MemberId", m.member_id, between(0, 2));
        io("Members", m.members, since(3));
    }
    bool operator==(const LeaveGroupRequest&) const = default;
};

struct LeaveGroupResponse {
    static constexpr ApiKey kApi = ApiKey::leave_group;

    struct Member {
        std::string member_id{};
        std::optional<std::string> group_instance_id{};
        ErrorCode error_code = ErrorCode::none;

        static void fields(auto& io, auto& m) {
            io("MemberId", m.member_id);
            io("GroupInstanceId", m.group_instance_id);
            io("ErrorCode", m.error_code);
        }
        bool operator==(const Member&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;
    std::vector<Member> members{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms, since(1).ignorable());
        io("ErrorCode", m.error_code);
        io("Members", m.members, since(3));
    }
    bool operator==(const LeaveGroupResponse&) const = default;
};

struct ListGroupsRequest {
    static constexpr ApiKey kApi = ApiKey::list_groups;
    using Response = struct ListGroupsResponse;

    std::vector<std::string> states_filter{};
    std::vector<std::string> types_filter{};

    static void fields(auto& io, auto& m) {
        io("StatesFilter", m.states_filter, since(4));
        io("TypesFilter", m.types_filter, since(5));
    }
    bool operator==(const ListGroupsRequest&) const = default;
};

struct ListGroupsResponse {
    static constexpr ApiKey kApi = ApiKey::list_groups;

    struct Group {
        std::string group_id{};
        std::string protocol_type{};
        std::string group_state{};
        std::string group_type{};

        static void fields(auto& io, auto& m) {
            io("GroupId", m.group_id);
            io("ProtocolType", m.protocol_type);
            io("GroupState", m.group_state, since(4).ignorable());
            io("GroupType", m.group_type, since(5).ignorable());
        }
        bool operator==(const Group&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;
    std::vector<Group> groups{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms, since(1).ignorable());
        io("ErrorCode", m.error_code);
        io("Groups", m.groups);
    }
    bool operator==(const ListGroupsResponse&) const = default;
};

struct DescribeGroupsRequest {
    static constexpr ApiKey kApi = ApiKey::describe_groups;
    using Response = struct DescribeGroupsResponse;

    std::vector<std::string> groups{};
    bool include_authorized_operations = false;

    static void fields(auto& io, auto& m) {
        io("Groups", m.groups);
        io("IncludeAuthorizedOperations", m.include_authorized_operations, since(3));
    }
    bool operator==(const DescribeGroupsRequest&) const = default;
};

struct DescribeGroupsResponse {
    static constexpr ApiKey kApi = ApiKey::describe_groups;

    struct Member {
        std::string member_id{};
        std::optional<std::string> group_instance_id{};
        std::string client_id{};
        std::string client_host{};
        ByteView member_metadata{};
        ByteView member_assignment{};

        static void fields(auto& io, auto& m) {
            io("MemberId", m.member_id);
            io("GroupInstanceId", m.group_instance_id, since(4).ignorable());
            io("ClientId", m.client_id);
            io("ClientHost", m.client_host);
            io("MemberMetadata", m.member_metadata);
            io("MemberAssignment", m.member_assignment);
        }
        bool operator==(const Member&) const = default;
    };
    struct Group {
        ErrorCode error_code = ErrorCode::none;
        std::string group_id{};
        std::string group_state{};
        std::string protocol_type{};
        std::string protocol_data{};
        std::vector<Member> members{};
        std::int32_t authorized_operations = std::numeric_limits<std::int32_t>::min();

        static void fields(auto& io, auto& m) {
            io("ErrorCode", m.error_code);
            io("GroupId", m.group_id);
            io("GroupState", m.group_state);
            io("ProtocolType", m.protocol_type);
            io("ProtocolData", m.protocol_data);
            io("Members", m.members);
            io("AuthorizedOperations", m.authorized_operations, since(3));
        }
        bool operator==(const Group&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    std::vector<Group> groups{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms, since(1).ignorable());
        io("Groups", m.groups);
    }
    bool operator==(const DescribeGroupsResponse&) const = default;
};

struct DeleteGroupsRequest {
    static constexpr ApiKey kApi = ApiKey::delete_groups;
    using Response = struct DeleteGroupsResponse;

    std::vector<std::string> groups_names{};

    static void fields(auto& io, auto& m) { io("GroupsNames", m.groups_names); }
    bool operator==(const DeleteGroupsRequest&) const = default;
};

struct DeleteGroupsResponse {
    static constexpr ApiKey kApi = ApiKey::delete_groups;

    struct Group {
        std::string group_id{};
        ErrorCode error_code = ErrorCode::none;

        static void fields(auto& io, auto& m) {
            io("GroupId", m.group_id);
            io("ErrorCode", m.error_code);
        }
        bool operator==(const Group&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    std::vector<Group> results{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("Results", m.results);
    }
    bool operator==(const DeleteGroupsResponse&) const = default;
};

}  // namespace mq::wire
