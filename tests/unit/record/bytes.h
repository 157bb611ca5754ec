// Bytes spelled in hex, as specifications and captures show them.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace mq::record {

// "00 1f" and "001f" alike.
inline std::string from_hex(std::string_view hex) {
    const auto digit = [](char c) -> int {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        throw std::invalid_argument{"not a hex digit"};
    };
    std::string bytes;
    int high = -1;
    for (const char c : hex) {
        if (c == ' ' || c == '\n') continue;
        if (high < 0) {
            high = digit(c);
        } else {
            bytes.push_back(static_cast<char>(high << 4 | digit(c)));
            high = -1;
        }
    }
    return bytes;
}

}  // namespace mq::record
