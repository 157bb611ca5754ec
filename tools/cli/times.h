// Points in time as people write them, and as they are printed. UTC always, so that scripts do the same everywhere.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/strong_int.h"

namespace mq::cli {

// One of:
//     1700000000             epoch by the count of digits: to 11 seconds, to 14 ms, to 17 us, to 19 ns
//     2023-11-14             midnight
//     2023-11-14T22:13:20Z   RFC 3339; seconds, their fraction and the zone may be missing, a space may stand for the
//     T now  -1h30m  +PT1H     relative to `now`
// Everything below a millisecond is dropped. Errors: bad_argument.
[[nodiscard]] Result<TimestampMs> parse_time(std::string_view text, TimestampMs now);

// Appends "2023-11-14T22:13:20.000Z". A time that no calendar has is printed as its number.
void append_iso_time(std::string& out, TimestampMs time);

// Appends what strftime(3) makes of it.
void append_strftime(std::string& out, const std::string& pattern, TimestampMs time);

}  // namespace mq::cli
