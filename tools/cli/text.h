// Small helpers for building messages.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace mq::cli {

namespace text_detail {
inline void append(std::string& out, std::string_view part) { out += part; }
inline void append(std::string& out, char part) { out += part; }
template <std::integral T>
requires(!std::same_as<T, char> && !std::same_as<T, bool>) void append(std::string& out, T part) {
    out += std::to_string(part);
}
}  // namespace text_detail

// cat("offset ", 41, " of '", topic, '\'')
template <typename... Parts>
[[nodiscard]] std::string cat(const Parts&... parts) {
    std::string out;
    (text_detail::append(out, parts), ...);
    return out;
}

// "1 record", "3 records"; the plural is made with an s unless given.
template <std::integral T>
[[nodiscard]] std::string counted(T count, std::string_view noun, std::string_view plural = {}) {
    if (count == 1) return cat(count, ' ', noun);
    return plural.empty() ? cat(count, ' ', noun, 's') : cat(count, ' ', plural);
}

// Text from outside made safe for a terminal: control bytes appear as \xHH.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace mq::cli
