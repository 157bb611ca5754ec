// Sessions of real clients with a real broker: every frame is understood, and comes out again byte for byte.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>

#include "hex.h"
#include "support/golden.h"
#include "walk.h"
#include "wire/frame.h"

namespace mq::wire::test {
namespace {

using mq::test::recorded_member;

Result<std::string> recode_request(ByteView payload) {
    MQ_ASSIGN(const RequestFrame frame, parse_request(payload));
    const MessageRow* row = find_message(frame.header.api_key, true);
    MQ_ASSIGN(const std::string body, row->recode(frame.body, frame.header.api_version));
    std::string out;
    FrameWriter writer{out};
    MQ_TRY(writer.put(frame.header));
    out += body;
    MQ_TRY(writer.finish({}));
    return out.substr(kLengthBytes);
}

Result<std::string> recode_response(ByteView payload, ApiKey key, std::int16_t version) {
    MQ_ASSIGN(const ResponseFrame frame, parse_response(payload, key, version));
    MQ_ASSIGN(const std::string body, find_message(key, false)->recode(frame.body, version));
    std::string out;
    FrameWriter writer{out};
    writer.put(frame.header, key, version);
    out += body;
    MQ_TRY(writer.finish({}));
    return out.substr(kLengthBytes);
}

TEST(GoldenFrames, ComeOutAsTheyWentIn) {
    std::map<std::string, std::set<int>> seen;
    std::size_t frames = 0;
    for (const std::string& name : mq::test::recorded_sessions()) {
        std::istringstream lines{mq::test::read_golden(name + ".jsonl")};
        for (std::string line; std::getline(lines, line);) {
            const std::string bytes = from_hex(recorded_member(line, "hex"));
            if (bytes.empty()) continue;  // an event, not a frame
            const auto key = static_cast<ApiKey>(std::stoi(recorded_member(line, "api_key")));
            const auto version = static_cast<std::int16_t>(std::stoi(recorded_member(line, "api_version")));
            const bool is_request = recorded_member(line, "dir") == "request";
            ASSERT_EQ(std::to_string(bytes.size()), recorded_member(line, "size"));
            const auto again = is_request ? recode_request(bytes) : recode_response(bytes, key, version);
            const std::string where = name + " frame " + recorded_member(line, "n");
            ASSERT_TRUE(again) << where << ": " << again.error().message();
            ASSERT_EQ(to_hex(*again), to_hex(bytes)) << where;
            if (is_request) {
                const auto parsed = parse_request(bytes);
                EXPECT_EQ(parsed->header.api_key, key);
                EXPECT_EQ(parsed->header.api_version, version);
                EXPECT_EQ(std::to_string(parsed->header.correlation_id), recorded_member(line, "correlation_id"));
                EXPECT_EQ(parsed->header.client_id.value_or(""), recorded_member(line, "client_id"));
            }
            seen[std::string{api_of(key).name}].insert(version);
            ++frames;
        }
    }
    EXPECT_GE(frames, 500);
    EXPECT_GE(seen.size(), 20) << "kinds of requests";
}

}  // namespace
}  // namespace mq::wire::test
