// The value of a setting as text, held against its type and range, as Kafka's ConfigDef does.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace mq::store {

enum class ConfigType : unsigned char { integer, number, boolean, text, list };

// By its type; the others of it are zero.
struct ConfigValue {
    std::string_view text = {};  // trimmed
    std::int64_t integer = 0;
    double number = 0;
    bool boolean = false;
};

struct ConfigRule {
    ConfigType type = ConfigType::text;
    std::int64_t least = std::numeric_limits<std::int64_t>::min();  // of an integer; a number lies between 0 and 1
    std::int64_t most = std::numeric_limits<std::int64_t>::max();
    std::string_view choices = {};                // between commas: of a text, and of each item of a list
    bool (*check)(const ConfigValue&) = nullptr;  // what is left to say
    std::string_view allowed = {};                // said where `check` is false, or the integer out of range
};

// What is allowed instead ("a number from 1 on"); empty if `text`, which is trimmed, holds.
[[nodiscard]] std::string problem_of(const ConfigRule& rule, std::string_view text, ConfigValue& value);
// As it is kept: lower case for booleans, lists without spaces.
[[nodiscard]] std::string kept_form(ConfigType type, std::string_view text);

// White space and control bytes at both ends go, as in Java.
[[nodiscard]] std::string_view trim(std::string_view text);
// The items of "a, b": Java's split at \s*,\s*, without the empty ones that it drops at the end.
[[nodiscard]] std::vector<std::string_view> items_of(std::string_view text);

}  // namespace mq::store
