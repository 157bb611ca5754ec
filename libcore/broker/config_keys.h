// The settings of a broker: Kafka's names, types, defaults and ranges, and where each goes.
// Source: kafka.server.KafkaConfig and the ServerConfigs of release 3.9, semantics of org.apache.kafka.common.config.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "broker/config.h"
#include "store/config_value.h"

namespace mq::broker {

struct BrokerKey {
    std::string_view name;  // "log.retention.hours"
    store::ConfigRule rule{};
    std::optional<std::string_view> default_value{};  // as Kafka prints it; nullopt: none
    std::string_view help{};                          // one sentence
    // Sets it in a configuration; nullptr where more than one key is looked at (listeners), or it goes to topics.
    void (*apply)(BrokerConfig&, const store::ConfigValue&) = nullptr;
    // The setting of topics that it is the default of; several may give the same, in units of so many of it, and of
    // those that are given the one of the lowest rank counts.
    std::string_view topic_setting{};
    std::int64_t unit = 1;
    int rank = 0;

    [[nodiscard]] bool is_32_bit() const { return rule.most <= std::numeric_limits<std::int32_t>::max(); }
};

// All that have an effect, by name.
[[nodiscard]] std::span<const BrokerKey> broker_keys();
[[nodiscard]] const BrokerKey* find_broker_key(std::string_view name);
// The keys that give a topic's setting, by rank.
[[nodiscard]] std::vector<const BrokerKey*> keys_of_topic_setting(std::string_view setting);

// What becomes of a key of Kafka's that has no effect here.
struct IdleKey {
    // What there is not: "ZooKeeper". Empty: it tunes what is not there, or tunes itself.
    std::string_view missing;
};
[[nodiscard]] std::optional<IdleKey> find_idle_key(std::string_view name);

// The known key that is most like it; empty if none is near.
[[nodiscard]] std::string_view nearest_broker_key(std::string_view name);

}  // namespace mq::broker
