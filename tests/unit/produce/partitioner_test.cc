#include "mq-produce/partitioner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace mq::produce {
namespace {

TEST(Partitioner, Fnv1aIsThatOfLibrdkafkaAndSarama) {
    // librdkafka's own test, of values that Go's hash/fnv gave.
    const std::map<std::string_view, std::uint32_t> expected{
        {"kafka", 0x0d33c4e1}, {"giberish123456789", 0x77a58295},
        {"1234", 0x023bdd03},  {"234", 0x2dea3cd2},
        {"34", 0x740fa83e},    {"4", 0x310ca263},
        {"", 0x7ee3623b},      {"PreAmbleWillBeRemoved,ThePrePartThatIs", 0x65cbd69c}};
    for (const auto& [key, hash] : expected) EXPECT_EQ(fnv1a_of_key(key), hash) << key;
}

TEST(Partitioner, Crc32IsZlibs) {
    EXPECT_EQ(crc32_of_key("123456789"), 0xcbf43926u);  // the check value of CRC-32/ISO-HDLC
    EXPECT_EQ(crc32_of_key(""), 0u);
    EXPECT_EQ(crc32_of_key("a"), 0xe8b7be43u);  // RFC 1952's algorithm, of the letter a
}

TEST(Partitioner, KeysGoByTheirHash) {
    // murmur2("21") = -973932308, Kafka's UtilsTest.
    EXPECT_EQ((Placement{Partitioner::murmur2, 7}.place("21")), (-973932308 & 0x7fffffff) % 7u);
    EXPECT_EQ((Placement{Partitioner::murmur2_random, 7}.place("21")), (-973932308 & 0x7fffffff) % 7u);
    EXPECT_EQ((Placement{Partitioner::fnv1a, 7}.place("kafka")), 0x0d33c4e1 % 7u);
    EXPECT_EQ((Placement{Partitioner::crc32, 7}.place("123456789")), 0xcbf43926u % 7u);
    // An empty key is a key, but to librdkafka's default.
    EXPECT_EQ((Placement{Partitioner::murmur2, 7}.place("")), static_cast<std::size_t>(partition_for_key("", 7)));
}

// How many of 1,000 records without a key went to each of four partitions.
std::vector<int> spread(Partitioner kind, NullableBytes key, bool send_each) {
    Placement placement{kind, 4};
    std::vector<int> counts(4);
    for (int i = 0; i < 1000; ++i) {
        const std::size_t index = placement.place(key);
        ++counts.at(index);
        if (send_each) placement.batch_sent(index);
    }
    return counts;
}

TEST(Partitioner, RecordsWithoutAKeyStickToABatchOrSpread) {
    for (const Partitioner kind : {Partitioner::murmur2, Partitioner::sticky}) {
        const auto stuck = spread(kind, std::nullopt, false);
        EXPECT_EQ(std::ranges::count(stuck, 1000), 1);
        EXPECT_EQ(spread(kind, std::nullopt, true), (std::vector<int>{250, 250, 250, 250}));
    }
    EXPECT_EQ(spread(Partitioner::roundrobin, "key", false), (std::vector<int>{250, 250, 250, 250}));
    for (const auto& [kind, key] :
         std::initializer_list<std::pair<Partitioner, NullableBytes>>{{Partitioner::random, "key"},
                                                                      {Partitioner::murmur2_random, std::nullopt},
                                                                      {Partitioner::fnv1a, std::nullopt},
                                                                      {Partitioner::crc32, ""},
                                                                      {Partitioner::crc32, std::nullopt}}) {
        for (const int count : spread(kind, key, false)) EXPECT_GT(count, 100);
    }
}

TEST(Partitioner, FixedPlacementIsAFunctionOfTheRecords) {
    for (const auto name : partitioner_names()) {
        const Partitioner kind = *partitioner_from_name(name);
        Placement whole{kind, 5};
        whole.fix(0);
        std::vector<std::size_t> first;
        const auto key_of = [](std::uint64_t n) {
            return n % 3 == 0 ? NullableBytes{} : NullableBytes{n % 2 == 0 ? "a" : "b"};
        };
        for (std::uint64_t n = 0; n < 100; ++n) {
            first.push_back(whole.place(key_of(n)));
            whole.batch_sent(first.back());
        }
        // Stopped after 40, and gone on with.
        Placement rest{kind, 5};
        rest.fix(40);
        for (std::uint64_t n = 40; n < 100; ++n) EXPECT_EQ(rest.place(key_of(n)), first[n]) << name << ' ' << n;
        EXPECT_EQ(rest.placed(), whole.placed()) << name;
    }
}

}  // namespace
}  // namespace mq::produce
