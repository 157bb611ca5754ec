#include "broker/quiet_log.h"

#include <new>
#include <utility>

namespace mq::broker {
namespace {

std::string_view name_of(QuietLog::Kind kind) {
    switch (kind) {
        case QuietLog::Kind::bad_request:
            return "clients that sent what is no request";
        case QuietLog::Kind::slow:
            return "clients whose requests did not come on";
        case QuietLog::Kind::unread:
            return "clients that did not take their answers";
        case QuietLog::Kind::refused:
            return "connections that were too many";
        case QuietLog::Kind::no_memory:
            return "connections that there was no memory for";
        case QuietLog::Kind::crowded:
            return "clients whose requests gave way to others";
        case QuietLog::Kind::accept:
            return "failures to accept";
        case QuietLog::Kind::transactions:
            return "transactional producers that were refused";
        case QuietLog::Kind::topics:
            return "topics that could not be made";
        case QuietLog::Kind::groups:
            return "members that were refused";
        case QuietLog::Kind::offsets:
            return "failures to read or write what groups commit";
    }
    return {};
}

}  // namespace

bool QuietLog::tell(Kind kind, std::int64_t now_ms, FunctionRef<std::string()> text) {
    settle(now_ms);
    const auto before = count(kind, now_ms);
    if (!before) return false;
    try {
        log_.warning(text());
    } catch (const std::bad_alloc&) {
        // Who tells it goes on.
    }
    return *before == 0;
}

std::optional<int> QuietLog::count(Kind kind, std::int64_t now_ms) {
    const std::lock_guard lock{mutex_};
    Span& span = spans_[static_cast<std::size_t>(kind)];
    if (span.told == 0) span.begin_ms = now_ms;
    if (span.told == kLines) {
        ++span.untold;
        return std::nullopt;
    }
    return span.told++;
}

void QuietLog::settle(std::int64_t now_ms) {
    for (std::size_t kind = 0; kind < kKinds; ++kind) {
        std::uint64_t untold = 0;
        {
            const std::lock_guard lock{mutex_};
            Span& span = spans_[kind];
            if (span.told == 0 || now_ms - span.begin_ms < kSpanMs) continue;
            untold = std::exchange(span, {}).untold;
        }
        if (untold == 0) continue;
        try {
            log_.warning(std::to_string(untold) + " more " + std::string{name_of(static_cast<Kind>(kind))} +
                         " in the last " + std::to_string(kSpanMs / 1000) + " s");
        } catch (const std::bad_alloc&) {
            return;
        }
    }
}

}  // namespace mq::broker
