// How the descriptors that the process may have open (RLIMIT_NOFILE) are shared out: what stays open for long takes
// so many at most that files of the moment still find some, or a roll, a compaction, a start of a group would fail.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mq::broker {

// What may be open at once of each.
struct DescriptorShares {
    std::size_t partitions = 0;          // for clients that produce and fetch
    std::size_t offsets_partitions = 0;  // of __consumer_offsets
    std::size_t connections = 0;
    std::size_t files_of_fetch = 0;  // that one answer has records of
};

// Three for a segment that is open: the writer has one and each of the two readers up to two; a flush takes one.
inline constexpr std::size_t kDescriptorsOfPartition = 16;
// One segment for the writer and one for the reader, and one for a flush.
inline constexpr std::size_t kDescriptorsOfOffsetsPartition = 7;

// From 800 on an eighth is kept for the moment, half is for partitions and three eighths for connections. Below it is
// at least 100, while that is no more than half. One of each is possible in any case.
[[nodiscard]] DescriptorShares share_out(std::uint64_t descriptors);

}  // namespace mq::broker
