// Numbers, sizes and escapes as people write them. The one parser of all tools: base ten always (`010` is ten),
// overflow is an error, nothing may follow. Errors are bad_argument; their message needs the option's name in front.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace mq::cli {

namespace values_detail {
Result<std::int64_t> parse_signed(std::string_view text, std::int64_t minimum, std::int64_t maximum);
Result<std::uint64_t> parse_unsigned(std::string_view text, std::uint64_t minimum, std::uint64_t maximum);
}  // namespace values_detail

// Digits, for signed types after a '-' or '+'.
template <std::integral T>
[[nodiscard]] Result<T> parse_integer(std::string_view text, T minimum = std::numeric_limits<T>::min(),
                                      T maximum = std::numeric_limits<T>::max()) {
    if constexpr (std::is_signed_v<T>) {
        MQ_ASSIGN(const std::int64_t value, values_detail::parse_signed(text, minimum, maximum));
        return static_cast<T>(value);
    } else {
        MQ_ASSIGN(const std::uint64_t value, values_detail::parse_unsigned(text, minimum, maximum));
        return static_cast<T>(value);
    }
}

// "4096", "64K" = "64KiB", "1MiB", "1MB" = 1,000,000; units up to E, case of the letters does not matter.
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);

// "10s", "1h30m", "250ms", "7d", "2w", "PT1H30M", "P1DT12H"; a bare number has no unit and is an error, 0 excepted.
[[nodiscard]] Result<std::int64_t> parse_duration_ms(std::string_view text);

// "0,2-5" = 0 2 3 4 5, in order and each once; none is more than `most`.
[[nodiscard]] Result<std::vector<std::int32_t>> parse_partition_list(std::string_view text, std::int32_t most);

// C escapes: \n \t \r \0 \a \b \f \v \e \\ \xHH and up to three octal digits. An unknown one is an error.
[[nodiscard]] Result<std::string> parse_escapes(std::string_view text);

// The error that parsers of values return.
[[nodiscard]] tl::unexpected<Error> bad_value(std::string_view text, std::string_view what);

}  // namespace mq::cli
