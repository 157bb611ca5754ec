// Fifty members come, go and die. Promise P9, rule GRP-L1.

#include <gtest/gtest.h>
#include <csignal>

#include "groups/local_member.h"
#include "storm/shared.h"
#include "storm/storm_client.h"
#include "support/fast_dir.h"

namespace mq::test {
namespace {

struct Note {
    std::atomic<std::uint32_t> never;
    std::array<char, 400> text;
    int fail(const std::string& what) {
        text.fill(0);
        what.copy(text.data(), text.size() - 1);
        return 1;
    }
};

TEST(Churn, P9_GRPL1_FiftyMembersThatComeGoAndDieEndInABalancedAssignment) {
    const FastDir dir;
    StormPlan plan;
    plan.producers = 2;
    plan.consumers = 0;
    plan.members = 50;
    plan.sends_a_turn = 20;
    plan.partitions.clear();
    for (std::int32_t i = 0; i < 60; ++i) plan.partitions.push_back({"churn", i});
    Storm storm{dir.path(), plan};
    std::mt19937_64 random{plan.seed};
    storm.start();
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{test_scale(8, 60)};
    std::uint64_t deaths = 0;
    // For so long, and however slow the machine is.
    while (std::chrono::steady_clock::now() < end || deaths <= 20) {
        storm.turn();
        const auto victim = static_cast<unsigned>(plan.producers + random() % plan.members);
        wait_a_while(storm.child(victim), random() % 60'000);
        storm.replace(victim, SIGKILL);
        ++deaths;
    }
    storm.board().calm.store(1);
    Shared<Note> note;
    EXPECT_EQ(run_in_child(
                  [&] {
                      auto opened = open_data(dir.path());
                      if (!opened) return note->fail(opened.error().message());
                      for (;;) {
                          const auto described = groups::describe(*opened, "group-0");
                          if (!described) return note->fail(described.error().message());
                          std::size_t least = SIZE_MAX;
                          std::size_t most = 0;
                          std::size_t sum = 0;
                          for (const auto& member : described->members) {
                              least = std::min(least, member.owned.size());
                              most = std::max(most, member.owned.size());
                              sum += member.owned.size();
                          }
                          note->fail(std::string{groups::to_string(described->state)} + ", " +
                                     std::to_string(described->members.size()) + " members, " + std::to_string(sum) +
                                     " partitions, from " + std::to_string(least) + " to " + std::to_string(most));
                          if (described->state == groups::GroupState::stable && described->members.size() == 50 &&
                              sum == 60 && least == 1 && most == 2)
                              return 0;
                          futex_wait_change(note->never, 0, 20);
                      }
                  },
                  kHangs),
              exited_with(0))
        << note->text.data();
    EXPECT_EQ(storm.finish(), "");
    EXPECT_GT(storm.verdict().commits, 100u);
}

}  // namespace
}  // namespace mq::test
