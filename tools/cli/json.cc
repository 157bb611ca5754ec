#include "cli/json.h"

#include <array>

namespace mq::cli {

namespace {

// Length of the UTF-8 sequence at `at`, 0 if there is none. Ranges of the second byte as in table 3-7 of the Unicode
// standard: they exclude overlong forms, surrogates and what lies above U+10FFFF.
std::size_t sequence_length(const unsigned char* at, std::size_t left) {
    const unsigned char lead = at[0];
    if (lead < 0x80) return 1;
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || left < length) return 0;
    const unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < low || at[1] > high) return 0;
    for (std::size_t i = 2; i < length; ++i) {
        if ((at[i] & 0xc0) != 0x80) return 0;
    }
    return length;
}

bool eight_plain_bytes(const char* at) { return (load_le<std::uint64_t>(at) & 0x8080808080808080u) == 0; }

// Whether JSON wants the byte escaped.
constexpr auto kEscaped = [] {
    std::array<bool, 256> table{};
    for (std::size_t c = 0; c < 0x20; ++c) table[c] = true;
    table['"'] = table['\\'] = table[0x7f] = true;
    return table;
}();

void append_escape(std::string& out, unsigned char c) {
    static constexpr char kHex[] = "0123456789abcdef";
    switch (c) {
        case '"':
            out += "\\\"";
            break;
        case '\\':
            out += "\\\\";
            break;
        case '\n':
            out += "\\n";
            break;
        case '\r':
            out += "\\r";
            break;
        case '\t':
            out += "\\t";
            break;
        default:
            out += {'\\', 'u', '0', '0', kHex[c >> 4], kHex[c & 15]};
    }
}

}  // namespace

bool is_utf8(ByteView bytes) {
    const char* at = bytes.data();
    const char* const end = at + bytes.size();
    while (at < end) {
        if (end - at >= 8 && eight_plain_bytes(at)) {
            at += 8;
            continue;
        }
        const std::size_t length =
            sequence_length(reinterpret_cast<const unsigned char*>(at), static_cast<std::size_t>(end - at));
        if (length == 0) return false;
        at += length;
    }
    return true;
}

void append_json_string(std::string& out, ByteView text) {
    out += '"';
    std::size_t clean = 0;  // start of the bytes that need no escape
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (!kEscaped[c]) continue;
        out.append(text, clean, i - clean);
        append_escape(out, c);
        clean = i + 1;
    }
    out.append(text, clean);
    out += '"';
}

void append_base64(std::string& out, ByteView bytes) {
    static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
        std::uint32_t group = 0;
        for (std::size_t j = 0; j < 3; ++j) {
            group = group << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0u);
        }
        for (std::size_t j = 0; j < 4; ++j) {
            out += j <= count ? kAlphabet[group >> (18 - 6 * j) & 63] : '=';
        }
    }
}

void append_json_bytes(std::string& out, std::string_view name, NullableBytes bytes, bool first) {
    if (!first) out += ',';
    append_json_string(out, name);
    out += ':';
    if (!bytes) {
        out += "null";
    } else if (is_utf8(*bytes)) {
        append_json_string(out, *bytes);
    } else {
        out += '"';
        append_base64(out, *bytes);
        out += "\",\"";
        out += name;
        out += "_encoding\":\"base64\"";
    }
}

}  // namespace mq::cli
