// What a broker must hold before a recorded session begins, as far as the session's own answers tell.
#pragma once

#include <map>
#include <optional>

#include "log/checkpoint_file.h"
#include "recorded_session.h"

namespace mq::broker::test {

struct RecordedLog {
    std::int64_t start = 0;
    std::int64_t end = 0;
};
struct RecordedState {
    std::optional<std::int32_t> broker_id;
    std::map<std::string, std::int32_t> topics;  // and how many partitions they have
    std::map<log::TopicPartition, RecordedLog> logs;
};
[[nodiscard]] RecordedState state_before(const std::vector<RecordedFrame>& session);

// Makes the directory of a Kafka broker that holds these topics; the records are those that any of the sessions
// fetched.
void lay_out(const RecordedState& state, const std::string& directory);

}  // namespace mq::broker::test
