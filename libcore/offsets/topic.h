// __consumer_offsets: what it is made as where it is missing.
#pragma once

#include <cstdint>
#include <string_view>

namespace mq::store {
struct NewTopic;
}

namespace mq::offsets {

inline constexpr std::string_view kOffsetsTopic = "__consumer_offsets";
inline constexpr std::int32_t kOffsetsPartitions = 50;  // unless mq-topics.json says otherwise (OFF-3)

// Kafka's offsets.topic.num.partitions and offsets.topic.segment.bytes.
struct NewOffsetsTopic {
    std::int32_t partitions = kOffsetsPartitions;
    std::int64_t segment_bytes = 104'857'600;
};
[[nodiscard]] store::NewTopic to_new_topic(const NewOffsetsTopic& offsets_topic);

}  // namespace mq::offsets
