#include "store/end_watch.h"

#include "shm/slots.h"
#include "shm/wake.h"
#include "store/directory_impl.h"

namespace mq::store {

std::optional<Offset> WatchedEnd::end(log::Isolation isolation) const {
    if (slot_->checked_incarnation.load() != control_->incarnation()) return std::nullopt;
    const log::PublishedState& state = state_of(*slot_);
    return log::readable_end(state, state.read(), isolation);
}

bool WatchedEnd::is_gone() const { return slot_->use_generation.load() != use_generation_; }

Result<WatchedEnd> DataDirectory::watch_end(const log::TopicPartition& id) const {
    WatchedEnd watched;
    watched.control_ = impl_->control;
    if (watched.control_) watched.slot_ = watched.control_->find(id.topic, id.partition);
    const auto held = watched.slot_ != nullptr ? shm::holds(*watched.slot_, id.topic, id.partition) : std::nullopt;
    if (!held) return fail(Errc::not_found, "watch", log::partition_directory(id), "nobody has opened it");
    watched.use_generation_ = *held;
    return watched;
}

EndSleeper::EndSleeper(const std::atomic<std::uint32_t>& word) : word_(&word) { watch({}); }
EndSleeper::~EndSleeper() = default;

void EndSleeper::watch(std::span<const WatchedEnd* const> ends) {
    set_ = std::make_unique<shm::WaitSet>(shm::Sleeper::broker);
    for (const WatchedEnd* end : ends) set_->add(end->control_->header(), *end->slot_, end->control_->writable());
}

void EndSleeper::raise() {
    set_->add_word(*word_, word_->load());
    set_->raise();
}

Status EndSleeper::sleep(std::uint32_t expected, int timeout_ms) {
    set_->add_word(*word_, expected);
    MQ_TRY(set_->sleep(timeout_ms));
    return {};
}

}  // namespace mq::store
