#include "cli/topic_operand.h"

#include "cli/values.h"

namespace mq::cli {

Result<TopicOperand> parse_topic_operand(std::string_view text) {
    const std::size_t colon = text.find(':');
    TopicOperand parsed{std::string{text.substr(0, colon)}, {}};
    if (colon != text.npos) {
        MQ_ASSIGN(parsed.partitions, parse_partition_list(text.substr(colon + 1), kMostPartition));
    }
    return parsed;
}

}  // namespace mq::cli
