// Producer state in a file: int16 version 1, uint32 CRC-32C of the rest, int32 count, 46 bytes an entry. Only the
// newest batch of a producer is kept. Source: org.apache.kafka.storage.internals.log.ProducerStateManager.
#pragma once

#include <string>

#include "base/bytes.h"
#include "log/producer_state.h"

namespace mq::log {

inline constexpr std::size_t kSnapshotHeaderBytes = 10;
inline constexpr std::size_t kSnapshotEntryBytes = 46;

// Entries in the order of the producer ids. Kafka's is that of its hash map, which is the same for ids below its
// capacity (all the golden files); no reader depends on it.
[[nodiscard]] std::string encode_snapshot(const ProducerState& state);
// corrupt: version, checksum, count against the size, a value that cannot be, a producer twice. The subject of the
// error is empty.
[[nodiscard]] Result<ProducerState> decode_snapshot(ByteView bytes);

[[nodiscard]] Result<ProducerState> read_snapshot(const std::string& path);
// Durable when it returns, and never seen half written: temporary file, fsync, rename, fsync of the directory.
[[nodiscard]] Status write_snapshot(const std::string& path, const ProducerState& state);

}  // namespace mq::log
