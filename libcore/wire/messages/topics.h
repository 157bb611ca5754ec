// Topics: made, deleted, given more partitions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "wire/message.h"

namespace mq::wire {

struct CreateTopicsRequest {
    static constexpr ApiKey kApi = ApiKey::create_topics;
    using Response = struct CreateTopicsResponse;

    struct Assignment {
        std::int32_t partition_index = 0;
        std::vector<std::int32_t> broker_ids{};

        static void fields(auto& io, auto& m) {
            io("PartitionIndex", m.partition_index);
            io("BrokerIds", m.broker_ids);
        }
        bool operator==(const Assignment&) const = default;
    };
    struct Config {
        std::string name{};
        std::optional<std::string> value{};

        static void fields(auto& io, auto& m) {
            io("Name", m.name);
            io("Value", m.value);
        }
        bool operator==(const Config&) const = default;
    };
    struct Topic {
        std::string name{};
        std::int32_t num_partitions = 0;
        std::int16_t replication_factor = 0;
        std::vector<Assignment> assignments{};
        std::vector<Config> configs{};

        static void fields(auto& io, auto& m) {
            io("Name", m.name);
            io("NumPartitions", m.num_partitions);
            io("ReplicationFactor", m.replication_factor);
            io("Assignments", m.assignments);
            io("Configs", m.configs);
        }
        bool operator==(const Topic&) const = default;
    };

    std::vector<Topic> topics{};
    std::int32_t timeout_ms = 60000;
    bool validate_only = false;

    static void fields(auto& io, auto& m) {
        io("Topics", m.topics);
        io("timeoutMs", m.timeout_ms);
        io("validateOnly", m.validate_only, since(1));
    }
    bool operator==(const CreateTopicsRequest&) const = default;
};

struct CreateTopicsResponse {
    static constexpr ApiKey kApi = ApiKey::create_topics;

    struct Config {
        std::string name{};
        std::optional<std::string> value{};
        bool read_only = false;
        std::int8_t config_source = -1;
        bool is_sensitive = false;

        static void fields(auto& io, auto& m) {
            io("Name", m.name);
            io("Value", m.value);
            io("ReadOnly", m.read_only);
            io("ConfigSource", m.config_source);
            io("IsSensitive", m.is_sensitive);
        }
        bool operator==(const Config&) const = default;
    };
    struct Topic {
        std::string name{};
        Uuid topic_id{};
        ErrorCode error_code = ErrorCode::none;
        std::optional<std::string> error_message{};
        ErrorCode topic_config_error_code = ErrorCode::none;
        std::int32_t num_partitions = -1;
        std::int16_t replication_factor = -1;
        std::optional<std::vector<Config>> configs = std::vector<Config>{};

        static void fields(auto& io, auto& m) {
            io("Name", m.name);
            io("TopicId", m.topic_id, since(7).ignorable());
            io("ErrorCode", m.error_code);
            io("ErrorMessage", m.error_message, since(1).ignorable());
            io("TopicConfigErrorCode", m.topic_config_error_code, since(5).ignorable().tagged(0));
            io("NumPartitions", m.num_partitions, since(5).ignorable());
            io("ReplicationFactor", m.replication_factor, since(5).ignorable());
            io("Configs", m.configs, since(5).ignorable());
        }
        bool operator==(const Topic&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    std::vector<Topic> topics{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms, since(2).ignorable());
        io("Topics", m.topics);
    }
    bool operator==(const CreateTopicsResponse&) const = default;
};

struct DeleteTopicsRequest {
    static constexpr ApiKey kApi = ApiKey::delete_topics;
    using Response = struct DeleteTopicsResponse;

    struct Topic {
        std::optional<std::string> name{};
        Uuid topic_id{};

        static void fields(auto& io, auto& m) {
            io("Name", m.name);
            io("TopicId", m.topic_id);
        }
        bool operator==(const Topic&) const = default;
    };

    std::vector<Topic> topics{};
    std::vector<std::string> topic_names{};
    std::int32_t timeout_ms = 0;

    static void fields(auto& io, auto& m) {
        io("Topics", m.topics, since(6));
        io("TopicNames", m.topic_names, between(0, 5).ignorable());
        io("TimeoutMs", m.timeout_ms);
    }
    bool operator==(const DeleteTopicsRequest&) const = default;
};

struct DeleteTopicsResponse {
    static constexpr ApiKey kApi = ApiKey::delete_topics;

    struct Topic {
        std::optional<std::string> name = "";
        Uuid topic_id{};
        ErrorCode error_code = ErrorCode::none;
        std::optional<std::string> error_message{};

        static void fields(auto& io, auto& m) {
            io("Name", m.name, null_since(6));
            io("TopicId", m.topic_id, since(6).ignorable());
            io("ErrorCode", m.error_code);
            io("ErrorMessage", m.error_message, since(5).ignorable());
        }
        bool operator==(const Topic&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    std::vector<Topic> responses{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms, since(1).ignorable());
        io("Responses", m.responses);
    }
    bool operator==(const DeleteTopicsResponse&) const = default;
};

struct CreatePartitionsRequest {
    static constexpr ApiKey kApi = ApiKey::create_partitions;
    using Response = struct CreatePartitionsResponse;

    struct Assignment {
        std::vector<std::int32_t> broker_ids{};

        static void fields(auto& io, auto& m) { io("BrokerIds", m.broker_ids); }
        bool operator==(const Assignment&) const = default;
    };
    struct Topic {
        std::string name{};
        std::int32_t count = 0;
        std::optional<std::vector<Assignment>> assignments = std::vector<Assignment>{};

        static void fields(auto& io, auto& m) {
            io("Name", m.name);
            io("Count", m.count);
            io("Assignments", m.assignments);
        }
        bool operator==(const Topic&) const = default;
    };

    std::vector<Topic> topics{};
    std::int32_t timeout_ms = 0;
    bool validate_only = false;

    static void fields(auto& io, auto& m) {
        io("Topics", m.topics);
        io("TimeoutMs", m.timeout_ms);
        io("ValidateOnly", m.validate_only);
    }
    bool operator==(const CreatePartitionsRequest&) const = default;
};

struct CreatePartitionsResponse {
    static constexpr ApiKey kApi = ApiKey::create_partitions;

    struct Topic {
        std::string name{};
        ErrorCode error_code = ErrorCode::none;
        std::optional<std::string> error_message{};

        static void fields(auto& io, auto& m) {
            io("Name", m.name);
            io("ErrorCode", m.error_code);
            io("ErrorMessage", m.error_message);
        }
        bool operator==(const Topic&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    std::vector<Topic> results{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("Results", m.results);
    }
    bool operator==(const CreatePartitionsResponse&) const = default;
};

}  // namespace mq::wire
