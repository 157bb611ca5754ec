#include "log/producer_state.h"

#include <gtest/gtest.h>

namespace mq::log {
namespace {

using record::BatchHeader;

constexpr std::int32_t kMax = 2147483647;
constexpr ProducerId kId = 7;

struct Batch {
    std::int32_t sequence = 0;
    std::int32_t count = 1;
    std::int64_t offset = 0;
    ProducerEpoch epoch = 0;
    bool transactional = false;
    ProducerId id = kId;
    TimestampMs timestamp = 1000;
};

BatchHeader header(const Batch& batch) {
    BatchHeader h;
    h.base_offset = Offset{batch.offset};
    h.producer_id = batch.id;
    h.producer_epoch = batch.epoch;
    h.base_sequence = batch.sequence;
    h.last_offset_delta = batch.count - 1;
    h.record_count = batch.count;
    h.base_timestamp = h.max_timestamp = batch.timestamp;
    if (batch.transactional) h.attributes |= record::kTransactionalBit;
    return h;
}

BatchHeader marker(std::int64_t offset, ProducerEpoch epoch = 0, ProducerId id = kId, TimestampMs timestamp = 2000) {
    BatchHeader h = header({-1, 1, offset, epoch, true, id, timestamp});
    h.attributes |= record::kControlBit;
    return h;
}

// What a client's append does: check, then update. "" if it was taken in, "duplicate of N", or the error.
std::string append(ProducerState& state, const Batch& batch, AppendOrigin origin = AppendOrigin::client) {
    const auto checked = state.check(header(batch), origin);
    if (!checked) return checked.error().message();
    if (*checked) return "duplicate of " + std::to_string((*checked)->first_offset().value());
    state.update(header(batch));
    return {};
}

Errc refusal(const ProducerState& state, const Batch& batch, AppendOrigin origin = AppendOrigin::client) {
    const auto checked = state.check(header(batch), origin);
    EXPECT_FALSE(checked.has_value());
    return checked ? Errc::io : checked.error().code;
}

// Table IDM-7: what may follow a batch of `count` from `sequence`.
TEST(ProducerState, NextSequenceIsTheLastPlusOneAndWrapsAfterTheLargest) {
    struct Row {
        Batch first;
        std::int32_t next;
        bool taken;
    };
    for (const Row& row : {
             Row{{.sequence = 0, .count = 5}, 5, true},
             Row{{.sequence = 0, .count = 5}, 4, false},
             Row{{.sequence = 0, .count = 5}, 6, false},
             Row{{.sequence = 0, .count = 5}, 0, false},
             Row{{.sequence = kMax, .count = 1}, 0, true},
             Row{{.sequence = kMax, .count = 1}, 1, false},
             Row{{.sequence = kMax, .count = 2}, 1, true},
             Row{{.sequence = kMax, .count = 2}, 0, false},
             Row{{.sequence = kMax - 1, .count = 5}, 3, true},
             Row{{.sequence = kMax - 1, .count = 1}, kMax, true},
         }) {
        ProducerState state;
        ASSERT_EQ(append(state, row.first), "");
        EXPECT_EQ(append(state, {.sequence = row.next, .offset = 100}).empty(), row.taken)
            << row.first.sequence << " x " << row.first.count << ", then " << row.next;
    }
}

TEST(ProducerState, UnknownProducerMayBeginAtAnySequence) {
    for (const std::int32_t sequence : {0, 1, 41, kMax}) {
        ProducerState state;
        EXPECT_EQ(append(state, {.sequence = sequence}), "");
    }
}

TEST(ProducerState, TheFiveLastBatchesAreRememberedTheSixthIsNot) {
    ProducerState state;
    for (int i = 0; i < 6; ++i) ASSERT_EQ(append(state, {.sequence = 10 * i, .count = 10, .offset = 100 * i}), "");
    for (int i = 1; i < 6; ++i) {
        EXPECT_EQ(append(state, {.sequence = 10 * i, .count = 10}), "duplicate of " + std::to_string(100 * i));
    }
    EXPECT_EQ(refusal(state, {.sequence = 0, .count = 10}), Errc::out_of_order);
    EXPECT_EQ(state.find(kId)->batches.size(), ProducerEntry::kCachedBatches);
}

TEST(ProducerState, DuplicateNeedsFirstAndLastSequenceAndTheEpoch) {
    ProducerState state;
    ASSERT_EQ(append(state, {.sequence = 0, .count = 10, .epoch = 3}), "");
    EXPECT_EQ(refusal(state, {.sequence = 0, .count = 9, .epoch = 3}), Errc::out_of_order);
    EXPECT_EQ(refusal(state, {.sequence = 1, .count = 9, .epoch = 3}), Errc::out_of_order);
    EXPECT_EQ(append(state, {.sequence = 0, .count = 10, .epoch = 3}), "duplicate of 0");
    EXPECT_EQ(append(state, {.sequence = 0, .count = 10, .offset = 50, .epoch = 4}), "");
}

TEST(ProducerState, DuplicateIsFoundAcrossTheWrap) {
    ProducerState state;
    ASSERT_EQ(append(state, {.sequence = kMax - 2, .count = 10, .offset = 30}), "");
    EXPECT_EQ(state.find(kId)->last_sequence(), 6);
    EXPECT_EQ(state.find(kId)->batches.back().first_sequence(), kMax - 2);
    EXPECT_EQ(append(state, {.sequence = kMax - 2, .count = 10}), "duplicate of 30");
}

TEST(ProducerState, OlderEpochIsFencedAlsoForTheCoordinator) {
    ProducerState state;
    ASSERT_EQ(append(state, {.epoch = 2}), "");
    EXPECT_EQ(refusal(state, {.sequence = 1, .epoch = 1}), Errc::fenced);
    EXPECT_EQ(refusal(state, {.sequence = 1, .epoch = 1}, AppendOrigin::coordinator), Errc::fenced);
    EXPECT_EQ(state.check(marker(9, 1), AppendOrigin::coordinator).error().code, Errc::fenced);
    EXPECT_EQ(append(state, {.sequence = 1, .epoch = 1}, AppendOrigin::replay), "");
}

TEST(ProducerState, NewEpochBeginsAtZeroAndForgetsTheOldBatches) {
    ProducerState state;
    ASSERT_EQ(append(state, {.sequence = 0, .count = 5}), "");
    EXPECT_EQ(refusal(state, {.sequence = 5, .epoch = 1}), Errc::out_of_order);
    ASSERT_EQ(append(state, {.sequence = 0, .count = 2, .offset = 5, .epoch = 1}), "");
    EXPECT_EQ(state.find(kId)->batches.size(), 1u);
    EXPECT_EQ(state.find(kId)->producer_epoch, 1);
}

TEST(ProducerState, CoordinatorWritesHaveNoSequenceAndAreNeverDuplicates) {
    ProducerState state;
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(append(state, {.sequence = -1, .offset = i, .transactional = true}, AppendOrigin::coordinator), "");
    EXPECT_EQ(state.find(kId)->last_sequence(), -1);
    EXPECT_EQ(state.find(kId)->batches.back().first_sequence(), -1);
}

TEST(ProducerState, ClientDataWithoutASequenceIsRefused) {
    ProducerState state;
    EXPECT_EQ(refusal(state, {.sequence = -1}), Errc::out_of_order);
    ASSERT_EQ(append(state, {.sequence = -1}, AppendOrigin::coordinator), "");
    EXPECT_EQ(refusal(state, {.sequence = -1}), Errc::out_of_order);
}

TEST(ProducerState, SequenceGoesOnAfterAMarker) {
    ProducerState state;
    ASSERT_EQ(append(state, {.sequence = 0, .count = 5, .transactional = true}), "");
    ASSERT_TRUE(state.complete(marker(5), false, 1).has_value());
    EXPECT_EQ(append(state, {.sequence = 0, .count = 5}), "duplicate of 0");
    EXPECT_EQ(append(state, {.sequence = 5, .offset = 6}), "");
}

TEST(ProducerState, MarkerWithANewEpochForgetsTheBatches) {
    ProducerState state;
    ASSERT_EQ(append(state, {.sequence = 0, .count = 5, .transactional = true}), "");
    const auto txn = state.complete(marker(5, 1), true, 1);
    ASSERT_TRUE(txn.has_value());
    EXPECT_TRUE(state.find(kId)->is_empty());
    EXPECT_EQ(state.find(kId)->producer_epoch, 1);
    EXPECT_EQ(refusal(state, {.sequence = 5, .epoch = 1}), Errc::out_of_order);
    EXPECT_EQ(append(state, {.sequence = 0, .offset = 6, .epoch = 1}), "");
}

TEST(ProducerState, TransactionRunsFromItsFirstBatchToItsMarker) {
    ProducerState state;
    EXPECT_EQ(state.first_unstable_offset(), std::nullopt);
    ASSERT_EQ(append(state, {.sequence = 0, .count = 5, .offset = 10, .transactional = true}), "");
    ASSERT_EQ(append(state, {.sequence = 5, .count = 5, .offset = 15, .transactional = true}), "");
    EXPECT_EQ(state.first_unstable_offset(), Offset{10});
    const auto txn = state.complete(marker(20), true, 4);
    ASSERT_TRUE(txn.has_value());
    EXPECT_EQ(txn->producer_id, kId);
    EXPECT_EQ(txn->first_offset, Offset{10});
    EXPECT_EQ(txn->last_offset, Offset{20});
    EXPECT_TRUE(txn->aborted);
    EXPECT_EQ(state.first_unstable_offset(), std::nullopt);
    EXPECT_EQ(state.find(kId)->coordinator_epoch, 4);
    EXPECT_EQ(state.find(kId)->last_timestamp, 2000);
    EXPECT_EQ(state.find(kId)->last_data_offset(), Offset{19});
}

TEST(ProducerState, OldestOpenTransactionBoundsTheStablePart) {
    ProducerState state;
    ASSERT_EQ(append(state, {.offset = 10, .transactional = true, .id = 3}), "");
    ASSERT_EQ(append(state, {.offset = 11, .transactional = true, .id = 1}), "");
    ASSERT_EQ(append(state, {.offset = 12, .transactional = true, .id = 2}), "");
    EXPECT_EQ(state.first_unstable_offset(), Offset{10});
    EXPECT_EQ(state.first_unstable_offset_without(3), Offset{11});
    EXPECT_EQ(state.first_unstable_offset_without(1), Offset{10});
    ASSERT_TRUE(state.complete(marker(13, 0, 3), false, 0).has_value());
    EXPECT_EQ(state.first_unstable_offset(), Offset{11});
    ASSERT_TRUE(state.complete(marker(14, 0, 1), false, 0).has_value());
    EXPECT_EQ(state.first_unstable_offset_without(2), std::nullopt);
    EXPECT_EQ(state.first_unstable_offset(), Offset{12});
}

TEST(ProducerState, MarkerOfAnEmptyTransactionEndsNone) {
    ProducerState state;
    EXPECT_FALSE(state.complete(marker(0, 2), true, 5).has_value());
    ASSERT_NE(state.find(kId), nullptr);
    EXPECT_EQ(state.find(kId)->producer_epoch, 2);
    EXPECT_EQ(state.find(kId)->coordinator_epoch, 5);
    EXPECT_TRUE(state.find(kId)->is_empty());
}

TEST(ProducerState, PlainBatchInsideAnOpenTransactionIsRefused) {
    ProducerState state;
    ASSERT_EQ(append(state, {.sequence = 0, .transactional = true}), "");
    EXPECT_EQ(refusal(state, {.sequence = 1}), Errc::bad_argument);
    EXPECT_TRUE(state.check(marker(1), AppendOrigin::coordinator).has_value());
    EXPECT_EQ(append(state, {.sequence = 1, .offset = 1, .transactional = true}), "");
}

TEST(ProducerState, ErrorsNameProducerEpochExpectedAndFoundSequence) {
    ProducerState state;
    ASSERT_EQ(append(state, {.sequence = 0, .count = 5, .epoch = 3}), "");
    EXPECT_NE(append(state, {.sequence = 9, .epoch = 3})
                  .find("producer 7 epoch 3: first sequence 9, expected 5 after last sequence 4"),
              std::string::npos);
    EXPECT_NE(append(state, {.sequence = 9, .epoch = 4})
                  .find("producer 7 epoch 4: first sequence 9, expected 0 in a new epoch after epoch 3"),
              std::string::npos);
    EXPECT_NE(append(state, {.sequence = 5, .epoch = 2}).find("producer 7 epoch 2: fenced by epoch 3"),
              std::string::npos);
}

TEST(ProducerState, IdleProducersExpireButNotThoseInATransaction) {
    ProducerState state;
    state.update(header({.id = 1, .timestamp = 1000}));
    state.update(header({.id = 2, .timestamp = 1001}));
    state.update(header({.transactional = true, .id = 3, .timestamp = 0}));
    state.update(header({.id = 4, .timestamp = INT64_MIN}));
    state.update(header({.id = 5, .timestamp = INT64_MAX}));
    state.expire(1100, 100);
    EXPECT_EQ(state.find(1), nullptr);
    EXPECT_NE(state.find(2), nullptr);
    EXPECT_NE(state.find(3), nullptr);
    EXPECT_EQ(state.find(4), nullptr);
    EXPECT_NE(state.find(5), nullptr);
}

TEST(ProducerState, RestoreUndoesAnAppend) {
    ProducerState state;
    ASSERT_EQ(append(state, {.sequence = 0, .count = 5}), "");
    const ProducerState before = state;

    const ProducerEntry entry = *state.find(kId);
    ASSERT_EQ(append(state, {.sequence = 5, .offset = 5, .transactional = true}), "");
    EXPECT_NE(state, before);
    state.restore(kId, entry);
    EXPECT_EQ(state, before);

    ASSERT_EQ(append(state, {.offset = 5, .transactional = true, .id = 8}), "");
    EXPECT_EQ(state.first_unstable_offset(), Offset{5});
    state.restore(8, std::nullopt);
    EXPECT_EQ(state, before);
    EXPECT_EQ(state.first_unstable_offset(), std::nullopt);
}

TEST(ProducerState, InsertReplacesAnEntryWithItsTransaction) {
    ProducerState state;
    ASSERT_EQ(append(state, {.offset = 3, .transactional = true}), "");
    ProducerEntry entry;
    entry.producer_id = kId;
    entry.current_txn_first_offset = Offset{9};
    state.insert(entry);
    EXPECT_EQ(state.first_unstable_offset(), Offset{9});
    state.clear();
    EXPECT_EQ(state.first_unstable_offset(), std::nullopt);
    EXPECT_EQ(state, ProducerState{});
}

}  // namespace
}  // namespace mq::log
