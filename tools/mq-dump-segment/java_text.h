// What Java's libraries make of bytes, names and hash tables: the parts of Kafka's text that come from there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace mq::dump {

// new String(bytes, UTF_8) written out as UTF-8 again: each malformed part becomes U+FFFD as Java's decoder cuts it.
void append_java_utf8(std::string& out, ByteView bytes);

// String.hashCode: over UTF-16 units.
[[nodiscard]] std::int32_t java_string_hash(ByteView utf8);

// TopicPartition.hashCode.
[[nodiscard]] std::int32_t java_topic_partition_hash(ByteView topic, std::int32_t partition);

// Which of Scala's collections: Kafka 2.4 was built with 2.12, 3.9 with 2.13.
enum class ScalaVersion : unsigned char { v2_12, v2_13 };

// The order in which a mutable.HashMap (2.13: a HashSet too) yields keys of these hashes, inserted in the order
// given: indexes into `hashes`.
[[nodiscard]] std::vector<std::size_t> scala_map_order(const std::vector<std::int32_t>& hashes, ScalaVersion version);
// The same of a mutable.HashSet.
[[nodiscard]] std::vector<std::size_t> scala_set_order(const std::vector<std::int32_t>& hashes, ScalaVersion version);

// A string as Jackson writes it, quotes included. `text` must be valid UTF-8.
void append_json_string(std::string& out, ByteView text);

// BigInteger of the bytes in upper case hexadecimal: no leading zeros; empty bytes give nothing.
[[nodiscard]] std::string java_hex(ByteView bytes);

}  // namespace mq::dump
