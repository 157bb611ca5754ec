// The directories that a real Kafka broker wrote, unpacked by the build. A missing file throws runtime_error.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mq::test {

// Absolute path of a file or directory, for instance golden_path("plain/plain-0").
[[nodiscard]] std::string golden_path(std::string_view relative = {});

// The sets with partition directories, in the order of their README: plain, codecs, ... corrupt-after.
[[nodiscard]] const std::vector<std::string>& golden_sets();

// Names of the partition directories of a set, sorted: {"logappend-0", "plain-0", ...}.
[[nodiscard]] std::vector<std::string> partitions_of(std::string_view set);

// Absolute paths of the files of a partition that end in `suffix` (".log"), sorted.
[[nodiscard]] std::vector<std::string> partition_files(std::string_view set, std::string_view partition,
                                                       std::string_view suffix);

// Every .log file of every set: what a test runs over that holds for any log.
[[nodiscard]] std::vector<std::string> all_segments();

// A whole file, relative to the golden directory. If only NAME.gz is there, its content unpacked.
[[nodiscard]] std::string read_golden(std::string_view relative);
[[nodiscard]] bool has_golden(std::string_view relative);

// Sessions of clients with the broker, "wire/kcat-P": every one of both folders, sorted. NAME.jsonl has a flat JSON
// line a frame.
[[nodiscard]] std::vector<std::string> recorded_sessions();
// The value of a member of such a line, without quotes; empty if there is none.
[[nodiscard]] std::string recorded_member(const std::string& line, const std::string& name);

// A whole file anywhere.
[[nodiscard]] std::string slurp(const std::string& path);

}  // namespace mq::test
