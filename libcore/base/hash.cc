#include "base/hash.h"

namespace mq {
namespace {

struct CodePoint {
    char32_t value;
    std::size_t size_bytes;
};

// The first code point of `text`, which is not empty; U+FFFD of one byte if there is none. Over-long forms,
// surrogates and values over U+10FFFF are none.
CodePoint first_code_point(std::string_view text) {
    constexpr CodePoint kReplacement{0xfffd, 1};
    const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return {first, 1};
    const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < size) return kReplacement;
    char32_t value = first & (0x7fu >> size);
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return kReplacement;
        value = value << 6 | (byte(i) & 0x3fu);
    }
    constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool is_surrogate = value >= 0xd800 && value < 0xe000;
    if (value < kSmallest[size] || value > 0x10ffff || is_surrogate) return kReplacement;
    return {value, size};
}

}  // namespace

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

std::int32_t java_string_hash(std::string_view utf8) {
    std::uint32_t h = 0;
    while (!utf8.empty()) {
        const CodePoint c = first_code_point(utf8);
        utf8.remove_prefix(c.size_bytes);
        if (c.value < 0x10000) {
            h = 31 * h + c.value;
        } else {
            h = 31 * h + (0xd7c0 + (c.value >> 10));  // 0xd800 + ((value - 0x10000) >> 10)
            h = 31 * h + (0xdc00 | (c.value & 0x3ff));
        }
    }
    return static_cast<std::int32_t>(h);
}

}  // namespace mq
