// What template.cc runs and template_parser.cc makes.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace re2 {
class RE2;
}

namespace mq::cli::template_detail {

enum class Verb : unsigned char {
    literal,
    key,
    value,
    headers,
    partition,
    timestamp,
    key_length,
    value_length,
    header_count,
    skipped_text,   // %t
    skipped_number  // %o
};
enum class How : unsigned char { plain, hex, base64, json, pattern, ascii, binary };

struct Step {
    Verb verb = Verb::literal;
    How how = How::plain;
    unsigned char width_bytes = 0;  // of binary
    bool big_endian = true;
    bool sized = false;  // its length, or count, was told before
    std::string text;    // of a literal
    std::shared_ptr<const re2::RE2> pattern;
    std::vector<Step> nested;  // of each header

    [[nodiscard]] bool is_text() const {
        return verb == Verb::key || verb == Verb::value || verb == Verb::skipped_text;
    }
    // Ends where the literal after it begins.
    [[nodiscard]] bool is_open() const {
        if (verb == Verb::headers) return !sized;
        return is_text() && !sized && how != How::json && how != How::pattern;
    }
    [[nodiscard]] bool is_ascii_number() const { return how == How::ascii; }
};

[[nodiscard]] Result<std::vector<Step>> parse_template(std::string_view text);

}  // namespace mq::cli::template_detail
