// Settings of topics and brokers, and quotas of clients.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "wire/message.h"

namespace mq::wire {

struct DescribeConfigsRequest {
    static constexpr ApiKey kApi = ApiKey::describe_configs;
    using Response = struct DescribeConfigsResponse;

    struct Resource {
        std::int8_t resource_type = 0;
        std::string resource_name{};
        std::optional<std::vector<std::string>> configuration_keys = std::vector<std::string>{};

        static void fields(auto& io, auto& m) {
            io("ResourceType", m.resource_type);
            io("ResourceName", m.resource_name);
            io("ConfigurationKeys", m.configuration_keys);
        }
        bool operator==(const Resource&) const = default;
    };

    std::vector<Resource> resources{};
    bool include_synonyms = false;
    bool include_documentation = false;

    static void fields(auto& io, auto& m) {
        io("Resources", m.resources);
        io("IncludeSynonyms", m.include_synonyms, since(1));
        io("IncludeDocumentation", m.include_documentation, since(3));
    }
    bool operator==(const DescribeConfigsRequest&) const = default;
};

struct DescribeConfigsResponse {
    static constexpr ApiKey kApi = ApiKey::describe_configs;

    struct Synonym {
        std::string name{};
        std::optional<std::string> value{};
        std::int8_t source = 0;

        static void fields(auto& io, auto& m) {
            io("Name", m.name);
            io("Value", m.value);
            io("Source", m.source);
        }
        bool operator==(const Synonym&) const = default;
    };
    struct Config {
        std::string name{};
        std::optional<std::string> value{};
        bool read_only = false;
        bool is_default = false;
        std::int8_t config_source = -1;
        bool is_sensitive = false;
        std::vector<Synonym> synonyms{};
        std::int8_t config_type = 0;
        std::optional<std::string> documentation{};

        static void fields(auto& io, auto& m) {
            io("Name", m.name);
            io("Value", m.value);
            io("ReadOnly", m.read_only);
            io("IsDefault", m.is_default, only(0));
            io("ConfigSource", m.config_source, since(1).ignorable());
            io("IsSensitive", m.is_sensitive);
            io("Synonyms", m.synonyms, since(1).ignorable());
            io("ConfigType", m.config_type, since(3).ignorable());
            io("Documentation", m.documentation, since(3).ignorable());
        }
        bool operator==(const Config&) const = default;
    };
    struct Resource {
        ErrorCode error_code = ErrorCode::none;
        std::optional<std::string> error_message{};
        std::int8_t resource_type = 0;
        std::string resource_name{};
        std::vector<Config> configs{};

        static void fields(auto& io, auto& m) {
            io("ErrorCode", m.error_code);
            io("ErrorMessage", m.error_message);
            io("ResourceType", m.resource_type);
            io("ResourceName", m.resource_name);
            io("Configs", m.configs);
        }
        bool operator==(const Resource&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    std::vector<Resource> results{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("Results", m.results);
    }
    bool operator==(const DescribeConfigsResponse&) const = default;
};

struct AlterConfigsRequest {
    static constexpr ApiKey kApi = ApiKey::alter_configs;
    using Response = struct AlterConfigsResponse;

    struct Config {
        std::string name{};
        std::optional<std::string> value{};

        static void fields(auto& io, auto& m) {
            io("Name", m.name);
            io("Value", m.value);
        }
        bool operator==(const Config&) const = default;
    };
    struct Resource {
        std::int8_t resource_type = 0;
        std::string resource_name{};
        std::vector<Config> configs{};

        static void fields(auto& io, auto& m) {
            io("ResourceType", m.resource_type);
            io("ResourceName", m.resource_name);
            io("Configs", m.configs);
        }
        bool operator==(const Resource&) const = default;
    };

    std::vector<Resource> resources{};
    bool validate_only = false;

    static void fields(auto& io, auto& m) {
        io("Resources", m.resources);
        io("ValidateOnly", m.validate_only);
    }
    bool operator==(const AlterConfigsRequest&) const = default;
};

struct AlteredResource {
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message{};
    std::int8_t resource_type = 0;
    std::string resource_name{};

    static void fields(auto& io, auto& m) {
        io("ErrorCode", m.error_code);
        io("ErrorMessage", m.error_message);
        io("ResourceType", m.resource_type);
        io("ResourceName", m.resource_name);
    }
    bool operator==(const AlteredResource&) const = default;
};

struct AlterConfigsResponse {
    static constexpr ApiKey kApi = ApiKey::alter_configs;

    using Resource = AlteredResource;

    std::int32_t throttle_time_ms = 0;
    std::vector<Resource> responses{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("Responses", m.responses);
    }
    bool operator==(const AlterConfigsResponse&) const = default;
};

struct IncrementalAlterConfigsRequest {
    static constexpr ApiKey kApi = ApiKey::incremental_alter_configs;
    using Response = struct IncrementalAlterConfigsResponse;

    struct Config {
        std::string name{};
        std::int8_t config_operation = 0;
        std::optional<std::string> value{};

        static void fields(auto& io, auto& m) {
            io("Name", m.name);
            io("ConfigOperation", m.config_operation);
            io("Value", m.value);
        }
        bool operator==(const Config&) const = default;
    };
    struct Resource {
        std::int8_t resource_type = 0;
        std::string resource_name{};
        std::vector<Config> configs{};

        static void fields(auto& io, auto& m) {
            io("ResourceType", m.resource_type);
            io("ResourceName", m.resource_name);
            io("Configs", m.configs);
        }
        bool operator==(const Resource&) const = default;
    };

    std::vector<Resource> resources{};
    bool validate_only = false;

    static void fields(auto& io, auto& m) {
        io("Resources", m.resources);
        io("ValidateOnly", m.validate_only);
    }
    bool operator==(const IncrementalAlterConfigsRequest&) const = default;
};

struct IncrementalAlterConfigsResponse {
    static constexpr ApiKey kApi = ApiKey::incremental_alter_configs;

    using Resource = AlteredResource;

    std::int32_t throttle_time_ms = 0;
    std::vector<Resource> responses{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("Responses", m.responses);
    }
    bool operator==(const IncrementalAlterConfigsResponse&) const = default;
};

struct DescribeClientQuotasRequest {
    static constexpr ApiKey kApi = ApiKey::describe_client_quotas;
    using Response = struct DescribeClientQuotasResponse;

    struct Component {
        std::string entity_type{};
        std::int8_t match_type = 0;
        std::optional<std::string> match{};

        static void fields(auto& io, auto& m) {
            io("EntityType", m.entity_type);
            io("MatchType", m.match_type);
            io("Match", m.match);
        }
        bool operator==(const Component&) const = default;
    };

    std::vector<Component> components{};
    bool strict = false;

    static void fields(auto& io, auto& m) {
        io("Components", m.components);
        io("Strict", m.strict);
    }
    bool operator==(const DescribeClientQuotasRequest&) const = default;
};

// Whom a quota is for.
struct QuotaEntity {
    std::string entity_type{};
    std::optional<std::string> entity_name{};

    static void fields(auto& io, auto& m) {
        io("EntityType", m.entity_type);
        io("EntityName", m.entity_name);
    }
    bool operator==(const QuotaEntity&) const = default;
};

struct DescribeClientQuotasResponse {
    static constexpr ApiKey kApi = ApiKey::describe_client_quotas;

    using Entity = QuotaEntity;
    struct Value {
        std::string key{};
        double value = 0;

        static void fields(auto& io, auto& m) {
            io("Key", m.key);
            io("Value", m.value);
        }
        bool operator==(const Value&) const = default;
    };
    struct Entry {
        std::vector<Entity> entity{};
        std::vector<Value> values{};

        static void fields(auto& io, auto& m) {
            io("Entity", m.entity);
            io("Values", m.values);
        }
        bool operator==(const Entry&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message{};
    std::optional<std::vector<Entry>> entries = std::vector<Entry>{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("ErrorCode", m.error_code);
        io("ErrorMessage", m.error_message);
        io("Entries", m.entries);
    }
    bool operator==(const DescribeClientQuotasResponse&) const = default;
};

struct AlterClientQuotasRequest {
    static constexpr ApiKey kApi = ApiKey::alter_client_quotas;
    using Response = struct AlterClientQuotasResponse;

    using Entity = QuotaEntity;
    struct Op {
        std::string key{};
        double value = 0;
        bool remove = false;

        static void fields(auto& io, auto& m) {
            io("Key", m.key);
            io("Value", m.value);
            io("Remove", m.remove);
        }
        bool operator==(const Op&) const = default;
    };
    struct Entry {
        std::vector<Entity> entity{};
        std::vector<Op> ops{};

        static void fields(auto& io, auto& m) {
            io("Entity", m.entity);
            io("Ops", m.ops);
        }
        bool operator==(const Entry&) const = default;
    };

    std::vector<Entry> entries{};
    bool validate_only = false;

    static void fields(auto& io, auto& m) {
        io("Entries", m.entries);
        io("ValidateOnly", m.validate_only);
    }
    bool operator==(const AlterClientQuotasRequest&) const = default;
};

struct AlterClientQuotasResponse {
    static constexpr ApiKey kApi = ApiKey::alter_client_quotas;

    using Entity = QuotaEntity;
    struct Entry {
        ErrorCode error_code = ErrorCode::none;
        std::optional<std::string> error_message{};
        std::vector<Entity> entity{};

        static void fields(auto& io, auto& m) {
            io("ErrorCode", m.error_code);
            io("ErrorMessage", m.error_message);
            io("Entity", m.entity);
        }
        bool operator==(const Entry&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    std::vector<Entry> entries{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("Entries", m.entries);
    }
    bool operator==(const AlterClientQuotasResponse&) const = default;
};

}  // namespace mq::wire
