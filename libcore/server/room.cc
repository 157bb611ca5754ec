#include "server/room.h"

#include <new>
#include <utility>

namespace mq::server {

void Room::close() {
    const std::lock_guard lock{mutex_};
    again_ = nullptr;
}

void Room::Share::set(std::size_t unfinished, std::size_t handled) {
    // Differences wrap around, as the sums do.
    if (handled != handled_) room_->handled_ += handled - handled_;
    const std::size_t change = unfinished + handled - bytes();
    unfinished_ = unfinished;
    handled_ = handled;
    if (change == 0) return;
    const std::size_t before = room_->used_.fetch_add(change);
    if (before < room_->most_ || before + change >= room_->most_ || !room_->is_waited_for()) return;
    const std::lock_guard lock{room_->mutex_};
    try {
        if (room_->again_) room_->again_();
    } catch (const std::bad_alloc&) {
        // Who waits looks once a tick as well.
    }
}

void Room::Share::wait(bool waits) {
    if (std::exchange(waits_, waits) == waits) return;
    if (waits)
        ++room_->waiting_;
    else
        --room_->waiting_;
}

}  // namespace mq::server
