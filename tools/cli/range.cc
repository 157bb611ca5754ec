#include "cli/range.h"

#include <algorithm>

#include "cli/times.h"
#include "cli/values.h"

namespace mq::cli {

namespace {

using Kind = Bound::Kind;

constexpr std::string_view kHint =
    "is no range: examples are start, end, 42, -10, 100:200, @2023-11-14, @-1h:, 3=start";

tl::unexpected<Error> no_range(std::string_view text) { return bad_value(text, kHint); }

// "start+5" with word "start" and sign '+' -> "5".
std::optional<std::string_view> after(std::string_view text, std::string_view word, char sign) {
    if (!text.starts_with(word)) return std::nullopt;
    text.remove_prefix(word.size());
    if (!text.starts_with(sign)) return std::nullopt;
    return text.substr(1);
}

Result<Bound> parse_bound(std::string_view text) {
    for (const std::string_view word : {"earliest", "beginning", "start"}) {
        if (text == word) return Bound{Kind::from_start, 0};
    }
    for (const std::string_view word : {"latest", "end"}) {
        if (text == word) return Bound{Kind::from_end, 0};
    }
    for (const std::string_view word : {"committed", "stored"}) {
        if (text == word) return Bound{Kind::committed, 0};
    }
    Kind kind = Kind::offset;
    std::string_view digits = text;
    const auto try_form = [&](std::string_view word, char sign, Kind form) {
        if (const auto rest = after(text, word, sign); kind == Kind::offset && rest) {
            kind = form;
            digits = *rest;
        }
    };
    try_form("start", '+', Kind::from_start);
    try_form("", '+', Kind::from_start);
    try_form("end", '-', Kind::from_end);
    try_form("", '-', Kind::from_end);
    if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) return no_range(text);
    MQ_ASSIGN(const std::int64_t value, parse_integer<std::int64_t>(digits, 0));
    return Bound{kind, value};
}

// `text` stands after the '@'. Times contain colons: the first split of which both halves are times counts.
Result<Range> parse_time_range(std::string_view text, TimestampMs now) {
    const auto whole = parse_time(text, now);
    if (whole) return Range{Bound{Kind::timestamp, *whole}, std::nullopt};
    for (std::size_t colon = text.find(':'); colon != std::string_view::npos; colon = text.find(':', colon + 1)) {
        const auto from = parse_time(text.substr(0, colon), now);
        if (!from) continue;
        Range range{Bound{Kind::timestamp, *from}, std::nullopt};
        std::string_view rest = text.substr(colon + 1);
        if (rest.empty()) return range;
        if (rest == "end" || rest == "latest") {
            range.until = Bound{Kind::from_end, 0};
            return range;
        }
        if (rest.starts_with('@')) rest.remove_prefix(1);
        if (const auto until = parse_time(rest, now)) {
            range.until = Bound{Kind::timestamp, *until};
            return range;
        }
    }
    return tl::unexpected<Error>{whole.error()};
}

}  // namespace

Result<Range> parse_range(std::string_view text, TimestampMs now) {
    if (text.starts_with('@')) return parse_time_range(text.substr(1), now);
    if (text.starts_with("s@") || text.starts_with("e@")) {
        MQ_ASSIGN(const std::int64_t time, parse_integer<std::int64_t>(text.substr(2), 0));
        const Bound bound{Kind::timestamp, time};
        return text.front() == 's' ? Range{bound, std::nullopt} : Range{std::nullopt, bound};
    }
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) {
        MQ_ASSIGN(const Bound from, parse_bound(text));
        return Range{from, std::nullopt};
    }
    const std::string_view left = text.substr(0, colon);
    const std::string_view right = text.substr(colon + 1);
    if (left.empty() && right.empty()) return no_range(text);
    Range range;
    if (left.empty()) {
        range.from = Bound{Kind::from_start, 0};
    } else {
        MQ_ASSIGN(range.from, parse_bound(left));
    }
    if (right.starts_with('@')) {
        MQ_ASSIGN(const TimestampMs time, parse_time(right.substr(1), now));
        range.until = Bound{Kind::timestamp, time};
    } else if (!right.empty()) {
        MQ_ASSIGN(range.until, parse_bound(right));
    }
    return range;
}

Status Ranges::add(std::string_view text, TimestampMs now) {
    Range* target = &all;
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) {
        MQ_ASSIGN(const std::int32_t partition, parse_integer<std::int32_t>(text.substr(0, equals), 0));
        target = &by_partition[partition];
        text.remove_prefix(equals + 1);
    }
    MQ_ASSIGN(const Range range, parse_range(text, now));
    if (range.from) target->from = range.from;
    if (range.until) target->until = range.until;
    return {};
}

Range Ranges::of_partition(std::int32_t partition) const {
    const auto own = by_partition.find(partition);
    if (own == by_partition.end()) return all;
    return Range{own->second.from ? own->second.from : all.from, own->second.until ? own->second.until : all.until};
}

Result<Offset> resolve(const Bound& bound, const LogBounds& log) {
    const std::int64_t records = log.end - log.start;
    switch (bound.kind) {
        case Kind::offset:
            return Offset{bound.value};
        case Kind::from_start:
            return log.start + std::min(bound.value, records);
        case Kind::from_end:
            return log.end - std::min(bound.value, records);
        case Kind::timestamp: {
            MQ_ASSIGN(const std::optional<Offset> found, log.find_timestamp(bound.value));
            return std::clamp(found.value_or(log.end), log.start, log.end);
        }
        case Kind::committed:
            break;
    }
    return fail(Errc::unsupported, "committed offset", {}, "consumer groups are not in this version");
}

}  // namespace mq::cli
