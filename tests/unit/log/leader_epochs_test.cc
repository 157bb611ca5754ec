#include "log/leader_epochs.h"

#include <gtest/gtest.h>
#include <random>

#include "support/scale.h"

namespace mq::log {
namespace {

using Entries = std::vector<EpochStart>;

Entries entries(std::initializer_list<std::pair<int, int>> list) {
    Entries result;
    for (const auto& [epoch, start] : list) result.push_back({epoch, Offset{start}});
    return result;
}

// Epochs 2 from 0, 3 from 10, 6 from 40; the log ends at 55.
LeaderEpochs history() { return LeaderEpochs{entries({{2, 0}, {3, 10}, {6, 40}})}; }
constexpr Offset kEnd{55};

TEST(LeaderEpochs, Ole1UndefinedEpochOrNoHistoryHasNoEnd) {
    EXPECT_EQ(history().end_of(-1, kEnd), (EpochEnd{-1, kNoOffset}));
    EXPECT_EQ(LeaderEpochs{}.end_of(0, kEnd), (EpochEnd{-1, kNoOffset}));
    EXPECT_EQ(LeaderEpochs{}.end_of(-1, kEnd), (EpochEnd{-1, kNoOffset}));
}

TEST(LeaderEpochs, Ole2LatestEpochEndsAtTheLogEnd) { EXPECT_EQ(history().end_of(6, kEnd), (EpochEnd{6, kEnd})); }

TEST(LeaderEpochs, Ole3LaterEpochHasNoEnd) {
    EXPECT_EQ(history().end_of(7, kEnd), (EpochEnd{-1, kNoOffset}));
    EXPECT_EQ(history().end_of(2147483647, kEnd), (EpochEnd{-1, kNoOffset}));
}

TEST(LeaderEpochs, Ole4EpochBelowTheFirstEndsWhereTheFirstBegins) {
    const LeaderEpochs trimmed{entries({{5, 11}, {6, 40}})};
    EXPECT_EQ(trimmed.end_of(4, kEnd), (EpochEnd{4, Offset{11}}));
    EXPECT_EQ(trimmed.end_of(0, kEnd), (EpochEnd{0, Offset{11}}));
}

TEST(LeaderEpochs, Ole5OtherwiseTheFloorEpochEndsWhereTheNextBegins) {
    EXPECT_EQ(history().end_of(2, kEnd), (EpochEnd{2, Offset{10}}));
    EXPECT_EQ(history().end_of(3, kEnd), (EpochEnd{3, Offset{40}}));
    EXPECT_EQ(history().end_of(4, kEnd), (EpochEnd{3, Offset{40}}));
    EXPECT_EQ(history().end_of(5, kEnd), (EpochEnd{3, Offset{40}}));
}

TEST(LeaderEpochs, EpochOfAnOffsetIsTheOneThatCoversIt) {
    const LeaderEpochs trimmed{entries({{3, 10}, {6, 40}})};
    EXPECT_EQ(trimmed.epoch_of(Offset{9}), std::nullopt);
    EXPECT_EQ(trimmed.epoch_of(Offset{10}), 3);
    EXPECT_EQ(trimmed.epoch_of(Offset{39}), 3);
    EXPECT_EQ(trimmed.epoch_of(Offset{40}), 6);
    EXPECT_EQ(trimmed.epoch_of(Offset{INT64_MAX}), 6);
    EXPECT_EQ(LeaderEpochs{}.epoch_of(Offset{0}), std::nullopt);
}

TEST(LeaderEpochs, AssignAppendsANewerEpoch) {
    LeaderEpochs epochs;
    EXPECT_EQ(epochs.latest(), std::nullopt);
    EXPECT_TRUE(epochs.assign(0, Offset{0}));
    EXPECT_TRUE(epochs.assign(1, Offset{5}));
    EXPECT_EQ(epochs.entries(), entries({{0, 0}, {1, 5}}));
    EXPECT_EQ(epochs.latest(), 1);
}

TEST(LeaderEpochs, AssignOfTheLatestEpochChangesNothingUnlessItStartsEarlier) {
    LeaderEpochs epochs = history();
    EXPECT_FALSE(epochs.assign(6, Offset{40}));
    EXPECT_FALSE(epochs.assign(6, Offset{50}));
    EXPECT_EQ(epochs.entries(), history().entries());
    EXPECT_TRUE(epochs.assign(6, Offset{35}));
    EXPECT_EQ(epochs.entries(), entries({{2, 0}, {3, 10}, {6, 35}}));
}

TEST(LeaderEpochs, AssignRemovesEntriesThatAreNotBelowItInBoth) {
    struct Row {
        int epoch;
        int start;
        Entries left;
    };
    for (const Row& row : {
             Row{7, 40, entries({{2, 0}, {3, 10}, {7, 40}})},  // the same start
             Row{7, 20, entries({{2, 0}, {3, 10}, {7, 20}})},  // starts before the last
             Row{7, 5, entries({{2, 0}, {7, 5}})},             // before the last two
             Row{7, 0, entries({{7, 0}})},                     // before all
             Row{4, 60, entries({{2, 0}, {3, 10}, {4, 60}})},  // an older epoch
             Row{1, 60, entries({{1, 60}})},                   // older than all
         }) {
        LeaderEpochs epochs = history();
        EXPECT_TRUE(epochs.assign(row.epoch, Offset{row.start}));
        EXPECT_EQ(epochs.entries(), row.left) << row.epoch << " from " << row.start;
    }
}

TEST(LeaderEpochs, BatchWithoutAnEpochIsNoPartOfTheHistory) {
    LeaderEpochs epochs = history();
    EXPECT_FALSE(epochs.assign(-1, Offset{60}));
    EXPECT_EQ(epochs.entries(), history().entries());
}

TEST(LeaderEpochs, TruncationAtTheEndRemovesEpochsThatStartThereOrLater) {
    struct Row {
        int end;
        bool changed;
        Entries left;
    };
    for (const Row& row : {Row{41, false, history().entries()}, Row{40, true, entries({{2, 0}, {3, 10}})},
                           Row{11, true, entries({{2, 0}, {3, 10}})}, Row{10, true, entries({{2, 0}})},
                           Row{1, true, entries({{2, 0}})}, Row{0, true, {}}}) {
        LeaderEpochs epochs = history();
        EXPECT_EQ(epochs.truncate_end(Offset{row.end}), row.changed) << row.end;
        EXPECT_EQ(epochs.entries(), row.left) << row.end;
    }
}

TEST(LeaderEpochs, TruncationAtTheStartKeepsTheCoveringEpoch) {
    struct Row {
        int start;
        bool changed;
        Entries left;
    };
    for (const Row& row : {Row{0, false, history().entries()}, Row{1, true, entries({{2, 1}, {3, 10}, {6, 40}})},
                           Row{9, true, entries({{2, 9}, {3, 10}, {6, 40}})},
                           Row{10, true, entries({{3, 10}, {6, 40}})}, Row{39, true, entries({{3, 39}, {6, 40}})},
                           Row{40, true, entries({{6, 40}})}, Row{1000, true, entries({{6, 1000}})}}) {
        LeaderEpochs epochs = history();
        EXPECT_EQ(epochs.truncate_start(Offset{row.start}), row.changed) << row.start;
        EXPECT_EQ(epochs.entries(), row.left) << row.start;
    }
    LeaderEpochs later{entries({{3, 10}})};
    EXPECT_FALSE(later.truncate_start(Offset{5}));
    EXPECT_EQ(later.entries(), entries({{3, 10}}));
}

TEST(LeaderEpochs, AnyChangesLeaveEpochsAndOffsetsAscending) {
    std::mt19937_64 random{test::test_seed()};
    LeaderEpochs epochs;
    for (std::uint64_t i = 0; i < test::test_scale(20'000, 1'000'000); ++i) {
        const auto before = epochs.entries();
        const Offset offset{static_cast<std::int64_t>(random() % 200)};
        bool changed = false;
        switch (random() % 8) {
            case 0:
                changed = epochs.truncate_end(offset);
                break;
            case 1:
                changed = epochs.truncate_start(offset);
                break;
            default:
                changed = epochs.assign(static_cast<LeaderEpoch>(random() % 50), offset);
        }
        ASSERT_EQ(changed, before != epochs.entries());
        for (std::size_t k = 1; k < epochs.entries().size(); ++k) {
            ASSERT_LT(epochs.entries()[k - 1].epoch, epochs.entries()[k].epoch);
            ASSERT_LT(epochs.entries()[k - 1].start_offset, epochs.entries()[k].start_offset);
        }
    }
}

}  // namespace
}  // namespace mq::log
