// Notices that other members of a group are dead, so that what they owned goes to others (GRP-L1).
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "shm/group_table.h"

namespace mq::groups {

inline constexpr int kLookEveryMs = 50;

// A thread of its own: it looks at the bytes of the members that come after this one in the table every 50 ms, at
// those of all every half second, and at all at once where one is free.
class DeathWatch {
public:
    // `control` must outlive it.
    DeathWatch(shm::ControlFile& control, const shm::GroupPlace& place, std::size_t self, std::string group);
    ~DeathWatch();  // in the child of a fork, where there is no such thread, too
    DeathWatch(const DeathWatch&) = delete;
    DeathWatch& operator=(const DeathWatch&) = delete;

    // Errors: of starting a thread.
    [[nodiscard]] Status start();
    void stop();

private:
    void run();
    [[nodiscard]] Result<bool> anybody_dead(std::size_t most) const;
    [[nodiscard]] Result<bool> sweep();

    shm::ControlFile& control_;
    const shm::GroupPlace place_;
    const std::size_t self_;
    const std::string group_;
    const unsigned fork_generation_;
    std::atomic<std::uint32_t> stop_{0};
    std::thread thread_;
};

}  // namespace mq::groups
