#include "recorded_session.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "support/golden.h"

namespace mq::broker::test {
namespace {

// The value of a member of one flat JSON line, without quotes; empty if there is none.
std::string member(const std::string& line, const std::string& name) {
    const std::string key = '"' + name + "\": ";
    const std::size_t at = line.find(key);
    if (at == line.npos) return "";
    std::size_t start = at + key.size();
    if (line[start] == '"') ++start;
    return line.substr(start, line.find_first_of("\",}", start) - start);
}

std::string from_hex(const std::string& digits) {
    std::string out;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
        out += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
    return out;
}

}  // namespace

std::vector<std::string> recorded_sessions() {
    std::vector<std::string> names;
    for (const char* folder : {"wire", "groups"}) {
        for (const auto& entry : std::filesystem::directory_iterator{mq::test::golden_path(folder)}) {
            if (entry.path().extension() == ".jsonl")
                names.push_back(std::string{folder} + '/' + entry.path().stem().string());
        }
    }
    std::ranges::sort(names);
    return names;
}

std::vector<RecordedFrame> read_session(const std::string& name) {
    std::vector<RecordedFrame> frames;
    std::istringstream lines{mq::test::slurp(mq::test::golden_path(name + ".jsonl"))};
    for (std::string line; std::getline(lines, line);) {
        RecordedFrame frame;
        frame.number = std::stoi(member(line, "n"));
        frame.connection = std::stoi(member(line, "conn"));
        const std::string direction = member(line, "dir");
        if (direction == "skipped") {
            frame.left_out = std::stoi(member(line, "pairs"));
        } else if (direction == "request" || direction == "response") {
            frame.is_request = direction == "request";
            frame.key = static_cast<wire::ApiKey>(std::stoi(member(line, "api_key")));
            frame.version = static_cast<std::int16_t>(std::stoi(member(line, "api_version")));
            frame.correlation_id = std::stoi(member(line, "correlation_id"));
            frame.payload = from_hex(member(line, "hex"));
        } else {
            continue;
        }
        frames.push_back(std::move(frame));
    }
    return frames;
}

}  // namespace mq::broker::test
