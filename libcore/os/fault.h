// The seam at which a test makes the n-th system call fail. Every wrapper of os/ asks here first.
#pragma once

#include <atomic>
#include <cstddef>
#include <string_view>

namespace mq::os {

enum class Call : unsigned char {
    open,
    close,
    read,
    write,
    truncate,
    allocate,
    sync,
    stat,
    rename,
    unlink,
    mkdir,
    list,
    lock,
    set_times,
    set_mode,
    map,
    wait,
    watch,
    connect,
    listen,
    accept
};

struct Fault {
    int error = 0;                                     // errno to fail with; 0 lets the call through
    std::size_t limit = static_cast<std::size_t>(-1);  // transfer at most this many bytes (a short read or write)
};

// `bytes` is the size of a transfer, else 0. Must be safe to call from any thread.
using FaultHook = Fault (*)(Call call, std::string_view path, std::size_t bytes);

namespace detail {
inline std::atomic<FaultHook> fault_hook{nullptr};
}

// For tests. nullptr: no faults.
inline void set_fault_hook(FaultHook hook) { detail::fault_hook.store(hook, std::memory_order_release); }

[[nodiscard]] inline Fault next_fault(Call call, std::string_view path, std::size_t bytes = 0) {
    const FaultHook hook = detail::fault_hook.load(std::memory_order_acquire);
    return hook == nullptr ? Fault{} : hook(call, path, bytes);
}

}  // namespace mq::os
