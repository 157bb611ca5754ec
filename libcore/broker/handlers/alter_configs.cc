// The settings of topics, all of them at once: what the request does not name goes back to its default.
#include <set>

#include "broker/config_changes.h"
#include "broker/event_log.h"
#include "broker/handlers.h"
#include "shm/control_file.h"
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
    const shm::Briefly patience{patience_of(0)};
    std::map<std::pair<std::int8_t, std::string_view>, int> times;
    for (const auto& resource : request.resources) ++times[{resource.resource_type, resource.resource_name}];
    AlterConfigsResponse response;
    for (const auto& resource : request.resources) {
        auto& result = response.responses.emplace_back();
        result.resource_type = resource.resource_type;
        result.resource_name = resource.resource_name;
        const bool repeated = times[{resource.resource_type, resource.resource_name}] > 1;
        const auto refusal =
            repeated ? std::optional{Refusal{ErrorCode::invalid_request, "the resource is in the request twice"}}
                     : alter(broker, resource, request.validate_only);
        if (refusal) {
            result.error_code = refusal->code;
            result.error_message = refusal->text;
        } else if (!request.validate_only && !resource.configs.empty()) {
            broker.log().info("settings of topic '" + resource.resource_name + "' were replaced for " +
                              call.client->host);
        }
    }
    return response;
}

}  // namespace mq::broker
