// Beside processes that use the data directory: rule DMP-1 of the concurrency contract. What the control file is, and
// its locks, is said in libcore/shm/layout.h; of it nothing but the name and byte 0 is needed here.
#pragma once

#include <string>

#include "log/check.h"

namespace mq::dump {

inline constexpr std::string_view kControlFile = ".mq-control";

// The data directory that a partition directory lies in.
[[nodiscard]] std::string data_directory_of(const std::string& partition_directory);

// Whether others hold byte 0 of its control file, or a Kafka broker its .lock. What cannot be asked counts as no.
[[nodiscard]] bool is_in_use(const std::string& data_directory);

// Judges what ends a .log. Not thread-safe.
class LiveTail {
public:
    explicit LiveTail(std::string log_path) : path_(std::move(log_path)) {}

    // The bytes of `log_file` from `position` on make no valid batch, as they were read. May sleep for 10 ms, and
    // says read_again at most kMostLooks times for one position, and once more if a valid batch has come behind it:
    // then what others hold is in flight, and the rest, and what valid batches follow, damage.
    [[nodiscard]] Result<log::TailVerdict> judge(const os::File& log_file, FilePosition position, Offset next);

    static constexpr unsigned kMostLooks = 20;

private:
    // In the last segment of a directory that somebody uses, or in what compaction writes there.
    [[nodiscard]] bool is_live() const;

    std::string path_;
    FilePosition position_{0};
    std::uint64_t size_bytes_ = 0;
    unsigned looks_ = 0;  // at position_
    bool was_live_ = false;
    bool was_followed_ = false;  // by a valid batch, at the last look
};

}  // namespace mq::dump
