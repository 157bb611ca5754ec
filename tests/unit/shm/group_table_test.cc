// CONCURRENCY GRP-L1, PUB-7: the bytes that members hold, and the places of groups.
#include "shm/group_table.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <csignal>
#include <set>

#include "fixture.h"
#include "support/child.h"
#include "support/faults.h"
#include "support/temp_dir.h"

namespace mq::shm {
namespace {

using test::Child;
using test::ended_by;
using test::exited_with;
using test::FaultInjector;
using test::Gate;
using test::run_in_child;
using test::TempDir;

constexpr std::uint64_t kByte = kMemberBytesAt + 7;

TEST(MemberByte, GRP_L1_IsHeldByOneAndSeenByAllUntilItsProcessIsGone) {
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    const Gate held;
    Child holder = Child::fork([&] {
        const auto mine = open_to_write(dir.path());
        if (!mine->hold_byte(kByte).value() || !mine->is_byte_held(kByte).value()) return 1;
        held.open();
        for (;;) pause();
    });
    ASSERT_TRUE(held.wait());
    EXPECT_TRUE(file->is_byte_held(kByte).value());
    EXPECT_FALSE(file->is_byte_held(kByte + 1).value());
    EXPECT_FALSE(file->hold_byte(kByte).value());
    holder.send(SIGKILL);
    EXPECT_EQ(holder.wait(), ended_by(SIGKILL));
    EXPECT_FALSE(file->is_byte_held(kByte).value());
    EXPECT_TRUE(file->hold_byte(kByte).value());
}

TEST(MemberByte, GRP_L1_OneProcessHoldsItOnceAndCanLetGo) {
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    EXPECT_TRUE(file->hold_byte(kByte).value());
    EXPECT_FALSE(file->hold_byte(kByte).value());
    EXPECT_TRUE(file->is_byte_held(kByte).value());
    ASSERT_TRUE(file->let_go_of_byte(kByte));
    EXPECT_FALSE(file->is_byte_held(kByte).value());
    ASSERT_TRUE(file->let_go_of_byte(kByte)) << "nothing to let go of";
    EXPECT_TRUE(file->hold_byte(kByte).value());
}

TEST(MemberByte, GRP_L1_AFailedCallLeavesWhatWasKnown) {
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    {
        const FaultInjector injector{{.nth = 1, .error = ENOLCK, .only = os::Call::lock}};
        EXPECT_FALSE(file->hold_byte(kByte));
    }
    EXPECT_FALSE(file->is_byte_held(kByte).value());
    ASSERT_TRUE(file->hold_byte(kByte).value());
    {
        const FaultInjector injector{{.nth = 1, .error = EIO, .only = os::Call::lock}};
        EXPECT_FALSE(file->let_go_of_byte(kByte));
    }
    EXPECT_TRUE(file->is_byte_held(kByte).value());
}

TEST(MemberByte, GRP_L1_TheChildOfAForkGivesNothingBack) {
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    ASSERT_TRUE(file->hold_byte(kByte).value());
    EXPECT_EQ(run_in_child([&] { return file->let_go_of_byte(kByte) ? 0 : 1; }), exited_with(0));
    EXPECT_EQ(run_in_child([&] {
                  const auto mine = open_to_write(dir.path());
                  return mine->is_byte_held(kByte).value() ? 0 : 1;
              }),
              exited_with(0));
}

TEST(MemberByte, GRP_L1_WhoMayOnlyReadCanAskAndNotHold) {
    if (geteuid() != 0) GTEST_FAIL() << "needs root: setuid";
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    ASSERT_TRUE(file->hold_byte(kByte).value());
    for (const std::string name : {"", "/.mq-control", "/.lock"})
        ASSERT_EQ(chmod((dir.path() + name).c_str(), name.empty() ? 0755 : 0644), 0);
    EXPECT_EQ(run_in_child([&] {
                  if (!become_nobody()) return 1;
                  const auto mine = ControlFile::open(dir.path(), {}).value();
                  if (mine == nullptr || mine->writable()) return 2;
                  if (!mine->is_byte_held(kByte).value() || mine->is_byte_held(kByte + 1).value()) return 3;
                  return mine->hold_byte(kByte + 1).error().code == Errc::not_permitted ? 0 : 4;
              }),
              exited_with(0));
}

TEST(GroupTable, PUB7_NothingExistsUntilItIsNeededAndThenOnlyThat) {
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    GroupTable table{*file};
    EXPECT_FALSE(table.find("g"));
    EXPECT_EQ(file->header().group_table_bytes.load(), 0u);
    const auto place = table.find_or_make("g").value();
    EXPECT_EQ(file->header().group_table_bytes.load(), 4096u);
    EXPECT_EQ(place.members().size() + place.topics().size() + place.cells().size(), 0u);
    ASSERT_TRUE(file->on_claimed_thread([&] { return table.make(place, 1, 17, 257); }));
    EXPECT_EQ(place.members().size(), 16u);
    EXPECT_EQ(place.topics().size(), 32u);
    EXPECT_EQ(place.cells().size(), 512u);
    const auto most = [&] { return table.make(place, kGroupMembers, kGroupTopics, kGroupCells); };
    ASSERT_TRUE(file->on_claimed_thread(most));
    EXPECT_EQ(place.members().size(), 128u);
    EXPECT_EQ(place.topics().size(), 512u);
    EXPECT_EQ(place.cells().size(), 16'384u);
    const auto too_many = [&] { return table.make(place, kGroupMembers + 1, 0, 0); };
    EXPECT_EQ(file->on_claimed_thread(too_many).error().code, Errc::too_many);
}

TEST(GroupTable, PUB7_AFullDiskIsAnErrorAndTheNextTryGoesOn) {
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    GroupTable table{*file};
    {
        const FaultInjector injector{{.nth = 1, .error = ENOSPC, .only = os::Call::allocate}};
        EXPECT_EQ(table.find_or_make("g").error().code, Errc::no_space);
    }
    const auto place = table.find_or_make("g").value();
    {
        const FaultInjector injector{{.nth = 2, .error = ENOSPC, .only = os::Call::allocate}};
        EXPECT_EQ(table.make(place, 1, 1, 1).error().code, Errc::no_space);
    }
    EXPECT_EQ(place.members().size(), 16u);
    EXPECT_EQ(place.topics().size(), 0u);
    ASSERT_TRUE(table.make(place, 1, 1, 1));
}

TEST(GroupTable, GRP_L1_PlacesDoNotOverlapAndHaveBytesOfTheirOwn) {
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    GroupTable table{*file};
    std::set<std::uint64_t> bytes;
    const std::byte* end = nullptr;
    for (std::uint32_t i = 0; i < kGroupPlaces; ++i) {
        const auto place = table.find_or_make("group-" + std::to_string(i)).value();
        ASSERT_EQ(place.number(), i);
        ASSERT_TRUE(table.make(place, 1, 1, 1));
        for (std::size_t m = 0; m < kGroupMembers; ++m) bytes.insert(place.member_byte(m));
        const auto* first = reinterpret_cast<const std::byte*>(place.members().data());
        EXPECT_TRUE(end == nullptr || first > end);
        end = reinterpret_cast<const std::byte*>(place.cells().data()) + kGroupCells * sizeof(GroupCell) - 1;
    }
    EXPECT_EQ(bytes.size(), std::size_t{kGroupPlaces} * kGroupMembers);
    EXPECT_EQ(*bytes.begin(), kMemberBytesAt);
    const auto table_bytes = file->table(kGroupTableAt, kGroupTableBytes);
    EXPECT_LT(end, table_bytes.data() + table_bytes.size());
    std::size_t seen = 0;
    table.for_each([&](const GroupPlace&, const std::string& name) { seen += name.starts_with("group-") ? 1 : 0; });
    EXPECT_EQ(seen, kGroupPlaces);
}

TEST(GroupTable, GRP_L1_WhoKeepsAPlaceThatIsGivenAwayNoticesIt) {
    const TempDir dir;
    const auto file = open_to_write(dir.path());
    GroupTable table{*file};
    const auto place = table.find_or_make("first").value();
    for (std::uint32_t i = 1; i < kGroupPlaces; ++i) ASSERT_TRUE(table.find_or_make("group-" + std::to_string(i)));
    EXPECT_TRUE(place.is_still_it());
    const auto given = table.find_or_make("another").value();
    EXPECT_EQ(given.number(), place.number());
    EXPECT_FALSE(place.is_still_it());
    EXPECT_FALSE(table.find("first"));
    EXPECT_TRUE(table.find("another"));
}

TEST(SharedText, IsCutToItsRoomAndComparedWhole) {
    SharedText<16> text{};
    EXPECT_TRUE(text.empty());
    text.store("0123456789abcdefXYZ");
    EXPECT_EQ(text.load(), "0123456789abcdef");
    EXPECT_TRUE(text.holds("0123456789abcdef"));
    EXPECT_FALSE(text.holds("0123456789abcdefXYZ"));
    EXPECT_FALSE(text.holds("0123456789abcdeX"));
    text.store("ab");
    EXPECT_EQ(text.load(), "ab");
    EXPECT_FALSE(text.holds("a"));
}

}  // namespace
}  // namespace mq::shm
