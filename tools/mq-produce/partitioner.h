// Which partition a record goes to where neither input nor options say it.
// Sources: org.apache.kafka.clients.producer.internals.BuiltInPartitioner; librdkafka, rdkafka_msg.c and rdfnv1a.c.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"

namespace mq::produce {

enum class Partitioner : unsigned char {
    murmur2,         // Java's default: keys by murmur2, others batch by batch to one partition after another
    murmur2_random,  // librdkafka: keys by murmur2, others at random
    crc32,           // librdkafka's default (consistent_random): CRC-32 of keys, null and empty ones at random
    fnv1a,           // librdkafka's fnv1a_random and Sarama's: FNV-1a of keys, others at random
    roundrobin,      // record by record, whatever the key
    random,          // record by record at random, whatever the key
    sticky           // batch by batch to one partition after another, whatever the key
};

[[nodiscard]] std::optional<Partitioner> partitioner_from_name(std::string_view name);
[[nodiscard]] std::vector<std::string_view> partitioner_names();

// librdkafka's rd_crc32 and rd_fnv1a: the remainder by the number of partitions is the partition.
[[nodiscard]] std::uint32_t crc32_of_key(ByteView key);
[[nodiscard]] std::uint32_t fnv1a_of_key(ByteView key);

// Not thread-safe.
class Placement {
public:
    // `count` partitions, at least 1. Where it starts is left to chance, so that many short runs spread.
    Placement(Partitioner kind, std::size_t count);

    // Index of the partition. Inlined for the two that need no look at the key.
    [[nodiscard]] std::size_t place(NullableBytes key) {
        if (count_ == 1) return 0;
        if (!is_fixed_ && (kind_ == Partitioner::sticky || (kind_ == Partitioner::murmur2 && !key))) return next_;
        return place_other(key);
    }
    // Whether records with this key all go to one partition until a batch was sent, and place() may be asked once.
    [[nodiscard]] bool is_steady(NullableBytes key) const {
        if (count_ == 1) return true;
        if (is_fixed_) return false;
        return kind_ == Partitioner::sticky || kind_ == Partitioner::murmur2 ||
               (key && !key->empty() && kind_ != Partitioner::roundrobin && kind_ != Partitioner::random);
    }
    // A batch of the partition that place() sticks to was sent.
    void batch_sent(std::size_t index) {
        if (index == next_ && kind_ != Partitioner::roundrobin) next_ = next_ + 1 == count_ ? 0 : next_ + 1;
    }
    // Makes placing a function of the records alone, for runs that must be repeatable: what would stick or be left to
    // chance goes round instead. `placed` records have been placed in earlier runs.
    void fix(std::uint64_t placed);
    // The same number now.
    [[nodiscard]] std::uint64_t placed() const { return placed_; }

private:
    [[nodiscard]] std::size_t place_other(NullableBytes key);
    [[nodiscard]] std::size_t by_chance();

    Partitioner kind_;
    std::size_t count_;
    std::size_t next_ = 0;
    std::minstd_rand chance_;
    bool is_fixed_ = false;
    std::uint64_t placed_ = 0;
};

}  // namespace mq::produce
