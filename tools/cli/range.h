// RANGE: where reading starts and ends, in the one spelling of all tools.
//
//     earliest beginning start   latest end   committed stored
//     N  start+N  +N  end-N  -N               an offset; counted from the start; counted back from the end
//     A:B  A:  :B  :end                       from A, up to but without B; either may be any of the above
//     @T  @T1:T2  @-1h  @-48h:-24h            the first record at or after T (times.h); T2 is excluded
//     s@MS  e@MS                              kcat's: start, end
//     P=RANGE                                 for partition P only
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/strong_int.h"

namespace mq::cli {

struct Bound {
    enum class Kind : unsigned char { offset, from_start, from_end, timestamp, committed };
    Kind kind = Kind::from_start;
    // The offset; how far above the start; how far below the end; milliseconds since 1970.
    std::int64_t value = 0;

    bool operator==(const Bound&) const = default;
};

struct Range {
    std::optional<Bound> from;   // absent: not said
    std::optional<Bound> until;  // exclusive; absent: no end

    bool operator==(const Range&) const = default;
};

// One range without P=. Errors: bad_argument.
[[nodiscard]] Result<Range> parse_range(std::string_view text, TimestampMs now);

// All that was given: a later RANGE replaces what an earlier one said of the same bound.
struct Ranges {
    Range all;
    std::map<std::int32_t, Range> by_partition;

    [[nodiscard]] Status add(std::string_view text, TimestampMs now);
    [[nodiscard]] Range of_partition(std::int32_t partition) const;
};

// What a bound is measured against.
struct LogBounds {
    Offset start{0};
    Offset end{0};
    // The first offset at or after a time, or nothing.
    std::function<Result<std::optional<Offset>>(TimestampMs)> find_timestamp;
};

// An offset, unclamped for kind offset, else within [start, end]. A time after the last record is the end.
// unsupported: committed.
[[nodiscard]] Result<Offset> resolve(const Bound& bound, const LogBounds& log);

}  // namespace mq::cli
