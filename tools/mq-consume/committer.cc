#include "committer.h"

#include "groups/local_member.h"

namespace mq::consume {

namespace {

constexpr std::chrono::milliseconds kBusyInterval{100};

}  // namespace

Committer::Committer(const GroupArgs& args, store::DataDirectory& directory, offsets::OffsetStore& offsets,
                     const Events& events, bool joined)
    : args_(args), directory_(directory), offsets_(offsets), events_(events), joined_(joined), last_(Clock::now()) {}

void Committer::settle(const log::TopicPartition& id, const Progress& progress) {
    if (const auto done = done_.find(id); done != done_.end() && progress.next <= done->second.next) return;
    Progress& pending = pending_[id];
    if (progress.next > pending.next) pending = progress;
}

Committer::Clock::time_point Committer::next_due(bool idle) const {
    switch (args_.commit) {
        case CommitPolicy::after_output:
            return idle ? last_ : last_ + kBusyInterval;
        case CommitPolicy::interval:
            return last_ + std::chrono::milliseconds{args_.commit_interval_ms};
        case CommitPolicy::never:
        case CommitPolicy::at_exit:
            break;
    }
    return Clock::time_point::max();
}

bool Committer::is_due(Clock::time_point now, bool idle) const { return is_pending() && next_due(idle) <= now; }

Status Committer::commit(Clock::time_point now) {
    last_ = now;
    if (!is_pending()) return {};
    std::vector<offsets::Commit> commits;
    for (const auto& [id, progress] : pending_) {
        offsets::Commit& commit = commits.emplace_back();
        commit.topic = id.topic;
        commit.partition = id.partition;
        commit.offset = progress.next;
        commit.leader_epoch = progress.leader_epoch;
    }
    const auto write = [&] { return offsets_.commit(*args_.group, commits); };
    if (joined_) {
        MQ_TRY(write());
    } else {
        MQ_TRY(groups::while_empty(directory_, *args_.group, write));
    }
    written_ = true;
    for (const auto& [id, progress] : pending_) {
        events_.tell("committed", id, {{"offset", progress.next.value()}});
        done_[id] = progress;
    }
    pending_.clear();
    return {};
}

Status Committer::flush() {
    if (!std::exchange(written_, false)) return {};
    return offsets_.flush(*args_.group);
}

}  // namespace mq::consume
