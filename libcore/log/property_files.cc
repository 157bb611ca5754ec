// The two property files of checkpoint_file.h: partition.metadata and meta.properties.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>

#include "log/checkpoint_file.h"

namespace mq::log {
namespace {

constexpr std::string_view kWhiteSpace = " \t\f\r";
constexpr std::size_t kTopicIdLength = 22;
constexpr std::string_view kZeroTopicId = "AAAAAAAAAAAAAAAAAAAAAA";

tl::unexpected<Error> corrupt(const char* operation, std::size_t line, const std::string& what) {
    return fail(Errc::corrupt, operation, {}, "line " + std::to_string(line) + ": " + what);
}

bool is_base64_url(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(kWhiteSpace);
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(kWhiteSpace) - first + 1);
}

std::string_view take_line(ByteView& text) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    return line;
}

// The value of "NAME: value"; nullopt if the line is another.
std::optional<std::string_view> value_of(std::string_view line, std::string_view name) {
    if (!line.starts_with(name) || !line.substr(name.size()).starts_with(':')) return std::nullopt;
    return trim(line.substr(name.size() + 1));
}

void append_utf8(std::string& out, std::uint32_t code) {
    if (code < 0x80) {
        out += static_cast<char>(code);
    } else if (code < 0x800) {
        out += static_cast<char>(0xc0 | code >> 6);
        out += static_cast<char>(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        out += static_cast<char>(0xe0 | code >> 12);
        out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
        out += static_cast<char>(0x80 | (code & 0x3f));
    } else {
        out += static_cast<char>(0xf0 | code >> 18);
        out += static_cast<char>(0x80 | (code >> 12 & 0x3f));
        out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
        out += static_cast<char>(0x80 | (code & 0x3f));
    }
}

// The UTF-16 unit after a "\u", taken off `text`.
std::optional<std::uint32_t> take_unit(std::string_view& text) {
    std::uint32_t unit = 0;
    if (text.size() < 4) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + 4, unit, 16);
    if (error != std::errc{} || end != text.data() + 4) return std::nullopt;
    text.remove_prefix(4);
    return unit;
}

// Undoes the escapes; nullopt for a bad \u.
std::optional<std::string> unescape(std::string_view text) {
    std::string result;
    while (!text.empty()) {
        const char c = text.front();
        text.remove_prefix(1);
        if (c != '\\' || text.empty()) {
            if (c != '\\') result += c;
            continue;
        }
        const char escaped = text.front();
        text.remove_prefix(1);
        switch (escaped) {
            case 't':
                result += '\t';
                break;
            case 'n':
                result += '\n';
                break;
            case 'r':
                result += '\r';
                break;
            case 'f':
                result += '\f';
                break;
            case 'u': {
                auto code = take_unit(text);
                if (!code) return std::nullopt;
                // A high surrogate and the low one that must follow it make one character.
                if (*code >= 0xd800 && *code < 0xdc00 && text.starts_with("\\u")) {
                    auto rest = text.substr(2);
                    const auto low = take_unit(rest);
                    if (low && *low >= 0xdc00 && *low < 0xe000) {
                        text = rest;
                        code = 0x10000 + ((*code - 0xd800) << 10) + (*low - 0xdc00);
                    }
                }
                if (*code >= 0xd800 && *code < 0xe000) return std::nullopt;
                append_utf8(result, *code);
                break;
            }
            default:
                result += escaped;
        }
    }
    return result;
}

bool is_continued(std::string_view line) {
    const auto last = line.find_last_not_of('\\');
    const std::size_t backslashes = line.size() - (last == line.npos ? 0 : last + 1);
    return backslashes % 2 == 1;
}

// Where the key ends: the first '=', ':' or white space that is not escaped.
std::size_t key_end(std::string_view line) {
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '\\') {
            ++i;
        } else if (line[i] == '=' || line[i] == ':' || kWhiteSpace.find(line[i]) != kWhiteSpace.npos) {
            return i;
        }
    }
    return line.size();
}

std::string_view skip_white_space(std::string_view text) {
    return text.substr(std::min(text.find_first_not_of(kWhiteSpace), text.size()));
}

}  // namespace

Result<PartitionMetadata> parse_partition_metadata(ByteView text) {
    constexpr const char* kOperation = "read partition metadata";
    PartitionMetadata metadata;
    const auto version = value_of(take_line(text), "version");
    if (!version) return corrupt(kOperation, 1, "not \"version: NUMBER\"");
    const auto [end, error] = std::from_chars(version->data(), version->data() + version->size(), metadata.version);
    if (error != std::errc{} || end != version->data() + version->size() || metadata.version < 0)
        return corrupt(kOperation, 1, "version " + std::string{*version} + " is not known");
    const auto id = value_of(take_line(text), "topic_id");
    if (!id) return corrupt(kOperation, 2, "not \"topic_id: ID\"");
    if (id->size() != kTopicIdLength || !std::all_of(id->begin(), id->end(), is_base64_url) || *id == kZeroTopicId)
        return corrupt(kOperation, 2, "not a topic id: " + std::string{*id});
    metadata.topic_id = *id;
    return metadata;
}

std::string format_partition_metadata(const PartitionMetadata& metadata) {
    return "version: " + std::to_string(metadata.version) + "\ntopic_id: " + metadata.topic_id;
}

Result<std::map<std::string, std::string>> parse_properties(ByteView text) {
    MQ_ASSIGN(auto lines, parse_property_lines(text));
    std::map<std::string, std::string> properties;
    for (Property& line : lines) properties.insert_or_assign(std::move(line.key), std::move(line.value));
    return properties;
}

Result<std::vector<Property>> parse_property_lines(ByteView text) {
    std::vector<Property> properties;
    std::size_t number = 0;
    while (!text.empty()) {
        ++number;
        const std::size_t first_line = number;
        std::string line{skip_white_space(take_line(text))};
        if (!line.empty() && line.back() == '\r') line.pop_back();
        if (line.empty() || line.front() == '#' || line.front() == '!') continue;
        while (is_continued(line) && !text.empty()) {
            line.pop_back();
            ++number;
            line += skip_white_space(take_line(text));
            if (!line.empty() && line.back() == '\r') line.pop_back();
        }
        const std::size_t end = key_end(line);
        std::string_view value = skip_white_space(std::string_view{line}.substr(end));
        if (value.starts_with('=') || value.starts_with(':')) value = skip_white_space(value.substr(1));
        auto key = unescape(std::string_view{line}.substr(0, end));
        auto plain = unescape(value);
        if (!key || !plain)
            return corrupt("read properties", first_line, "\\u without four hex digits of a character");
        properties.push_back({*std::move(key), *std::move(plain), first_line});
    }
    return properties;
}

}  // namespace mq::log
