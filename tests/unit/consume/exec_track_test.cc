#include "mq-consume/exec_track.h"

#include <gtest/gtest.h>

namespace mq::consume {
namespace {

std::int64_t next_of(ExecTrack& track) {
    const auto reached = track.take();
    return reached ? reached->next.value() : -1;
}

TEST(ExecTrack, OnlyWhatIsDoneWithoutAGapMayBeCommitted) {
    ExecTrack track;
    const auto a = track.add(Offset{10}, 0);
    const auto b = track.add(Offset{20}, 0);
    const auto c = track.add(Offset{30}, 0);
    track.finish(c);
    EXPECT_EQ(next_of(track), -1);
    track.finish(a);
    EXPECT_EQ(next_of(track), 10);
    EXPECT_EQ(next_of(track), -1) << "told twice";
    track.finish(b);
    EXPECT_EQ(next_of(track), 30);
    EXPECT_EQ(track.held(), 0u);
}

TEST(ExecTrack, WhatNobodyIsToSeeIsPassedWhenWhatLiesBeforeItIsDone) {
    ExecTrack track;
    track.pass(Offset{5}, 0);
    EXPECT_EQ(next_of(track), 5);
    const auto a = track.add(Offset{7}, 0);
    track.pass(Offset{9}, 0);
    track.pass(Offset{12}, 0);
    const auto b = track.add(Offset{13}, 0);
    EXPECT_EQ(next_of(track), -1);
    track.finish(a);
    EXPECT_EQ(next_of(track), 12);
    track.finish(b);
    EXPECT_EQ(next_of(track), 13);
}

TEST(ExecTrack, TheFirstIsTheOneThatNothingUndoneStandsBefore) {
    ExecTrack track;
    const auto a = track.add(Offset{1}, 0);
    track.pass(Offset{3}, 0);
    const auto b = track.add(Offset{4}, 0);
    EXPECT_TRUE(track.is_first(a));
    EXPECT_FALSE(track.is_first(b));
    track.finish(a);
    EXPECT_TRUE(track.is_first(b));
}

TEST(ExecTrack, TellsTheEpochOfTheLastRecordBelow) {
    ExecTrack track;
    const auto a = track.add(Offset{1}, 3);
    const auto b = track.add(Offset{2}, 4);
    track.finish(a);
    EXPECT_EQ(track.take()->leader_epoch, 3);
    track.finish(b);
    EXPECT_EQ(track.take()->leader_epoch, 4);
}

}  // namespace
}  // namespace mq::consume
