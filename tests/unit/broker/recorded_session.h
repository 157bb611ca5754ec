// A session of real clients with a real broker, frame by frame (golden/README.md, wire and groups).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "wire/api.h"

namespace mq::broker::test {

struct RecordedFrame {
    int number = 0;
    int connection = 0;
    bool is_request = false;
    // Nonzero: no frame, but so many exchanges like the last one of this connection were left out of the recording.
    int left_out = 0;
    wire::ApiKey key{};
    std::int16_t version = 0;
    std::int32_t correlation_id = 0;
    std::string payload;  // without the length
};

// Of mq::test::recorded_sessions().
[[nodiscard]] std::vector<RecordedFrame> read_session(const std::string& name);

}  // namespace mq::broker::test
