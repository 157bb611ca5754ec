// Name spaces of the kernel: a test that mounts, or that wants other processes' numbers.
#pragma once

#include <functional>
#include <string>

#include "support/child.h"

namespace mq::test {

// Runs `body` in a child that may mount and make further name spaces, as root or as the root of a user name space.
// What it does is gone with it. Its assertions count: the result is exited_with(0) only if none failed.
[[nodiscard]] ChildEnd in_own_world(const std::function<void()>& body,
                                    std::chrono::milliseconds deadline = std::chrono::minutes{10});

// The same child as Child::fork makes, as process 1 of a PID name space of its own, with its own mounts and /proc.
[[nodiscard]] Child fork_as_process_one(const std::function<int()>& body);

// In this process and its children `to` shows what `from` is.
void bind_over(const std::string& from, const std::string& to);
// In memory, of at most `kib` KiB.
void mount_small_disk(const std::string& at, unsigned kib);

}  // namespace mq::test
