#include "log/offset_map.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace mq::log {
namespace {

struct SipState {
    std::uint64_t v0, v1, v2, v3;

    void rounds(int count) {
        for (int i = 0; i < count; ++i) {
            v0 += v1;
            v1 = std::rotl(v1, 13) ^ v0;
            v0 = std::rotl(v0, 32);
            v2 += v3;
            v3 = std::rotl(v3, 16) ^ v2;
            v0 += v3;
            v3 = std::rotl(v3, 21) ^ v0;
            v2 += v1;
            v1 = std::rotl(v1, 17) ^ v2;
            v2 = std::rotl(v2, 32);
        }
    }
    void absorb(std::uint64_t word) {
        v3 ^= word;
        rounds(2);
        v0 ^= word;
    }
    [[nodiscard]] std::uint64_t fold() const { return v0 ^ v1 ^ v2 ^ v3; }
};

constexpr std::size_t kFirstSlots = 1024;

}  // namespace

KeyHash sip_hash_128(const std::array<std::uint64_t, 2>& secret, ByteView bytes) {
    // "somepseudorandomlygeneratedbytes", as the specification sets it; 0xee and 0xdd mark the 128-bit variant.
    SipState sip{secret[0] ^ 0x736f6d6570736575, secret[1] ^ 0x646f72616e646f6d ^ 0xee,
                 secret[0] ^ 0x6c7967656e657261, secret[1] ^ 0x7465646279746573};
    std::size_t at = 0;
    for (; at + 8 <= bytes.size(); at += 8) sip.absorb(load_le<std::uint64_t>(bytes.data() + at));
    std::uint64_t last = std::uint64_t{bytes.size()} << 56;
    for (std::size_t i = 0; at + i < bytes.size(); ++i)
        last |= std::uint64_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
    sip.absorb(last);
    sip.v2 ^= 0xee;
    sip.rounds(4);
    KeyHash hash;
    hash.low = sip.fold();
    sip.v1 ^= 0xdd;
    sip.rounds(4);
    hash.high = sip.fold();
    return hash;
}

OffsetMap::OffsetMap(std::size_t max_bytes, double load_factor, const std::array<std::uint64_t, 2>& secret)
    : max_slots_(std::max<std::size_t>(max_bytes / kEntryBytes, 2)),
      load_factor_(std::clamp(load_factor, 0.1, 0.95)),
      max_keys_(keys_in(max_slots_)),
      secret_(secret) {}

// At least one, and a slot always stays free: a search ends there.
std::size_t OffsetMap::keys_in(std::size_t slots) const {
    const auto keys = static_cast<std::size_t>(static_cast<double>(slots) * load_factor_);
    return std::clamp<std::size_t>(keys, 1, slots - 1);
}

// Of the key, or the free one where it belongs. The high half of a product spreads any number of slots evenly.
std::size_t OffsetMap::slot_of(const KeyHash& hash) const {
    __extension__ using Wide = unsigned __int128;
    auto slot = static_cast<std::size_t>(Wide{hash.low} * slots_.size() >> 64);
    while (slots_[slot].offset != kNoOffset && slots_[slot].hash != hash)
        if (++slot == slots_.size()) slot = 0;
    return slot;
}

void OffsetMap::grow() {
    const std::size_t slots = std::min(std::max(kFirstSlots, slots_.size() * 2), max_slots_);
    const std::vector<Slot> before = std::exchange(slots_, std::vector<Slot>(slots));
    for (const Slot& slot : before)
        if (slot.offset != kNoOffset) slots_[slot_of(slot.hash)] = slot;
    keys_before_growth_ = keys_in(slots);
}

bool OffsetMap::put(ByteView key, Offset offset) {
    const KeyHash hash = sip_hash_128(secret_, key);
    if (!slots_.empty()) {
        Slot& slot = slots_[slot_of(hash)];
        if (slot.offset != kNoOffset) {
            slot.offset = offset;
            return true;
        }
    }
    if (size_ == max_keys_) return false;
    if (size_ == keys_before_growth_) grow();
    slots_[slot_of(hash)] = {hash, offset};
    ++size_;
    return true;
}

std::optional<Offset> OffsetMap::find(ByteView key) const {
    if (slots_.empty()) return std::nullopt;
    const Slot& slot = slots_[slot_of(sip_hash_128(secret_, key))];
    if (slot.offset == kNoOffset) return std::nullopt;
    return slot.offset;
}

}  // namespace mq::log
