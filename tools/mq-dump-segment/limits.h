// How much of a segment may be in memory at once. The two together keep the tool under 64 MiB, whatever a file says.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mq::dump {

struct MemoryLimits {
    std::uint64_t unit_bytes = std::uint64_t{16} << 20;      // the largest batch that is loaded whole
    std::size_t decompressed_bytes = std::size_t{40} << 20;  // the most that the records of one batch may unfold to
};

}  // namespace mq::dump
