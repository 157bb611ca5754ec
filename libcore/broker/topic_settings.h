// The settings of a topic with where each has its value from, as CreateTopics and DescribeConfigs tell them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/config.h"

namespace mq::broker {

// Source: org.apache.kafka.common.requests.DescribeConfigsResponse.ConfigSource.
enum class ConfigSource : std::int8_t {
    topic = 1,
    dynamic_broker = 2,
    dynamic_default_broker = 3,
    static_broker = 4,  // server.properties
    built_in = 5,
};

struct TopicSetting {
    const store::ConfigKey* key = nullptr;
    std::string value;
    ConfigSource source = ConfigSource::built_in;
};

// All of them, by name. `defaults`: of the directory; `set`: what was set for the topic itself.
[[nodiscard]] std::vector<TopicSetting> settings_of(const store::ConfigMap& defaults, const store::ConfigMap& set);

}  // namespace mq::broker
