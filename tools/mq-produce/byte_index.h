// Where a byte occurs in a stretch of memory: many at a time, by vector compares.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace mq::produce {

struct IndexedBytes {
    std::size_t found = 0;    // positions written
    std::size_t scanned = 0;  // bytes looked at; all of them unless `positions` was full
};

// Writes the positions of `wanted` in `bytes`, at most 4 GiB - 1 of them, ascending, until `positions` may be full:
// it holds at least 64 entries. SSE2 on any x86-64, AVX2 or AVX-512 where the processor has them, memchr elsewhere.
[[nodiscard]] IndexedBytes index_bytes(char wanted, std::string_view bytes, std::span<std::uint32_t> positions);

// The ways there are on this processor, for the test that holds them against one another.
using IndexBytes = IndexedBytes (*)(char, std::string_view, std::span<std::uint32_t>);
[[nodiscard]] std::span<const IndexBytes> index_bytes_ways();

}  // namespace mq::produce
