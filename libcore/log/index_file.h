// What the offset index and the time index share: a file of fixed-size entries whose keys never decrease.
// Private to log/.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/strong_int.h"
#include "os/file.h"

namespace mq::log::detail {

// An index of a segment of at most 2 GiB is far below; more is no index.
inline constexpr std::uint64_t kMaxIndexBytes = std::uint64_t{64} << 20;

// Whole entries by the size of the file, a tail of zero entries not counted: Kafka maps the active index at its full
// size and cuts it only at roll and clean stop. `first_may_be_zero`: entry 0 can be all zeros though it is real.
// too_large over 2^32 - 1 entries.
[[nodiscard]] Result<std::uint32_t> count_index_entries(const os::File& file, std::size_t entry_bytes,
                                                        bool first_may_be_zero);

// Reads entries [first, first + count); truncated if the file ends before.
[[nodiscard]] Status read_index_entries(const os::File& file, std::size_t entry_bytes, std::uint32_t first,
                                        std::uint32_t count, char* to);

// The first `entries` as bytes; too_large over kMaxIndexBytes.
[[nodiscard]] Result<std::string> read_index_bytes(const os::File& file, std::size_t entry_bytes,
                                                   std::uint32_t entries);

[[nodiscard]] Status truncate_index(const os::File& file, std::size_t entry_bytes, std::uint32_t entries);

// base + relative as stored; a hostile file cannot make it overflow.
[[nodiscard]] inline Offset absolute_offset(Offset base, std::int32_t relative) {
    return Offset{static_cast<std::int64_t>(static_cast<std::uint64_t>(base.value()) +
                                            static_cast<std::uint64_t>(std::int64_t{relative}))};
}

// Asserts that it fits the 4 bytes: the log rolls before it does not.
[[nodiscard]] std::int32_t relative_offset(Offset offset, Offset base);

template <typename Entry>
struct SearchResult {
    std::uint32_t count = 0;    // entries with a key <= target
    std::optional<Entry> last;  // the last of them
};

// Binary search among the first `entries`, a block for each read. Lookups near the end of the log are the common
// ones, so the last block comes first; after it every other probe interpolates, since offsets and times grow about
// evenly with the file: 2 to 4 reads for a million entries, never more than twice the reads of a plain bisection.
// `decode` makes an Entry of bytes, `key` an int64 of an Entry. Where keys do decrease the answer is some entry.
template <typename Entry, std::size_t kEntryBytes, typename Decode, typename Key>
[[nodiscard]] Result<SearchResult<Entry>> search_index(const os::File& file, std::uint32_t entries,
                                                       std::int64_t target, std::int64_t lowest_key, Decode decode,
                                                       Key key) {
    constexpr std::uint32_t kBlockEntries = 8192 / kEntryBytes;
    std::array<char, kBlockEntries * kEntryBytes> block;
    const auto at = [&](std::uint32_t i) { return decode(block.data() + std::size_t{i} * kEntryBytes); };

    SearchResult<Entry> result;
    // Entries before `low` have keys <= target, those from `high` on have larger ones.
    std::uint32_t low = 0;
    std::uint32_t high = entries;
    std::int64_t low_key = lowest_key;
    std::int64_t high_key = 0;
    for (unsigned probe = 0; low < high; ++probe) {
        const std::uint32_t width = high - low;
        const std::uint32_t count = std::min(width, kBlockEntries);
        std::uint32_t start = high - count;
        if (probe > 0 && width > count) {
            double share = 0.5;
            if (probe % 2 == 1 && low_key <= target && target < high_key) {
                const auto distance = [](std::int64_t from, std::int64_t to) {
                    return static_cast<double>(static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from));
                };
                share = distance(low_key, target) / distance(low_key, high_key);
            }
            const auto guess = static_cast<std::uint32_t>(share * static_cast<double>(width));
            start = low + std::clamp(guess, count / 2, width - count + count / 2) - count / 2;
        }
        MQ_TRY(read_index_entries(file, kEntryBytes, start, count, block.data()));
        if (key(at(0)) > target) {
            high = start;
            high_key = key(at(0));
            continue;
        }
        // The first entry of the block with a larger key, or its end.
        std::uint32_t below = 1;
        std::uint32_t above = count;
        while (below < above) {
            const std::uint32_t middle = below + (above - below) / 2;
            if (key(at(middle)) <= target) {
                below = middle + 1;
            } else {
                above = middle;
            }
        }
        result.last = at(below - 1);
        low = start + below;
        low_key = key(*result.last);
        if (below < count) high = low;
    }
    result.count = low;
    return result;
}

}  // namespace mq::log::detail
