// Who runs here: for messages, and for the rules that name threads.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"

namespace mq::os {

[[nodiscard]] int process_id();
// Of the calling thread, in its own PID namespace.
[[nodiscard]] int thread_id();
[[nodiscard]] std::uint32_t effective_user();
// Clock ticks after boot at which process `pid` started; 0 if there is none.
[[nodiscard]] std::uint64_t process_start_time(int pid);
// Of /proc/sys/kernel/random/boot_id, 36 characters. A container may have its own.
[[nodiscard]] Result<std::string> boot_id();
// The inode of the own PID namespace: equal pids mean the same process only where it is equal. 0 if it cannot be
// told.
[[nodiscard]] std::uint64_t pid_namespace();
[[nodiscard]] std::string host_name();
// Nanoseconds of a clock that only runs forward.
[[nodiscard]] std::int64_t monotonic_ns();
[[nodiscard]] inline std::int64_t monotonic_ms() { return monotonic_ns() / 1'000'000; }
// Differs between a process and the children that it forks after its first call: what was inherited is told by it.
[[nodiscard]] unsigned fork_generation();

// From now on, and for threads that it starts: signals go to other threads, and a write to nobody fails with EPIPE.
// Those of a fault of its own (SIGSEGV, SIGBUS, ...) are taken.
void take_no_signals();
// How many descriptors the process may have open (RLIMIT_NOFILE).
[[nodiscard]] std::uint64_t descriptor_limit();
// How many bytes of memory it may take: what the machine has, or what its control groups leave it of that (memory.max
// of version 2).
[[nodiscard]] std::uint64_t memory_limit();

}  // namespace mq::os
