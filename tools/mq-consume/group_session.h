// One process's part in a consumer group: a member that partitions are shared with, or with --partition a simple
// consumer, which only goes on and commits in its name.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "args.h"
#include "cli/diagnostics.h"
#include "committer.h"
#include "groups/local_member.h"

namespace mq::consume {

// Not thread-safe; what it is given by reference must outlive it.
class GroupSession {
public:
    // Joins, unless --partition says what is read. Errors: in_use (an instance of that id, other assignors, members
    // beside a simple consumer), too_many, bad_argument (the group's name), those of the store.
    [[nodiscard]] static Result<std::unique_ptr<GroupSession>> start(const Args& args,
                                                                     store::DataDirectory& directory,
                                                                     const cli::Diagnostics& diagnostics,
                                                                     const Events& events,
                                                                     std::vector<groups::SubscribedTopic> topics);

    [[nodiscard]] Committer& committer() { return *committer_; }
    // Where the group goes on; nullopt: it has committed nothing of this partition. Warns where what it committed is
    // not there (REC-3).
    [[nodiscard]] Result<std::optional<Offset>> resume(store::PartitionReader& reader);

    // The rest is a member's; a simple consumer keeps what it has.
    [[nodiscard]] bool is_member() const { return member_ != nullptr; }
    [[nodiscard]] bool has_changes() const { return member_ && member_->has_changes(); }
    [[nodiscard]] Result<groups::LocalMember::Changes> poll();
    // Ends the wait when there are changes.
    void watch(store::Waiter& waiter) const;
    // Does nothing where they are what they were.
    [[nodiscard]] Status subscribe(std::vector<groups::SubscribedTopic> topics);
    [[nodiscard]] Status release(const log::TopicPartition& id);
    // No partition of the group is with nobody, or changing hands.
    [[nodiscard]] Result<bool> is_stable() const;

    // After the last commit.
    [[nodiscard]] Status leave();

private:
    GroupSession(const Args& args, store::DataDirectory& directory, const cli::Diagnostics& diagnostics,
                 const Events& events);

    const Args& args_;
    store::DataDirectory& directory_;
    const cli::Diagnostics& diagnostics_;
    const Events& events_;
    offsets::OffsetStore offsets_;
    std::unique_ptr<groups::LocalMember> member_;
    std::optional<Committer> committer_;
    std::vector<groups::SubscribedTopic> topics_;
};

}  // namespace mq::consume
