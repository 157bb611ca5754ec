// Named lines at which a crash test ends the process. Nothing in a release build.
//
//     MQ_KILLPOINT("append.after_write");
//
// Only in .cc files and not inside templates: each use is one entry of a linker section, so that
// kill_points() names every point of the program whether it was reached or not.
#pragma once

#include <string_view>
#include <vector>

namespace mq::os {

enum class KillAction : unsigned char { kill, stop };  // SIGKILL or SIGSTOP to the own process

// The names of all points linked into this program; empty in a release build.
[[nodiscard]] std::vector<std::string_view> kill_points();

// From now on the `nth` pass (1 = the first) through the point `name` takes the action. One point is armed at
// a time. False: no such point.
[[nodiscard]] bool arm_kill_point(std::string_view name, unsigned nth = 1, KillAction action = KillAction::kill);

// Counts the passes through every point from now on, instead of acting; read with kill_point_passes.
void count_kill_points();
[[nodiscard]] unsigned kill_point_passes(std::string_view name);

namespace detail {
struct KillPoint {
    const char* name;
    unsigned passes;
};
void pass(KillPoint& point);
}  // namespace detail

}  // namespace mq::os

#ifdef MQ_KILL_POINTS
#define MQ_KILLPOINT(point_name)                                                              \
    do {                                                                                      \
        [[gnu::section("mq_kill_points"), gnu::used, gnu::aligned(16)]]                       \
        static ::mq::os::detail::KillPoint mq_point{point_name, 0};                           \
        ::mq::os::detail::pass(mq_point);                                                     \
    } while (false)
#else
#define MQ_KILLPOINT(point_name) static_cast<void>(0)
#endif
