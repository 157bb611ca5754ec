// The settings of a topic: Kafka's names, types, defaults and ranges.
// Source: org.apache.kafka.common.config.TopicConfig, org.apache.kafka.storage.internals.log.LogConfig, release 3.9.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "log/log_config.h"
#include "store/config_value.h"

namespace mq::store {

struct ConfigKey {
    std::string_view name;  // "retention.ms"
    ConfigType type = ConfigType::text;
    std::string_view default_value;  // as Kafka prints it
    std::string_view help;           // one sentence
    bool ours = false;               // retention.consumed, write.caching: Kafka does not know them
    bool is_32_bit = false;          // an integer that is Kafka's int, not its long
};
// All of them, by name.
[[nodiscard]] std::span<const ConfigKey> config_keys();
[[nodiscard]] const ConfigKey* find_config(std::string_view name);

// What is said of all topics only, and no topic says of itself: producer.id.expiration.ms and how often that is
// checked.
[[nodiscard]] std::span<const ConfigKey> common_config_keys();
// Of a default of all topics: one of both.
[[nodiscard]] const ConfigKey* find_default(std::string_view name);

// What was set, by name; what is not there has its default.
using ConfigMap = std::map<std::string, std::string, std::less<>>;

// One value held against type and range: the value as it is kept (trimmed, lower case for booleans). Errors:
// bad_argument, naming the key, the value and what is allowed; an unknown key names the nearest known one.
[[nodiscard]] Result<std::string> check_config(std::string_view name, std::string_view value);
// The same of a default of all topics.
[[nodiscard]] Result<std::string> check_default(std::string_view name, std::string_view value);

struct TopicConfig {
    log::LogConfig log;
    record::Codec compression = record::Codec::none;  // compression.type; none also for "uncompressed"
    std::optional<int> compression_level;             // nullopt: the codec's own
    bool compression_by_producer = true;              // compression.type=producer
    bool write_caching = false;                       // write.caching: acks=all is answered before the fsync
    bool retention_consumed = false;  // retention.consumed: what every group has committed past is dropped
    std::int64_t flush_messages = std::numeric_limits<std::int64_t>::max();  // the maximum: not by count
    std::int64_t flush_ms = std::numeric_limits<std::int64_t>::max();        // the maximum: not by time
    std::int32_t min_insync_replicas = 1;
    // How far a producer's timestamps may lie behind and ahead of the clock; the maximum: as far as they like.
    std::int64_t timestamp_before_max_ms = std::numeric_limits<std::int64_t>::max();
    std::int64_t timestamp_after_max_ms = std::numeric_limits<std::int64_t>::max();
};
// Settings that this build does not know are left out: a newer one wrote them. Errors: bad_argument, as check_config
// for the first one that does not hold, or for two that exclude each other.
[[nodiscard]] Result<TopicConfig> to_topic_config(const ConfigMap& set);
// The same of a topic for which `set` was set, in a directory with these defaults.
[[nodiscard]] Result<TopicConfig> to_topic_config(const ConfigMap& set, const ConfigMap& defaults);

}  // namespace mq::store
