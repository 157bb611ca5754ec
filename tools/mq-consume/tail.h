// --tail: where the last N records of several partitions begin.
#pragma once

#include <span>
#include <vector>

#include "partition_stream.h"

namespace mq::consume {

struct TailPartition {
    PartitionStream* stream = nullptr;
    Offset start{0};  // of its log
    Offset end{0};    // where the tail ends
};

// For each partition the offset from which on its part of the last `count` records lies, in the order of a merge by
// timestamp. Where timestamps go back inside a partition the order of offsets wins. Uses the streams, whose spans
// mean nothing afterwards. Memory: 24 bytes for each of `count`. Errors: those of reading.
[[nodiscard]] Result<std::vector<Offset>> choose_tail(std::span<const TailPartition> partitions, std::uint64_t count);

}  // namespace mq::consume
