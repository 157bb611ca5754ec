#include "log/index_file.h"

#include <limits>
#include <utility>

#include "base/assert.h"

namespace mq::log::detail {
namespace {

constexpr std::size_t kMaxEntryBytes = 16;

FilePosition entry_position(std::uint32_t index, std::size_t entry_bytes) {
    return FilePosition{std::uint64_t{index} * entry_bytes};
}

Result<bool> is_zero_entry(const os::File& file, std::size_t entry_bytes, std::uint32_t index) {
    std::array<char, kMaxEntryBytes> entry{};
    MQ_TRY(read_index_entries(file, entry_bytes, index, 1, entry.data()));
    return std::all_of(entry.begin(), entry.end(), [](char c) { return c == 0; });
}

}  // namespace

Result<std::uint32_t> count_index_entries(const os::File& file, std::size_t entry_bytes, bool first_may_be_zero) {
    MQ_ASSERT(entry_bytes <= kMaxEntryBytes);
    MQ_ASSIGN(const std::uint64_t size, file.size());
    if (size / entry_bytes > std::numeric_limits<std::uint32_t>::max())
        return fail(Errc::too_large, "read index", file.path(), std::to_string(size) + " bytes are no index");
    const auto entries = static_cast<std::uint32_t>(size / entry_bytes);
    if (entries == 0) return 0;
    MQ_ASSIGN(const bool zero_tail, is_zero_entry(file, entry_bytes, entries - 1));
    if (!zero_tail) return entries;
    // A file of just one entry was never preallocated.
    if (entries == 1) return first_may_be_zero ? 1 : 0;
    // Entries from 1 on are never zero, so the zeros begin at one place.
    std::uint32_t used = 1;
    std::uint32_t zeros = entries - 1;
    while (used < zeros) {
        const std::uint32_t middle = used + (zeros - used) / 2;
        MQ_ASSIGN(const bool zero, is_zero_entry(file, entry_bytes, middle));
        if (zero) {
            zeros = middle;
        } else {
            used = middle + 1;
        }
    }
    if (used > 1) return used;
    MQ_ASSIGN(const bool empty, is_zero_entry(file, entry_bytes, 0));
    return empty ? 0 : 1;
}

Status read_index_entries(const os::File& file, std::size_t entry_bytes, std::uint32_t first, std::uint32_t count,
                          char* to) {
    const std::size_t wanted = count * entry_bytes;
    MQ_ASSIGN(const std::size_t got, file.read_at({to, wanted}, entry_position(first, entry_bytes)));
    if (got == wanted) return {};
    return fail(Errc::truncated, "read index", file.path(),
                "the file ends before entry " + std::to_string(first + count - 1),
                entry_position(first, entry_bytes).value() + got);
}

Result<std::string> read_index_bytes(const os::File& file, std::size_t entry_bytes, std::uint32_t entries) {
    const std::uint64_t size = std::uint64_t{entries} * entry_bytes;
    if (size > kMaxIndexBytes) {
        return fail(Errc::too_large, "read index", file.path(),
                    std::to_string(size) + " bytes, at most " + std::to_string(kMaxIndexBytes) + " are read");
    }
    std::string bytes(size, '\0');
    MQ_TRY(read_index_entries(file, entry_bytes, 0, entries, bytes.data()));
    return bytes;
}

Status truncate_index(const os::File& file, std::size_t entry_bytes, std::uint32_t entries) {
    return file.truncate(entry_position(entries, entry_bytes).value());
}

std::int32_t relative_offset(Offset offset, Offset base) {
    MQ_ASSERT(base <= offset && offset - base <= std::numeric_limits<std::int32_t>::max());
    return static_cast<std::int32_t>(offset - base);
}

}  // namespace mq::log::detail
