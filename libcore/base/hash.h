// Hashes that Kafka's placement rules are made of.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace mq {

// Java client's murmur2 (seed 0x9747b28c). Source: semantics of org.apache.kafka.common.utils.Utils.murmur2.
[[nodiscard]] std::int32_t murmur2(ByteView key);

// Partition of a keyed record as the Java client chooses it: (murmur2 & 0x7fffffff) mod partitions.
[[nodiscard]] inline std::int32_t partition_for_key(ByteView key, std::int32_t partitions) {
    return (murmur2(key) & 0x7fffffff) % partitions;
}

// Java's String.hashCode of UTF-8 text: h = 31 * h + unit over its UTF-16 code units, so "my-group" is -1906497762.
// A byte that is not UTF-8 counts as U+FFFD, which is what Java decodes it to.
[[nodiscard]] std::int32_t java_string_hash(std::string_view utf8);

}  // namespace mq
