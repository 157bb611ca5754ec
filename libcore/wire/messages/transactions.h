// Producer ids and transactions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "wire/messages/common.h"

namespace mq::wire {

struct InitProducerIdRequest {
    static constexpr ApiKey kApi = ApiKey::init_producer_id;
    using Response = struct InitProducerIdResponse;

    std::optional<std::string> transactional_id{};
    std::int32_t transaction_timeout_ms = 0;
    std::int64_t producer_id = -1;
    std::int16_t producer_epoch = -1;

    static void fields(auto& io, auto& m) {
        io("TransactionalId", m.transactional_id);
        io("TransactionTimeoutMs", m.transaction_timeout_ms);
        io("ProducerId", m.producer_id, since(3));
        io("ProducerEpoch", m.producer_epoch, since(3));
    }
    bool operator==(const InitProducerIdRequest&) const = default;
};

struct InitProducerIdResponse {
    static constexpr ApiKey kApi = ApiKey::init_producer_id;

    std::int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;
    std::int64_t producer_id = -1;
    std::int16_t producer_epoch = 0;

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("ErrorCode", m.error_code);
        io("ProducerId", m.producer_id);
        io("ProducerEpoch", m.producer_epoch);
    }
    bool operator==(const InitProducerIdResponse&) const = default;
};

struct AddPartitionsToTxnRequest {
    static constexpr ApiKey kApi = ApiKey::add_partitions_to_txn;
    using Response = struct AddPartitionsToTxnResponse;

    struct Topic {
        std::string name{};
        std::vector<std::int32_t> partitions{};

        static void fields(auto& io, auto& m) {
            io("Name", m.name);
            io("Partitions", m.partitions);
        }
        bool operator==(const Topic&) const = default;
    };
    struct Transaction {
        std::string transactional_id{};
        std::int64_t producer_id = 0;
        std::int16_t producer_epoch = 0;
        bool verify_only = false;
        std::vector<Topic> topics{};

        static void fields(auto& io, auto& m) {
            io("TransactionalId", m.transactional_id);
            io("ProducerId", m.producer_id);
            io("ProducerEpoch", m.producer_epoch);
            io("VerifyOnly", m.verify_only);
            io("Topics", m.topics);
        }
        bool operator==(const Transaction&) const = default;
    };

    std::vector<Transaction> transactions{};
    std::string v3_and_below_transactional_id{};
    std::int64_t v3_and_below_producer_id = 0;
    std::int16_t v3_and_below_producer_epoch = 0;
    std::vector<Topic> v3_and_below_topics{};

    static void fields(auto& io, auto& m) {
        io("Transactions", m.transactions, since(4));
        io("V3AndBelowTransactionalId", m.v3_and_below_transactional_id, between(0, 3));
        io("V3AndBelowProducerId", m.v3_and_below_producer_id, between(0, 3));
        io("V3AndBelowProducerEpoch", m.v3_and_below_producer_epoch, between(0, 3));
        io("V3AndBelowTopics", m.v3_and_below_topics, between(0, 3));
    }
    bool operator==(const AddPartitionsToTxnRequest&) const = default;
};

struct AddPartitionsToTxnResponse {
    static constexpr ApiKey kApi = ApiKey::add_partitions_to_txn;

    struct PartitionResult {
        std::int32_t partition_index = 0;
        ErrorCode partition_error_code = ErrorCode::none;

        static void fields(auto& io, auto& m) {
            io("PartitionIndex", m.partition_index);
            io("PartitionErrorCode", m.partition_error_code);
        }
        bool operator==(const PartitionResult&) const = default;
    };
    struct TopicResult {
        std::string name{};
        std::vector<PartitionResult> results_by_partition{};

        static void fields(auto& io, auto& m) {
            io("Name", m.name);
            io("ResultsByPartition", m.results_by_partition);
        }
        bool operator==(const TopicResult&) const = default;
    };
    struct TransactionResult {
        std::string transactional_id{};
        std::vector<TopicResult> topic_results{};

        static void fields(auto& io, auto& m) {
            io("TransactionalId", m.transactional_id);
            io("TopicResults", m.topic_results);
        }
        bool operator==(const TransactionResult&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;
    std::vector<TransactionResult> results_by_transaction{};
    std::vector<TopicResult> results_by_topic_v3_and_below_{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("ErrorCode", m.error_code, since(4).ignorable());
        io("ResultsByTransaction", m.results_by_transaction, since(4));
        io("ResultsByTopicV3AndBelow", m.results_by_topic_v3_and_below_, between(0, 3));
    }
    bool operator==(const AddPartitionsToTxnResponse&) const = default;
};

struct AddOffsetsToTxnRequest {
    static constexpr ApiKey kApi = ApiKey::add_offsets_to_txn;
    using Response = struct AddOffsetsToTxnResponse;

    std::string transactional_id{};
    std::int64_t producer_id = 0;
    std::int16_t producer_epoch = 0;
    std::string group_id{};

    static void fields(auto& io, auto& m) {
        io("TransactionalId", m.transactional_id);
        io("ProducerId", m.producer_id);
        io("ProducerEpoch", m.producer_epoch);
        io("GroupId", m.group_id);
    }
    bool operator==(const AddOffsetsToTxnRequest&) const = default;
};

struct AddOffsetsToTxnResponse {
    static constexpr ApiKey kApi = ApiKey::add_offsets_to_txn;

    std::int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("ErrorCode", m.error_code);
    }
    bool operator==(const AddOffsetsToTxnResponse&) const = default;
};

struct EndTxnRequest {
    static constexpr ApiKey kApi = ApiKey::end_txn;
    using Response = struct EndTxnResponse;

    std::string transactional_id{};
    std::int64_t producer_id = 0;
    std::int16_t producer_epoch = 0;
    bool committed = false;

    static void fields(auto& io, auto& m) {
        io("TransactionalId", m.transactional_id);
        io("ProducerId", m.producer_id);
        io("ProducerEpoch", m.producer_epoch);
        io("Committed", m.committed);
    }
    bool operator==(const EndTxnRequest&) const = default;
};

struct EndTxnResponse {
    static constexpr ApiKey kApi = ApiKey::end_txn;

    std::int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("ErrorCode", m.error_code);
    }
    bool operator==(const EndTxnResponse&) const = default;
};

struct WriteTxnMarkersRequest {
    static constexpr ApiKey kApi = ApiKey::write_txn_markers;
    using Response = struct WriteTxnMarkersResponse;

    using Topic = TopicPartitionIndexes;
    struct Marker {
        std::int64_t producer_id = 0;
        std::int16_t producer_epoch = 0;
        bool transaction_result = false;
        std::vector<Topic> topics{};
        std::int32_t coordinator_epoch = 0;

        static void fields(auto& io, auto& m) {
            io("ProducerId", m.producer_id);
            io("ProducerEpoch", m.producer_epoch);
            io("TransactionResult", m.transaction_result);
            io("Topics", m.topics);
            io("CoordinatorEpoch", m.coordinator_epoch);
        }
        bool operator==(const Marker&) const = default;
    };

    std::vector<Marker> markers{};

    static void fields(auto& io, auto& m) { io("Markers", m.markers); }
    bool operator==(const WriteTxnMarkersRequest&) const = default;
};

struct WriteTxnMarkersResponse {
    static constexpr ApiKey kApi = ApiKey::write_txn_markers;

    using Partition = PartitionError;
    using Topic = NamedTopic<Partition>;
    struct Marker {
        std::int64_t producer_id = 0;
        std::vector<Topic> topics{};

        static void fields(auto& io, auto& m) {
            io("ProducerId", m.producer_id);
            io("Topics", m.topics);
        }
        bool operator==(const Marker&) const = default;
    };

    std::vector<Marker> markers{};

    static void fields(auto& io, auto& m) { io("Markers", m.markers); }
    bool operator==(const WriteTxnMarkersResponse&) const = default;
};

struct TxnOffsetCommitRequest {
    static constexpr ApiKey kApi = ApiKey::txn_offset_commit;
    using Response = struct TxnOffsetCommitResponse;

    struct Partition {
        std::int32_t partition_index = 0;
        std::int64_t committed_offset = 0;
        std::int32_t committed_leader_epoch = -1;
        std::optional<std::string> committed_metadata{};

        static void fields(auto& io, auto& m) {
            io("PartitionIndex", m.partition_index);
            io("CommittedOffset", m.committed_offset);
            io("CommittedLeaderEpoch", m.committed_leader_epoch, since(2).ignorable());
            io("CommittedMetadata", m.committed_metadata);
        }
        bool operator==(const Partition&) const = default;
    };
    using Topic = NamedTopic<Partition>;

    std::string transactional_id{};
    std::string group_id{};
    std::int64_t producer_id = 0;
    std::int16_t producer_epoch = 0;
    std::int32_t generation_id = -1;
    std::string member_id{};
    std::optional<std::string> group_instance_id{};
    std::vector<Topic> topics{};

    static void fields(auto& io, auto& m) {
        io("TransactionalId", m.transactional_id);
        io("GroupId", m.group_id);
        io("ProducerId", m.producer_id);
        io("ProducerEpoch", m.producer_epoch);
        io("GenerationId", m.generation_id, since(3));
        io("MemberId", m.member_id, since(3));
        io("GroupInstanceId", m.group_instance_id, since(3));
        io("Topics", m.topics);
    }
    bool operator==(const TxnOffsetCommitRequest&) const = default;
};

struct TxnOffsetCommitResponse {
    static constexpr ApiKey kApi = ApiKey::txn_offset_commit;

    using Partition = PartitionError;
    using Topic = NamedTopic<Partition>;

    std::int32_t throttle_time_ms = 0;
    std::vector<Topic> topics{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("Topics", m.topics);
    }
    bool operator==(const TxnOffsetCommitResponse&) const = default;
};

struct DescribeTransactionsRequest {
    static constexpr ApiKey kApi = ApiKey::describe_transactions;
    using Response = struct DescribeTransactionsResponse;

    std::vector<std::string> transactional_ids{};

    static void fields(auto& io, auto& m) { io("TransactionalIds", m.transactional_ids); }
    bool operator==(const DescribeTransactionsRequest&) const = default;
};

struct DescribeTransactionsResponse {
    static constexpr ApiKey kApi = ApiKey::describe_transactions;

    struct Topic {
        std::string topic{};
        std::vector<std::int32_t> partitions{};

        static void fields(auto& io, auto& m) {
            io("Topic", m.topic);
            io("Partitions", m.partitions);
        }
        bool operator==(const Topic&) const = default;
    };
    struct Transaction {
        ErrorCode error_code = ErrorCode::none;
        std::string transactional_id{};
        std::string transaction_state{};
        std::int32_t transaction_timeout_ms = 0;
        std::int64_t transaction_start_time_ms = 0;
        std::int64_t producer_id = 0;
        std::int16_t producer_epoch = 0;
        std::vector<Topic> topics{};

        static void fields(auto& io, auto& m) {
            io("ErrorCode", m.error_code);
            io("TransactionalId", m.transactional_id);
            io("TransactionState", m.transaction_state);
            io("TransactionTimeoutMs", m.transaction_timeout_ms);
            io("TransactionStartTimeMs", m.transaction_start_time_ms);
            io("ProducerId", m.producer_id);
            io("ProducerEpoch", m.producer_epoch);
            io("Topics", m.topics);
        }
        bool operator==(const Transaction&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    std::vector<Transaction> transaction_states{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("TransactionStates", m.transaction_states);
    }
    bool operator==(const DescribeTransactionsResponse&) const = default;
};

struct ListTransactionsRequest {
    static constexpr ApiKey kApi = ApiKey::list_transactions;
    using Response = struct ListTransactionsResponse;

    std::vector<std::string> state_filters{};
    std::vector<std::int64_t> producer_id_filters{};
    std::int64_t duration_filter = -1;

    static void fields(auto& io, auto& m) {
        io("StateFilters", m.state_filters);
        io("ProducerIdFilters", m.producer_id_filters);
        io("DurationFilter", m.duration_filter, since(1));
    }
    bool operator==(const ListTransactionsRequest&) const = default;
};

struct ListTransactionsResponse {
    static constexpr ApiKey kApi = ApiKey::list_transactions;

    struct Transaction {
        std::string transactional_id{};
        std::int64_t producer_id = 0;
        std::string transaction_state{};

        static void fields(auto& io, auto& m) {
            io("TransactionalId", m.transactional_id);
            io("ProducerId", m.producer_id);
            io("TransactionState", m.transaction_state);
        }
        bool operator==(const Transaction&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;
    std::vector<std::string> unknown_state_filters{};
    std::vector<Transaction> transaction_states{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("ErrorCode", m.error_code);
        io("UnknownStateFilters", m.unknown_state_filters);
        io("TransactionStates", m.transaction_states);
    }
    bool operator==(const ListTransactionsResponse&) const = default;
};

}  // namespace mq::wire
