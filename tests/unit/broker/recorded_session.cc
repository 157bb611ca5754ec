#include "recorded_session.h"

#include <sstream>

#include "support/golden.h"
#include "unit/wire/hex.h"

namespace mq::broker::test {
using mq::test::recorded_member;

std::vector<RecordedFrame> read_session(const std::string& name) {
    std::vector<RecordedFrame> frames;
    std::istringstream lines{mq::test::slurp(mq::test::golden_path(name + ".jsonl"))};
    for (std::string line; std::getline(lines, line);) {
        RecordedFrame frame;
        frame.number = std::stoi(recorded_member(line, "n"));
        frame.connection = std::stoi(recorded_member(line, "conn"));
        const std::string direction = recorded_member(line, "dir");
        if (direction == "skipped") {
            frame.left_out = std::stoi(recorded_member(line, "pairs"));
        } else if (direction == "request" || direction == "response") {
            frame.is_request = direction == "request";
            frame.key = static_cast<wire::ApiKey>(std::stoi(recorded_member(line, "api_key")));
            frame.version = static_cast<std::int16_t>(std::stoi(recorded_member(line, "api_version")));
            frame.correlation_id = std::stoi(recorded_member(line, "correlation_id"));
            frame.payload = wire::test::from_hex(recorded_member(line, "hex"));
        } else {
            continue;
        }
        frames.push_back(std::move(frame));
    }
    return frames;
}

}  // namespace mq::broker::test
