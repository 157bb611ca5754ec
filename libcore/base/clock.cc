#include "base/clock.h"

#include <ctime>

namespace mq {

TimestampMs wall_clock_ms() {
    timespec t{};
    clock_gettime(CLOCK_REALTIME, &t);
    return static_cast<TimestampMs>(t.tv_sec) * 1000 + t.tv_nsec / 1'000'000;
}

}  // namespace mq
