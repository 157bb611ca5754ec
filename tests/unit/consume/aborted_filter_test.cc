#include "mq-consume/aborted_filter.h"

#include <gtest/gtest.h>

namespace mq::consume {
namespace {

record::BatchHeader batch(std::int64_t base, std::int64_t last, ProducerId producer, bool control = false) {
    record::BatchHeader header;
    header.base_offset = Offset{base};
    header.last_offset_delta = static_cast<std::int32_t>(last - base);
    header.producer_id = producer;
    if (producer != kNoProducerId) header.attributes |= record::kTransactionalBit;
    if (control) header.attributes |= record::kControlBit;
    return header;
}

TEST(AbortedFilter, DropsAProducersBatchesUpToItsMarkerOnly) {
    AbortedFilter filter{{{7, Offset{10}, Offset{30}, Offset{10}}}};
    EXPECT_FALSE(filter.drops(batch(0, 9, 7)));  // an earlier transaction, which was committed
    EXPECT_TRUE(filter.drops(batch(10, 19, 7)));
    EXPECT_FALSE(filter.drops(batch(20, 24, 8)));  // another producer's
    EXPECT_FALSE(filter.drops(batch(25, 27, kNoProducerId)));
    EXPECT_TRUE(filter.drops(batch(28, 29, 7)));
    EXPECT_FALSE(filter.drops(batch(30, 30, 7, true)));
    EXPECT_FALSE(filter.drops(batch(31, 40, 7)));
}

TEST(AbortedFilter, KnowsTransactionsThatBeganBeforeItsFirstBatch) {
    AbortedFilter filter{{{7, Offset{10}, Offset{30}, Offset{10}}}};
    EXPECT_TRUE(filter.drops(batch(20, 29, 7)));
}

TEST(AbortedFilter, TakesTransactionsInAnyOrder) {
    AbortedFilter filter{{{8, Offset{50}, Offset{60}, Offset{50}}, {7, Offset{10}, Offset{30}, Offset{10}}}};
    EXPECT_TRUE(filter.drops(batch(10, 19, 7)));
    EXPECT_FALSE(filter.drops(batch(30, 30, 7, true)));
    EXPECT_TRUE(filter.drops(batch(50, 55, 8)));
}

}  // namespace
}  // namespace mq::consume
