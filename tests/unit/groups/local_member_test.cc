// CONCURRENCY GRP-L1: what a member is told, and what it is refused. Members of one process, so that every step is
// made when the test wants it.
#include "groups/local_member.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "local_fixture.h"

namespace mq::groups {
namespace {

using test::FastDir;

const std::vector<SubscribedTopic> kSix{{"t", 6}};
const JoinOptions kGroup{.group = "g"};

Partitions some(const std::string& topic, std::initializer_list<std::int32_t> numbers) {
    Partitions ids;
    for (const auto number : numbers) ids.push_back({topic, number});
    return ids;
}

// Polls and releases until nobody has anything to do.
void let_settle(std::initializer_list<LocalMember*> members) {
    for (bool busy = true; busy;) {
        busy = false;
        for (LocalMember* member : members) {
            const auto changes = member->poll().value();
            ASSERT_TRUE(member->release(changes.revoked));
            busy = busy || !changes.empty();
        }
    }
}

TEST(LocalMember, GRP_L1_TheFirstTakesAllAndAPollWithoutChangesTellsNothing) {
    const FastDir dir;
    Party party{dir.path()};
    const auto member = party.join(kGroup, kSix);
    EXPECT_TRUE(member->member_id().starts_with("mq-consume-"));
    EXPECT_TRUE(member->has_changes());
    const auto changes = member->poll().value();
    EXPECT_EQ(changes.taken, some("t", {0, 1, 2, 3, 4, 5}));
    EXPECT_TRUE(changes.revoked.empty());
    EXPECT_EQ(member->owned(), changes.taken);
    EXPECT_FALSE(member->has_changes());
    EXPECT_EQ(member->word().load(), member->seen());
    EXPECT_TRUE(member->poll().value().empty());
}

TEST(LocalMember, P9_APartitionChangesHandsOnlyWhenItsOwnerHasReleasedIt) {
    const FastDir dir;
    Party party{dir.path()};
    const auto first = party.join(kGroup, kSix);
    ASSERT_EQ(first->poll().value().taken.size(), 6u);
    const auto second = party.join(kGroup, kSix);
    EXPECT_TRUE(second->poll().value().empty()) << "all is with the first";
    EXPECT_EQ(describe(party.directory, "g").value().state, GroupState::rebalancing);

    ASSERT_TRUE(first->has_changes());
    const auto revoked = first->poll().value().revoked;
    EXPECT_EQ(revoked.size(), 3u);
    EXPECT_EQ(first->owned().size(), 6u) << "until it is released it stays";
    EXPECT_TRUE(second->poll().value().empty());
    EXPECT_TRUE(first->poll().value().empty()) << "told once";

    ASSERT_TRUE(first->release(std::span{revoked}.first(1)));
    EXPECT_TRUE(second->has_changes());
    EXPECT_EQ(second->poll().value().taken, Partitions{revoked[0]});
    ASSERT_TRUE(first->release(std::span{revoked}.subspan(1)));
    EXPECT_EQ(second->poll().value().taken, (Partitions{revoked[1], revoked[2]}));
    EXPECT_EQ(second->owned(), revoked);
    EXPECT_EQ(first->owned().size(), 3u);
    EXPECT_TRUE(is_balanced(describe(party.directory, "g").value(), 2, kSix));
}

TEST(LocalMember, GRP_L1_LeavingGivesBackAtOnceAndSoDoesDestruction) {
    const FastDir dir;
    Party party{dir.path()};
    const auto first = party.join(kGroup, kSix);
    auto second = party.join(kGroup, kSix);
    auto third = party.join(kGroup, kSix);
    let_settle({first.get(), second.get(), third.get()});
    ASSERT_TRUE(is_balanced(describe(party.directory, "g").value(), 3, kSix));

    ASSERT_TRUE(second->leave());
    second.reset();
    EXPECT_EQ(first->poll().value().taken.size(), 1u);
    EXPECT_EQ(third->poll().value().taken.size(), 1u);
    third.reset();
    EXPECT_EQ(first->poll().value().taken.size(), 3u);
    EXPECT_TRUE(is_balanced(describe(party.directory, "g").value(), 1, kSix));
}

TEST(LocalMember, GRP_L1_ARevokedPartitionThatIsItsOwnAgainComesBackOnceReleased) {
    const FastDir dir;
    Party party{dir.path()};
    const auto first = party.join(kGroup, kSix);
    let_settle({first.get()});
    auto second = party.join(kGroup, kSix);
    const auto revoked = first->poll().value().revoked;
    ASSERT_EQ(revoked.size(), 3u);
    ASSERT_TRUE(second->leave());
    EXPECT_TRUE(first->poll().value().taken.empty());
    ASSERT_TRUE(first->release(revoked));
    EXPECT_EQ(first->poll().value().taken, revoked);
}

TEST(LocalMember, GRP_L1_SubscriptionsDifferAndChange) {
    const FastDir dir;
    Party party{dir.path()};
    const auto both = party.join(kGroup, {{"a", 2}, {"b", 2}});
    const auto one = party.join(kGroup, {{"b", 2}});
    let_settle({both.get(), one.get()});
    EXPECT_EQ(both->owned(), some("a", {0, 1}));
    EXPECT_EQ(one->owned(), some("b", {0, 1}));
    EXPECT_EQ(describe(party.directory, "g").value().members[0].topics, (std::vector<std::string>{"a", "b"}));

    // A topic grows, another is no longer wanted.
    const std::vector<SubscribedTopic> grown{{"b", 5}};
    ASSERT_TRUE(both->subscribe(grown));
    EXPECT_EQ(both->poll().value().revoked, some("a", {0, 1}));
    ASSERT_TRUE(both->release(some("a", {0, 1})));
    ASSERT_TRUE(one->subscribe(grown));
    let_settle({both.get(), one.get()});
    EXPECT_TRUE(is_balanced(describe(party.directory, "g").value(), 2, grown));
    ASSERT_TRUE(one->subscribe({}));
    let_settle({both.get(), one.get()});
    EXPECT_EQ(both->owned(), some("b", {0, 1, 2, 3, 4}));
    EXPECT_TRUE(one->owned().empty());
}

TEST(LocalMember, GRP_L1_AnotherAssignorIsRefusedUntilTheGroupIsEmpty) {
    const FastDir dir;
    Party party{dir.path()};
    auto member = party.join(kGroup, kSix);
    JoinOptions other = kGroup;
    other.assignor = Assignor::range;
    const auto refused = LocalMember::join(party.directory, party.offsets, other, kSix);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::in_use);
    EXPECT_NE(refused.error().message().find("cooperative-sticky"), std::string::npos);
    EXPECT_NE(refused.error().message().find("process " + std::to_string(getpid())), std::string::npos);
    member.reset();
    const auto allowed = party.join(other, kSix);
    EXPECT_EQ(describe(party.directory, "g").value().assignor, Assignor::range);
}

TEST(LocalMember, GRP_L1_AnInstanceIdIsThatOfOneLivingMember) {
    const FastDir dir;
    Party party{dir.path()};
    JoinOptions one = kGroup;
    one.instance_id = "one";
    auto member = party.join(one, kSix);
    const auto refused = LocalMember::join(party.directory, party.offsets, one, kSix);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::in_use);
    EXPECT_NE(refused.error().message().find("process " + std::to_string(getpid())), std::string::npos);
    JoinOptions two = kGroup;
    two.instance_id = "two";
    const auto other = party.join(two, kSix);
    let_settle({member.get(), other.get()});
    EXPECT_EQ(describe(party.directory, "g").value().members[1].instance_id, "two");
    member.reset();
    member = party.join(one, kSix);
    let_settle({member.get(), other.get()});
    EXPECT_TRUE(is_balanced(describe(party.directory, "g").value(), 2, kSix));
}

TEST(LocalMember, GRP_L1_BadNamesAndReadersAreRefused) {
    const FastDir dir;
    Party party{dir.path()};
    const auto code_of = [&](const JoinOptions& options, const std::vector<SubscribedTopic>& topics) {
        const auto joined = LocalMember::join(party.directory, party.offsets, options, topics);
        return joined ? std::optional<Errc>{} : joined.error().code;
    };
    EXPECT_EQ(code_of({.group = ""}, kSix), Errc::bad_argument);
    EXPECT_EQ(code_of({.group = std::string(256, 'g')}, kSix), Errc::bad_argument);
    EXPECT_EQ(code_of({.group = std::string(255, 'g')}, kSix), std::nullopt);
    EXPECT_EQ(code_of({.group = "g", .instance_id = "a/b"}, kSix), Errc::bad_argument);
    EXPECT_EQ(code_of({.group = "g", .client_id = std::string(129, 'c')}, kSix), Errc::bad_argument);
    EXPECT_EQ(code_of(kGroup, {{"a/b", 1}}), Errc::bad_argument);
    EXPECT_EQ(code_of(kGroup, {{"t", -1}}), Errc::bad_argument);
    EXPECT_EQ(code_of(kGroup, {}), std::nullopt) << "a pattern may match nothing yet";

    EXPECT_TRUE(active_groups(party.directory).value().empty());
    EXPECT_EQ(describe(party.directory, "g").value().state, GroupState::empty);
    EXPECT_EQ(describe(party.directory, "never seen").value().state, GroupState::empty);
}

TEST(LocalMember, GRP_L1_MoreThanFitsIsTooManyAndChangesNothing) {
    const FastDir dir;
    Party party{dir.path()};
    const auto refused = [&](const JoinOptions& options, const std::vector<SubscribedTopic>& topics) {
        const auto joined = LocalMember::join(party.directory, party.offsets, options, topics);
        return !joined && joined.error().code == Errc::too_many ? joined.error().message() : std::string{"joined"};
    };
    std::vector<SubscribedTopic> topics;
    for (int i = 0; i < 513; ++i) topics.push_back({"t" + std::to_string(i), 1});
    EXPECT_NE(refused(kGroup, topics).find("513 topics, at most 512"), std::string::npos);
    EXPECT_NE(refused(kGroup, {{"a", 16'000}, {"b", 385}}).find("16385 partitions, at most 16384"),
              std::string::npos);

    const auto first = party.join(kGroup, {{"a", 16'000}, {"b", 384}});
    EXPECT_EQ(first->poll().value().taken.size(), 16'384u);
    EXPECT_NE(refused(kGroup, {{"c", 1}}).find("16385"), std::string::npos);
    const std::vector<SubscribedTopic> larger{{"a", 16'000}, {"b", 385}};
    EXPECT_EQ(first->subscribe(larger).error().code, Errc::too_many);
    EXPECT_TRUE(first->poll().value().empty());
    EXPECT_EQ(describe(party.directory, "g").value().members.size(), 1u);

    std::vector<std::unique_ptr<LocalMember>> members;
    for (int i = 0; i < 128; ++i) members.push_back(party.join({.group = "many"}, {{"t", 1}}));
    EXPECT_NE(refused({.group = "many"}, {{"t", 1}}).find("129 members, at most 128"), std::string::npos);
    members.pop_back();
    members.push_back(party.join({.group = "many"}, {{"t", 1}}));
}

TEST(LocalMember, GRP_L1_PlacesOfGroupsWithoutMembersAreGivenAway) {
    const FastDir dir;
    Party party{dir.path()};
    std::vector<std::unique_ptr<LocalMember>> members;
    std::vector<std::string> names;
    for (int i = 0; i < 256; ++i) {
        names.push_back("group-" + std::to_string(i));
        members.push_back(party.join({.group = names.back()}, {{"t", 1}}));
        ASSERT_EQ(members.back()->poll().value().taken.size(), 1u);
    }
    std::ranges::sort(names);
    EXPECT_EQ(active_groups(party.directory).value(), names);
    const auto refused = LocalMember::join(party.directory, party.offsets, {.group = "one more"}, kSix);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::too_many);

    members[77].reset();
    const auto joined = party.join({.group = "one more"}, kSix);
    EXPECT_EQ(joined->poll().value().taken.size(), 6u);
    EXPECT_EQ(describe(party.directory, "group-77").value().members.size(), 0u);
    EXPECT_EQ(describe(party.directory, "group-78").value().members.size(), 1u);
}

TEST(LocalMember, GRP_L1_NothingIsChangedFromOutsideWhileThereAreMembers) {
    const FastDir dir;
    Party party{dir.path()};
    int runs = 0;
    const auto work = [&]() -> Status {
        ++runs;
        return {};
    };
    ASSERT_TRUE(while_empty(party.directory, "g", work));
    EXPECT_EQ(runs, 1);
    auto member = party.join(kGroup, kSix);
    const auto refused = while_empty(party.directory, "g", work);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::in_use);
    EXPECT_NE(refused.error().message().find(member->member_id()), std::string::npos);
    EXPECT_EQ(runs, 1);
    ASSERT_TRUE(member->leave());
    ASSERT_TRUE(while_empty(party.directory, "g", work));
    EXPECT_EQ(runs, 2);
    EXPECT_EQ(
        while_empty(party.directory, "g", [] { return Status{fail(Errc::out_of_order, "reset", "g")}; }).error().code,
        Errc::out_of_order);
}

TEST(LocalMember, GRP_L1_TheLastToLeaveSaysInTheLogThatTheGroupIsEmptyAndTheNextGoesOnFromThere) {
    const FastDir dir;
    Party party{dir.path()};
    record::GroupMetadataValue before;
    before.protocol_type = "consumer";
    before.generation = 41;
    ASSERT_TRUE(party.offsets.put_metadata("g", before));
    const auto first = party.join(kGroup, kSix);
    EXPECT_EQ(describe(party.directory, "g").value().generation, 42u);
    const auto second = party.join(kGroup, kSix);
    ASSERT_TRUE(first->leave());
    EXPECT_EQ(party.offsets.group("g").value()->metadata, before) << "it has a member still";

    const TimestampMs from = wall_clock_ms();
    ASSERT_TRUE(second->leave());
    const auto after = party.offsets.group("g").value()->metadata;
    ASSERT_TRUE(after);
    EXPECT_EQ(after->protocol_type, "consumer");
    EXPECT_EQ(after->generation, 45);
    EXPECT_TRUE(after->members.empty());
    EXPECT_GE(after->current_state_timestamp, from);
    EXPECT_LE(after->current_state_timestamp, wall_clock_ms());
    EXPECT_EQ(describe(party.directory, "g").value().generation, 45u);
}

TEST(LocalMember, GRP_L1_WhoOpenedTheDirectoryForReadingSeesTheGroupAndCanNotChangeIt) {
    if (geteuid() != 0) GTEST_FAIL() << "needs root: setuid";
    const FastDir dir;
    Party party{dir.path()};
    const auto member = party.join(kGroup, kSix);
    ASSERT_EQ(member->poll().value().taken.size(), 6u);
    for (const std::string name : {"", "/.mq-control", "/.lock"})
        ASSERT_EQ(chmod((dir.path() + name).c_str(), name.empty() ? 0755 : 0644), 0);
    const auto end = test::run_in_child([&] {
        if (setuid(65534) != 0) return 1;
        auto mine = store::DataDirectory::open(dir.path(), {}).value();
        if (!is_balanced(describe(mine, "g").value(), 1, kSix)) return 2;
        if (active_groups(mine).value() != std::vector<std::string>{"g"}) return 3;
        offsets::OffsetStore offsets{mine};
        const auto joined = LocalMember::join(mine, offsets, kGroup, kSix);
        if (joined || joined.error().code != Errc::not_permitted) return 4;
        const Status changed = while_empty(mine, "other", [] { return Status{}; });
        return !changed && changed.error().code == Errc::not_permitted ? 0 : 5;
    });
    EXPECT_EQ(end, test::exited_with(0));
}

TEST(LocalMember, GRP_L1_ADescriptionNamesWhoAMemberIsAndWhatItHas) {
    const FastDir dir;
    Party party{dir.path()};
    const auto member = party.join({.group = "g", .instance_id = "i", .client_id = "c"}, kSix);
    ASSERT_EQ(member->poll().value().taken.size(), 6u);
    const auto group = describe(party.directory, "g").value();
    ASSERT_EQ(group.members.size(), 1u);
    EXPECT_EQ(group.members[0].member_id, member->member_id());
    EXPECT_EQ(group.members[0].client_id, "c");
    EXPECT_EQ(group.members[0].instance_id, "i");
    EXPECT_EQ(group.members[0].pid, getpid());
    EXPECT_FALSE(group.members[0].foreign);
    EXPECT_FALSE(group.members[0].host.empty());
    EXPECT_EQ(group.members[0].owned.size(), 6u);
    EXPECT_EQ(group.generation, 1u);
    EXPECT_EQ(group.state, GroupState::stable);
}

}  // namespace
}  // namespace mq::groups
