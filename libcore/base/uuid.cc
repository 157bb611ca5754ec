#include "base/uuid.h"

namespace mq {
namespace {

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr unsigned kBitsPerDigit = 6;
constexpr unsigned kTextDigits = 22;  // 132 bits: the last four are zero

}  // namespace

std::string to_string(const Uuid& id) {
    std::string text;
    unsigned held = 0;
    unsigned bits = 0;
    for (const std::uint8_t byte : id.bytes) {
        held = held << 8 | byte;
        for (bits += 8; bits >= kBitsPerDigit; bits -= kBitsPerDigit) {
            text += kDigits[held >> (bits - kBitsPerDigit) & 0x3f];
        }
    }
    text += kDigits[held << (kBitsPerDigit - bits) & 0x3f];
    return text;
}

std::optional<Uuid> parse_uuid(std::string_view text) {
    if (text.size() != kTextDigits) return std::nullopt;
    Uuid id;
    std::size_t used = 0;
    unsigned held = 0;
    unsigned bits = 0;
    for (const char c : text) {
        const std::size_t digit = kDigits.find(c);
        if (digit == kDigits.npos) return std::nullopt;
        held = held << kBitsPerDigit | static_cast<unsigned>(digit);
        bits += kBitsPerDigit;
        if (bits < 8) continue;
        bits -= 8;
        id.bytes[used++] = static_cast<std::uint8_t>(held >> bits);
    }
    if ((held & ((1U << bits) - 1)) != 0) return std::nullopt;
    return id;
}

}  // namespace mq
