#include "cli/encoding.h"

#include <array>

#include "cli/text.h"

namespace mq::cli {

namespace {

constexpr signed char kNoDigit = -1;

constexpr auto kHexDigits = [] {
    std::array<signed char, 256> table{};
    table.fill(kNoDigit);
    for (int i = 0; i < 10; ++i) table[static_cast<std::size_t>('0' + i)] = static_cast<signed char>(i);
    for (int i = 0; i < 6; ++i) {
        table[static_cast<std::size_t>('a' + i)] = table[static_cast<std::size_t>('A' + i)] =
            static_cast<signed char>(10 + i);
    }
    return table;
}();

constexpr auto kBase64Digits = [] {
    constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::array<signed char, 256> table{};
    table.fill(kNoDigit);
    for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
        table[static_cast<unsigned char>(kAlphabet[i])] = static_cast<signed char>(i);
    }
    return table;
}();

tl::unexpected<Error> bad_text(const char* what, std::size_t at) { return fail(Errc::corrupt, {}, {}, what, at); }

int digit(const std::array<signed char, 256>& table, char c) { return table[static_cast<unsigned char>(c)]; }

Status append_hex(std::string& out, ByteView text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (digit(kHexDigits, text[i]) == kNoDigit) return bad_text("not a hexadecimal digit", i);
    }
    if (text.size() % 2 != 0) return bad_text("half a byte of hexadecimal digits", text.size());
    for (std::size_t i = 0; i < text.size(); i += 2) {
        out += static_cast<char>(digit(kHexDigits, text[i]) << 4 | digit(kHexDigits, text[i + 1]));
    }
    return {};
}

Status append_base64_bytes(std::string& out, ByteView text) {
    ByteView digits = text;
    if (text.size() % 4 == 0) {
        for (int i = 0; i < 2 && digits.ends_with('='); ++i) digits.remove_suffix(1);
    }
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (digit(kBase64Digits, digits[i]) == kNoDigit) return bad_text("not base64", i);
    }
    if (digits.size() % 4 == 1) return bad_text("base64 ends inside a byte", text.size());
    std::uint32_t group = 0;
    unsigned bits = 0;
    for (const char c : digits) {
        group = group << 6 | static_cast<std::uint32_t>(digit(kBase64Digits, c));
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        out += static_cast<char>(group >> bits);
    }
    return {};
}

}  // namespace

std::optional<Encoding> encoding_from_name(std::string_view name) {
    if (name == "raw") return Encoding::raw;
    if (name == "hex") return Encoding::hex;
    if (name == "base64") return Encoding::base64;
    return std::nullopt;
}

Status append_decoded(std::string& out, Encoding encoding, ByteView text) {
    switch (encoding) {
        case Encoding::hex:
            return append_hex(out, text);
        case Encoding::base64:
            return append_base64_bytes(out, text);
        case Encoding::raw:
            break;
    }
    out += text;
    return {};
}

}  // namespace mq::cli
