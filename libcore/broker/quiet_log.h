// Lines that anybody on the network can cause, as many as they like: a few of each kind are told, the rest counted.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "base/function_ref.h"
#include "broker/event_log.h"

namespace mq::broker {

// Thread-safe. What there is no memory to tell is not told: nothing is thrown.
class QuietLog {
public:
    enum class Kind : unsigned char {
        bad_request,
        slow,
        unread,
        refused,
        no_memory,
        crowded,
        accept,
        transactions,
        topics,
        groups,
        offsets
    };

    static constexpr int kLines = 10;
    static constexpr std::int64_t kSpanMs = 10'000;

    explicit QuietLog(EventLog& log) : log_(log) {}

    // As a warning, unless there were kLines of the kind in this span already. True: a span of this kind begins,
    // after which settle() is to be called.
    bool tell(Kind kind, std::int64_t now_ms, FunctionRef<std::string()> text);
    // Says how many were not told in the spans that are over.
    void settle(std::int64_t now_ms);

private:
    struct Span {
        std::int64_t begin_ms = 0;
        int told = 0;
        std::uint64_t untold = 0;
    };
    // How many were told before it; nullopt: it is not to be told.
    [[nodiscard]] std::optional<int> count(Kind kind, std::int64_t now_ms);

    static constexpr std::size_t kKinds = static_cast<std::size_t>(Kind::offsets) + 1;

    EventLog& log_;
    std::mutex mutex_;
    std::array<Span, kKinds> spans_;
};

}  // namespace mq::broker
