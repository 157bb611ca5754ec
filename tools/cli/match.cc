#include "cli/match.h"

#include <re2/re2.h>

#include <algorithm>

#include "cli/text.h"
#include "cli/times.h"
#include "cli/values.h"

namespace mq::cli {
namespace {

enum class Subject : unsigned char { key, value, header, timestamp, size, offset, own };
enum class Operator : unsigned char { present, contains, equal, unequal, less, less_equal, greater, greater_equal };

bool is_number(Subject subject) {
    return subject == Subject::timestamp || subject == Subject::size || subject == Subject::offset;
}

bool compare(std::int64_t value, Operator op, std::int64_t with) {
    switch (op) {
        case Operator::equal:
            return value == with;
        case Operator::unequal:
            return value != with;
        case Operator::less:
            return value < with;
        case Operator::less_equal:
            return value <= with;
        case Operator::greater:
            return value > with;
        case Operator::greater_equal:
            return value >= with;
        case Operator::present:
        case Operator::contains:
            break;
    }
    return false;
}

}  // namespace

struct Matcher::Term {
    Subject subject = Subject::key;
    Operator op = Operator::present;
    bool negated = false;
    std::string name;  // of a header, or of a field of the tool's own
    std::string text;
    std::int64_t number = 0;
    std::unique_ptr<RE2> pattern;

    [[nodiscard]] bool holds_for(NullableBytes bytes) const {
        if (!bytes) return false;
        switch (op) {
            case Operator::present:
                return true;
            case Operator::contains:
                return RE2::PartialMatch({bytes->data(), bytes->size()}, *pattern);
            case Operator::unequal:
                return *bytes != text;
            default:
                return *bytes == text;
        }
    }

    // Several headers may have one name: one that holds is enough.
    [[nodiscard]] bool holds_for_headers(const record::RecordView& record) const {
        record::HeaderReader headers{record};
        for (record::Header header; headers.next(header);) {
            if (header.key == name && holds_for(header.value)) return true;
        }
        return false;
    }

    [[nodiscard]] bool holds(const record::RecordView& record, const Lookup& lookup) const {
        switch (subject) {
            case Subject::key:
                return holds_for(record.key);
            case Subject::value:
                return holds_for(record.value);
            case Subject::header:
                return holds_for_headers(record);
            case Subject::timestamp:
                return compare(record.timestamp, op, number);
            case Subject::offset:
                return compare(+record.offset, op, number);
            case Subject::size: {
                const std::size_t size =
                    (record.key ? record.key->size() : 0) + (record.value ? record.value->size() : 0);
                return compare(static_cast<std::int64_t>(size), op, number);
            }
            case Subject::own: {
                if (!lookup) return false;
                const auto found = lookup(name);
                return holds_for(found ? NullableBytes{*found} : NullableBytes{});
            }
        }
        return false;
    }
};

namespace {

struct Split {
    std::string_view field;
    Operator op = Operator::present;
    std::string_view text;
};

// At the first character that belongs to an operator.
Split split(std::string_view expression) {
    const std::size_t at = expression.find_first_of("~=<>!");
    if (at == std::string_view::npos) return {expression, Operator::present, {}};
    const std::string_view rest = expression.substr(at);
    const auto made = [&](Operator op, std::size_t length) {
        return Split{expression.substr(0, at), op, rest.substr(length)};
    };
    if (rest.starts_with("!=")) return made(Operator::unequal, 2);
    if (rest.starts_with(">=")) return made(Operator::greater_equal, 2);
    if (rest.starts_with("<=")) return made(Operator::less_equal, 2);
    if (rest.front() == '>') return made(Operator::greater, 1);
    if (rest.front() == '<') return made(Operator::less, 1);
    if (rest.front() == '~') return made(Operator::contains, 1);
    return made(Operator::equal, 1);
}

tl::unexpected<Error> bad(std::string_view expression, std::string_view why) {
    return fail(Errc::bad_argument, {}, {}, cat("'", expression, "': ", why));
}

std::optional<Subject> subject_of(std::string_view field, const std::vector<std::string_view>& own_fields) {
    if (field == "key") return Subject::key;
    if (field == "value") return Subject::value;
    if (field.starts_with("header.")) return Subject::header;
    if (field == "ts") return Subject::timestamp;
    if (field == "size") return Subject::size;
    if (field == "offset") return Subject::offset;
    if (std::find(own_fields.begin(), own_fields.end(), field) != own_fields.end()) return Subject::own;
    return std::nullopt;
}

}  // namespace

Matcher::Matcher() = default;
Matcher::Matcher(Matcher&&) noexcept = default;
Matcher& Matcher::operator=(Matcher&&) noexcept = default;
Matcher::~Matcher() = default;

Result<Matcher> Matcher::parse(const std::vector<std::string>& expressions, bool any, TimestampMs now,
                               const std::vector<std::string_view>& own_fields) {
    Matcher matcher;
    matcher.any_ = any;
    for (const std::string& expression : expressions) {
        std::string_view rest = expression;
        Term term;
        if (rest.starts_with('!')) {
            term.negated = true;
            rest.remove_prefix(1);
        }
        const Split parts = split(rest);
        const auto subject = subject_of(parts.field, own_fields);
        if (!subject) return bad(expression, "the field is one of key, value, header.NAME, ts, size, offset");
        term.subject = *subject;
        term.op = parts.op;
        term.name =
            *subject == Subject::header ? parts.field.substr(std::string_view{"header."}.size()) : parts.field;
        term.text = parts.text;
        const bool ordered = parts.op >= Operator::less;
        if (is_number(*subject)) {
            if (!ordered && parts.op != Operator::equal && parts.op != Operator::unequal) {
                return bad(expression, "a number is compared by one of = != < <= > >=");
            }
            auto number = *subject == Subject::timestamp ? parse_time(parts.text, now)
                                                         : parse_integer<std::int64_t>(parts.text);
            if (!number) return bad(expression, number.error().detail);
            term.number = *number;
        } else if (ordered) {
            return bad(expression, "< and > compare ts, size and offset only");
        } else if (parts.op == Operator::contains) {
            RE2::Options options;
            options.set_log_errors(false);
            options.set_encoding(RE2::Options::EncodingUTF8);
            term.pattern = std::make_unique<RE2>(term.text, options);
            if (!term.pattern->ok()) return bad(expression, term.pattern->error());
        }
        matcher.terms_.push_back(std::move(term));
    }
    return matcher;
}

bool Matcher::matches(const record::RecordView& record, const Lookup& lookup) const {
    if (terms_.empty()) return true;
    const auto holds = [&](const Term& term) { return term.holds(record, lookup) != term.negated; };
    return any_ ? std::any_of(terms_.begin(), terms_.end(), holds) : std::all_of(terms_.begin(), terms_.end(), holds);
}

}  // namespace mq::cli
