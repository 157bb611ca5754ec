// Inside of OffsetTable, shared by offset_table.cc and offset_table_write.cc.
#pragma once

#include <algorithm>
#include <cstring>

#include "shm/offset_table.h"

namespace mq::shm {

inline constexpr std::uint32_t kEntriesPerPiece = kPieceBytes / kOffsetEntryBytes;
inline constexpr std::uint32_t kGroupsPerPiece = kPieceBytes / kOffsetGroupBytes;
// No chain is longer than all there can be: a walk of overwritten memory ends too.
inline constexpr std::uint32_t kMostSteps = kMostEntryPieces * kEntriesPerPiece;
using NameWords = std::array<std::uint64_t, kLongestGroupName / 8>;

inline std::uint64_t piece_word(std::uint32_t build, std::uint64_t use, std::int32_t partition) {
    return std::uint64_t{build} << 32 | use << 16 | static_cast<std::uint64_t>(partition + 1);
}
inline std::int32_t partition_of(std::uint64_t word) { return static_cast<std::int32_t>(word & 0xffff) - 1; }
inline std::uint64_t use_of(std::uint64_t word) { return word >> 16 & 0xffff; }
inline std::uint32_t build_of(std::uint64_t word) { return static_cast<std::uint32_t>(word >> 32); }

inline bool is_group(const OffsetGroup& group) {
    return group.entries.load(std::memory_order_relaxed) != 0 ||
           group.metadata_record.load(std::memory_order_relaxed) > 0;
}

}  // namespace mq::shm
