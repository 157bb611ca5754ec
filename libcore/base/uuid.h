// The ids that Kafka gives to topics, directories and client instances.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mq {

// 16 bytes in the order in which they travel. All zero means "no id".
struct Uuid {
    std::array<std::uint8_t, 16> bytes{};

    [[nodiscard]] constexpr bool is_zero() const { return *this == Uuid{}; }
    constexpr auto operator<=>(const Uuid&) const = default;
};

// Kafka's text form, URL-safe base64 without padding, always 22 characters: "AAAAAAAAAAAAAAAAAAAAAQ".
[[nodiscard]] std::string to_string(const Uuid& id);
// Nothing for what is not the text of exactly one id.
[[nodiscard]] std::optional<Uuid> parse_uuid(std::string_view text);

}  // namespace mq
