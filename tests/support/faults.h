// Makes system calls fail, through the seam of os/fault.h.
//
//     for_each_fault({}, [](FaultRun& run) {
//         TempDir dir;
//         const Status saved = run.faulted(dir.path(), [&] { return os::replace_file(dir / "x", "new"); });
//         ...here no call fails: look at what `saved` says and at what is on disk...
//     });
#pragma once

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "os/fault.h"

namespace mq::test {

enum class FaultKind : unsigned char { error, short_transfer };
enum class FaultSpan : unsigned char { once, from_then_on };

struct FaultPlan {
    unsigned nth = std::numeric_limits<unsigned>::max();  // 1 is the first call; the default only counts
    FaultKind kind =
        FaultKind::error;  // short_transfer counts reads and writes of two bytes and more, and halves them
    int error = EIO;       // a lasting EINTR ends after 8 calls, as the callers repeat it
    FaultSpan span = FaultSpan::once;
    std::string below{};             // only calls on this path and on those below it; empty: all
    std::optional<os::Call> only{};  // only this kind of call
};

// In force while it lives. One at a time in a process; calls of any thread count.
class FaultInjector {
public:
    explicit FaultInjector(FaultPlan plan);
    ~FaultInjector();
    FaultInjector(const FaultInjector&) = delete;
    FaultInjector& operator=(const FaultInjector&) = delete;

    [[nodiscard]] unsigned calls() const { return calls_.load(); }  // that the plan counts
    [[nodiscard]] unsigned fired() const { return fired_.load(); }

private:
    static os::Fault hook(os::Call call, std::string_view path, std::size_t bytes);
    os::Fault next(os::Call call, std::string_view path, std::size_t bytes);

    FaultPlan plan_;
    std::atomic<unsigned> calls_{0};
    std::atomic<unsigned> fired_{0};
};

// While it lives, calls of one kind on a path and below wait, until let_go(): a disk that hangs. One at a time in a
// process, and no FaultInjector beside it.
class HeldCalls {
public:
    HeldCalls(os::Call call, std::string below);
    ~HeldCalls();
    HeldCalls(const HeldCalls&) = delete;
    HeldCalls& operator=(const HeldCalls&) = delete;

    // Returns once so many calls wait; false: the deadline passed.
    [[nodiscard]] bool wait_for(unsigned calls, std::chrono::milliseconds deadline = std::chrono::minutes{1});
    void let_go();

private:
    struct State;
    static os::Fault hook(os::Call call, std::string_view path, std::size_t bytes);
};

// One of the runs of for_each_fault.
class FaultRun {
public:
    explicit FaultRun(FaultPlan plan) : plan_(std::move(plan)) {}

    // Runs `operation` with the fault in force for calls on `below` (a path; empty: every call), once in each run.
    template <typename Operation>
    auto faulted(std::string_view below, Operation&& operation) {
        plan_.below = below;
        const FaultInjector injector{plan_};
        const Recorder recorder{*this, injector};
        return operation();
    }
    [[nodiscard]] bool fired() const { return fired_; }
    [[nodiscard]] const FaultPlan& plan() const { return plan_; }
    // For SCOPED_TRACE: "call 3 fails once with EIO".
    [[nodiscard]] std::string describe() const;

private:
    struct Recorder {
        FaultRun& run;
        const FaultInjector& injector;
        ~Recorder() { run.fired_ = injector.fired() > 0; }
    };
    FaultPlan plan_;
    bool fired_ = false;
};

struct FaultSweep {
    std::vector<int> errors{EIO, ENOSPC, EDQUOT, EINTR, EAGAIN, EMFILE};
    std::vector<FaultSpan> spans{FaultSpan::once, FaultSpan::from_then_on};
    bool short_transfers = true;
    std::optional<os::Call> only{};
};

// Calls `run` with the 1st, 2nd, ... call failing, until the fault is no longer reached, for every error and span
// of the sweep. Returns how many runs met their fault. Throws logic_error if 100,000 calls do not suffice.
std::uint64_t for_each_fault(const FaultSweep& sweep, const std::function<void(FaultRun&)>& run);

// Open descriptors of this process: a failed operation leaves none behind.
[[nodiscard]] std::size_t open_descriptors();

}  // namespace mq::test
