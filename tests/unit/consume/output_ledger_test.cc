#include "mq-consume/output_ledger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

namespace mq::consume {
namespace {

using Told = std::map<OutputLedger::Source, Progress>;

Told settle(OutputLedger& ledger, std::uint64_t taken_bytes) {
    Told told;
    ledger.settle(taken_bytes,
                  [&](OutputLedger::Source source, const Progress& progress) { told[source] = progress; });
    return told;
}

TEST(OutputLedger, ARecordCountsOnceItsLastByteIsTaken) {
    OutputLedger ledger;
    ledger.begin(0, 3);
    ledger.add(10, Offset{5});
    ledger.add(20, Offset{6});
    EXPECT_EQ(settle(ledger, 9), Told{});
    EXPECT_EQ(settle(ledger, 10), (Told{{0, {Offset{5}, 3}}}));
    EXPECT_EQ(settle(ledger, 19), Told{});
    EXPECT_TRUE(ledger.has(0));
    EXPECT_EQ(settle(ledger, 20), (Told{{0, {Offset{6}, 3}}}));
    EXPECT_TRUE(ledger.empty());
    EXPECT_FALSE(ledger.has(0));
}

TEST(OutputLedger, WhatWasLeftOutCountsWithTheRecordBeforeIt) {
    OutputLedger ledger;
    ledger.begin(0, 0);
    ledger.add(10, Offset{1});
    ledger.add(10, Offset{100});  // a filter dropped 1 to 99
    EXPECT_EQ(settle(ledger, 10), (Told{{0, {Offset{100}, 0}}}));
}

TEST(OutputLedger, EachSourceHearsOfItsOwnAndOfTheEpochOfItsLastRecord) {
    OutputLedger ledger;
    ledger.begin(0, 0);
    ledger.add(10, Offset{1});
    ledger.begin(1, 0);
    ledger.add(20, Offset{7});
    ledger.begin(0, 4);
    ledger.add(30, Offset{2});
    ledger.add(40, Offset{3});
    EXPECT_EQ(settle(ledger, 35), (Told{{0, {Offset{2}, 4}}, {1, {Offset{7}, 0}}}));
    EXPECT_FALSE(ledger.has(1));
    EXPECT_TRUE(ledger.has(0));
    ledger.begin(1, 1);
    ledger.add(50, Offset{8});
    EXPECT_EQ(settle(ledger, 49), (Told{{0, {Offset{3}, 4}}}));
    EXPECT_EQ(settle(ledger, 50), (Told{{1, {Offset{8}, 1}}}));
}

// Against the plain statement: of every source the last mark at or below.
TEST(OutputLedger, SettlesAnyMarksInAnySteps) {
    std::uint32_t state = 1;
    const auto random = [&](std::uint32_t below) {
        state = state * 1664525 + 1013904223;
        return (state >> 8) % below;
    };
    struct Mark {
        std::uint64_t end;
        OutputLedger::Source source;
        Progress progress;
    };
    for (int round = 0; round < 200; ++round) {
        OutputLedger ledger;
        std::vector<Mark> marks;
        Told expected;
        Told told;
        std::uint64_t end = 0;
        std::uint64_t taken = 0;
        std::int64_t next[3] = {};
        for (int step = 0; step < 300; ++step) {
            if (random(3) != 0) {
                const OutputLedger::Source source = random(3);
                const auto epoch = static_cast<LeaderEpoch>(random(2));
                ledger.begin(source, epoch);
                for (std::uint32_t n = random(4); n > 0; --n) {
                    end += random(20);
                    next[source] += 1 + random(3);
                    ledger.add(end, Offset{next[source]});
                    marks.push_back({end, source, {Offset{next[source]}, epoch}});
                }
                continue;
            }
            taken += random(static_cast<std::uint32_t>(end - taken) + 1);
            ledger.settle(taken, [&](OutputLedger::Source source, const Progress& progress) {
                EXPECT_GT(progress.next, told[source].next);
                told[source] = progress;
            });
            for (const Mark& mark : marks) {
                if (mark.end <= taken) expected[mark.source] = mark.progress;
            }
            for (const auto& [source, progress] : expected) ASSERT_EQ(told[source], progress) << round;
            for (OutputLedger::Source source = 0; source < 3; ++source) {
                const bool open = std::ranges::any_of(
                    marks, [&](const Mark& mark) { return mark.source == source && mark.end > taken; });
                ASSERT_EQ(ledger.has(source), open);
            }
        }
    }
}

}  // namespace
}  // namespace mq::consume
