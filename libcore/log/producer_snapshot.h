// Producer state in a file: int16 version 1, uint32 CRC-32C of the rest, int32 count, 46 bytes an entry. Only the newest
// batch of a producer is kept. Source: org.apache.kafka.storage.internals.log.ProducerStateManager.
#pragma once

#include "log/producer_state.h"

namespace mq::log {

inline constexpr std::size_t kSnapshotHeaderBytes = 10;
inline constexpr std::size_t kSnapshotEntryBytes = 46;

// The order of entries is that of the producer ids.
[[nodiscard]] std::string encode_snapshot(const ProducerState& state);
// corrupt: version, checksum, count against the size. The subject of the error is empty.
[[nodiscard]] Result<ProducerState> decode_snapshot(ByteView bytes);

[[nodiscard]] Result<ProducerState> read_snapshot(const std::string& path);
// Durable when it returns: temporary file, fsync, rename. The directory is synced by the caller's next flush.
[[nodiscard]] Status write_snapshot(const std::string& path, const ProducerState& state);

}  // namespace mq::log
