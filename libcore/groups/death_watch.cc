#include "groups/death_watch.h"

#include <algorithm>
#include <new>
#include <system_error>

#include "base/seeded_bug.h"
#include "groups/local_group.h"
#include "os/kill_point.h"
#include "os/process.h"

namespace mq::groups {
namespace {

// More than one, as some of those that look may be stopped.
constexpr std::size_t kNeighbours = 8;
constexpr int kAllEveryLooks = 10;
constexpr int kLockedAgainMs = 2;  // at first; each time twice as long

}  // namespace

DeathWatch::DeathWatch(shm::ControlFile& control, const shm::GroupPlace& place, std::size_t self, std::string group)
    : control_(control),
      place_(place),
      self_(self),
      group_(std::move(group)),
      fork_generation_(os::fork_generation()) {}

DeathWatch::~DeathWatch() { stop(); }

Status DeathWatch::start() {
    try {
        thread_ = std::thread{[this] { run(); }};
    } catch (const std::system_error& e) {
        return fail(system_error(e.code().value(), "start thread", group_));
    }
    return {};
}

void DeathWatch::stop() {
    if (!thread_.joinable()) return;
    if (fork_generation_ != os::fork_generation()) {
        new std::thread{std::move(thread_)};  // it runs in the parent only: it can be neither joined nor destroyed
        return;
    }
    stop_.store(1);
    os::futex_wake_all(stop_);
    thread_.join();
}

void DeathWatch::run() {
    const os::FutexWord word{&stop_, 0};
    int wait_ms = kLookEveryMs;
    int locked_again_ms = kLockedAgainMs;
    for (int look = 1; stop_.load() == 0; ++look) {
        // An error, here and below, is one of the moment: the next look tells.
        static_cast<void>(os::futex_wait({&word, 1}, wait_ms));
        if (stop_.load() != 0) return;
        wait_ms = kLookEveryMs;
        try {
            const bool all = look % kAllEveryLooks == 0;
            const auto dead = anybody_dead(all ? shm::kGroupMembers : kNeighbours);
            const bool half_done = place_.head().dirty.load() != 0;
            if (!half_done && (!dead || !*dead)) continue;
            const auto swept = sweep();
            const bool done = swept && *swept;
            if (!done) wait_ms = std::min(locked_again_ms, kLookEveryMs);
            locked_again_ms = done ? kLockedAgainMs : wait_ms * 2;
        } catch (const std::bad_alloc&) {
            continue;
        }
    }
}

// Of the `most` members that follow this one.
Result<bool> DeathWatch::anybody_dead(std::size_t most) const {
    const auto members = place_.members();
    for (std::size_t step = 1; step < members.size() && most > 0; ++step) {
        const std::size_t member = (self_ + step) % members.size();
        if (members[member].joined.load() != 1) continue;
        --most;
        MQ_ASSIGN(const bool held, control_.is_byte_held(place_.member_byte(member)));
        if (!held) return true;
    }
    return false;
}

// False: somebody else holds the group's lock.
Result<bool> DeathWatch::sweep() {
    MQ_KILLPOINT("groups.sweep_begun");
    return try_with_place(control_, place_, group_, [](LockedGroup& group) -> Status {
        MQ_ASSIGN(const bool dead, group.has_dead());
        if (!dead || MQ_BUG("group.looks_away")) return {};
        return group.settle();
    });
}

}  // namespace mq::groups
