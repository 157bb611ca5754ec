#include "cli/format.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "cli/braces.h"
#include "cli/json.h"
#include "cli/text.h"
#include "cli/times.h"
#include "cli/values.h"

namespace mq::cli {

using record::Header;
using record::HeaderReader;
using record::RecordView;

struct Format::Parser {
    std::string_view text;  // the whole format, for messages
    bool in_header = false;

    [[nodiscard]] tl::unexpected<Error> problem(std::size_t at, std::string_view what) const {
        return fail(Errc::bad_argument, {}, {}, cat("format '", text, "': ", what, " at character ", at + 1));
    }

    // `base` is where `part` starts in the whole.
    Result<std::vector<Step>> parse(std::string_view part, std::size_t base) {
        std::vector<Step> steps;
        std::size_t at = 0;
        while (at < part.size()) {
            if (part[at] != '%') {
                const std::size_t stop = std::min(part.find('%', at), part.size());
                auto literal = parse_escapes(part.substr(at, stop - at));
                if (!literal) return problem(base + at, literal.error().detail);
                append_literal(steps, *literal);
                at = stop;
                continue;
            }
            const std::size_t start = at++;
            if (at == part.size()) return problem(base + start, "a lone %");
            const char letter = part[at++];
            if (letter == '%') {
                append_literal(steps, "%");
                continue;
            }
            const auto verb = verb_of(letter);
            if (!verb) return problem(base + start, cat("unknown verb %", letter));
            Step step;
            step.verb = *verb;
            if (letter == 'R') {
                step.how = How::binary;
                step.width_bytes = 4;
            }
            if (at < part.size() && part[at] == '{' && letter != 'R') {
                const std::size_t close = closing_brace(part, at);
                if (close == std::string_view::npos) return problem(base + at, "missing }");
                MQ_TRY(parse_modifier(step, part.substr(at + 1, close - at - 1), base + at + 1));
                at = close + 1;
            }
            steps.push_back(std::move(step));
        }
        return steps;
    }

    [[nodiscard]] std::optional<Verb> verb_of(char letter) const {
        switch (letter) {
            case 'k':
                return Verb::key;
            case 's':
            case 'v':
                return Verb::value;
            case 'K':
                return Verb::key_length;
            case 'S':
            case 'V':
            case 'R':
                return Verb::value_length;
            default:
                break;
        }
        if (in_header) return std::nullopt;
        switch (letter) {
            case 'h':
                return Verb::headers;
            case 't':
                return Verb::topic;
            case 'p':
                return Verb::partition;
            case 'o':
                return Verb::offset;
            case 'T':
                return Verb::timestamp;
            case 'a':
                return Verb::compression;
            case 'e':
                return Verb::leader_epoch;
            case 'x':
                return Verb::producer_id;
            case 'y':
                return Verb::producer_epoch;
            case 'i':
                return Verb::counter;
            case '[':
                return Verb::log_start;
            case '|':
                return Verb::last_stable_offset;
            case ']':
                return Verb::high_watermark;
            default:
                return std::nullopt;
        }
    }

    static void append_literal(std::vector<Step>& steps, std::string_view text) {
        if (steps.empty() || steps.back().verb != Verb::literal) steps.emplace_back();
        steps.back().text += text;
    }

    // "strftime[%F]" with name "strftime" -> "%F".
    static std::optional<std::string_view> argument(std::string_view modifier, std::string_view name) {
        if (!modifier.starts_with(name) || !modifier.ends_with(']')) return std::nullopt;
        modifier.remove_prefix(name.size());
        if (!modifier.starts_with('[')) return std::nullopt;
        return modifier.substr(1, modifier.size() - 2);
    }

    Status parse_modifier(Step& step, std::string_view modifier, std::size_t at) {
        switch (step.verb) {
            case Verb::literal:
            case Verb::topic:
            case Verb::compression:
                return problem(at, "this verb takes no modifier");
            case Verb::key:
            case Verb::value:
                return parse_bytes_modifier(step, modifier, at);
            case Verb::headers: {
                if (std::exchange(in_header, true)) return problem(at, "headers have no headers");
                MQ_ASSIGN(step.nested, parse(modifier, at));
                in_header = false;
                step.how = How::nested;
                return {};
            }
            case Verb::timestamp:
                if (modifier == "iso") {
                    step.how = How::iso;
                    return {};
                }
                if (const auto pattern = argument(modifier, "strftime")) {
                    step.how = How::strftime;
                    step.text = *pattern;
                    return {};
                }
                [[fallthrough]];
            default:
                return parse_number_modifier(step, modifier, at);
        }
    }

    Status parse_bytes_modifier(Step& step, std::string_view modifier, std::size_t at) const {
        if (modifier == "hex") {
            step.how = How::hex;
        } else if (modifier == "base64") {
            step.how = How::base64;
        } else if (const auto pattern = argument(modifier, "unpack")) {
            if (pattern->find_first_not_of("<>bBhHiIqQcsx$ ") != std::string_view::npos) {
                return problem(at, "unknown letter in unpack[...]");
            }
            step.how = How::unpack;
            step.text = *pattern;
        } else {
            return problem(at, cat("unknown modifier {", modifier, "}: hex, base64 and unpack[...] are known"));
        }
        return {};
    }

    Status parse_number_modifier(Step& step, std::string_view modifier, std::size_t at) const {
        if (modifier == "hex") {
            step.how = How::hex;
            return {};
        }
        for (const unsigned width : {1u, 2u, 4u, 8u}) {
            const std::string name = cat('u', width * 8);
            if (modifier != name + "be" && modifier != name + "le" && (width != 1 || modifier != name)) continue;
            step.how = How::binary;
            step.width_bytes = static_cast<unsigned char>(width);
            step.big_endian = !modifier.ends_with("le");
            return {};
        }
        return problem(at, cat("unknown modifier {", modifier, "}: hex, u8, u16be, u32le, ... are known"));
    }
};

Result<Format> Format::parse(std::string_view text) {
    Parser parser{text};
    Format format;
    MQ_ASSIGN(format.steps_, parser.parse(text, 0));
    return format;
}

namespace {

constexpr std::string_view kHex = "0123456789abcdef";

void append_hex(std::string& out, ByteView bytes) {
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        out += {kHex[byte >> 4], kHex[byte & 15]};
    }
}

void append_decimal(std::string& out, std::int64_t number) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    out.append(digits, end);
}

std::int64_t length_of(NullableBytes bytes) { return bytes ? static_cast<std::int64_t>(bytes->size()) : -1; }

}  // namespace

void Format::append_number(std::string& out, const Step& step, std::int64_t number) {
    if (step.how == How::hex) {
        char digits[24];
        const auto end = std::to_chars(digits, digits + sizeof digits, static_cast<std::uint64_t>(number), 16).ptr;
        out.append(digits, end);
    } else if (step.how == How::binary) {
        char raw[8];
        store_be(raw, number);
        if (!step.big_endian) std::reverse(raw, raw + sizeof raw);
        out.append(step.big_endian ? raw + sizeof raw - step.width_bytes : raw, step.width_bytes);
    } else {
        append_decimal(out, number);
    }
}

Status Format::append_bytes(std::string& out, const Step& step, NullableBytes bytes, std::string_view null_text) {
    if (!bytes) {
        out += null_text;
        return {};
    }
    switch (step.how) {
        case How::hex:
            append_hex(out, *bytes);
            return {};
        case How::base64:
            append_base64(out, *bytes);
            return {};
        case How::unpack:
            return append_unpacked(out, step.text, *bytes);
        default:
            out += *bytes;
            return {};
    }
}

Status Format::append_headers(std::string& out, const Step& step, const FormatInput& input) {
    HeaderReader reader{*input.record};
    bool first = true;
    for (Header header; reader.next(header);) {
        if (step.how == How::nested) {
            RecordView view;
            view.key = header.key;
            view.value = header.value;
            FormatInput nested = input;
            nested.record = &view;
            MQ_TRY(append_steps(out, step.nested, nested));
            continue;
        }
        if (!std::exchange(first, false)) out += ',';
        out += header.key;
        out += '=';
        out += header.value ? *header.value : ByteView{"NULL"};
    }
    return {};
}

Status Format::append_steps(std::string& out, const std::vector<Step>& steps, const FormatInput& input) {
    const RecordView& record = *input.record;
    for (const Step& step : steps) {
        switch (step.verb) {
            case Verb::literal:
                out += step.text;
                break;
            case Verb::key:
                MQ_TRY(append_bytes(out, step, record.key, input.null_text));
                break;
            case Verb::value:
                MQ_TRY(append_bytes(out, step, record.value, input.null_text));
                break;
            case Verb::headers:
                MQ_TRY(append_headers(out, step, input));
                break;
            case Verb::topic:
                out += input.topic;
                break;
            case Verb::partition:
                append_number(out, step, input.partition);
                break;
            case Verb::offset:
                append_number(out, step, record.offset.value());
                break;
            case Verb::timestamp:
                if (step.how == How::iso) {
                    append_iso_time(out, record.timestamp);
                } else if (step.how == How::strftime) {
                    append_strftime(out, step.text, record.timestamp);
                } else {
                    append_number(out, step, record.timestamp);
                }
                break;
            case Verb::key_length:
                append_number(out, step, length_of(record.key));
                break;
            case Verb::value_length:
                append_number(out, step, length_of(record.value));
                break;
            case Verb::compression:
                out += record::to_string(input.batch->codec());
                break;
            case Verb::leader_epoch:
                append_number(out, step, input.batch->leader_epoch);
                break;
            case Verb::producer_id:
                append_number(out, step, input.batch->producer_id);
                break;
            case Verb::producer_epoch:
                append_number(out, step, input.batch->producer_epoch);
                break;
            case Verb::counter:
                append_number(out, step, static_cast<std::int64_t>(input.count));
                break;
            case Verb::log_start:
                append_number(out, step, input.log_start.value());
                break;
            case Verb::last_stable_offset:
                append_number(out, step, input.last_stable_offset.value());
                break;
            case Verb::high_watermark:
                append_number(out, step, input.high_watermark.value());
                break;
        }
    }
    return {};
}

Status Format::append(std::string& out, const FormatInput& input) const { return append_steps(out, steps_, input); }

namespace {

// Takes an integer of `width_bytes` off the front; the caller has checked that it is there.
std::uint64_t take_integer(ByteView& bytes, std::size_t width_bytes, bool big_endian) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < width_bytes; ++i) {
        const std::size_t index = big_endian ? i : width_bytes - 1 - i;
        value = value << 8 | static_cast<unsigned char>(bytes[index]);
    }
    bytes.remove_prefix(width_bytes);
    return value;
}

}  // namespace

Status append_unpacked(std::string& out, std::string_view pattern, ByteView bytes) {
    static constexpr std::string_view kIntegers = "bBhHiIqQ";
    bool big_endian = true;
    bool first = true;
    const auto separate = [&] {
        if (!std::exchange(first, false)) out += ' ';
    };
    const auto too_short = [&](char letter) {
        return fail(Errc::corrupt, "unpack", {}, cat("nothing is left for '", letter, '\''));
    };
    for (const char letter : pattern) {
        if (const std::size_t index = kIntegers.find(letter); index != std::string_view::npos) {
            const std::size_t width = std::size_t{1} << (index / 2);
            if (bytes.size() < width) return too_short(letter);
            const std::uint64_t raw = take_integer(bytes, width, big_endian);
            separate();
            const auto unused_bits = 64 - 8 * width;
            if (index % 2 == 1) {
                out += std::to_string(raw);
            } else {
                out += std::to_string(static_cast<std::int64_t>(raw << unused_bits) >> unused_bits);
            }
            continue;
        }
        switch (letter) {
            case '<':
                big_endian = false;
                break;
            case '>':
                big_endian = true;
                break;
            case 'x':
            case 'c':
                if (bytes.empty()) return too_short(letter);
                if (letter == 'c') {
                    separate();
                    out += bytes.front();
                }
                bytes.remove_prefix(1);
                break;
            case 's':
                separate();
                out += bytes;
                bytes = {};
                break;
            case '$':
                if (!bytes.empty())
                    return fail(Errc::corrupt, "unpack", {}, cat(bytes.size(), " bytes are left at '$'"));
                break;
            default:
                break;
        }
    }
    return {};
}

}  // namespace mq::cli
