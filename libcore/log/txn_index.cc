#include "log/txn_index.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "os/file.h"
#include "os/kill_point.h"

namespace mq::log {
namespace {

constexpr std::int16_t kVersion = 0;

Result<std::string> read_bytes(const std::string& path) {
    Result<std::string> bytes = os::read_file(path);
    if (!bytes && bytes.error().code == Errc::not_found) return std::string{};
    return bytes;
}

// The first `count` entries of `bytes`, checked.
Result<std::vector<AbortedTxn>> decode_entries(ByteView bytes, std::size_t count, const std::string& path) {
    std::vector<AbortedTxn> entries;
    entries.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint64_t position = i * kAbortedTxnBytes;
        Result<AbortedTxn> txn = decode_aborted_txn(bytes.data() + position);
        if (!txn) return fail(Errc::corrupt, "read transaction index", path, txn.error().detail, position);
        if (!entries.empty() && txn->last_offset <= entries.back().last_offset) {
            return fail(Errc::corrupt, "read transaction index", path,
                        "last offset " + std::to_string(txn->last_offset.value()) + " after " +
                            std::to_string(entries.back().last_offset.value()),
                        position);
        }
        entries.push_back(*txn);
    }
    return entries;
}

}  // namespace

void encode_aborted_txn(char* to, const AbortedTxn& txn) {
    store_be(to, kVersion);
    store_be(to + 2, txn.producer_id);
    store_be(to + 10, txn.first_offset.value());
    store_be(to + 18, txn.last_offset.value());
    store_be(to + 26, txn.last_stable_offset.value());
}

Result<AbortedTxn> decode_aborted_txn(const char* from) {
    const auto version = load_be<std::int16_t>(from);
    if (version != kVersion) {
        return fail(Errc::unsupported, "read transaction index", {},
                    "version " + std::to_string(version) + " of an entry, not 0");
    }
    AbortedTxn txn;
    txn.producer_id = load_be<std::int64_t>(from + 2);
    txn.first_offset = Offset{load_be<std::int64_t>(from + 10)};
    txn.last_offset = Offset{load_be<std::int64_t>(from + 18)};
    txn.last_stable_offset = Offset{load_be<std::int64_t>(from + 26)};
    return txn;
}

Result<std::vector<AbortedTxn>> read_txn_index(const std::string& path, std::optional<std::uint32_t> entries) {
    MQ_ASSIGN(const std::string bytes, read_bytes(path));
    const std::size_t whole = bytes.size() / kAbortedTxnBytes;
    if (!entries && bytes.size() % kAbortedTxnBytes != 0) {
        return fail(Errc::corrupt, "read transaction index", path,
                    std::to_string(bytes.size() % kAbortedTxnBytes) + " bytes after the last whole entry",
                    whole * kAbortedTxnBytes);
    }
    const std::size_t wanted = entries.value_or(static_cast<std::uint32_t>(whole));
    if (wanted > whole) {
        return fail(Errc::corrupt, "read transaction index", path,
                    std::to_string(whole) + " entries, not " + std::to_string(wanted), bytes.size());
    }
    return decode_entries(bytes, wanted, path);
}

Status append_txn_index(const std::string& path, std::uint32_t entries, const AbortedTxn& txn) {
    MQ_ASSIGN(const os::File file, os::File::open(path, os::OpenMode::create));
    MQ_ASSIGN(const std::uint64_t size, file.size());
    const std::uint64_t end = std::uint64_t{entries} * kAbortedTxnBytes;
    if (size < end) {
        return fail(Errc::corrupt, "append to transaction index", path,
                    "fewer than " + std::to_string(entries) + " entries", size);
    }
    // What a writer left that died before it published.
    if (size > end) MQ_TRY(file.truncate(end));
    char raw[kAbortedTxnBytes];
    encode_aborted_txn(raw, txn);
    MQ_KILLPOINT("txn_index.before_append");
    MQ_TRY(file.write_at({raw, sizeof raw}, FilePosition{end}));
    MQ_KILLPOINT("txn_index.after_append");
    return {};
}

Status truncate_txn_index(const std::string& path, Offset end) {
    MQ_ASSIGN(const std::string bytes, read_bytes(path));
    MQ_ASSIGN(const auto entries, decode_entries(bytes, bytes.size() / kAbortedTxnBytes, path));
    const auto keep = static_cast<std::uint64_t>(
        std::partition_point(entries.begin(), entries.end(),
                             [end](const AbortedTxn& txn) { return txn.last_offset < end; }) -
        entries.begin());
    if (keep * kAbortedTxnBytes == bytes.size() && keep > 0) return {};
    MQ_KILLPOINT("txn_index.before_truncate");
    if (keep == 0) {
        MQ_TRY(os::remove_file(path));
    } else {
        MQ_ASSIGN(const os::File file, os::File::open(path, os::OpenMode::read_write));
        MQ_TRY(file.truncate(keep * kAbortedTxnBytes));
    }
    MQ_KILLPOINT("txn_index.after_truncate");
    return {};
}

}  // namespace mq::log
