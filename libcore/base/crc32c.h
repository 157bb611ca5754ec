// CRC-32C (Castagnoli), the checksum of record batches v2 and producer snapshots.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace mq {

// crc32c("123456789") == 0xe3069283. `seed` is the checksum of the bytes before `bytes`, so that
// crc32c(b, crc32c(a)) == crc32c(a + b). The fastest implementation of the machine is chosen at the first
// call. Thread-safe.
[[nodiscard]] std::uint32_t crc32c(ByteView bytes, std::uint32_t seed = 0);

// The implementations, by name, for tests and benchmarks; null where the machine cannot run it.
namespace crc32c_detail {
using Fn = std::uint32_t (*)(ByteView, std::uint32_t);
[[nodiscard]] std::uint32_t portable(ByteView bytes, std::uint32_t seed);
[[nodiscard]] Fn sse42();  // three interleaved streams of the crc32 instruction
[[nodiscard]] Fn isal();   // libisal, loaded with dlopen
}  // namespace crc32c_detail

}  // namespace mq
