// CONCURRENCY GRP-L1 and P9, one owner a partition at a time, with members in processes of their own.
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>
#include <csignal>
#include <random>

#include "local_fixture.h"
#include "os/kill_point.h"
#include "os/process.h"
#include "support/scale.h"

namespace mq::groups {
namespace {

using test::Child;
using test::ended_by;
using test::exited_with;
using test::FastDir;

const std::vector<SubscribedTopic> kSix{{"t", 6}};

class LocalLife : public testing::Test {
protected:
    [[nodiscard]] Actor begin(const Role& role = {}) { return start(dir.path(), stage, next_life++, role); }
    [[nodiscard]] GroupDescription group() { return describe(directory, "g").value(); }
    void expect_balance(std::size_t members, const std::vector<SubscribedTopic>& topics = kSix) {
        EXPECT_TRUE(stage.await([&] { return is_balanced(group(), members, topics); })) << text(group());
    }
    void expect_one_owner() { EXPECT_EQ(stage.overlaps(), ""); }

    const FastDir dir;
    store::DataDirectory directory = open_to_write(dir.path());
    const Stage stage{64};
    std::size_t next_life = 0;
};

TEST_F(LocalLife, P9_GRP_L1_ThreeShareSixPartitionsThroughJoiningAndLeaving) {
    Actor first = begin();
    expect_balance(1);
    Actor second = begin();
    expect_balance(2);
    Actor third = begin();
    expect_balance(3);
    order(stage, second, Order::leave);
    EXPECT_EQ(second.child->wait(), exited_with(0));
    expect_balance(2);
    order(stage, first, Order::vanish);
    EXPECT_EQ(first.child->wait(), exited_with(0));
    expect_balance(1);
    order(stage, third, Order::leave);
    EXPECT_EQ(third.child->wait(), exited_with(0));
    expect_balance(0);
    expect_one_owner();
}

TEST_F(LocalLife, P9_GRP_L1_AKilledMembersPartitionsGoToTheOthers) {
    std::vector<Actor> actors;
    for (int i = 0; i < 3; ++i) actors.push_back(begin());
    expect_balance(3);
    for (std::size_t left = 2; left > 0; --left) {
        actors.back().child->send(SIGKILL);
        expect_balance(left);  // before anybody waits for the dead
        EXPECT_EQ(actors.back().child->wait(), ended_by(SIGKILL));
        actors.pop_back();
    }
    expect_one_owner();
}

TEST_F(LocalLife, P9_GRP_L1_AllDieAtOnceAndTheNextTakesEverything) {
    std::vector<Actor> actors;
    for (int i = 0; i < 3; ++i) actors.push_back(begin());
    expect_balance(3);
    for (const Actor& actor : actors) actor.child->send(SIGKILL);
    for (const Actor& actor : actors) EXPECT_EQ(actor.child->wait(), ended_by(SIGKILL));
    EXPECT_EQ(group().state, GroupState::empty);
    EXPECT_TRUE(active_groups(directory).value().empty());
    ASSERT_TRUE(while_empty(directory, "g", [] { return Status{}; }));
    const Actor last = begin();
    expect_balance(1);
    expect_one_owner();
}

// Time never stands for death: what a stopped member owns stays with it.
TEST_F(LocalLife, P9_GRP_L1_AStoppedMemberKeepsWhatItOwns) {
    Actor first = begin();
    expect_balance(1);
    Actor stopped = begin();
    expect_balance(2);
    const Partitions owned = group().members[1].owned;
    stopped.child->send(SIGSTOP);
    ASSERT_TRUE(stopped.child->wait_until_stopped());
    // Somebody else comes and dies: the others have looked at all bytes since.
    Role other;
    other.topics = {{"u", 1}};
    Actor passing = begin(other);
    ASSERT_TRUE(stage.await([&] { return group().members.size() == 3; }));
    const std::uint32_t before = group().generation;
    passing.child->send(SIGKILL);
    ASSERT_TRUE(stage.await([&] { return group().generation > before && group().members.size() == 2; }));
    EXPECT_EQ(group().members[1].pid, stopped.child->pid());
    EXPECT_EQ(group().members[1].owned, owned);
    // One more wants its share of it: that has to wait.
    const Actor third = begin();
    ASSERT_TRUE(stage.await([&] {
        const auto now = group();
        return now.members.size() == 3 && now.members[0].owned.size() == 2;
    })) << text(group());
    EXPECT_EQ(group().state, GroupState::rebalancing);
    stopped.child->send(SIGCONT);
    expect_balance(3);
    expect_one_owner();
}

TEST_F(LocalLife, GRP_L1_OneWithTheInstanceIdOfTheDeadGetsWhatItHad) {
    Role one;
    one.options.instance_id = "one";
    Actor first = begin(one);
    expect_balance(1);
    Role two = one;
    two.options.instance_id = "two";
    Actor second = begin(two);
    expect_balance(2);
    // The other can not look after the dead meanwhile.
    const Partitions owned = group().members[0].owned;
    second.child->send(SIGSTOP);
    ASSERT_TRUE(second.child->wait_until_stopped());
    first.child->send(SIGKILL);
    EXPECT_EQ(first.child->wait(), ended_by(SIGKILL));
    first = begin(one);
    expect_balance(2);
    EXPECT_EQ(group().members[1].owned, owned);
    second.child->send(SIGCONT);
    expect_balance(2);
    expect_one_owner();
}

// Each is process 1 of its PID namespace, with a thread 2: it is by bytes that they know one another.
TEST_F(LocalLife, GRP_L1_P9_EqualPidsOfTwoContainersDoNotMatter) {
    std::vector<std::unique_ptr<Child>> containers;
    for (std::size_t i = 0; i < 2; ++i)
        containers.push_back(std::make_unique<Child>(Child::fork([&, i] {
            if (::unshare(CLONE_NEWPID) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0) return 7;
            Child inside = Child::fork([&] { return serve(dir.path(), stage, i, Role{}); });
            return inside.wait() == exited_with(0) ? 0 : 8;
        })));
    expect_balance(2);
    for (const auto& member : group().members) {
        EXPECT_EQ(member.pid, 1);
        EXPECT_TRUE(member.foreign);
    }
    containers[0]->send(SIGKILL);  // with it goes what it contains
    expect_balance(1);
    order(stage, {1, nullptr}, Order::leave);
    EXPECT_EQ(containers[1]->wait(), exited_with(0));
    expect_balance(0);
    expect_one_owner();
}

// A child of a fork that neither opens the directory nor runs another program takes nothing from its parent.
TEST_F(LocalLife, GRP_L1_AForkedChildDropsItsCopyOfAMemberAndHarmsNothing) {
    Actor actor{next_life, nullptr};
    actor.child = std::make_unique<Child>(Child::fork([&] {
        Party party{dir.path()};
        auto member = party.join({.group = "g"}, kSix);
        if (member->poll().value().taken.size() != 6) return 3;
        const auto end = test::run_in_child([&] {
            member.reset();
            return 0;
        });
        if (end != exited_with(0)) return 4;
        // Still alive for others, and still the owner.
        auto other = party.join({.group = "g"}, kSix);
        if (member->poll().value().revoked.size() != 3) return 5;
        if (!member->leave()) return 6;
        return other->poll().value().taken.size() == 6 ? 0 : 7;
    }));
    EXPECT_EQ(actor.child->wait(), exited_with(0));
}

TEST_F(LocalLife, GRP_L1_WorkOnAnEmptyGroupNeverRunsBesideAMember) {
    struct Shared {
        std::atomic<std::uint32_t> members, works, both, ended, ran;
    };
    // In the memory of the lives.
    auto& shared = *reinterpret_cast<Shared*>(&stage.life(60));
    const auto rounds = test::test_scale(300, 20'000);
    std::vector<std::unique_ptr<Child>> children;
    for (int i = 0; i < 2; ++i)
        children.push_back(std::make_unique<Child>(Child::fork([&] {
            Party party{dir.path()};
            // Until the others had a turn.
            for (std::uint64_t round = 0; round < rounds || shared.ran.load() == 0; ++round) {
                auto member = party.join({.group = "g"}, kSix);
                shared.members.fetch_add(1);
                if (shared.works.load() != 0) shared.both.fetch_add(1);
                shared.members.fetch_sub(1);
                if (round % 2 == 0 && !member->leave()) return 3;
            }
            shared.ended.fetch_add(1);
            return 0;
        })));
    while (shared.ended.load() < 2) {
        const Status done = while_empty(directory, "g", [&]() -> Status {
            shared.works.store(1);
            shared.ran.fetch_add(1);
            for (int look = 0; look < 100; ++look)
                if (shared.members.load() != 0) shared.both.fetch_add(1);
            shared.works.store(0);
            return {};
        });
        ASSERT_TRUE(done || done.error().code == Errc::in_use) << done.error().message();
    }
    for (const auto& child : children) EXPECT_EQ(child->wait(), exited_with(0));
    EXPECT_EQ(shared.both.load(), 0u);
}

// Members come, leave, are stopped and killed at random, some of them at a random step of what they do; in the end
// all is owned, evenly, by those that are left.
class LocalStorm {
public:
    static constexpr std::size_t kMembers = 50;

    explicit LocalStorm(std::size_t most_lives) : stage_(most_lives) {
        for (const auto name : os::kill_points())
            if (name.starts_with("groups.")) points_.push_back(name);
    }

    // Longer than that where somebody is yet to end in each of the ways.
    void rage(std::int64_t end_ns) {
        const auto goes_on = [&] {
            return os::monotonic_ns() < end_ns || killed_ == 0 || at_points_ == 0 || left_ == 0;
        };
        while (goes_on() && next_life_ < stage_.lives() && !testing::Test::HasFailure()) {
            const auto what = random_() % 100;
            if (actors_.size() < 10 || (actors_.size() < kMembers && what < 50)) {
                begin();
                continue;
            }
            std::swap(actors_[random_() % actors_.size()], actors_.back());
            if (what < 60) {
                stop_and_go(actors_.back());
            } else {
                end(actors_.back(), what < 80 ? Order::serve : what < 90 ? Order::leave : Order::vanish);
                actors_.pop_back();
            }
        }
    }

    void expect_balance() {
        std::size_t left = 0;
        EXPECT_TRUE(stage_.await([&] {
            left = 0;
            for (const Actor& actor : actors_) {
                if (has_ended(actor)) continue;
                if (stage_.life(actor.life).joined.load() == 0) return false;
                ++left;
            }
            return is_balanced(group(), left, topics_);
        })) << left
            << " are left of " << text(group());
        EXPECT_EQ(stage_.overlaps(), "");
        EXPECT_GT(killed_, 0u);
        EXPECT_GT(at_points_, 0u);
        EXPECT_GT(left_, 0u);
    }

    [[nodiscard]] std::string figures() const {
        return std::to_string(next_life_) + " lived, " + std::to_string(killed_) + " were killed, " +
               std::to_string(at_points_) + " at a step";
    }

private:
    [[nodiscard]] GroupDescription group() { return describe(directory_, "g").value(); }

    void begin() {
        Role role;
        role.topics = topics_;
        role.act_every_ms = 20;
        if (random_() % 4 == 0) {
            const std::string point{points_[random_() % points_.size()]};
            const auto nth = static_cast<unsigned>(1 + random_() % 20);
            role.before_joining = [point, nth] { static_cast<void>(os::arm_kill_point(point, nth)); };
        }
        actors_.push_back(start(dir_.path(), stage_, next_life_++, role));
    }

    void stop_and_go(const Actor& actor) {
        if (has_ended(actor)) return;
        actor.child->send(SIGSTOP);
        if (!actor.child->wait_until_stopped()) return;
        EXPECT_TRUE(describe(directory_, "g"));
        actor.child->send(SIGCONT);
    }

    // Order::serve: by force.
    void end(const Actor& actor, Order how) {
        const auto ready = [&] { return stage_.life(actor.life).joined.load() != 0 || has_ended(actor); };
        EXPECT_TRUE(how == Order::serve || stage_.await(ready));
        const bool by_itself = has_ended(actor);
        if (how == Order::serve)
            actor.child->send(SIGKILL);
        else
            order(stage_, actor, how);
        const auto ended = actor.child->wait();
        EXPECT_TRUE(ended == ended_by(SIGKILL) || (how != Order::serve && ended == exited_with(0))) << ended;
        if (ended == exited_with(0))
            ++left_;
        else
            ++killed_;
        if (by_itself || (how != Order::serve && ended == ended_by(SIGKILL))) ++at_points_;
    }

    const std::vector<SubscribedTopic> topics_{{"a", 60}, {"b", 30}, {"c", 7}};
    const FastDir dir_;
    store::DataDirectory directory_ = open_to_write(dir_.path());
    const Stage stage_;
    std::vector<std::string_view> points_;
    std::vector<Actor> actors_;
    std::mt19937_64 random_{test::test_seed()};
    std::size_t next_life_ = 0;
    std::uint64_t killed_ = 0;
    std::uint64_t at_points_ = 0;
    std::uint64_t left_ = 0;
};

TEST(LocalMembers, P9_GRP_L1_FiftyComeAndGoAtRandomAndEndInBalance) {
    SCOPED_TRACE("MQ_TEST_SEED=" + std::to_string(test::test_seed()));
    LocalStorm storm{test::test_scale(12'000, 80'000)};
    const auto seconds = static_cast<std::int64_t>(test::test_scale(10, 60));
    storm.rage(os::monotonic_ns() + seconds * 1'000'000'000);
    storm.expect_balance();
    RecordProperty("storm", storm.figures());
}

}  // namespace
}  // namespace mq::groups
