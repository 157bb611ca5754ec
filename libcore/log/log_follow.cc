// Taking part in a log that other processes change too: what this one has open and has derived is held against the
// published state. Rules PUB-6, APP-3, LCK-4 of the concurrency contract.

#include "log/checkpoint_file.h"
#include "log/log_impl.h"

namespace mq::log {

// Believes the published state, and opens the files that it speaks of.
Status Log::Impl::adopt_published() {
    if (state->dirty.load() != 0 && !options.read_only) return repair();
    seen = generations();
    now = state->read();
    MQ_ASSIGN(const auto listed, list_segments(directory));
    bases.clear();
    for (const auto& segment : listed) bases.push_back(segment.base);
    MQ_ASSIGN(active, Segment::open(directory, now.active_base,
                                    options.read_only ? os::OpenMode::read : os::OpenMode::read_write));
    return load_derived();
}

Status Log::Impl::load_derived() {
    MQ_ASSIGN(auto saved, read_leader_epoch_checkpoint(path(kLeaderEpochCheckpoint)));
    epochs = LeaderEpochs{std::move(saved)};
    if (options.read_only) return {};  // who only reads asks nothing of producers
    if (producers_stale || now.log_end < producers_end) return load_producers(now.log_end);
    if (now.last_producer_offset >= producers_end) {
        producers_stale = true;  // until all is read
        MQ_TRY(replay_producers(producers_end, now.log_end));
        producers_stale = false;
    }
    producers_end = now.log_end;
    return {};
}

Status Log::Impl::catch_up() {
    const Generations current = generations();
    if (state->dirty.load() != 0 || current != seen) {
        if (current.truncations != seen.truncations) producers_stale = true;
        return adopt_published();
    }
    const std::uint64_t count = state->publications();
    if (count == now_count) return {};
    const auto epoch_before = now.last_epoch;
    now = state->read();
    now_count = count;
    if (now.last_epoch != epoch_before || producers_stale || now.last_producer_offset >= producers_end)
        return load_derived();
    producers_end = now.log_end;
    return {};
}

Status Log::catch_up() { return impl_->catch_up(); }

}  // namespace mq::log
