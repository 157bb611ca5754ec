#include "broker/topic_settings.h"

namespace mq::broker {

std::vector<TopicSetting> settings_of(const store::ConfigMap& defaults, const store::ConfigMap& set) {
    std::vector<TopicSetting> settings;
    settings.reserve(store::config_keys().size());
    for (const store::ConfigKey& key : store::config_keys()) {
        if (const auto own = set.find(key.name); own != set.end())
            settings.push_back({&key, own->second, ConfigSource::topic});
        else if (const auto ours = defaults.find(key.name); ours != defaults.end())
            settings.push_back({&key, ours->second, ConfigSource::static_broker});
        else
            settings.push_back({&key, std::string{key.default_value}, ConfigSource::built_in});
    }
    return settings;
}

}  // namespace mq::broker
