// What the tests of local membership share: members in processes of their own that tell, in memory that outlives
// them, when they owned what.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "groups/local_member.h"
#include "support/child.h"
#include "support/fast_dir.h"

namespace mq::groups {

using Partitions = std::vector<log::TopicPartition>;

[[nodiscard]] store::DataDirectory open_to_write(const std::string& path);
// A process that uses a data directory: each opens its own.
struct Party {
    explicit Party(const std::string& path) : directory(open_to_write(path)), offsets(directory) {}
    [[nodiscard]] std::unique_ptr<LocalMember> join(const JoinOptions& options,
                                                    const std::vector<SubscribedTopic>& topics);
    store::DataDirectory directory;
    offsets::OffsetStore offsets;
};

// A time during which a member acted as the owner of a partition: from the moment that it was told so, to the last at
// which it did something. CLOCK_MONOTONIC.
struct Tenure {
    char topic;  // the first letter of its name: those of a test differ in it
    std::int32_t partition;
    std::atomic<std::int64_t> begin_ns;
    std::atomic<std::int64_t> last_ns;  // of one that was killed: of the last sign of life
};

enum class Order : std::uint32_t { serve, leave, vanish };

// Of one member, from its start to its end.
struct Life {
    static constexpr std::size_t kMostTenures = 1000;
    std::atomic<std::uint32_t> order;  // Order; a futex
    std::atomic<std::uint32_t> joined;
    std::atomic<std::uint32_t> tenures;
    std::atomic<std::uint32_t> overflowed;
    Tenure tenure[kMostTenures];
};

// Shared by a test and its members.
class Stage {
public:
    explicit Stage(std::size_t most_lives);
    ~Stage();
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    [[nodiscard]] Life& life(std::size_t number) const { return lives_[number]; }
    [[nodiscard]] std::size_t lives() const { return most_; }
    // Something has happened.
    void ring() const;
    // Waits until it holds: looks whenever somebody rings. False after a minute.
    [[nodiscard]] bool await(const std::function<bool()>& holds) const;
    // Every two tenures of a partition that overlap, in words; empty if none do.
    [[nodiscard]] std::string overlaps() const;

private:
    std::size_t most_;
    std::size_t bytes_;
    std::atomic<std::uint32_t>* bell_;
    Life* lives_;
};

struct Role {
    JoinOptions options{.group = "g"};
    std::vector<SubscribedTopic> topics{{"t", 6}};
    int act_every_ms = 2;
    std::function<void()> before_joining{};
};
// What a member does until it is ordered to leave: takes, acts, gives up. For a child.
int serve(const std::string& path, const Stage& stage, std::size_t life, const Role& role);

struct Actor {
    std::size_t life = 0;
    std::unique_ptr<test::Child> child;
};
[[nodiscard]] bool has_ended(const Actor& actor);
[[nodiscard]] Actor start(const std::string& path, const Stage& stage, std::size_t life, const Role& role = {});
void order(const Stage& stage, const Actor& actor, Order what);

// Everything of the topics is owned, by `members` members, evenly, and nothing is on its way.
[[nodiscard]] bool is_balanced(const GroupDescription& group, std::size_t members,
                               const std::vector<SubscribedTopic>& topics);
[[nodiscard]] std::string text(const GroupDescription& group);

}  // namespace mq::groups
