// What members of groups of protocol type "consumer" tell each other, inside the group metadata's opaque bytes.
// Source of the format: Kafka's schema files ConsumerProtocolSubscription and ConsumerProtocolAssignment.
#pragma once

#include "record/internal_topics.h"

namespace mq::record {

struct ConsumerSubscription {
    std::int16_t version = 0;  // as stored; above 3 only the known fields are read
    std::vector<std::string> topics;
    std::optional<std::string> user_data;
    std::vector<TopicPartitions> owned_partitions;  // since version 1
    std::int32_t generation = -1;                   // since version 2
    std::optional<std::string> rack_id;             // since version 3
    bool operator==(const ConsumerSubscription&) const = default;
};

struct ConsumerAssignment {
    std::int16_t version = 0;
    std::vector<TopicPartitions> partitions;
    std::optional<std::string> user_data;
    bool operator==(const ConsumerAssignment&) const = default;
};

// Errors: corrupt. Bytes after the known fields are a later version's and ignored.
[[nodiscard]] Result<ConsumerSubscription> parse_consumer_subscription(ByteView bytes);
[[nodiscard]] Result<ConsumerAssignment> parse_consumer_assignment(ByteView bytes);

[[nodiscard]] std::string encode(const ConsumerSubscription& subscription);
[[nodiscard]] std::string encode(const ConsumerAssignment& assignment);

}  // namespace mq::record
