// What --exec and its companions say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace mq::consume {

// What becomes of a record whose command has failed once more than --exec-retries.
enum class OnExecFailure : unsigned char {
    stop,  // no command is started any more, nothing is committed past it, status 1
    skip   // told, and done with; status 1 at the end
};

inline constexpr std::uint32_t kMostExecJobs = 256;  // three descriptors each, of the 1,024 that a process has
inline constexpr std::int64_t kLongestExecBackoffMs = 60'000;

struct ExecOptions {
    std::string command;
    bool batch = false;       // --exec-batch
    std::uint32_t jobs = 1;   // commands at a time
    bool keep_order = false;  // of the output; within each partition
    std::uint32_t retries = 0;
    std::int64_t backoff_ms = 1000;  // before the first repetition; doubles each time, up to kLongestExecBackoffMs
    OnExecFailure on_failure = OnExecFailure::stop;
    // --dead-letter: goes before on_failure. A record that is there is done, and no failure.
    std::optional<std::string> dead_letter;
    // A batch ends with the record that reaches one of these.
    std::uint64_t batch_records = UINT64_MAX;
    std::uint64_t batch_bytes = std::uint64_t{4} << 20;
};

}  // namespace mq::consume
