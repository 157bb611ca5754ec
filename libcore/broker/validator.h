// What a client sent for one partition, held against the rules that need no log: VAL-1 to VAL-12 and ACK-11.
// Source: org.apache.kafka.storage.internals.log.LogValidator, release 3.9.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "base/strong_int.h"
#include "store/topic_config.h"
#include "wire/error_code.h"

namespace mq::broker {

struct ValidationRules {
    const store::TopicConfig& topic;
    std::int16_t version = 0;  // of the Produce request: up to 2 it may carry message sets of magic 0 and 1
    std::size_t decompressed_max_bytes = 0;
    TimestampMs now = 0;
};

struct RecordRefusal {
    std::int32_t index = 0;  // of the record in its batch
    std::string message;
};

struct Refusal {
    wire::ErrorCode code{};
    std::string message;
    bool is_over_limit = false;  // more than decompressed_max_bytes: another limit might let it pass
    // Those of its records that are at fault themselves: the first kMostRecordRefusals.
    std::vector<RecordRefusal> records{};
};
inline constexpr std::size_t kMostRecordRefusals = 100;

// One batch of magic 2 that may be appended as it is; none if an old client sent no message.
struct ValidBatch {
    std::span<char> bytes;  // those that came in, mended in place where that is enough, or `rebuilt`
    Buffer rebuilt{};       // what had to be encoded anew
    std::int32_t record_count = 0;
};

// Changes nothing but headers in `records`, and these only if it succeeds. Takes memory for what is compressed, at
// most the limit, and for what is to be rebuilt, at most that once more and what is appended. Thread-safe.
[[nodiscard]] tl::expected<ValidBatch, Refusal> validate(std::span<char> records, const ValidationRules& rules);

}  // namespace mq::broker
