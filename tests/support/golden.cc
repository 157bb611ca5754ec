#include "support/golden.h"

#include <zlib.h>
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>

namespace mq::test {
namespace fs = std::filesystem;
namespace {

std::string gunzip(const std::string& path) {
    const std::unique_ptr<gzFile_s, decltype(&gzclose)> file{gzopen(path.c_str(), "rb"), &gzclose};
    if (!file) throw std::runtime_error("cannot open " + path);
    std::string content;
    std::array<char, 64 * 1024> part;
    for (;;) {
        const int n = gzread(file.get(), part.data(), part.size());
        if (n < 0) throw std::runtime_error("damaged gzip file " + path);
        if (n == 0) return content;
        content.append(part.data(), static_cast<std::size_t>(n));
    }
}

std::vector<std::string> sorted(std::vector<std::string> names) {
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace

std::string golden_path(std::string_view relative) {
    std::string path = MQ_GOLDEN_DIR;
    if (!relative.empty()) path.append("/").append(relative);
    return path;
}

const std::vector<std::string>& golden_sets() {
    static const std::vector<std::string> sets{"plain",      "codecs", "segmented",      "txn",          "offsets",
                                               "oldformats", "epochs", "corrupt-before", "corrupt-after"};
    return sets;
}

std::vector<std::string> partitions_of(std::string_view set) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator{golden_path(set)})
        if (entry.is_directory()) names.push_back(entry.path().filename());
    return sorted(std::move(names));
}

std::vector<std::string> partition_files(std::string_view set, std::string_view partition, std::string_view suffix) {
    std::vector<std::string> paths;
    for (const auto& entry : fs::directory_iterator{fs::path{golden_path(set)} / partition})
        if (entry.path().native().ends_with(suffix)) paths.push_back(entry.path());
    return sorted(std::move(paths));
}

std::vector<std::string> all_segments() {
    std::vector<std::string> paths;
    for (const auto& set : golden_sets())
        for (const auto& partition : partitions_of(set))
            std::ranges::move(partition_files(set, partition, ".log"), std::back_inserter(paths));
    return paths;
}

bool has_golden(std::string_view relative) {
    const std::string path = golden_path(relative);
    return fs::exists(path) || fs::exists(path + ".gz");
}

std::string read_golden(std::string_view relative) {
    const std::string path = golden_path(relative);
    if (!fs::exists(path) && fs::exists(path + ".gz")) return gunzip(path + ".gz");
    return slurp(path);
}

std::vector<std::string> recorded_sessions() {
    std::vector<std::string> names;
    for (const char* folder : {"wire", "groups"}) {
        for (const auto& entry : fs::directory_iterator{golden_path(folder)}) {
            if (entry.path().extension() == ".jsonl")
                names.push_back(std::string{folder} + '/' + entry.path().stem().string());
        }
    }
    return sorted(std::move(names));
}

std::string recorded_member(const std::string& line, const std::string& name) {
    const std::string key = '"' + name + "\": ";
    const std::size_t at = line.find(key);
    if (at == line.npos) return "";
    std::size_t start = at + key.size();
    if (line[start] == '"') ++start;
    return line.substr(start, line.find_first_of("\",}", start) - start);
}

std::string slurp(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    if (!file) throw std::runtime_error("cannot open " + path);
    return {std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace mq::test
