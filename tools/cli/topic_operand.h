// "numbers", "numbers:0,2-5": a topic and some of its partitions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace mq::cli {

// A topic has at most 65,536 partitions.
inline constexpr std::int32_t kMostPartition = 65'535;

struct TopicOperand {
    std::string topic;
    std::vector<std::int32_t> partitions;  // ascending; empty: all
};
// Errors: bad_argument. The name is not held against any rule.
[[nodiscard]] Result<TopicOperand> parse_topic_operand(std::string_view text);

}  // namespace mq::cli
