#include <re2/re2.h>

#include <array>
#include <optional>
#include <utility>

#include "cli/braces.h"
#include "cli/template_steps.h"
#include "cli/text.h"
#include "cli/values.h"

namespace mq::cli::template_detail {

namespace {

tl::unexpected<Error> problem(std::size_t at, std::string_view what) {
    return fail(Errc::bad_argument, {}, {}, cat(what, " at character ", at + 1));
}

class Parser {
public:
    explicit Parser(bool in_header) : in_header_(in_header) {}

    Result<std::vector<Step>> parse(std::string_view text, std::size_t base) {
        std::vector<Step> steps;
        for (std::size_t at = 0; at < text.size();) {
            if (text[at] != '%') {
                const std::size_t end = std::min(text.find('%', at), text.size());
                auto literal = parse_escapes(text.substr(at, end - at));
                if (!literal) return problem(base + at, literal.error().detail);
                append_literal(steps, *literal);
                at = end;
                continue;
            }
            if (at + 1 == text.size()) return problem(base + at, "a lone %");
            const char letter = text[at + 1];
            if (letter == '%') {
                append_literal(steps, "%");
                at += 2;
                continue;
            }
            Step step;
            const auto verb = verb_of(letter);
            if (!verb) return problem(base + at, cat("unknown verb %", letter));
            step.verb = *verb;
            if (is_number(step.verb)) step.how = How::ascii;
            const std::size_t verb_at = at;
            at += 2;
            if (at < text.size() && text[at] == '{') {
                const std::size_t close = closing_brace(text, at);
                if (close == std::string_view::npos) return problem(base + at, "missing }");
                MQ_TRY(modify(step, text.substr(at + 1, close - at - 1), base + at + 1));
                at = close + 1;
            } else if (step.verb == Verb::headers) {
                return problem(base + at - 2, "%h needs a template of a header, such as %h{%k=%v,}");
            }
            MQ_TRY(note(step, base + verb_at));
            steps.push_back(std::move(step));
        }
        MQ_TRY(check(steps, base + text.size()));
        return steps;
    }

private:
    static bool is_number(Verb verb) {
        switch (verb) {
            case Verb::partition:
            case Verb::timestamp:
            case Verb::key_length:
            case Verb::value_length:
            case Verb::header_count:
            case Verb::skipped_number:
                return true;
            default:
                return false;
        }
    }

    [[nodiscard]] std::optional<Verb> verb_of(char letter) const {
        switch (letter) {
            case 'k':
                return Verb::key;
            case 'v':
            case 's':
                return Verb::value;
            case 'K':
                return Verb::key_length;
            case 'V':
            case 'S':
                return Verb::value_length;
            default:
                break;
        }
        if (in_header_) return std::nullopt;
        switch (letter) {
            case 'h':
                return Verb::headers;
            case 'H':
                return Verb::header_count;
            case 'p':
                return Verb::partition;
            case 'T':
                return Verb::timestamp;
            case 't':
                return Verb::skipped_text;
            case 'o':
                return Verb::skipped_number;
            default:
                return std::nullopt;
        }
    }

    static void append_literal(std::vector<Step>& steps, std::string_view text) {
        if (steps.empty() || steps.back().verb != Verb::literal) steps.emplace_back();
        steps.back().text += text;
    }

    Status modify(Step& step, std::string_view modifier, std::size_t at) {
        if (step.verb == Verb::headers) {
            Parser nested{true};
            MQ_ASSIGN(step.nested, nested.parse(modifier, at));
            return {};
        }
        return is_number(step.verb) ? modify_number(step, modifier, at) : modify_text(step, modifier, at);
    }

    static Status modify_text(Step& step, std::string_view modifier, std::size_t at) {
        if (modifier == "hex") {
            step.how = How::hex;
        } else if (modifier == "base64") {
            step.how = How::base64;
        } else if (modifier == "json") {
            step.how = How::json;
        } else if (modifier.starts_with("re[") && modifier.ends_with(']')) {
            re2::RE2::Options options;
            options.set_encoding(re2::RE2::Options::EncodingLatin1);  // bytes
            options.set_log_errors(false);
            const std::string_view text = modifier.substr(3, modifier.size() - 4);
            const auto pattern = std::make_shared<re2::RE2>(re2::StringPiece{text.data(), text.size()}, options);
            if (!pattern->ok()) return problem(at, cat("re[...]: ", pattern->error()));
            step.pattern = pattern;
            step.how = How::pattern;
        } else {
            return problem(at, cat("unknown modifier {", modifier, "}: hex, base64, json and re[...] are known"));
        }
        return {};
    }

    static Status modify_number(Step& step, std::string_view modifier, std::size_t at) {
        if (modifier == "ascii") return {};
        for (const unsigned width : {1u, 2u, 4u, 8u}) {
            const std::string name = cat('u', width * 8);
            if (modifier != name + "be" && modifier != name + "le" && (width != 1 || modifier != name)) continue;
            step.how = How::binary;
            step.width_bytes = static_cast<unsigned char>(width);
            step.big_endian = !modifier.ends_with("le");
            return {};
        }
        return problem(at, cat("unknown modifier {", modifier, "}: ascii, u8, u16be, u32le, ... are known"));
    }

    // Each field once, its length before it.
    Status note(Step& step, std::size_t at) {
        const auto index = static_cast<std::size_t>(step.verb);
        if (step.verb != Verb::skipped_text && step.verb != Verb::skipped_number && std::exchange(seen_[index], true))
            return problem(at, "a verb for the second time");
        if (step.verb == Verb::key) step.sized = seen(Verb::key_length);
        if (step.verb == Verb::value) step.sized = seen(Verb::value_length);
        if (step.verb == Verb::headers) step.sized = seen(Verb::header_count);
        if (step.verb == Verb::key_length && seen(Verb::key)) return problem(at, "a length behind its key");
        if (step.verb == Verb::value_length && seen(Verb::value)) return problem(at, "a length behind its value");
        if (step.verb == Verb::header_count && seen(Verb::headers)) return problem(at, "a count behind its headers");
        if (step.sized && (step.how == How::json || step.how == How::pattern))
            return problem(at, "a length, and a modifier that says where it ends");
        return {};
    }
    [[nodiscard]] bool seen(Verb verb) const { return seen_[static_cast<std::size_t>(verb)]; }

    Status check(std::vector<Step>& steps, std::size_t at) const {
        if (in_header_) {
            if (!seen(Verb::key)) return problem(at, "a header without %k");
        } else if (!seen(Verb::key) && !seen(Verb::value)) {
            return problem(at, "neither %k nor %v");
        }
        const Step& last = steps.back();
        const bool open_end = last.is_open() || last.is_ascii_number() || last.how == How::pattern;
        if (open_end) {
            if (in_header_) return problem(at, "nothing ends a header, as the comma does in %h{%k=%v,}");
            append_literal(steps, "\n");
        }
        for (std::size_t i = 0; i + 1 < steps.size(); ++i) {
            if (steps[i].is_open() && steps[i + 1].verb != Verb::literal)
                return problem(at, "nothing stands between a text without a length and what follows it");
            if (steps[i].how != How::pattern) continue;
            std::size_t j = i + 1;
            while (j < steps.size() && steps[j].verb != Verb::literal) ++j;
            if (j == steps.size()) return problem(at, "nothing fixed follows re[...]");
        }
        return {};
    }

    bool in_header_;
    std::array<bool, 16> seen_{};
};

}  // namespace

Result<std::vector<Step>> parse_template(std::string_view text) {
    Parser parser{false};
    return parser.parse(text, 0);
}

}  // namespace mq::cli::template_detail
