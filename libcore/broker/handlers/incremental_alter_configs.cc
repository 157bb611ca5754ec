// Single settings of topics: set, unset, items of a list added or taken out.
#include <algorithm>
#include <set>

#include "broker/config_changes.h"
#include "broker/handlers.h"
#include "wire/messages/configs.h"

namespace mq::broker {
namespace {

using wire::ErrorCode;
using wire::IncrementalAlterConfigsRequest;
using wire::IncrementalAlterConfigsResponse;
using Resource = IncrementalAlterConfigsRequest::Resource;
using Config = IncrementalAlterConfigsRequest::Config;

// Source: org.apache.kafka.clients.admin.AlterConfigOp.OpType.
enum class Operation : std::int8_t { set = 0, unset = 1, append = 2, subtract = 3 };

std::optional<Refusal> check_form(const Resource& resource) {
    std::set<std::string_view> names;
    for (const Config& config : resource.configs) {
        if (!names.insert(config.name).second)
            return Refusal{ErrorCode::invalid_request, config.name + " is in the request twice"};
        if (config.config_operation < 0 || config.config_operation > 3) {
            return Refusal{ErrorCode::invalid_request,
                           config.name + ": there is no operation " + std::to_string(config.config_operation)};
        }
        if (!config.value && static_cast<Operation>(config.config_operation) != Operation::unset)
            return Refusal{ErrorCode::invalid_request, config.name + ": a value is missing"};
    }
    return std::nullopt;
}

// What the topic has: its own value, the directory's default, or Kafka's.
std::string_view current(const FoundTopic& found, const store::ConfigKey& key) {
    const store::ConfigMap& own = found.topic->set;
    if (const auto set = own.find(key.name); set != own.end()) return set->second;
    const store::ConfigMap& defaults = found.picture->defaults();
    if (const auto preset = defaults.find(key.name); preset != defaults.end()) return preset->second;
    return key.default_value;
}

std::string changed_list(std::string_view list, std::string_view change, bool append) {
    std::vector<std::string_view> items = store::items_of(list);
    for (const std::string_view item : store::items_of(change)) {
        const bool there = std::ranges::find(items, item) != items.end();
        if (append && !there) items.push_back(item);
        if (!append) std::erase(items, item);
    }
    std::string joined;
    for (const std::string_view item : items) joined += (joined.empty() ? "" : ",") + std::string{item};
    return joined;
}

std::optional<Refusal> plan(const FoundTopic& found, const Config& config, Changes& changes) {
    const auto operation = static_cast<Operation>(config.config_operation);
    if (operation == Operation::set || operation == Operation::unset) {
        changes[config.name] = operation == Operation::set ? config.value : std::nullopt;
        return std::nullopt;
    }
    const store::ConfigKey* key = store::find_config(config.name);
    if (key == nullptr) return refusal_of(store::check_config(config.name, {}).error());
    if (key->type != store::ConfigType::list)
        return Refusal{ErrorCode::invalid_config, config.name + " is no list: nothing can be added or taken out"};
    changes[config.name] = changed_list(current(found, *key), *config.value, operation == Operation::append);
    return std::nullopt;
}

std::optional<Refusal> alter(Broker& broker, const Resource& resource, bool validate_only) {
    if (auto refusal = check_form(resource)) return refusal;
    if (static_cast<ResourceType>(resource.resource_type) != ResourceType::topic) {
        return refuse_resource(broker, resource.resource_type, resource.resource_name,
                               resource.configs.empty() ? std::string_view{} : resource.configs[0].name);
    }
    const FoundTopic found = find_topic(broker, resource.resource_name);
    if (found.refusal) return found.refusal;
    Changes changes;
    for (const Config& config : resource.configs) {
        if (auto refusal = plan(found, config, changes)) return refusal;
    }
    return change_topic(broker, resource.resource_name, changes, validate_only);
}

}  // namespace

IncrementalAlterConfigsResponse incremental_alter_configs(Broker& broker, const Call& call,
                                                          const IncrementalAlterConfigsRequest& request) {
    return alter_each(broker, call, request, "changed", alter);
}

}  // namespace mq::broker
