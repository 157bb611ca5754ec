// Settings of topics and of the broker, with where each has its value from. Semantics section 13.
#include <algorithm>
#include <thread>

#include "broker/config_changes.h"
#include "broker/config_keys.h"
#include "broker/handlers.h"
#include "broker/listeners.h"
#include "broker/topic_settings.h"
#include "wire/messages/configs.h"

namespace mq::broker {
namespace {

using wire::DescribeConfigsRequest;
using wire::DescribeConfigsResponse;
using wire::ErrorCode;
using Config = DescribeConfigsResponse::Config;
using Synonym = DescribeConfigsResponse::Synonym;

// Source: org.apache.kafka.common.requests.DescribeConfigsResponse.ConfigType.
enum class WireType : std::int8_t { boolean = 1, text = 2, int32 = 3, int64 = 5, number = 6, list = 7 };

WireType type_of(store::ConfigType type, bool is_32_bit) {
    switch (type) {
        case store::ConfigType::integer:
            return is_32_bit ? WireType::int32 : WireType::int64;
        case store::ConfigType::number:
            return WireType::number;
        case store::ConfigType::boolean:
            return WireType::boolean;
        case store::ConfigType::list:
            return WireType::list;
        case store::ConfigType::text:
            break;
    }
    return WireType::text;
}

bool is_wanted(const DescribeConfigsRequest::Resource& resource, std::string_view name) {
    const auto& keys = resource.configuration_keys;
    return !keys || keys->empty() || std::ranges::find(*keys, name) != keys->end();
}

Synonym synonym(std::string_view name, std::string_view value, ConfigSource source) {
    return {std::string{name}, std::string{value}, static_cast<std::int8_t>(source)};
}

// The topic's own value, that of the broker's keys, Kafka's defaults of them.
std::vector<Synonym> synonyms_of(const TopicPicture& picture, const TopicInfo& topic, const store::ConfigKey& key) {
    std::vector<Synonym> all;
    if (const auto own = topic.set.find(key.name); own != topic.set.end())
        all.push_back(synonym(key.name, own->second, ConfigSource::topic));
    const auto keys = keys_of_topic_setting(key.name);
    const auto preset = picture.defaults().find(key.name);
    if (!keys.empty() && preset != picture.defaults().end())
        all.push_back(synonym(keys[0]->name, preset->second, ConfigSource::static_broker));
    for (const BrokerKey* broker_key : keys) {
        if (broker_key->default_value)
            all.push_back(synonym(broker_key->name, *broker_key->default_value, ConfigSource::built_in));
    }
    return all;
}

void describe_topic(const TopicPicture& picture, const TopicInfo& topic, const DescribeConfigsRequest& request,
                    const DescribeConfigsRequest::Resource& resource, std::vector<Config>& out) {
    for (TopicSetting& setting : settings_of(picture.defaults(), topic.set)) {
        const store::ConfigKey& key = *setting.key;
        if (!is_wanted(resource, key.name)) continue;
        Config& config = out.emplace_back();
        config.name = key.name;
        config.value = std::move(setting.value);
        config.config_source = static_cast<std::int8_t>(setting.source);
        config.config_type = static_cast<std::int8_t>(type_of(key.type, key.is_32_bit));
        if (request.include_synonyms) config.synonyms = synonyms_of(picture, topic, key);
        if (request.include_documentation) config.documentation = key.help;
    }
}

// As Metadata would tell it to this client, whose own listener may have been given its port at the start only.
std::string advertised(const BrokerConfig& config, const Endpoint& of_client) {
    std::string all;
    for (const ListenerConfig& listener : config.listeners) {
        const bool is_its = listener.name == of_client.listener;
        if (!is_its && !listener.path.empty()) continue;
        const std::string host = is_its ? of_client.host : host_for_clients(listener);
        const std::int32_t port = is_its ? of_client.port : listener.port;
        const bool is_v6 = host.find(':') != std::string::npos;
        all += (all.empty() ? "" : ",") + listener.name + "://" + (is_v6 ? "[" + host + "]" : host) + ":" +
               std::to_string(port);
    }
    return all;
}

std::optional<std::string> set_value(const SetKeys& keys, std::string_view name) {
    auto set = keys.find(name);
    // Each of the two is the other's as well: KafkaConfig.populateSynonyms.
    if (set == keys.end() && name == "broker.id") set = keys.find("node.id");
    if (set == keys.end() && name == "node.id") set = keys.find("broker.id");
    if (set == keys.end()) return std::nullopt;
    return set->second;
}

// Of keys whose value the broker finds where it was not told.
std::optional<std::string> found_value(const Broker& broker, const Client& client, std::string_view name) {
    const BrokerConfig& config = broker.config();
    if (name == "broker.id" || name == "node.id") return std::to_string(broker.id());
    if (name == "log.dirs") return config.log_dir;
    if (name == "advertised.listeners") return advertised(config, *client.endpoint);
    if (name == "num.network.threads") return std::to_string(std::max(1u, std::thread::hardware_concurrency()));
    return std::nullopt;
}

// Nothing of it can be changed by a request.
void describe_broker(const Broker& broker, const Client& client, const DescribeConfigsRequest& request,
                     const DescribeConfigsRequest::Resource& resource, std::vector<Config>& out) {
    const auto keys = broker.set_keys();
    for (const BrokerKey& key : broker_keys()) {
        if (!is_wanted(resource, key.name)) continue;
        const auto set = set_value(*keys, key.name);
        const bool is_told = set && !set->empty() && *set != "-1";
        auto value = is_told ? set : found_value(broker, client, key.name);
        if (!value) value = set;
        if (!value && key.default_value) value = *key.default_value;
        Config& config = out.emplace_back();
        config.name = key.name;
        config.read_only = true;
        config.config_source = static_cast<std::int8_t>(set ? ConfigSource::static_broker : ConfigSource::built_in);
        config.config_type = static_cast<std::int8_t>(type_of(key.rule.type, key.is_32_bit()));
        if (request.include_synonyms) {
            if (set) config.synonyms.push_back(synonym(key.name, *set, ConfigSource::static_broker));
            if (key.default_value)
                config.synonyms.push_back(synonym(key.name, *key.default_value, ConfigSource::built_in));
        }
        config.value = std::move(value);
        if (request.include_documentation) config.documentation = key.help;
    }
}

std::optional<Refusal> describe(Broker& broker, const Client& client, const DescribeConfigsRequest& request,
                                const DescribeConfigsRequest::Resource& resource, std::vector<Config>& out) {
    switch (static_cast<ResourceType>(resource.resource_type)) {
        case ResourceType::topic: {
            const FoundTopic found = find_topic(broker, resource.resource_name);
            if (found.refusal) return found.refusal;
            describe_topic(*found.picture, *found.topic, request, resource, out);
            return std::nullopt;
        }
        case ResourceType::broker:
            // No name: what holds for all brokers and was set at run time, which is nothing.
            if (resource.resource_name.empty()) return std::nullopt;
            if (resource.resource_name == std::to_string(broker.id())) {
                describe_broker(broker, client, request, resource, out);
                return std::nullopt;
            }
            return Refusal{ErrorCode::invalid_request, "this is broker " + std::to_string(broker.id()) + ", not '" +
                                                           resource.resource_name + "'"};
        case ResourceType::broker_logger:
            break;
    }
    return Refusal{ErrorCode::invalid_request,
                   "resources of type " + std::to_string(resource.resource_type) + " have no settings here"};
}

}  // namespace

DescribeConfigsResponse describe_configs(Broker& broker, const Call& call, const DescribeConfigsRequest& request) {
    DescribeConfigsResponse response;
    for (const auto& resource : request.resources) {
        auto& result = response.results.emplace_back();
        result.resource_type = resource.resource_type;
        result.resource_name = resource.resource_name;
        if (const auto refusal = describe(broker, *call.client, request, resource, result.configs)) {
            result.error_code = refusal->code;
            result.error_message = refusal->text;
        }
        if (call.version() > 0) continue;
        for (Config& config : result.configs)
            config.is_default = config.config_source == static_cast<std::int8_t>(ConfigSource::built_in);
    }
    return response;
}

}  // namespace mq::broker
