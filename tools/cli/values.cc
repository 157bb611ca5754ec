#include "cli/values.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "cli/text.h"

namespace mq::cli {

tl::unexpected<Error> bad_value(std::string_view text, std::string_view what) {
    return fail(Errc::bad_argument, {}, {}, cat('\'', text, "' ", what));
}

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The digits at the start of `text`, which it drops; nullopt without a digit, or beyond 64 bits.
std::optional<std::uint64_t> take_number(std::string_view& text) {
    std::uint64_t value = 0;
    std::size_t used = 0;
    while (used < text.size() && is_digit(text[used])) {
        if (__builtin_mul_overflow(value, 10u, &value)) return std::nullopt;
        if (__builtin_add_overflow(value, static_cast<std::uint64_t>(text[used] - '0'), &value)) return std::nullopt;
        ++used;
    }
    if (used == 0) return std::nullopt;
    text.remove_prefix(used);
    return value;
}

bool starts_with_digit(std::string_view text) { return !text.empty() && is_digit(text.front()); }

std::string lower(std::string_view text) {
    std::string out{text};
    std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

}  // namespace

namespace values_detail {

Result<std::int64_t> parse_signed(std::string_view text, std::int64_t minimum, std::int64_t maximum) {
    std::string_view digits = text;
    const bool negative = digits.starts_with('-');
    if (negative || digits.starts_with('+')) digits.remove_prefix(1);
    if (!starts_with_digit(digits)) return bad_value(text, "is not a number");
    const auto magnitude = take_number(digits);
    if (!digits.empty() && magnitude) return bad_value(text, "is not a number");
    constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
    if (!magnitude || *magnitude > kMax + (negative ? 1 : 0)) return bad_value(text, "is out of range");
    const auto value = static_cast<std::int64_t>(negative ? 0 - *magnitude : *magnitude);
    if (value < minimum) return bad_value(text, cat("is out of range: the least is ", minimum));
    if (value > maximum) return bad_value(text, cat("is out of range: the most is ", maximum));
    return value;
}

Result<std::uint64_t> parse_unsigned(std::string_view text, std::uint64_t minimum, std::uint64_t maximum) {
    std::string_view digits = text;
    if (!starts_with_digit(digits)) return bad_value(text, "is not a number from 0 on");
    const auto value = take_number(digits);
    if (value && !digits.empty()) return bad_value(text, "is not a number");
    if (!value || *value > maximum) return bad_value(text, cat("is out of range: the most is ", maximum));
    if (*value < minimum) return bad_value(text, cat("is out of range: the least is ", minimum));
    return *value;
}

}  // namespace values_detail

Result<std::uint64_t> parse_size(std::string_view text) {
    std::string_view rest = text;
    if (!starts_with_digit(rest)) return bad_value(text, "is not a size: examples are 4096, 64KiB, 1MB");
    const auto number = take_number(rest);
    if (!number) return bad_value(text, "is out of range");
    const std::string unit = lower(rest);
    if (unit.empty() || unit == "b") return *number;
    constexpr std::string_view kPrefixes = "kmgtpe";
    const std::size_t power = kPrefixes.find(unit.front());
    const std::string_view tail = std::string_view{unit}.substr(1);
    if (power == std::string_view::npos || (tail != "" && tail != "b" && tail != "ib")) {
        return bad_value(text, "is not a size: examples are 4096, 64KiB, 1MB");
    }
    std::uint64_t bytes = *number;
    for (std::size_t i = 0; i <= power; ++i) {
        if (__builtin_mul_overflow(bytes, std::uint64_t{tail == "b" ? 1000u : 1024u}, &bytes)) {
            return bad_value(text, "is out of range");
        }
    }
    return bytes;
}

namespace {

struct Unit {
    std::string_view name;
    std::int64_t milliseconds;
};
constexpr std::int64_t kSecond = 1000;
constexpr std::int64_t kDay = 24 * 3600 * kSecond;
constexpr auto kUnits = std::to_array<Unit>(
    {{"ms", 1}, {"s", kSecond}, {"m", 60 * kSecond}, {"h", 3600 * kSecond}, {"d", kDay}, {"w", 7 * kDay}});
// ISO 8601 has minutes after the T only, and days and weeks before it.
constexpr auto kIsoDateUnits = std::to_array<Unit>({{"w", 7 * kDay}, {"d", kDay}});
constexpr auto kIsoTimeUnits = std::to_array<Unit>({{"h", 3600 * kSecond}, {"m", 60 * kSecond}, {"s", kSecond}});

constexpr std::string_view kDurationHint = "is not a duration: examples are 10s, 1h30m, 250ms, 7d, PT1H";

// One or more of NUMBER UNIT.
template <std::size_t N>
std::optional<std::int64_t> sum_of_units(std::string_view text, const std::array<Unit, N>& units) {
    std::int64_t total = 0;
    while (!text.empty()) {
        const auto number = take_number(text);
        if (!number || *number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return {};
        std::size_t size = 0;
        while (size < text.size() && !is_digit(text[size])) ++size;
        const auto unit = std::ranges::find(units, text.substr(0, size), &Unit::name);
        if (unit == units.end()) return {};
        text.remove_prefix(size);
        std::int64_t part = 0;
        if (__builtin_mul_overflow(static_cast<std::int64_t>(*number), unit->milliseconds, &part)) return {};
        if (__builtin_add_overflow(total, part, &total)) return {};
    }
    return total;
}

}  // namespace

Result<std::int64_t> parse_duration_ms(std::string_view text) {
    const std::string folded = lower(text);
    std::string_view rest = folded;
    if (rest == "0") return 0;
    std::optional<std::int64_t> total;
    if (rest.starts_with('p')) {
        rest.remove_prefix(1);
        const std::size_t t = rest.find('t');
        const std::string_view date = rest.substr(0, t);
        const std::string_view time = t == std::string_view::npos ? std::string_view{} : rest.substr(t + 1);
        if (rest.empty() || (t != std::string_view::npos && time.empty())) return bad_value(text, kDurationHint);
        const auto days = sum_of_units(date, kIsoDateUnits);
        const auto seconds = sum_of_units(time, kIsoTimeUnits);
        std::int64_t sum = 0;
        if (days && seconds && !__builtin_add_overflow(*days, *seconds, &sum)) total = sum;
    } else if (!rest.empty()) {
        total = sum_of_units(rest, kUnits);
    }
    if (!total) return bad_value(text, kDurationHint);
    return *total;
}

Result<std::vector<std::int32_t>> parse_partition_list(std::string_view text, std::int32_t most) {
    std::vector<std::int32_t> partitions;
    std::string_view rest = text;
    do {
        const std::string_view part = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(rest.size(), part.size() + 1));
        const std::size_t dash = part.find('-');
        MQ_ASSIGN(const std::int32_t first, parse_integer<std::int32_t>(part.substr(0, dash), 0, most));
        std::int32_t last = first;
        if (dash != std::string_view::npos) {
            MQ_ASSIGN(last, parse_integer<std::int32_t>(part.substr(dash + 1), first, most));
        }
        for (std::int32_t partition = first; partition <= last; ++partition) partitions.push_back(partition);
    } while (!rest.empty());
    if (text.ends_with(',')) return bad_value(text, "ends in a comma");
    std::ranges::sort(partitions);
    const auto doubles = std::ranges::unique(partitions);
    partitions.erase(doubles.begin(), doubles.end());
    return partitions;
}

namespace {

std::optional<unsigned> hex_digit(char c) {
    if (is_digit(c)) return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
    return std::nullopt;
}

}  // namespace

Result<std::string> parse_escapes(std::string_view text) {
    static constexpr std::string_view kNames = "abefnrtv\\'\"";
    static constexpr std::string_view kMeanings = "\a\b\033\f\n\r\t\v\\'\"";
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
        if (text[i] != '\\') {
            out += text[i++];
            continue;
        }
        if (++i == text.size()) return bad_value(text, "ends in a lone backslash");
        if (const std::size_t named = kNames.find(text[i]); named != std::string_view::npos) {
            out += kMeanings[named];
            ++i;
            continue;
        }
        const bool hex = text[i] == 'x';
        if (hex) ++i;
        const std::size_t first = i;
        unsigned value = 0;
        while (i < text.size() && i - first < (hex ? 2u : 3u)) {
            const auto digit = hex_digit(text[i]);
            if (!digit || (!hex && *digit > 7)) break;
            value = value * (hex ? 16 : 8) + *digit;
            ++i;
        }
        if (i == first || value > 255) return bad_value(text, "has an unknown escape");
        out += static_cast<char>(value);
    }
    return out;
}

}  // namespace mq::cli
