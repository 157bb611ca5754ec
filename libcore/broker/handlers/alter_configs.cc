// The settings of topics, all of them at once: what the request does not name goes back to its default.

#include "broker/config_changes.h"
#include "broker/handlers.h"
#include "wire/messages/configs.h"

namespace mq::broker {
namespace {

using wire::AlterConfigsRequest;
using wire::AlterConfigsResponse;
using wire::ErrorCode;

std::optional<Refusal> alter(Broker& broker, const AlterConfigsRequest::Resource& resource, bool validate_only) {
    for (const auto& config : resource.configs) {
        if (!config.value) return Refusal{ErrorCode::invalid_request, config.name + ": a value is missing"};
    }
    if (static_cast<ResourceType>(resource.resource_type) != ResourceType::topic) {
        return refuse_resource(broker, resource.resource_type, resource.resource_name,
                               resource.configs.empty() ? std::string_view{} : resource.configs[0].name);
    }
    const FoundTopic found = find_topic(broker, resource.resource_name);
    if (found.refusal) return found.refusal;
    Changes changes;
    for (const auto& [key, value] : found.topic->set) changes[key] = std::nullopt;
    for (const auto& config : resource.configs) changes[config.name] = config.value;
    return change_topic(broker, resource.resource_name, changes, validate_only);
}

}  // namespace

AlterConfigsResponse alter_configs(Broker& broker, const Call& call, const AlterConfigsRequest& request) {
    return alter_each(broker, call, request, "replaced", alter);
}

}  // namespace mq::broker
