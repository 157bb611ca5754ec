#include "os/futex.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <ctime>

#include "base/assert.h"
#include "os/fault.h"
#include "os/process.h"

namespace mq::os {
namespace {

// The kernel's own struct futex_waitv (Linux 5.16), which older headers do not have.
struct WaitOne {
    std::uint64_t value;
    std::uint64_t address;
    std::uint32_t flags;
    std::uint32_t reserved;
};
constexpr std::uint32_t kSize32 = 2;  // FUTEX_32; without FUTEX_PRIVATE_FLAG: other processes wake it
constexpr long kWaitvCall = 449;      // __NR_futex_waitv, the same on all architectures
constexpr int kFallbackMs = 10;

timespec to_timespec(std::int64_t ns) { return {ns / 1'000'000'000, ns % 1'000'000'000}; }

long wait_one(const FutexWord& word, int timeout_ms) {
    const timespec relative = to_timespec(std::int64_t{timeout_ms} * 1'000'000);
    return ::syscall(SYS_futex, word.word, FUTEX_WAIT, word.expected, timeout_ms < 0 ? nullptr : &relative, nullptr,
                     0);
}

long wait_any(std::span<const FutexWord> words, int timeout_ms) {
    std::array<WaitOne, kMostFutexWords> list;
    for (std::size_t i = 0; i < words.size(); ++i)
        list[i] = {words[i].expected, reinterpret_cast<std::uintptr_t>(words[i].word), kSize32, 0};
    const timespec until = to_timespec(monotonic_ns() + std::int64_t{timeout_ms} * 1'000'000);
    return ::syscall(kWaitvCall, list.data(), words.size(), 0, timeout_ms < 0 ? nullptr : &until, CLOCK_MONOTONIC);
}

}  // namespace

Result<bool> futex_wait(std::span<const FutexWord> words, int timeout_ms) {
    static_assert(sizeof(std::atomic<std::uint32_t>) == 4 && std::atomic<std::uint32_t>::is_always_lock_free);
    MQ_ASSERT(!words.empty() && words.size() <= kMostFutexWords);
    long r = -1;
    if (const Fault fault = next_fault(Call::wait, ""); fault.error != 0) {
        errno = fault.error;
    } else if (words.size() == 1) {
        r = wait_one(words.front(), timeout_ms);
    } else {
        r = wait_any(words, timeout_ms);
        if (r < 0 && (errno == ENOSYS || errno == EPERM)) {
            const bool cut_short = timeout_ms < 0 || timeout_ms > kFallbackMs;
            r = wait_one(words.front(), cut_short ? kFallbackMs : timeout_ms);
            if (r < 0 && errno == ETIMEDOUT && cut_short) return true;
        }
    }
    if (r >= 0 || errno == EAGAIN || errno == EINTR) return true;
    if (errno == ETIMEDOUT) return false;
    return fail(system_error(errno, "futex wait", ""));
}

void futex_wake_all(const std::atomic<std::uint32_t>& word) {
    ::syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace mq::os
