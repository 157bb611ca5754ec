// Expected assignments are those of the Javadoc of Kafka's RangeAssignor, RoundRobinAssignor and StickyAssignor, or
// written by hand. The least numbers of moves come from trying every assignment.
#include "groups/assignor.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <set>

#include "groups/balanced_counts.h"

namespace mq::groups {
namespace {

using log::TopicPartition;
using Parts = std::vector<TopicPartition>;

// "t0:0 t1:2" -> {{t0, 0}, {t1, 2}}
Parts parts(std::string_view text) {
    Parts all;
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(word.size() + 1, text.size()));
        const std::size_t colon = word.find(':');
        all.push_back({std::string{word.substr(0, colon)}, std::stoi(std::string{word.substr(colon + 1)})});
    }
    return all;
}

std::map<std::string, Parts> by_id(Assignor assignor, const std::vector<AssignorTopic>& topics,
                                   const std::vector<AssignorMember>& members) {
    const std::vector<Parts> assigned = assign(assignor, topics, members);
    std::map<std::string, Parts> named;
    for (std::size_t m = 0; m < members.size(); ++m) named[members[m].id] = assigned[m];
    return named;
}

using Expected = std::map<std::string, Parts>;

TEST(RangeAssignor, JavadocTwoConsumersTwoTopicsOfThree) {
    EXPECT_EQ(by_id(Assignor::range, {{"t0", 3}, {"t1", 3}}, {{"C0", {0, 1}, {}}, {"C1", {0, 1}, {}}}),
              (Expected{{"C0", parts("t0:0 t0:1 t1:0 t1:1")}, {"C1", parts("t0:2 t1:2")}}));
}

TEST(RangeAssignor, GoesByIdsAndNotByTheOrderOfJoining) {
    EXPECT_EQ(by_id(Assignor::range, {{"t", 5}}, {{"c", {0}, {}}, {"a", {0}, {}}, {"b", {0}, {}}}),
              (Expected{{"a", parts("t:0 t:1")}, {"b", parts("t:2 t:3")}, {"c", parts("t:4")}}));
}

TEST(RangeAssignor, MoreMembersThanPartitionsLeavesTheLastOnesWithout) {
    EXPECT_EQ(by_id(Assignor::range, {{"t", 2}}, {{"a", {0}, {}}, {"b", {0}, {}}, {"c", {0}, {}}}),
              (Expected{{"a", parts("t:0")}, {"b", parts("t:1")}, {"c", {}}}));
}

TEST(RangeAssignor, CountsOnlyTheSubscribersOfEachTopic) {
    EXPECT_EQ(by_id(Assignor::range, {{"t0", 3}, {"t1", 2}, {"t2", 4}}, {{"a", {0, 1}, {}}, {"b", {0}, {}}}),
              (Expected{{"a", parts("t0:0 t0:1 t1:0 t1:1")}, {"b", parts("t0:2")}}));
}

TEST(RoundRobinAssignor, JavadocTwoConsumersTwoTopicsOfThree) {
    EXPECT_EQ(by_id(Assignor::round_robin, {{"t0", 3}, {"t1", 3}}, {{"C0", {0, 1}, {}}, {"C1", {0, 1}, {}}}),
              (Expected{{"C0", parts("t0:0 t0:2 t1:1")}, {"C1", parts("t0:1 t1:0 t1:2")}}));
}

TEST(RoundRobinAssignor, JavadocThreeConsumersWithDifferentSubscriptions) {
    EXPECT_EQ(by_id(Assignor::round_robin, {{"t0", 1}, {"t1", 2}, {"t2", 3}},
                    {{"C0", {0}, {}}, {"C1", {0, 1}, {}}, {"C2", {0, 1, 2}, {}}}),
              (Expected{{"C0", parts("t0:0")}, {"C1", parts("t1:0")}, {"C2", parts("t1:1 t2:0 t2:1 t2:2")}}));
}

TEST(RoundRobinAssignor, TakesTopicsByNameHoweverTheyAreListed) {
    EXPECT_EQ(by_id(Assignor::round_robin, {{"z", 1}, {"a", 2}}, {{"C0", {0, 1}, {}}, {"C1", {0, 1}, {}}}),
              (Expected{{"C0", parts("a:0 z:0")}, {"C1", parts("a:1")}}));
}

const std::vector<AssignorTopic> kFourOfTwo{{"t0", 2}, {"t1", 2}, {"t2", 2}, {"t3", 2}};

TEST(StickyAssignor, JavadocThreeConsumersFourTopicsOfTwo) {
    EXPECT_EQ(
        by_id(Assignor::sticky, kFourOfTwo,
              {{"C0", {0, 1, 2, 3}, {}}, {"C1", {0, 1, 2, 3}, {}}, {"C2", {0, 1, 2, 3}, {}}}),
        (Expected{{"C0", parts("t0:0 t1:1 t3:0")}, {"C1", parts("t0:1 t2:0 t3:1")}, {"C2", parts("t1:0 t2:1")}}));
}

TEST(StickyAssignor, JavadocOfThreeTheSecondLeaves) {
    EXPECT_EQ(by_id(Assignor::sticky, kFourOfTwo,
                    {{"C0", {0, 1, 2, 3}, parts("t0:0 t1:1 t3:0")}, {"C2", {0, 1, 2, 3}, parts("t1:0 t2:1")}}),
              (Expected{{"C0", parts("t0:0 t1:1 t2:0 t3:0")}, {"C2", parts("t0:1 t1:0 t2:1 t3:1")}}));
}

TEST(StickyAssignor, JavadocDifferentSubscriptionsAreEvenerThanInTurns) {
    const std::vector<AssignorTopic> topics{{"t0", 1}, {"t1", 2}, {"t2", 3}};
    for (const Assignor sticky : {Assignor::sticky, Assignor::cooperative_sticky}) {
        EXPECT_EQ(by_id(sticky, topics, {{"C0", {0}, {}}, {"C1", {0, 1}, {}}, {"C2", {0, 1, 2}, {}}}),
                  (Expected{{"C0", parts("t0:0")}, {"C1", parts("t1:0 t1:1")}, {"C2", parts("t2:0 t2:1 t2:2")}}));
        EXPECT_EQ(
            by_id(sticky, topics, {{"C1", {0, 1}, parts("t1:0 t1:1")}, {"C2", {0, 1, 2}, parts("t2:0 t2:1 t2:2")}}),
            (Expected{{"C1", parts("t0:0 t1:0 t1:1")}, {"C2", parts("t2:0 t2:1 t2:2")}}));
    }
}

TEST(StickyAssignor, ClaimsThatCannotBeAreIgnored) {
    EXPECT_EQ(by_id(Assignor::sticky, {{"t", 2}, {"u", 1}},
                    {{"a", {0}, parts("t:0 t:9 t:-1 gone:0 u:0")}, {"b", {0}, parts("t:0 t:1")}}),
              (Expected{{"a", parts("t:0")}, {"b", parts("t:1")}}));
}

TEST(Assign, NobodyToGiveToOrNothingToGive) {
    for (const Assignor assignor :
         {Assignor::range, Assignor::round_robin, Assignor::sticky, Assignor::cooperative_sticky}) {
        EXPECT_TRUE(assign(assignor, {{"t", 3}}, {}).empty());
        EXPECT_EQ(assign(assignor, {}, {{"a", {}, {}}}), std::vector<Parts>{{}});
        EXPECT_EQ(assign(assignor, {{"t", 0}}, {{"a", {0}, {}}}), std::vector<Parts>{{}});
        EXPECT_EQ(assign(assignor, {{"t", 3}}, {{"a", {}, {}}}), std::vector<Parts>{{}});
        EXPECT_EQ(parse_assignor(to_string(assignor)), assignor);
    }
}

// ---- properties

struct World {
    std::vector<AssignorTopic> topics;
    std::vector<AssignorMember> members;
};

// The whole range from the first case on: the size that rapidcheck would start with makes worlds of nothing.
std::size_t up_to(std::size_t most) {
    return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<std::size_t>(0, most + 1));
}

World any_world(bool same_subscriptions, std::size_t most_members, std::size_t most_partitions) {
    World world;
    const std::size_t topics = 1 + up_to(3);
    for (std::size_t t = 0; t < topics; ++t) {
        world.topics.push_back({"t" + std::to_string(t), static_cast<std::int32_t>(up_to(most_partitions))});
    }
    const std::size_t members = 1 + up_to(most_members - 1);
    for (std::size_t m = 0; m < members; ++m) {
        AssignorMember member{"m" + std::to_string(m), {}, {}};
        for (std::size_t t = 0; t < topics; ++t) {
            if (same_subscriptions || up_to(1) == 1) member.topics.push_back(t);
        }
        world.members.push_back(member);
    }
    return world;
}

// Members own what they were given, as after a finished hand-over.
void settle(World& world, Assignor assignor = Assignor::cooperative_sticky) {
    const std::vector<Parts> assigned = assign(assignor, world.topics, world.members);
    for (std::size_t m = 0; m < assigned.size(); ++m) world.members[m].owned = assigned[m];
}

void own_at_random(World& world) {
    for (const AssignorTopic& topic : world.topics) {
        for (std::int32_t p = 0; p < topic.partitions; ++p) {
            const std::size_t owner = up_to(world.members.size());
            if (owner < world.members.size()) world.members[owner].owned.push_back({topic.name, p});
        }
    }
}

void check_one_owner_each(const World& world, const std::vector<Parts>& assigned) {
    std::map<TopicPartition, std::size_t> owners;
    RC_ASSERT(assigned.size() == world.members.size());
    for (std::size_t m = 0; m < assigned.size(); ++m) {
        RC_ASSERT(std::is_sorted(assigned[m].begin(), assigned[m].end()));
        for (const TopicPartition& one : assigned[m]) RC_ASSERT(owners.emplace(one, m).second);
    }
    for (std::size_t t = 0; t < world.topics.size(); ++t) {
        std::set<std::size_t> subscribers;
        for (std::size_t m = 0; m < world.members.size(); ++m) {
            const std::vector<std::size_t>& topics = world.members[m].topics;
            if (std::find(topics.begin(), topics.end(), t) != topics.end()) subscribers.insert(m);
        }
        for (std::int32_t p = 0; p < world.topics[t].partitions; ++p) {
            const auto owner = owners.find({world.topics[t].name, p});
            RC_ASSERT((owner != owners.end()) == !subscribers.empty());
            if (owner != owners.end()) RC_ASSERT(subscribers.count(owner->second) == 1);
            owners.erase({world.topics[t].name, p});
        }
    }
    RC_ASSERT(owners.empty());
}

std::size_t most_minus_least(const std::vector<Parts>& assigned) {
    std::size_t least = SIZE_MAX, most = 0;
    for (const Parts& one : assigned) {
        least = std::min(least, one.size());
        most = std::max(most, one.size());
    }
    return most - least;
}

// Those that `after` has and `before` has not.
Parts gained(Parts before, const Parts& after) {
    std::sort(before.begin(), before.end());
    Parts result;
    std::set_difference(after.begin(), after.end(), before.begin(), before.end(), std::back_inserter(result));
    return result;
}

void property(const char* what, void (*check)()) { ASSERT_TRUE(rc::check(what, check)); }

TEST(AssignProperty, EveryPartitionOfASubscribedTopicHasOneOwnerWhoSubscribes) {
    property("one owner", [] {
        World world = any_world(up_to(1) == 0, 12, 9);
        own_at_random(world);
        for (const Assignor assignor :
             {Assignor::range, Assignor::round_robin, Assignor::sticky, Assignor::cooperative_sticky}) {
            const std::vector<Parts> assigned = assign(assignor, world.topics, world.members);
            check_one_owner_each(world, assigned);
            RC_ASSERT(assign(assignor, world.topics, world.members) == assigned);
        }
    });
}

TEST(AssignProperty, WithOneSubscriptionForAllCountsDifferByOneAtMost) {
    property("balance", [] {
        World world = any_world(true, 12, 9);
        RC_ASSERT(most_minus_least(assign(Assignor::round_robin, world.topics, world.members)) <= 1);
        own_at_random(world);
        RC_ASSERT(most_minus_least(assign(Assignor::sticky, world.topics, world.members)) <= 1);
    });
}

TEST(StickyProperty, WithUnchangedMembershipNothingMoves) {
    property("unchanged", [] {
        World world = any_world(up_to(1) == 0, 12, 9);
        own_at_random(world);
        settle(world);
        const std::vector<Parts> again = assign(Assignor::sticky, world.topics, world.members);
        for (std::size_t m = 0; m < again.size(); ++m) RC_ASSERT(again[m] == world.members[m].owned);
    });
}

TEST(StickyProperty, OneJoinsAndOnlyWhatItGetsMoves) {
    property("join", [] {
        World world = any_world(true, 12, 9);
        settle(world);
        AssignorMember late = world.members[0];
        late.id = "m" + std::to_string(up_to(9)) + "x";
        late.owned.clear();
        world.members.push_back(late);
        const std::vector<Parts> after = assign(Assignor::sticky, world.topics, world.members);
        RC_ASSERT(most_minus_least(after) <= 1);
        for (std::size_t m = 0; m + 1 < after.size(); ++m) {
            RC_ASSERT(gained(world.members[m].owned, after[m]).empty());
        }
    });
}

TEST(StickyProperty, OneLeavesAndOnlyItsPartitionsMove) {
    property("leave", [] {
        World world = any_world(true, 12, 9);
        settle(world);
        const std::size_t gone = up_to(world.members.size() - 1);
        const Parts free = world.members[gone].owned;
        world.members.erase(world.members.begin() + static_cast<std::ptrdiff_t>(gone));
        if (world.members.empty()) return;
        const std::vector<Parts> after = assign(Assignor::sticky, world.topics, world.members);
        RC_ASSERT(most_minus_least(after) <= 1);
        Parts moved;
        for (std::size_t m = 0; m < after.size(); ++m) {
            const Parts more = gained(world.members[m].owned, after[m]);
            moved.insert(moved.end(), more.begin(), more.end());
        }
        std::sort(moved.begin(), moved.end());
        RC_ASSERT(moved == free);
    });
}

// Sum of squares of the loads, then the number of partitions that are not with their owner.
using Cost = std::pair<std::size_t, std::size_t>;

Cost cost_of(const World& world, const std::vector<Parts>& assigned) {
    Cost cost{0, 0};
    for (std::size_t m = 0; m < assigned.size(); ++m) {
        cost.first += assigned[m].size() * assigned[m].size();
        cost.second += gained(world.members[m].owned, assigned[m]).size();
    }
    return cost;
}

Cost best_of_all(const World& world, std::size_t topic, std::int32_t partition, std::vector<Parts>& so_far) {
    if (topic == world.topics.size()) return cost_of(world, so_far);
    if (partition == world.topics[topic].partitions) return best_of_all(world, topic + 1, 0, so_far);
    Cost best{SIZE_MAX, SIZE_MAX};
    bool anybody = false;
    for (std::size_t m = 0; m < world.members.size(); ++m) {
        const std::vector<std::size_t>& topics = world.members[m].topics;
        if (std::find(topics.begin(), topics.end(), topic) == topics.end()) continue;
        anybody = true;
        so_far[m].push_back({world.topics[topic].name, partition});
        best = std::min(best, best_of_all(world, topic, partition + 1, so_far));
        so_far[m].pop_back();
    }
    return anybody ? best : best_of_all(world, topic + 1, 0, so_far);
}

TEST(StickyProperty, NoAssignmentIsEvenerOrMovesLess) {
    property("least of all", [] {
        for (int i = 0; i < 10; ++i) {
            World world = any_world(false, 4, 4);
            std::int32_t room = 7;  // 4^7 assignments can be tried
            for (AssignorTopic& topic : world.topics) room -= topic.partitions = std::min(topic.partitions, room);
            own_at_random(world);
            std::vector<Parts> empty(world.members.size());
            const Cost best = best_of_all(world, 0, 0, empty);
            RC_ASSERT(cost_of(world, assign(Assignor::sticky, world.topics, world.members)) == best);
        }
    });
}

// One member holds everything and 127 join; then topics with many different sets of subscribers.
TEST(StickyAssignor, TheLargestGroupOfOneMachineIsEven) {
    World world;
    for (std::size_t t = 0; t < 16; ++t) world.topics.push_back({"topic-" + std::to_string(t), 1024});
    for (std::size_t m = 0; m < 128; ++m) {
        AssignorMember member{"m" + std::to_string(1000 + m), {}, {}};
        for (std::size_t t = 0; t < 16; ++t) member.topics.push_back(t);
        world.members.push_back(member);
    }
    for (const AssignorTopic& topic : world.topics) {
        for (std::int32_t p = 0; p < topic.partitions; ++p) world.members[5].owned.push_back({topic.name, p});
    }
    const std::vector<Parts> assigned = assign(Assignor::sticky, world.topics, world.members);
    for (const Parts& one : assigned) EXPECT_EQ(one.size(), 128U);
    EXPECT_TRUE(gained(world.members[5].owned, assigned[5]).empty());
}

TEST(StickyAssignor, HundredsOfSetsOfSubscribersAreEvenToo) {
    World world;
    for (std::size_t t = 0; t < 512; ++t) world.topics.push_back({"topic-" + std::to_string(t), 32});
    for (std::size_t m = 0; m < 128; ++m) {
        AssignorMember member{"m" + std::to_string(1000 + m), {}, {}};
        for (std::size_t t = 0; t < 512; ++t) {
            if ((t * 2654435761U + m * 40503U) % 7 < 3) member.topics.push_back(t);
        }
        world.members.push_back(member);
    }
    settle(world);
    world.members.pop_back();
    const std::vector<Parts> assigned = assign(Assignor::sticky, world.topics, world.members);
    EXPECT_LE(most_minus_least(assigned), 1U);  // 512 * 32 = 129 * 127 + 1, and every topic has 50 subscribers or so
    std::size_t moved = 0;
    for (std::size_t m = 0; m < assigned.size(); ++m) moved += gained(world.members[m].owned, assigned[m]).size();
    EXPECT_LE(moved, 128U + 127U);
}

TEST(BalancedCounts, EvensOutOverSeveralHandsWithTheFewestMoves) {
    // 2 has nothing, but shares no class with 0, who has too much: 0 gives to 1, and 1 to 2.
    EXPECT_EQ(balanced_counts(3, {{{0, 1}, {4, 0}, 4}, {{1, 2}, {2, 0}, 2}}),
              (std::vector<std::vector<std::uint32_t>>{{2, 2}, {0, 2}}));
    EXPECT_EQ(balanced_counts(2, {{{0, 1}, {2, 0}, 2}, {{0}, {2}, 2}}),
              (std::vector<std::vector<std::uint32_t>>{{0, 2}, {2}}));
    // Of seven each could have the third one more; with 0, who owns all, it costs no move.
    EXPECT_EQ(balanced_counts(3, {{{0, 1}, {4, 0}, 4}, {{0, 2}, {3, 0}, 3}}),
              (std::vector<std::vector<std::uint32_t>>{{2, 2}, {1, 2}}));
    EXPECT_EQ(balanced_counts(0, {}), std::vector<std::vector<std::uint32_t>>{});
}

}  // namespace
}  // namespace mq::groups
