#include "support/faults.h"

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace mq::test {
namespace {

// Longer than any call may be repeated before it must succeed, and finite.
constexpr unsigned kLastingInterrupts = 8;
constexpr unsigned kMaxCalls = 100'000;

std::atomic<FaultInjector*> current{nullptr};
// Threads in its hook, which may still look at it when it is to go.
std::atomic<unsigned> inside{0};
// A child has none of them.
const int forgets_at_fork = ::pthread_atfork(nullptr, nullptr, [] { inside.store(0); });

bool is_below(std::string_view path, std::string_view directory) {
    if (directory.empty()) return true;
    if (!path.starts_with(directory)) return false;
    return path.size() == directory.size() || directory.back() == '/' || path[directory.size()] == '/';
}

}  // namespace

FaultInjector::FaultInjector(FaultPlan plan) : plan_(std::move(plan)) {
    if (forgets_at_fork != 0) throw std::logic_error("no call at fork");
    if (current.exchange(this) != nullptr) throw std::logic_error("two fault injectors at once");
    os::set_fault_hook(&FaultInjector::hook);
}

FaultInjector::~FaultInjector() {
    os::set_fault_hook(nullptr);
    current.store(nullptr);
    while (inside.load() != 0) std::this_thread::yield();
}

os::Fault FaultInjector::hook(os::Call call, std::string_view path, std::size_t bytes) {
    ++inside;
    FaultInjector* const injector = current.load();
    const os::Fault fault = injector == nullptr ? os::Fault{} : injector->next(call, path, bytes);
    --inside;
    return fault;
}

os::Fault FaultInjector::next(os::Call call, std::string_view path, std::size_t bytes) {
    if (!is_below(path, plan_.below) || (plan_.only && *plan_.only != call)) return {};
    if (plan_.kind == FaultKind::short_transfer && bytes < 2) return {};
    const unsigned number = calls_.fetch_add(1) + 1;
    if (number < plan_.nth || (number > plan_.nth && plan_.span == FaultSpan::once)) return {};
    if (plan_.kind == FaultKind::error && plan_.error == EINTR && number - plan_.nth >= kLastingInterrupts) return {};
    fired_.fetch_add(1);
    if (plan_.kind == FaultKind::short_transfer) return {.error = 0, .limit = (bytes + 1) / 2};
    return {.error = plan_.error};
}

// It outlives every thread that may still be in the hook.
struct HeldCalls::State {
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<os::Call> call;
    std::string below;
    unsigned waiting = 0;
    unsigned times = 0;  // that those who waited were let go: whoever is slow to leave is not kept by the next

    static State& get() {
        static State state;
        return state;
    }
};

HeldCalls::HeldCalls(os::Call call, std::string below) {
    State& state = State::get();
    const std::lock_guard lock{state.mutex};
    if (state.call) throw std::logic_error("calls are held already");
    state.call = call;
    state.below = std::move(below);
    state.waiting = 0;
    os::set_fault_hook(&HeldCalls::hook);
}

HeldCalls::~HeldCalls() {
    os::set_fault_hook(nullptr);
    let_go();
}

bool HeldCalls::wait_for(unsigned calls, std::chrono::milliseconds deadline) {
    State& state = State::get();
    std::unique_lock lock{state.mutex};
    return state.changed.wait_for(lock, deadline, [&] { return state.waiting >= calls; });
}

void HeldCalls::let_go() {
    State& state = State::get();
    const std::lock_guard lock{state.mutex};
    state.call.reset();
    ++state.times;
    state.changed.notify_all();
}

os::Fault HeldCalls::hook(os::Call call, std::string_view path, std::size_t) {
    State& state = State::get();
    std::unique_lock lock{state.mutex};
    if (state.call != call || !is_below(path, state.below)) return {};
    ++state.waiting;
    state.changed.notify_all();
    state.changed.wait(lock, [&, times = state.times] { return state.times != times; });
    return {};
}

std::string FaultRun::describe() const {
    std::string text = "call " + std::to_string(plan_.nth);
    text += plan_.kind == FaultKind::error ? " fails " : " is cut short ";
    text += plan_.span == FaultSpan::once ? "once" : "and all later ones";
    if (plan_.kind == FaultKind::error) text.append(" with ").append(strerrorname_np(plan_.error));
    return text;
}

std::uint64_t for_each_fault(const FaultSweep& sweep, const std::function<void(FaultRun&)>& run) {
    std::uint64_t met = 0;
    const auto run_all = [&](FaultPlan plan) {
        for (plan.nth = 1;; ++plan.nth) {
            if (plan.nth > kMaxCalls) throw std::logic_error("no end to the calls of this operation");
            FaultRun one{plan};
            run(one);
            if (!one.fired()) return;
            ++met;
        }
    };
    for (const FaultSpan span : sweep.spans) {
        for (const int error : sweep.errors)
            run_all({.kind = FaultKind::error, .error = error, .span = span, .only = sweep.only});
        if (sweep.short_transfers) run_all({.kind = FaultKind::short_transfer, .span = span, .only = sweep.only});
    }
    return met;
}

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all{"/proc/self/fd"};
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

}  // namespace mq::test
