// Wall-clock time as a value that tests replace.
#pragma once

#include "base/strong_int.h"

namespace mq {

// Milliseconds since 1970 now; may jump either way. Thread-safe.
[[nodiscard]] TimestampMs wall_clock_ms();

// What library code takes instead of calling wall_clock_ms itself.
using ClockFn = TimestampMs (*)();

}  // namespace mq
