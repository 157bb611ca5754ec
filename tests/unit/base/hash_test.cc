#include "base/hash.h"

#include <gtest/gtest.h>

namespace mq {
namespace {

struct Vector {
    const char* key;
    std::int32_t hash;
    std::int32_t of_12;
};

// Kafka's own unit test of its murmur2, with the partitions that follow.
constexpr Vector kVectors[] = {
    {"", 275646681, 9},
    {"21", -973932308, 0},
    {"foobar", -790332482, 6},
    {"a-little-bit-long-string", -985981536, 8},
    {"a-little-bit-longer-string", -1486304829, 11},
    {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971, 5},
    {"abc", 479470107, 3},
};

TEST(Murmur2, MatchesKafkasVectors) {
    for (const auto& v : kVectors) EXPECT_EQ(murmur2(v.key), v.hash) << v.key;
}

TEST(Murmur2, KeyedRecordGoesWhereTheJavaClientSendsIt) {
    for (const auto& v : kVectors) EXPECT_EQ(partition_for_key(v.key, 12), v.of_12) << v.key;
    EXPECT_EQ(partition_for_key("foobar", 50), 16);
    EXPECT_EQ(partition_for_key("abc", 1), 0);
}

}  // namespace
}  // namespace mq
