// Kafka's server.properties: read into a BrokerConfig, and written as it is in effect.
// Source of names, types, defaults and ranges: kafka.server.KafkaConfig and the ServerConfigs of release 3.9.
//
// A listener is NAME://HOST:PORT (no host: every interface; an IPv6 address in brackets), or NAME://unix:/PATH for a
// Unix socket. Keys that Kafka does not have: mq.log.level, mq.metrics.listener, and mq's own settings of topics
// (write.caching, retention.consumed), which are defaults of all topics here.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "broker/config.h"

namespace mq::broker {

struct ReadConfig {
    BrokerConfig config;
    // A line each without a full stop: keys that nobody knows, Kafka's that cannot have an effect, what is other than
    // it looks ("server.properties: line 3: ...").
    std::vector<std::string> warnings;
    // Kafka's keys that tune what is not there, or tunes itself.
    std::vector<std::string> without_effect;
};

using Override = std::pair<std::string, std::string>;

// `file` is for messages. Of a key given twice the last counts, of a key and an override the last override.
// Errors: bad_configuration; the file, the line, the key, the value and what is allowed are in the message.
[[nodiscard]] Result<ReadConfig> read_config(std::string_view file, ByteView text,
                                             std::span<const Override> overrides = {});

// Every key that has an effect, by name, a line each: "num.partitions=3" if it was set, "# num.partitions=1" if that
// is Kafka's default, "# broker.rack=" if there is none. Reading it gives the same configuration.
[[nodiscard]] std::string print_config(const BrokerConfig& config);

}  // namespace mq::broker
