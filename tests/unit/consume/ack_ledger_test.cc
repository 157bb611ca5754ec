#include "mq-consume/ack_ledger.h"

#include <gtest/gtest.h>

namespace mq::consume {
namespace {

const log::TopicPartition kId{"t", 0};

Ack ack(std::int64_t offset, const log::TopicPartition& id = kId) { return {id, Offset{offset}, 7}; }

// What may be committed after it; -1: nothing new, -2: refused.
std::int64_t after(AckLedger& ledger, const Ack& of) {
    const auto done = ledger.accept(of);
    if (!done) return -2;
    return *done ? (**done).next.value() : -1;
}

TEST(AckLedger, AnAcknowledgementCountsForEverythingBeforeIt) {
    AckLedger ledger;
    ledger.printed(kId, Offset{10}, Offset{20}, Offset{20}, 0);
    EXPECT_EQ(after(ledger, ack(14)), 15);
    EXPECT_EQ(after(ledger, ack(14)), -1);
    EXPECT_EQ(after(ledger, ack(12)), -1);
    EXPECT_FALSE(ledger.complete());
    EXPECT_EQ(after(ledger, ack(19)), 20);
    EXPECT_TRUE(ledger.complete());
}

TEST(AckLedger, WhatWasNotPrintedCannotBeAcknowledged) {
    AckLedger ledger;
    ledger.printed(kId, Offset{0}, Offset{10}, Offset{10}, 0);
    const auto refused = ledger.accept(ack(10));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::out_of_order);
    EXPECT_NE(refused.error().message().find("line 7: topic 't' partition 0 offset 10"), std::string::npos)
        << refused.error().message();
    EXPECT_EQ(after(ledger, ack(INT64_MAX - 1)), -2);
    ledger.printed(kId, Offset{10}, Offset{11}, Offset{11}, 0);
    EXPECT_EQ(after(ledger, ack(10)), 11);
}

TEST(AckLedger, APartitionThatIsNotReadHereCannotBeAcknowledged) {
    AckLedger ledger;
    ledger.printed(kId, Offset{0}, Offset{10}, Offset{10}, 0);
    EXPECT_EQ(after(ledger, ack(0, {"t", 1})), -2);
    EXPECT_EQ(after(ledger, ack(0, {"u", 0})), -2);
    ledger.forget(kId);
    EXPECT_EQ(after(ledger, ack(0)), -2);
    EXPECT_TRUE(ledger.complete());
}

// Offsets 8 and 9 are markers of transactions: whoever acknowledges 7 has dealt with all there is.
TEST(AckLedger, WhatNobodySeesBehindTheLastRecordIsCommittedWithIt) {
    AckLedger ledger;
    ledger.printed(kId, Offset{0}, Offset{8}, Offset{10}, 0);
    EXPECT_EQ(after(ledger, ack(6)), 7);
    EXPECT_FALSE(ledger.complete());
    EXPECT_EQ(after(ledger, ack(7)), 10);
    EXPECT_TRUE(ledger.complete());
}

TEST(AckLedger, TellsTheEpochOfTheLastRecordBelow) {
    AckLedger ledger;
    ledger.printed(kId, Offset{0}, Offset{5}, Offset{5}, 1);
    ledger.printed(kId, Offset{5}, Offset{8}, Offset{8}, 1);
    ledger.printed(kId, Offset{8}, Offset{10}, Offset{10}, 4);
    EXPECT_EQ((**ledger.accept(ack(6))).leader_epoch, 1);
    EXPECT_EQ((**ledger.accept(ack(7))).leader_epoch, 1);
    EXPECT_EQ((**ledger.accept(ack(8))).leader_epoch, 4);
}

TEST(AckLedger, APartitionOfWhichNothingWasPrintedIsComplete) {
    AckLedger ledger;
    ledger.printed(kId, Offset{5}, Offset{5}, Offset{9}, 0);
    EXPECT_TRUE(ledger.complete());
}

}  // namespace
}  // namespace mq::consume
