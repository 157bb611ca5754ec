// Membership of a consumer group on one machine, through shared memory: no coordinator, no heartbeat. Rules GRP-L1
// and P9 of the concurrency contract (README.md here).
//
// Every member holds a byte of the control file for as long as its process lives: the kernel gives it back when the
// last thread is gone, and so the others learn of its death. Under the group's lock the assignment that all should
// come to is chosen (assignor.h) from who owns what now; a partition changes hands when its owner has let it go.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "groups/assignor.h"
#include "offsets/offset_store.h"
#include "store/data_directory.h"

namespace mq::groups {

inline constexpr std::size_t kMostMembers = 128;        // of a group on one machine
inline constexpr std::size_t kMostTopics = 512;         // that the members of a group subscribe to
inline constexpr std::size_t kMostPartitions = 16'384;  // of those topics together

enum class GroupState : unsigned char {
    empty,        // no members
    rebalancing,  // a partition is still with a member that is to give it up, or with nobody
    stable
};
// "Empty", "PreparingRebalance", "Stable": the names that Kafka's tools print.
[[nodiscard]] std::string_view to_string(GroupState state);

struct MemberDescription {
    std::string member_id;    // CLIENT-ID-random
    std::string instance_id;  // empty: a dynamic member
    std::string client_id;
    std::string host;
    int pid = 0;           // 0: not known
    bool foreign = false;  // of another PID namespace: the pid means nothing here
    std::vector<std::string> topics;
    std::vector<log::TopicPartition> owned;     // that it reads now
    std::vector<log::TopicPartition> assigned;  // that it should come to read
};
struct GroupDescription {
    GroupState state = GroupState::empty;
    std::uint32_t generation = 0;
    Assignor assignor = Assignor::cooperative_sticky;
    std::vector<MemberDescription> members;  // alive, in the order of their joining
};
// Without a lock; of a group that nobody joined: Empty, no members. Where nothing is shared: the same.
[[nodiscard]] Result<GroupDescription> describe(store::DataDirectory& directory, std::string_view group);
// By name, those that have members alive.
[[nodiscard]] Result<std::vector<std::string>> active_groups(store::DataDirectory& directory);

// Runs `work` while the group has no members and none can join: what changes the offsets of a group from outside runs
// in it. Errors: in_use, naming the members, or the broker that has them, if it has some; those of `work`; those of
// locks (the directory's WaitHook says how long is waited). Needs a directory open for writing.
[[nodiscard]] Status while_empty(store::DataDirectory& directory, std::string_view group, FunctionRef<Status()> work);

struct SubscribedTopic {
    std::string name;
    std::int32_t partitions = 0;
    bool operator==(const SubscribedTopic&) const = default;
};

struct JoinOptions {
    std::string group;
    std::string instance_id{};  // --group-instance-id; empty: dynamic
    std::string client_id = "mq-consume";
    // Of the group: who joins an empty one decides, the others must say the same.
    Assignor assignor = Assignor::cooperative_sticky;
};

// One thread at a time calls; a thread of its own looks after the others' deaths meanwhile, so that a dead member's
// partitions go to others even while this one works on a record.
class LocalMember {
public:
    // Errors: in_use (a member with this instance id is alive, named by pid; the group has members with another
    // assignor, or over the network: exclusion.h), too_many (members, topics, partitions, groups), bad_argument
    // (name, ids), not_permitted.
    [[nodiscard]] static Result<std::unique_ptr<LocalMember>> join(store::DataDirectory& directory,
                                                                   offsets::OffsetStore& offsets,
                                                                   const JoinOptions& options,
                                                                   std::span<const SubscribedTopic> topics);
    ~LocalMember();  // leaves without a word about offsets: as a death, only at once
    LocalMember(const LocalMember&) = delete;
    LocalMember& operator=(const LocalMember&) = delete;

    [[nodiscard]] const std::string& member_id() const;

    // Other topics, or more partitions of them: patterns and the catalogue are the caller's to watch. Errors:
    // too_many.
    [[nodiscard]] Status subscribe(std::span<const SubscribedTopic> topics);

    struct Changes {
        std::vector<log::TopicPartition> revoked;  // to be committed, and then released()
        std::vector<log::TopicPartition> taken;    // owned from now on: read from the committed offset
        [[nodiscard]] bool empty() const { return revoked.empty() && taken.empty(); }
    };
    // What the others' coming and going has changed for this member. Costs a load where nothing has. A partition is
    // told as revoked once; until it is released it stays with this member.
    [[nodiscard]] Result<Changes> poll();
    // Whether poll() would have something to tell. One load.
    [[nodiscard]] bool has_changes() const;
    // The word that changes when it may have: to sleep on (store::Waiter::watch), with the value that was seen by the
    // last poll().
    [[nodiscard]] const std::atomic<std::uint32_t>& word() const;
    [[nodiscard]] std::uint32_t seen() const;

    // They may go to others now.
    [[nodiscard]] Status release(std::span<const log::TopicPartition> partitions);
    [[nodiscard]] const std::vector<log::TopicPartition>& owned() const;

    // Releases everything and leaves. The last one to leave writes the group metadata record Empty, from which the
    // expiry of the group's offsets counts. Nothing but destruction may follow.
    [[nodiscard]] Status leave();

private:
    struct Impl;
    explicit LocalMember(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace mq::groups
