// The aborted transactions of a segment. 34 bytes an entry, big-endian: int16 version 0, int64 producer id, first
// offset, last offset (the ABORT marker), last stable offset then. The file exists only where there are any. Source:
// org.apache.kafka.storage.internals.log.AbortedTxn, TransactionIndex.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/strong_int.h"
#include "os/file.h"

namespace mq::log {

inline constexpr std::size_t kAbortedTxnBytes = 34;

struct AbortedTxn {
    ProducerId producer_id = kNoProducerId;
    Offset first_offset{0};
    Offset last_offset{0};
    Offset last_stable_offset{0};
    bool operator==(const AbortedTxn&) const = default;
};

void encode_aborted_txn(char* to, const AbortedTxn& txn);
// unsupported: another version than 0.
[[nodiscard]] Result<AbortedTxn> decode_aborted_txn(const char* from);

// All entries of a file, or the first `entries` (the published count: a writer may be adding one); none if there is
// no file. corrupt: too few, bytes over, last offsets that do not increase, or a version.
[[nodiscard]] Result<std::vector<AbortedTxn>> read_txn_index(const std::string& path,
                                                             std::optional<std::uint32_t> entries = {});
// Appends one as entry number `entries`, making the file if need be; what lay there or after it is cut. corrupt: the
// file is shorter.
[[nodiscard]] Status append_txn_index(const std::string& path, std::uint32_t entries, const AbortedTxn& txn);
// Keeps the entries whose last offset is below `end`; deletes an emptied file. Bytes over are cut.
[[nodiscard]] Status truncate_txn_index(const std::string& path, Offset end);

}  // namespace mq::log
