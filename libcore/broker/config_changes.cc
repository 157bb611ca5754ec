#include "broker/config_changes.h"

namespace mq::broker {

using wire::ErrorCode;

FoundTopic find_topic(Broker& broker, const std::string& name) {
    if (const Status legal = log::check_topic_name(name); !legal)
        return {nullptr, nullptr, Refusal{ErrorCode::invalid_topic_exception, legal.error().detail}};
    auto picture = broker.topics().picture();
    if (!picture) return {nullptr, nullptr, refusal_of(picture.error())};
    const TopicInfo* topic = (*picture)->find(name);
    if (topic == nullptr)
        return {nullptr, nullptr, Refusal{ErrorCode::unknown_topic_or_partition, "there is no topic '" + name + "'"}};
    return {*std::move(picture), topic, std::nullopt};
}

std::optional<Refusal> change_topic(Broker& broker, std::string_view name, const Changes& changes,
                                    bool validate_only) {
    if (!validate_only) {
        const auto changed = broker.directory().change_config(name, changes);
        return changed ? std::nullopt : std::optional{refusal_of(changed.error())};
    }
    const FoundTopic found = find_topic(broker, std::string{name});
    if (found.refusal) return found.refusal;
    store::ConfigMap settings = found.topic->set;
    for (const auto& [key, value] : changes) {
        if (!value) {
            settings.erase(key);
            continue;
        }
        auto checked = store::check_config(key, *value);
        if (!checked) return refusal_of(checked.error());
        settings.insert_or_assign(key, *std::move(checked));
    }
    const auto together = store::to_topic_config(settings, found.picture->defaults());
    return together ? std::nullopt : std::optional{refusal_of(together.error())};
}

std::optional<Refusal> refuse_resource(const Broker& broker, std::int8_t type, const std::string& name,
                                       std::string_view first_setting) {
    if (static_cast<ResourceType>(type) != ResourceType::broker) {
        return Refusal{ErrorCode::invalid_request,
                       "resources of type " + std::to_string(type) + " have no settings that could be changed here"};
    }
    if (!name.empty() && name != std::to_string(broker.id())) {
        return Refusal{ErrorCode::invalid_request,
                       "this is broker " + std::to_string(broker.id()) + ", not '" + name + "'"};
    }
    if (first_setting.empty()) return std::nullopt;
    return Refusal{ErrorCode::invalid_request,
                   std::string{first_setting} + " cannot be changed while the broker runs: server.properties has it"};
}

}  // namespace mq::broker
