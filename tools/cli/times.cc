#include "cli/times.h"

#include <chrono>
#include <cstdio>
#include <ctime>
#include <optional>

#include "cli/text.h"
#include "cli/values.h"

namespace mq::cli {

namespace {

namespace chrono = std::chrono;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool all_digits(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Takes exactly `count` digits off the front.
std::optional<int> take_digits(std::string_view& text, std::size_t count) {
    if (text.size() < count || !all_digits(text.substr(0, count))) return std::nullopt;
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) value = value * 10 + (text[i] - '0');
    text.remove_prefix(count);
    return value;
}

bool take_one_of(std::string_view& text, std::string_view any) {
    if (text.empty() || any.find(text.front()) == std::string_view::npos) return false;
    text.remove_prefix(1);
    return true;
}

// ".125" -> 125; digits beyond the third are dropped.
std::optional<int> take_milliseconds(std::string_view& text) {
    if (!take_one_of(text, ".,")) return 0;
    int value = 0;
    std::size_t count = 0;
    for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1), ++count) {
        if (count < 3) value = value * 10 + (text.front() - '0');
    }
    if (count == 0) return std::nullopt;
    for (; count < 3; ++count) value *= 10;
    return value;
}

// "Z", "+02:00", "-0530" or nothing: minutes east of UTC.
std::optional<int> take_zone(std::string_view& text) {
    if (text.empty() || take_one_of(text, "Zz")) return 0;
    const bool west = text.starts_with('-');
    if (!take_one_of(text, "+-")) return std::nullopt;
    const auto hours = take_digits(text, 2);
    static_cast<void>(take_one_of(text, ":"));
    const auto minutes = take_digits(text, 2);
    if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
    const int east = *hours * 60 + *minutes;
    return west ? -east : east;
}

std::optional<TimestampMs> parse_calendar(std::string_view text) {
    const auto year = take_digits(text, 4);
    if (!year || !take_one_of(text, "-")) return std::nullopt;
    const auto month = take_digits(text, 2);
    if (!month || !take_one_of(text, "-")) return std::nullopt;
    const auto day = take_digits(text, 2);
    if (!day) return std::nullopt;
    const chrono::year_month_day date{chrono::year{*year}, chrono::month{static_cast<unsigned>(*month)},
                                      chrono::day{static_cast<unsigned>(*day)}};
    if (!date.ok()) return std::nullopt;
    const TimestampMs midnight =
        chrono::duration_cast<chrono::milliseconds>(chrono::sys_days{date}.time_since_epoch()).count();
    if (text.empty()) return midnight;

    if (!take_one_of(text, "Tt ")) return std::nullopt;
    const auto hour = take_digits(text, 2);
    if (!hour || *hour > 23 || !take_one_of(text, ":")) return std::nullopt;
    const auto minute = take_digits(text, 2);
    if (!minute || *minute > 59) return std::nullopt;
    int second = 0;
    int millisecond = 0;
    if (take_one_of(text, ":")) {
        const auto seconds = take_digits(text, 2);
        if (!seconds || *seconds > 60) return std::nullopt;  // 60: a leap second counts as the next minute's first
        second = *seconds;
        const auto fraction = take_milliseconds(text);
        if (!fraction) return std::nullopt;
        millisecond = *fraction;
    }
    const auto zone = take_zone(text);
    if (!zone || !text.empty()) return std::nullopt;
    return midnight + ((*hour * 60 + *minute - *zone) * 60LL + second) * 1000 + millisecond;
}

std::optional<TimestampMs> parse_epoch(std::string_view text) {
    const auto number = parse_integer<std::int64_t>(text);
    if (!number) return std::nullopt;
    if (text.size() <= 11) return *number * 1000;
    if (text.size() <= 14) return *number;
    if (text.size() <= 17) return *number / 1000;
    return *number / 1'000'000;
}

}  // namespace

Result<TimestampMs> parse_time(std::string_view text, TimestampMs now) {
    if (text == "now") return now;
    if (text.starts_with('-') || text.starts_with('+')) {
        MQ_ASSIGN(const std::int64_t distance, parse_duration_ms(text.substr(1)));
        TimestampMs sum = 0;
        const bool overflow = text.front() == '-' ? __builtin_sub_overflow(now, distance, &sum)
                                                  : __builtin_add_overflow(now, distance, &sum);
        if (overflow) return bad_value(text, "is out of range");
        return sum;
    }
    const auto time = all_digits(text) ? parse_epoch(text) : parse_calendar(text);
    if (!time) return bad_value(text, "is no time: examples are 1700000000, 2023-11-14, 2023-11-14T22:13:20Z, -1h");
    return *time;
}

void append_iso_time(std::string& out, TimestampMs time) {
    const chrono::sys_time<chrono::milliseconds> point{chrono::milliseconds{time}};
    const auto day = chrono::floor<chrono::days>(point);
    const chrono::year_month_day date{day};
    // The calendar of <chrono> ends with the year 32767.
    constexpr TimestampMs kFurthest = 900'000'000'000'000;
    if (time < -kFurthest || time > kFurthest || !date.ok()) {
        out += std::to_string(time);
        return;
    }
    const chrono::hh_mm_ss clock{point - day};
    char text[48];
    const int size =
        std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                      static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
    out.append(text, static_cast<std::size_t>(size));
}

void append_strftime(std::string& out, const std::string& pattern, TimestampMs time) {
    const auto seconds = static_cast<std::time_t>(chrono::floor<chrono::seconds>(chrono::milliseconds{time}).count());
    std::tm parts{};
    if (pattern.empty() || gmtime_r(&seconds, &parts) == nullptr) {
        out += std::to_string(time);
        return;
    }
    char text[1024];
    out.append(text, std::strftime(text, sizeof text, pattern.c_str(), &parts));
}

}  // namespace mq::cli
