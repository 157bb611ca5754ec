// Produce: batches on their way into partitions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "wire/message.h"
#include "wire/messages/common.h"

namespace mq::wire {

struct ProduceRequest {
    static constexpr ApiKey kApi = ApiKey::produce;
    using Response = struct ProduceResponse;

    struct Partition {
        std::int32_t index = 0;
        NullableBytes records{};

        static void fields(auto& io, auto& m) {
            io("Index", m.index);
            io.records("Records", m.records);
        }
        bool operator==(const Partition&) const = default;
    };
    struct Topic {
        std::string name{};
        std::vector<Partition> partition_data{};

        static void fields(auto& io, auto& m) {
            io("Name", m.name);
            io("PartitionData", m.partition_data);
        }
        bool operator==(const Topic&) const = default;
    };

    std::optional<std::string> transactional_id{};
    std::int16_t acks = 0;
    std::int32_t timeout_ms = 0;
    std::vector<Topic> topic_data{};

    static void fields(auto& io, auto& m) {
        io("TransactionalId", m.transactional_id, since(3));
        io("Acks", m.acks);
        io("TimeoutMs", m.timeout_ms);
        io("TopicData", m.topic_data);
    }
    bool operator==(const ProduceRequest&) const = default;
};

struct ProduceResponse {
    static constexpr ApiKey kApi = ApiKey::produce;

    struct RecordError {
        std::int32_t batch_index = 0;
        std::optional<std::string> batch_index_error_message{};

        static void fields(auto& io, auto& m) {
            io("BatchIndex", m.batch_index);
            io("BatchIndexErrorMessage", m.batch_index_error_message);
        }
        bool operator==(const RecordError&) const = default;
    };
    struct Partition {
        std::int32_t index = 0;
        ErrorCode error_code = ErrorCode::none;
        std::int64_t base_offset = 0;
        std::int64_t log_append_time_ms = -1;
        std::int64_t log_start_offset = -1;
        std::vector<RecordError> record_errors{};
        std::optional<std::string> error_message{};
        LeaderIdAndEpoch current_leader{};

        static void fields(auto& io, auto& m) {
            io("Index", m.index);
            io("ErrorCode", m.error_code);
            io("BaseOffset", m.base_offset);
            io("LogAppendTimeMs", m.log_append_time_ms, since(2).ignorable());
            io("LogStartOffset", m.log_start_offset, since(5).ignorable());
            io("RecordErrors", m.record_errors, since(8).ignorable());
            io("ErrorMessage", m.error_message, since(8).ignorable());
            io("CurrentLeader", m.current_leader, since(10).tagged(0));
        }
        bool operator==(const Partition&) const = default;
    };
    struct Topic {
        std::string name{};
        std::vector<Partition> partition_responses{};

        static void fields(auto& io, auto& m) {
            io("Name", m.name);
            io("PartitionResponses", m.partition_responses);
        }
        bool operator==(const Topic&) const = default;
    };

    std::vector<Topic> responses{};
    std::int32_t throttle_time_ms = 0;
    std::vector<NodeEndpoint> node_endpoints{};

    static void fields(auto& io, auto& m) {
        io("Responses", m.responses);
        io("ThrottleTimeMs", m.throttle_time_ms, since(1).ignorable());
        io("NodeEndpoints", m.node_endpoints, since(10).tagged(0));
    }
    bool operator==(const ProduceResponse&) const = default;
};

}  // namespace mq::wire
