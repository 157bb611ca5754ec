// Inside of ControlFile, shared by control_file.cc and control_open.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "os/file.h"
#include "os/mapping.h"
#include "os/process.h"
#include "shm/claims.h"
#include "shm/control_file.h"

namespace mq::shm {

// Byte-range locks of the control file.
inline constexpr std::uint64_t kLifeByte = 0;
inline constexpr std::uint64_t kBrokerByte = 1;

using LockedOrNot = std::optional<Guard>;

struct ControlFile::Impl {
    Impl(os::File lock, os::File control, os::Mapping map, bool may_write)
        : lock_file(std::move(lock)),
          file(std::move(control)),
          mapping(std::move(map)),
          writable(may_write),
          slots(mapping.bytes()),
          claims(file) {}

    void set_hook(const WaitHook& hook) {
        if (!hook) return;
        const std::scoped_lock lock{hook_mutex};
        on_wait = std::make_shared<const WaitHook>(hook);
    }
    std::shared_ptr<const WaitHook> hook() {
        const std::scoped_lock lock{hook_mutex};
        return on_wait;
    }

    // Nothing if it is not free within the time.
    Result<LockedOrNot> take(SharedLock& lock, std::string_view what, int timeout_ms);

    // Destroyed from the last to the first: byte 0 is given back when nothing is mapped any more.
    os::File lock_file;  // may be closed: a reader's without one
    os::File file;
    os::Mapping mapping;
    const bool writable;
    SlotTable slots;
    ThreadClaims claims;

    std::uint64_t incarnation = 0;
    const unsigned fork_generation = os::fork_generation();
    const int pid = os::process_id();
    const std::uint64_t pid_namespace = os::pid_namespace();
    const std::uint64_t start_time = os::process_start_time(pid);

    std::mutex hook_mutex;
    std::shared_ptr<const WaitHook> on_wait;
    std::mutex alone_mutex;  // conversions of byte 0
    std::mutex bytes_mutex;
    std::set<std::uint64_t> bytes;  // that hold_byte() took
};

}  // namespace mq::shm
