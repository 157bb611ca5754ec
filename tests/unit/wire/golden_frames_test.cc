// Sessions of real clients with a real broker: every frame is understood, and comes out again byte for byte.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include "hex.h"
#include "support/golden.h"
#include "walk.h"
#include "wire/frame.h"

namespace mq::wire::test {
namespace {

std::vector<std::string> recordings() {
    std::vector<std::string> paths;
    for (const char* folder : {"wire", "groups"}) {
        for (const auto& entry : std::filesystem::directory_iterator{mq::test::golden_path(folder)}) {
            if (entry.path().extension() == ".jsonl") paths.push_back(entry.path());
        }
    }
    std::ranges::sort(paths);
    return paths;
}

// The value of a member of one flat JSON line, without quotes.
std::string member(const std::string& line, const std::string& name) {
    const std::string key = '"' + name + "\": ";
    const std::size_t at = line.find(key);
    if (at == line.npos) return "";
    std::size_t start = at + key.size();
    if (line[start] == '"') ++start;
    return line.substr(start, line.find_first_of("\",}", start) - start);
}

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
    for (const std::string& path : recordings()) {
        std::istringstream lines{mq::test::slurp(path)};
        for (std::string line; std::getline(lines, line);) {
            const std::string bytes = from_hex(member(line, "hex"));
            if (bytes.empty()) continue;  // an event, not a frame
            const auto key = static_cast<ApiKey>(std::stoi(member(line, "api_key")));
            const auto version = static_cast<std::int16_t>(std::stoi(member(line, "api_version")));
            const bool is_request = member(line, "dir") == "request";
            ASSERT_EQ(std::to_string(bytes.size()), member(line, "size"));
            const auto again = is_request ? recode_request(bytes) : recode_response(bytes, key, version);
            const std::string where = path + " frame " + member(line, "n");
            ASSERT_TRUE(again) << where << ": " << again.error().message();
            ASSERT_EQ(to_hex(*again), to_hex(bytes)) << where;
            if (is_request) {
                const auto parsed = parse_request(bytes);
                EXPECT_EQ(parsed->header.api_key, key);
                EXPECT_EQ(parsed->header.api_version, version);
                EXPECT_EQ(std::to_string(parsed->header.correlation_id), member(line, "correlation_id"));
                EXPECT_EQ(parsed->header.client_id.value_or(""), member(line, "client_id"));
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
