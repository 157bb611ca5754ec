#include "base/edit_distance.h"

#include <gtest/gtest.h>

namespace mq {
namespace {

// By hand: i insert, d delete, r replace.
TEST(EditDistance, CountsBytesToInsertDeleteOrReplace) {
    EXPECT_EQ(edit_distance("", ""), 0u);
    EXPECT_EQ(edit_distance("", "abc"), 3u);
    EXPECT_EQ(edit_distance("abc", ""), 3u);
    EXPECT_EQ(edit_distance("retention.ms", "retention.ms"), 0u);
    EXPECT_EQ(edit_distance("retenton.ms", "retention.ms"), 1u);  // i
    EXPECT_EQ(edit_distance("lists", "list"), 1u);                // d
    EXPECT_EQ(edit_distance("last", "list"), 1u);                 // r
    EXPECT_EQ(edit_distance("ab", "ba"), 2u);                     // two bytes that changed places: d and i
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);            // r k-s, r e-i, i g
    EXPECT_EQ(edit_distance("flaw", "lawn"), 2u);                 // d f, i n
    EXPECT_EQ(edit_distance("abc", "xyz"), 3u);
}

}  // namespace
}  // namespace mq
