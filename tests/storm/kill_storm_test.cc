// RELIABILITY row 1: kill -9 anywhere, many writers, and groups that read what they write. Promises P1 (what was
// acknowledged is there), P2 (each offset once), P3 (no holes), P5 (nobody waits for the dead), P9 (a group skips
// nothing, and repeats only what the dead had not committed).

#include <gtest/gtest.h>
#include <algorithm>
#include <csignal>

#include "storm/storm.h"
#include "support/fast_dir.h"

namespace mq::test {
namespace {

// `kills` random deaths; empty, or what is wrong.
std::string kill_at_random(Storm& storm, unsigned kills, std::mt19937_64& random, std::uint64_t longest_us) {
    storm.start();
    for (unsigned kill = 0; kill < kills; ++kill) {
        storm.turn();
        const auto victim = static_cast<unsigned>(random() % storm.clients());
        wait_a_while(storm.child(victim), random() % longest_us);
        storm.replace(victim, SIGKILL);
        // Somebody else goes on in spite of the death.
        if (kill % 10 == 9) {
            const auto witness = static_cast<unsigned>(random() % storm.plan().producers);
            const auto before = storm.progress(witness);
            storm.turn();
            if (auto bad = storm.await_progress(witness, before); !bad.empty()) return bad;
        }
    }
    return storm.finish();
}

class Row01KillStorm : public testing::Test {
protected:
    void storm(const StormPlan& plan, std::uint64_t kills) {
        std::mt19937_64 random{plan.seed};
        const unsigned round_kills = 100;
        std::uint64_t acknowledged = 0;
        std::uint64_t commits = 0;
        std::vector<std::int64_t> takeovers;
        for (std::uint64_t done = 0; done < kills; done += round_kills) {
            SCOPED_TRACE("round " + std::to_string(done / round_kills) + ", seed " + std::to_string(plan.seed));
            const FastDir dir;
            StormPlan round = plan;
            round.seed = plan.seed + done;
            Storm storm{dir.path(), round};
            ASSERT_EQ(kill_at_random(storm, round_kills, random, 20'000), "");
            acknowledged += storm.verdict().acknowledged;
            commits += storm.verdict().commits;
            takeovers.insert(takeovers.end(), storm.verdict().takeovers_ns.begin(),
                             storm.verdict().takeovers_ns.end());
        }
        EXPECT_GT(acknowledged, kills);
        // For whoever wants to know: no machine is so busy that it fails by this.
        std::sort(takeovers.begin(), takeovers.end());
        if (!takeovers.empty()) {
            RecordProperty("takeovers", static_cast<int>(takeovers.size()));
            RecordProperty("takeover_median_us", static_cast<int>(takeovers[takeovers.size() / 2] / 1000));
            RecordProperty("takeover_99_percent_us", static_cast<int>(takeovers[takeovers.size() * 99 / 100] / 1000));
        }
        EXPECT_GT(commits, plan.members == 0 ? 0 : kills / 10);
    }
};

TEST_F(Row01KillStorm, P1_P3_P4_P5_P9_EightProducersFourConsumersAndAGroupOfOneLogLoseNothingToKills) {
    StormPlan plan;
    plan.members = 3;
    storm(plan, test_scale(700, 70'000));
}

TEST_F(Row01KillStorm, Row33_P1_P3_P4_P9_EightTopicsNeverMixTheirRecordsInTwoGroupsOfThree) {
    StormPlan plan;
    plan.partitions.clear();
    for (int i = 0; i < 8; ++i) plan.partitions.push_back({"topic" + std::to_string(i / 2 * 2), i % 2});
    for (int i = 0; i < 4; ++i) plan.partitions.push_back({"t" + std::to_string(i), 0});
    plan.consumers = 2;
    plan.members = 6;
    plan.groups = 2;
    // What is committed is rolled and compacted all the time.
    plan.offsets_config = {{"cleanup.policy", "compact"},
                           {"segment.bytes", "3000"},
                           {"index.interval.bytes", "200"},
                           {"min.cleanable.dirty.ratio", "0.1"}};
    storm(plan, test_scale(300, 30'000));
}

}  // namespace
}  // namespace mq::test
