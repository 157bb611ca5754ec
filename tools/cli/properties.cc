#include "cli/properties.h"

#include "cli/text.h"
#include "os/file.h"

namespace mq::cli {

namespace {

constexpr std::uint64_t kLargestFileBytes = 1 << 20;
constexpr std::string_view kBlanks = " \t\f";

std::string_view without_blanks(std::string_view text) {
    return text.substr(std::min(text.find_first_not_of(kBlanks), text.size()));
}

// UTF-16 units of \uXXXX one by one: what lies beyond the first plane is written as two of them in Java.
void append_unit(std::string& out, unsigned unit) {
    if (unit < 0x80) {
        out += static_cast<char>(unit);
    } else if (unit < 0x800) {
        out += {static_cast<char>(0xc0 | unit >> 6), static_cast<char>(0x80 | (unit & 0x3f))};
    } else {
        out += {static_cast<char>(0xe0 | unit >> 12), static_cast<char>(0x80 | (unit >> 6 & 0x3f)),
                static_cast<char>(0x80 | (unit & 0x3f))};
    }
}

Result<std::string> unescaped(std::string_view text, std::size_t line) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 1 == text.size()) {
            out += text[i];
            continue;
        }
        const char letter = text[++i];
        switch (letter) {
            case 't':
                out += '\t';
                break;
            case 'n':
                out += '\n';
                break;
            case 'r':
                out += '\r';
                break;
            case 'f':
                out += '\f';
                break;
            case 'u': {
                unsigned unit = 0;
                for (int digit = 0; digit < 4; ++digit) {
                    const char c = ++i < text.size() ? text[i] : ' ';
                    const auto at = std::string_view{"0123456789abcdef"}.find(static_cast<char>(c | 0x20));
                    if (at == std::string_view::npos || (c >= 'P' && c <= 'Z'))
                        return fail(Errc::corrupt, {}, {}, cat("line ", line, ": \\u without four digits"));
                    unit = unit << 4 | static_cast<unsigned>(at);
                }
                append_unit(out, unit);
                break;
            }
            default:
                out += letter;
        }
    }
    return out;
}

bool ends_open(std::string_view line) {
    std::size_t backslashes = 0;
    while (backslashes < line.size() && line[line.size() - 1 - backslashes] == '\\') ++backslashes;
    return backslashes % 2 == 1;
}

}  // namespace

Result<Properties> parse_properties(ByteView text) {
    Properties found;
    std::size_t number = 0;
    const auto take_line = [&] {
        const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(end);
        if (text.starts_with("\r\n")) text.remove_prefix(1);
        if (!text.empty()) text.remove_prefix(1);
        ++number;
        return without_blanks(line);
    };
    while (!text.empty()) {
        std::string line{take_line()};
        if (line.empty() || line[0] == '#' || line[0] == '!') continue;
        const std::size_t first = number;
        while (ends_open(line)) {
            line.pop_back();
            if (text.empty()) break;
            line += take_line();
        }
        std::size_t end = 0;
        while (end < line.size() && std::string_view{"=: \t\f"}.find(line[end]) == std::string_view::npos) {
            end += line[end] == '\\' ? 2 : 1;
        }
        end = std::min(end, line.size());
        std::string_view value = without_blanks(std::string_view{line}.substr(end));
        if (value.starts_with('=') || value.starts_with(':')) value = without_blanks(value.substr(1));
        MQ_ASSIGN(std::string key, unescaped(std::string_view{line}.substr(0, end), first));
        MQ_ASSIGN(std::string text_value, unescaped(value, first));
        found.emplace_back(std::move(key), std::move(text_value));
    }
    return found;
}

Result<Properties> read_properties(const std::string& path) {
    MQ_ASSIGN(const std::string text, os::read_file(path, kLargestFileBytes));
    auto parsed = parse_properties(text);
    if (!parsed) parsed.error().subject = path;
    return parsed;
}

}  // namespace mq::cli
