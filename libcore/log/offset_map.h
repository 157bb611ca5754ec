// Key -> latest offset, for compaction: 24 bytes an entry, of which 16 are a keyed hash that stands for the key.
//
// The hash is SipHash-2-4 with 128 bits of output (Aumasson and Bernstein) under a random secret of each map: two
// keys of one hash would delete one another's records, and nobody who only writes records can find such a pair.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/strong_int.h"

namespace mq::log {

struct KeyHash {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    bool operator==(const KeyHash&) const = default;
};

// SipHash-2-4-128 of `bytes` under the 16-byte `secret` (its halves, little-endian).
[[nodiscard]] KeyHash sip_hash_128(const std::array<std::uint64_t, 2>& secret, ByteView bytes);

// Not thread-safe. Memory grows with the keys that are put, by doubling, up to `max_bytes` (while it grows, half as
// much again).
class OffsetMap {
public:
    static constexpr std::size_t kEntryBytes = 24;

    // Room for at least one key, whatever `max_bytes` says.
    OffsetMap(std::size_t max_bytes, double load_factor, const std::array<std::uint64_t, 2>& secret);

    // Sets the offset of `key`. False, and nothing is changed, if that would be one key too many.
    [[nodiscard]] bool put(ByteView key, Offset offset);
    [[nodiscard]] std::optional<Offset> find(ByteView key) const;
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::size_t max_keys() const { return max_keys_; }
    [[nodiscard]] std::size_t memory_bytes() const { return slots_.size() * kEntryBytes; }

private:
    struct Slot {
        KeyHash hash;
        Offset offset = kNoOffset;  // kNoOffset: a free slot
    };
    static_assert(sizeof(Slot) == kEntryBytes);

    [[nodiscard]] std::size_t slot_of(const KeyHash& hash) const;
    [[nodiscard]] std::size_t keys_in(std::size_t slots) const;
    void grow();

    std::vector<Slot> slots_;
    std::size_t max_slots_;
    double load_factor_;
    std::size_t max_keys_;
    std::size_t size_ = 0;
    std::size_t keys_before_growth_ = 0;
    std::array<std::uint64_t, 2> secret_;
};

}  // namespace mq::log
