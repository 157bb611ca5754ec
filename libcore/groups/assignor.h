// Which member of a group reads which partitions: Kafka's strategies as pure functions.
// Source of the rules: org.apache.kafka.clients.consumer.{Range,RoundRobin,CooperativeSticky}Assignor.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "log/checkpoint_file.h"

namespace mq::groups {

enum class Assignor : unsigned char { range, round_robin, sticky, cooperative_sticky };
// "range", "roundrobin", "sticky", "cooperative-sticky"
[[nodiscard]] std::string_view to_string(Assignor assignor);
[[nodiscard]] std::optional<Assignor> parse_assignor(std::string_view name);

struct AssignorTopic {
    std::string name;
    std::int32_t partitions = 0;
};
struct AssignorMember {
    std::string id;                   // they are taken in the order of ids; of static members their instance ids
    std::vector<std::size_t> topics;  // indexes of the topics that it subscribes to, ascending
    std::vector<log::TopicPartition> owned;  // what it has now, for the sticky ones
};

// For each member the partitions that it is to read, sorted. Every partition of a subscribed topic goes to exactly
// one member that subscribes to its topic; with none it goes to nobody. Deterministic.
//
// range: of each topic consecutive partitions, the first members one more. roundrobin: all partitions in turns.
// sticky, cooperative-sticky: as even as can be (counts differ by one at most where all subscribe to the same), and
// with the fewest changes of hands that allow it.
[[nodiscard]] std::vector<std::vector<log::TopicPartition>> assign(Assignor assignor,
                                                                   const std::vector<AssignorTopic>& topics,
                                                                   const std::vector<AssignorMember>& members);

}  // namespace mq::groups
