#include "os/kill_point.h"

#include <atomic>
#include <csignal>
#include <cstring>
#include <unistd.h>

#ifdef MQ_KILL_POINTS
// The linker's bounds of the section that MQ_KILLPOINT fills; weak, as a program may have no point at all.
extern "C" {
[[gnu::weak]] extern mq::os::detail::KillPoint __start_mq_kill_points[];
[[gnu::weak]] extern mq::os::detail::KillPoint __stop_mq_kill_points[];
}
#endif

namespace mq::os {

#ifdef MQ_KILL_POINTS
namespace {

std::atomic<detail::KillPoint*> armed{nullptr};
std::atomic<unsigned> passes_left{0};
std::atomic<KillAction> armed_action{KillAction::kill};
std::atomic<bool> counting{false};

}  // namespace

std::vector<std::string_view> kill_points() {
    std::vector<std::string_view> names;
    for (auto* p = __start_mq_kill_points; p != __stop_mq_kill_points; ++p) names.emplace_back(p->name);
    return names;
}

bool arm_kill_point(std::string_view name, unsigned nth, KillAction action) {
    armed.store(nullptr);
    passes_left.store(nth);
    armed_action.store(action);
    for (auto* p = __start_mq_kill_points; p != __stop_mq_kill_points; ++p) {
        if (name == p->name) {
            armed.store(p);
            return true;
        }
    }
    return false;
}

void count_kill_points() {
    for (auto* p = __start_mq_kill_points; p != __stop_mq_kill_points; ++p) p->passes = 0;
    counting.store(true);
}

unsigned kill_point_passes(std::string_view name) {
    unsigned passes = 0;
    for (auto* p = __start_mq_kill_points; p != __stop_mq_kill_points; ++p)
        if (name == p->name) passes += p->passes;
    return passes;
}

void detail::pass(KillPoint& point) {
    if (counting.load(std::memory_order_relaxed)) std::atomic_ref{point.passes}.fetch_add(1, std::memory_order_relaxed);
    const auto* target = armed.load(std::memory_order_relaxed);
    if (target == nullptr || std::strcmp(target->name, point.name) != 0) return;
    if (passes_left.fetch_sub(1) != 1) return;
    kill(getpid(), armed_action.load() == KillAction::kill ? SIGKILL : SIGSTOP);
}
#else
std::vector<std::string_view> kill_points() { return {}; }
bool arm_kill_point(std::string_view, unsigned, KillAction) { return false; }
void count_kill_points() {}
unsigned kill_point_passes(std::string_view) { return 0; }
void detail::pass(KillPoint&) {}
#endif

}  // namespace mq::os
