// Access control lists.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "wire/message.h"

namespace mq::wire {

struct DescribeAclsRequest {
    static constexpr ApiKey kApi = ApiKey::describe_acls;
    using Response = struct DescribeAclsResponse;

    std::int8_t resource_type_filter = 0;
    std::optional<std::string> resource_name_filter{};
    std::int8_t pattern_type_filter = 3;
    std::optional<std::string> principal_filter{};
    std::optional<std::string> host_filter{};
    std::int8_t operation = 0;
    std::int8_t permission_type = 0;

    static void fields(auto& io, auto& m) {
        io("ResourceTypeFilter", m.resource_type_filter);
        io("ResourceNameFilter", m.resource_name_filter);
        io("PatternTypeFilter", m.pattern_type_filter, since(1));
        io("PrincipalFilter", m.principal_filter);
        io("HostFilter", m.host_filter);
        io("Operation", m.operation);
        io("PermissionType", m.permission_type);
    }
    bool operator==(const DescribeAclsRequest&) const = default;
};

struct DescribeAclsResponse {
    static constexpr ApiKey kApi = ApiKey::describe_acls;

    struct Acl {
        std::string principal{};
        std::string host{};
        std::int8_t operation = 0;
        std::int8_t permission_type = 0;

        static void fields(auto& io, auto& m) {
            io("Principal", m.principal);
            io("Host", m.host);
            io("Operation", m.operation);
            io("PermissionType", m.permission_type);
        }
        bool operator==(const Acl&) const = default;
    };
    struct Resource {
        std::int8_t resource_type = 0;
        std::string resource_name{};
        std::int8_t pattern_type = 3;
        std::vector<Acl> acls{};

        static void fields(auto& io, auto& m) {
            io("ResourceType", m.resource_type);
            io("ResourceName", m.resource_name);
            io("PatternType", m.pattern_type, since(1));
            io("Acls", m.acls);
        }
        bool operator==(const Resource&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message{};
    std::vector<Resource> resources{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("ErrorCode", m.error_code);
        io("ErrorMessage", m.error_message);
        io("Resources", m.resources);
    }
    bool operator==(const DescribeAclsResponse&) const = default;
};

struct CreateAclsRequest {
    static constexpr ApiKey kApi = ApiKey::create_acls;
    using Response = struct CreateAclsResponse;

    struct Creation {
        std::int8_t resource_type = 0;
        std::string resource_name{};
        std::int8_t resource_pattern_type = 3;
        std::string principal{};
        std::string host{};
        std::int8_t operation = 0;
        std::int8_t permission_type = 0;

        static void fields(auto& io, auto& m) {
            io("ResourceType", m.resource_type);
            io("ResourceName", m.resource_name);
            io("ResourcePatternType", m.resource_pattern_type, since(1));
            io("Principal", m.principal);
            io("Host", m.host);
            io("Operation", m.operation);
            io("PermissionType", m.permission_type);
        }
        bool operator==(const Creation&) const = default;
    };

    std::vector<Creation> creations{};

    static void fields(auto& io, auto& m) { io("Creations", m.creations); }
    bool operator==(const CreateAclsRequest&) const = default;
};

struct CreateAclsResponse {
    static constexpr ApiKey kApi = ApiKey::create_acls;

    struct Creation {
        ErrorCode error_code = ErrorCode::none;
        std::optional<std::string> error_message{};

        static void fields(auto& io, auto& m) {
            io("ErrorCode", m.error_code);
            io("ErrorMessage", m.error_message);
        }
        bool operator==(const Creation&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    std::vector<Creation> results{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("Results", m.results);
    }
    bool operator==(const CreateAclsResponse&) const = default;
};

struct DeleteAclsRequest {
    static constexpr ApiKey kApi = ApiKey::delete_acls;
    using Response = struct DeleteAclsResponse;

    struct Filter {
        std::int8_t resource_type_filter = 0;
        std::optional<std::string> resource_name_filter{};
        std::int8_t pattern_type_filter = 3;
        std::optional<std::string> principal_filter{};
        std::optional<std::string> host_filter{};
        std::int8_t operation = 0;
        std::int8_t permission_type = 0;

        static void fields(auto& io, auto& m) {
            io("ResourceTypeFilter", m.resource_type_filter);
            io("ResourceNameFilter", m.resource_name_filter);
            io("PatternTypeFilter", m.pattern_type_filter, since(1));
            io("PrincipalFilter", m.principal_filter);
            io("HostFilter", m.host_filter);
            io("Operation", m.operation);
            io("PermissionType", m.permission_type);
        }
        bool operator==(const Filter&) const = default;
    };

    std::vector<Filter> filters{};

    static void fields(auto& io, auto& m) { io("Filters", m.filters); }
    bool operator==(const DeleteAclsRequest&) const = default;
};

struct DeleteAclsResponse {
    static constexpr ApiKey kApi = ApiKey::delete_acls;

    struct MatchingAcl {
        ErrorCode error_code = ErrorCode::none;
        std::optional<std::string> error_message{};
        std::int8_t resource_type = 0;
        std::string resource_name{};
        std::int8_t pattern_type = 3;
        std::string principal{};
        std::string host{};
        std::int8_t operation = 0;
        std::int8_t permission_type = 0;

        static void fields(auto& io, auto& m) {
            io("ErrorCode", m.error_code);
            io("ErrorMessage", m.error_message);
            io("ResourceType", m.resource_type);
            io("ResourceName", m.resource_name);
            io("PatternType", m.pattern_type, since(1));
            io("Principal", m.principal);
            io("Host", m.host);
            io("Operation", m.operation);
            io("PermissionType", m.permission_type);
        }
        bool operator==(const MatchingAcl&) const = default;
    };
    struct Filter {
        ErrorCode error_code = ErrorCode::none;
        std::optional<std::string> error_message{};
        std::vector<MatchingAcl> matching_acls{};

        static void fields(auto& io, auto& m) {
            io("ErrorCode", m.error_code);
            io("ErrorMessage", m.error_message);
            io("MatchingAcls", m.matching_acls);
        }
        bool operator==(const Filter&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    std::vector<Filter> filter_results{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("FilterResults", m.filter_results);
    }
    bool operator==(const DeleteAclsResponse&) const = default;
};

}  // namespace mq::wire
