#include "cli/template.h"

#include <re2/re2.h>

#include <limits>
#include <optional>
#include <utility>

#include "cli/template_steps.h"
#include "cli/text.h"
#include "cli/values.h"

namespace mq::cli {

using template_detail::How;
using template_detail::Step;
using template_detail::Verb;

namespace {

constexpr std::int64_t kLargestLength = std::numeric_limits<std::int32_t>::max();
// Of %H: as many as a batch could hold is not what anybody means.
constexpr std::int64_t kMostHeaders = 1 << 20;
constexpr std::size_t kMostDigits = 20;

enum class Read : unsigned char { ok, need_more, malformed };

// Where the JSON value at the start of `text` ends; nullopt: not here. Brackets and strings only: whether it is JSON
// is for those to say who read it.
std::optional<std::size_t> json_end(ByteView text, bool at_end) {
    int depth = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '"') {
            for (++i; i < text.size() && text[i] != '"'; ++i) {
                if (text[i] == '\\') ++i;
            }
            if (i >= text.size()) return std::nullopt;
        } else if (c == '{' || c == '[') {
            ++depth;
            continue;
        } else if (c == '}' || c == ']') {
            --depth;
            if (depth < 0) return i;  // not its own: the value ended before
        } else if (depth == 0) {
            // A number or a word.
            const std::size_t end = text.find_first_not_of("+-.0123456789abcdefghijklmnopqrstuvwxyzE", i);
            if (end == text.npos) return at_end ? std::optional{text.size()} : std::nullopt;
            return end;
        }
        if (depth == 0) return i + 1;
    }
    return std::nullopt;
}

}  // namespace

struct InputTemplate::Impl {
    std::vector<Step> steps;
    std::string decoded;  // what hex and base64 stand for

    // One run over a record.
    struct Run {
        Impl* impl;
        ByteView bytes;
        bool closed;  // nothing will follow the bytes
        InputRecord* record;
        std::size_t at = 0;
        std::optional<std::int64_t> key_length{};
        std::optional<std::int64_t> value_length{};
        std::int64_t header_count = 0;
        Error error{};

        Read malformed(std::string detail) {
            error = Error{Errc::corrupt, {}, {}, 0, at, std::move(detail)};
            return Read::malformed;
        }
        // Too few bytes: more may come, or the record is cut off.
        Read short_of(std::string_view what) {
            if (!closed) return Read::need_more;
            return malformed(cat("the input ends inside a record, before ", what));
        }

        Read run(const std::vector<Step>& list, InputRecord& target, ByteView all) {
            for (std::size_t i = 0; i < list.size(); ++i) {
                const Read read = step(list, i, target, all);
                if (read != Read::ok) return read;
            }
            return Read::ok;
        }

        Read step(const std::vector<Step>& list, std::size_t i, InputRecord& target, ByteView all) {
            const Step& now = list[i];
            switch (now.verb) {
                case Verb::literal:
                    return literal(now.text, i + 1 == list.size(), all);
                case Verb::key: {
                    target.has_key = true;
                    return text(list, i, key_length, target.key, all);
                }
                case Verb::value:
                    return text(list, i, value_length, target.value, all);
                case Verb::skipped_text: {
                    NullableBytes topic;
                    return text(list, i, std::nullopt, topic, all);
                }
                case Verb::headers:
                    return headers(list, i, all);
                case Verb::partition:
                    return number<std::int32_t>(now, 0, all, target.partition);
                case Verb::timestamp:
                    return number<std::int64_t>(now, kNoTimestamp, all, target.timestamp);
                case Verb::key_length:
                    return length(now, all, key_length);
                case Verb::value_length:
                    return length(now, all, value_length);
                case Verb::header_count: {
                    std::optional<std::int64_t> count;
                    const Read read = number<std::int64_t>(now, 0, all, count);
                    if (read != Read::ok) return read;
                    if (*count > kMostHeaders) return malformed(cat(*count, " headers"));
                    header_count = *count;
                    return Read::ok;
                }
                case Verb::skipped_number: {
                    std::optional<std::int64_t> offset;
                    return number<std::int64_t>(now, std::numeric_limits<std::int64_t>::min(), all, offset);
                }
            }
            return Read::ok;
        }

        Read literal(std::string_view text, bool is_last, ByteView all) {
            const ByteView rest = all.substr(at);
            if (rest.starts_with(text)) {
                at += text.size();
                return Read::ok;
            }
            // The last record may lack what ends it.
            if (rest.empty() && is_last && closed) return Read::ok;
            if (text.starts_with(rest)) return short_of("its end");
            return malformed(cat("not as the template has it, which expects '", text, '\''));
        }

        template <typename T>
        Read number(const Step& now, T least, ByteView all, std::optional<T>& target) {
            const ByteView rest = all.substr(at);
            if (now.how == How::binary) {
                if (rest.size() < now.width_bytes) return short_of("the end of a number");
                std::uint64_t value = 0;
                for (std::size_t j = 0; j < now.width_bytes; ++j) {
                    const std::size_t index = now.big_endian ? j : now.width_bytes - 1u - j;
                    value = value << 8 | static_cast<unsigned char>(rest[index]);
                }
                // -1 stands for null and for no timestamp in numbers of any width.
                const bool none = now.width_bytes == 8 ? value == ~std::uint64_t{0}
                                                       : value == (std::uint64_t{1} << (8 * now.width_bytes)) - 1;
                if (none && least < 0) {
                    target = T{-1};
                } else if (value > static_cast<std::uint64_t>(std::numeric_limits<T>::max())) {
                    return malformed(cat(value, " is out of range"));
                } else {
                    target = static_cast<T>(value);
                }
                at += now.width_bytes;
                return Read::ok;
            }
            std::size_t end = !rest.empty() && rest[0] == '-' ? 1 : 0;
            while (end < rest.size() && end <= kMostDigits && rest[end] >= '0' && rest[end] <= '9') ++end;
            if (end == rest.size() && end <= kMostDigits && !closed) return Read::need_more;
            const auto value = parse_integer<T>(rest.substr(0, end), least);
            if (!value) return malformed(value.error().detail);
            target = *value;
            at += end;
            return Read::ok;
        }

        Read length(const Step& now, ByteView all, std::optional<std::int64_t>& target) {
            const Read read = number<std::int64_t>(now, -1, all, target);
            if (read == Read::ok && *target > kLargestLength) return malformed(cat("a length of ", *target));
            return read;
        }

        // Where the next literal of the list begins, from `at` on; nullopt: not here.
        std::optional<std::size_t> until_literal(const std::vector<Step>& list, std::size_t i, ByteView all) const {
            std::size_t j = i + 1;
            while (j < list.size() && list[j].verb != Verb::literal) ++j;
            const std::size_t found = all.find(list[j].text, at);
            if (found != all.npos) return found;
            if (closed && j + 1 == list.size()) return all.size();
            return std::nullopt;
        }

        Read text(const std::vector<Step>& list, std::size_t i, std::optional<std::int64_t> told,
                  NullableBytes& target, ByteView all) {
            const Step& now = list[i];
            ByteView raw;
            if (now.sized) {
                if (*told < 0) {
                    target.reset();
                    return Read::ok;
                }
                if (static_cast<std::uint64_t>(*told) > all.size() - at) return short_of("the end of a text");
                raw = all.substr(at, static_cast<std::size_t>(*told));
            } else if (now.how == How::json) {
                const auto end = json_end(all.substr(at), closed);
                if (!end) return short_of("the end of a JSON value");
                if (*end == 0) return malformed("no JSON value");
                raw = all.substr(at, *end);
            } else {
                const auto end = until_literal(list, i, all);
                if (!end) return short_of("what ends a text");
                raw = all.substr(at, *end - at);
                if (now.how == How::pattern) {
                    const char* const begin = raw.data();
                    re2::StringPiece match;
                    if (!now.pattern->Match({begin, raw.size()}, 0, raw.size(), re2::RE2::ANCHOR_START, &match, 1))
                        return malformed(cat("re[", now.pattern->pattern(), "] does not match"));
                    raw = raw.substr(0, match.size());
                }
            }
            if (now.how == How::hex || now.how == How::base64) {
                const std::size_t start = impl->decoded.size();
                const auto encoding = now.how == How::hex ? Encoding::hex : Encoding::base64;
                if (const Status done = append_decoded(impl->decoded, encoding, raw); !done) {
                    at += static_cast<std::size_t>(done.error().position.value_or(0));
                    return malformed(done.error().detail);
                }
                target = ByteView{impl->decoded}.substr(start);
            } else {
                target = raw;
            }
            at += raw.size();
            return Read::ok;
        }

        Read headers(const std::vector<Step>& list, std::size_t i, ByteView all) {
            const Step& now = list[i];
            ByteView region = all;
            if (!now.sized) {
                const auto end = until_literal(list, i, all);
                if (!end) return short_of("what ends the headers");
                region = all.substr(0, *end);
            }
            const auto outer_key = std::exchange(key_length, std::nullopt);
            const auto outer_value = std::exchange(value_length, std::nullopt);
            // A region is all there.
            const bool outer_closed = std::exchange(closed, closed || !now.sized);
            for (std::int64_t n = 0; now.sized ? n < header_count : at < region.size(); ++n) {
                InputRecord header;
                const std::size_t before = at;
                const Read read = run(now.nested, header, region);
                if (read != Read::ok) return read;
                if (at == before) return malformed("a header without a byte");
                if (!header.key) return malformed("a header whose key is null");
                record->headers.push_back({*header.key, header.value});
            }
            closed = outer_closed;
            key_length = outer_key;
            value_length = outer_value;
            return Read::ok;
        }
    };
};

InputTemplate::InputTemplate() = default;
InputTemplate::~InputTemplate() = default;
InputTemplate::InputTemplate(InputTemplate&&) noexcept = default;
InputTemplate& InputTemplate::operator=(InputTemplate&&) noexcept = default;

Result<InputTemplate> InputTemplate::parse(std::string_view text) {
    InputTemplate made;
    made.impl_ = std::make_unique<Impl>();
    MQ_ASSIGN(made.impl_->steps, template_detail::parse_template(text));
    return made;
}

InputTemplate::Outcome InputTemplate::next(ByteView bytes, bool at_end, InputRecord& record) {
    record.clear();
    impl_->decoded.clear();
    // What hex and base64 make is shorter than what they are made of: views stay valid.
    impl_->decoded.reserve(bytes.size());
    consumed_ = 0;
    Impl::Run run{impl_.get(), bytes, at_end, &record};
    switch (run.run(impl_->steps, record, bytes)) {
        case Read::ok:
            consumed_ = run.at;
            return Outcome::record;
        case Read::need_more:
            return Outcome::need_more;
        case Read::malformed:
            break;
    }
    error_ = std::move(run.error);
    // Where records end with a literal, the next one begins behind it.
    const Step& last = impl_->steps.back();
    if (last.verb == Verb::literal) {
        const std::size_t end = bytes.find(last.text, run.at);
        if (end != bytes.npos)
            consumed_ = end + last.text.size();
        else if (at_end)
            consumed_ = bytes.size();
        else
            return Outcome::need_more;
    }
    return Outcome::malformed;
}

}  // namespace mq::cli
