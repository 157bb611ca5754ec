#include "base/hash.h"

namespace mq {

std::int32_t murmur2(ByteView key) {
    constexpr std::uint32_t kSeed = 0x9747b28c;
    constexpr std::uint32_t kMultiplier = 0x5bd1e995;
    constexpr int kShift = 24;

    std::uint32_t h = kSeed ^ static_cast<std::uint32_t>(key.size());
    const char* p = key.data();
    std::size_t left = key.size();
    for (; left >= 4; left -= 4, p += 4) {
        auto k = load_le<std::uint32_t>(p);
        k *= kMultiplier;
        k ^= k >> kShift;
        k *= kMultiplier;
        h = (h * kMultiplier) ^ k;
    }
    const auto byte = [p](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(p[i])); };
    if (left >= 3) h ^= byte(2) << 16;
    if (left >= 2) h ^= byte(1) << 8;
    if (left >= 1) {
        h ^= byte(0);
        h *= kMultiplier;
    }
    h ^= h >> 13;
    h *= kMultiplier;
    h ^= h >> 15;
    return static_cast<std::int32_t>(h);
}

}  // namespace mq
