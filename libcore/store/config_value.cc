#include "store/config_value.h"

#include <algorithm>
#include <charconv>

namespace mq::store {
namespace {

bool is_one_of(std::string_view choices, std::string_view item) {
    while (!choices.empty()) {
        const std::string_view choice = choices.substr(0, choices.find(','));
        if (choice == item) return true;
        choices.remove_prefix(std::min(choices.size(), choice.size() + 1));
    }
    return false;
}

std::string lower(std::string_view text) {
    std::string out{text};
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

// The whole of `text`; a plus sign is allowed, as in Java.
template <typename T>
bool parse_whole(std::string_view text, T& value) {
    if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size();
}

std::string range_of(const ConfigRule& rule) {
    if (rule.least == std::numeric_limits<std::int64_t>::min()) return "a number";
    if (rule.most == std::numeric_limits<std::int64_t>::max())
        return "a number from " + std::to_string(rule.least) + " on";
    return "a number from " + std::to_string(rule.least) + " to " + std::to_string(rule.most);
}

std::string spaced(std::string_view choices) {
    std::string out;
    for (const char c : choices) out += c == ',' ? std::string{", "} : std::string{c};
    return out;
}

}  // namespace

std::string_view trim(std::string_view text) {
    const auto is_blank = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

std::vector<std::string_view> items_of(std::string_view text) {
    std::vector<std::string_view> items;
    while (!text.empty()) {
        const std::size_t comma = text.find(',');
        std::string_view item = text.substr(0, comma);
        text.remove_prefix(comma == text.npos ? text.size() : comma + 1);
        while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
        while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
        items.push_back(item);
    }
    while (!items.empty() && items.back().empty()) items.pop_back();
    return items;
}

std::string problem_of(const ConfigRule& rule, std::string_view text, ConfigValue& value) {
    value.text = text;
    switch (rule.type) {
        case ConfigType::integer:
            if (!parse_whole(text, value.integer) || value.integer < rule.least || value.integer > rule.most)
                return rule.allowed.empty() ? range_of(rule) : std::string{rule.allowed};
            break;
        case ConfigType::number:
            if (!parse_whole(text, value.number) || !(value.number >= 0 && value.number <= 1))
                return "a number from 0 to 1";
            break;
        case ConfigType::boolean: {
            const std::string word = lower(text);
            value.boolean = word == "true";
            if (!value.boolean && word != "false") return "true or false";
            break;
        }
        case ConfigType::text:
            if (!rule.choices.empty() && !is_one_of(rule.choices, text)) return "one of " + spaced(rule.choices);
            break;
        case ConfigType::list:
            for (const std::string_view item : items_of(text)) {
                if (!rule.choices.empty() && !is_one_of(rule.choices, item))
                    return "a list, between commas, of " + spaced(rule.choices);
            }
            break;
    }
    if (rule.check != nullptr && !rule.check(value)) return std::string{rule.allowed};
    return {};
}

std::string kept_form(ConfigType type, std::string_view text) {
    if (type == ConfigType::boolean) return lower(text);
    if (type != ConfigType::list) return std::string{text};
    std::string joined;
    for (const std::string_view item : items_of(text)) joined += (joined.empty() ? "" : ",") + std::string{item};
    return joined;
}

}  // namespace mq::store
