// What Kafka's own dump tool printed of the small files of the golden directories.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/golden.h"

namespace mq::test {

struct ListedFile {
    std::string path;  // absolute
    std::vector<std::string> lines;
};

// The files that the dumps SET/PARTITION`suffix` of all sets list, for instance ".index.dump.txt".
inline std::vector<ListedFile> listed_files(std::string_view suffix) {
    std::vector<ListedFile> files;
    for (const std::string& set : golden_sets()) {
        for (const std::string& partition : partitions_of(set)) {
            const std::string dump = set + '/' + partition + std::string{suffix};
            if (!has_golden(dump)) continue;
            std::string text = read_golden(dump);
            for (std::size_t at = 0; at < text.size();) {
                const std::size_t end = text.find('\n', at);
                std::string line = text.substr(at, end - at);
                at = end == text.npos ? text.size() : end + 1;
                constexpr std::string_view kStart = "Dumping ";
                if (line.starts_with(kStart)) {
                    files.push_back({golden_path(line.substr(kStart.size())), {}});
                } else if (!files.empty() && !line.empty()) {
                    files.back().lines.push_back(std::move(line));
                }
            }
        }
    }
    return files;
}

// The word after "NAME: " in a line of a dump; empty if there is none.
inline std::string field_text(const std::string& line, const std::string& name) {
    const std::string label = name + ": ";
    std::size_t at = line.find(label);
    while (at != line.npos && at != 0 && line[at - 1] != ' ') at = line.find(label, at + 1);
    if (at == line.npos) return {};
    at += label.size();
    return line.substr(at, line.find(' ', at) - at);
}

inline std::int64_t field(const std::string& line, const std::string& name) {
    return std::stoll(field_text(line, name));
}

}  // namespace mq::test
