// What AlterConfigs and IncrementalAlterConfigs share.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "broker/broker.h"
#include "broker/event_log.h"
#include "broker/topic_making.h"
#include "shm/control_file.h"

namespace mq::broker {

// Source: org.apache.kafka.common.config.ConfigResource.Type.
enum class ResourceType : std::int8_t { topic = 2, broker = 4, broker_logger = 8 };

// Sets and (nullopt) unsets settings of a topic; nothing is changed with `validate_only`.
using Changes = std::map<std::string, std::optional<std::string>>;
[[nodiscard]] std::optional<Refusal> change_topic(Broker& broker, std::string_view name, const Changes& changes,
                                                  bool validate_only);

// The topic whose settings are to be changed, or why not.
struct FoundTopic {
    std::shared_ptr<const TopicPicture> picture;
    const TopicInfo* topic = nullptr;
    std::optional<Refusal> refusal;
};
[[nodiscard]] FoundTopic find_topic(Broker& broker, const std::string& name);

// Of a resource that is no topic. No setting of a broker can be changed at run time: server.properties has them.
[[nodiscard]] std::optional<Refusal> refuse_resource(const Broker& broker, std::int8_t type, const std::string& name,
                                                     std::string_view first_setting);

// Each resource of a request, changed by `alter`, which says why not; one that stands there twice is not changed.
// `done` is what the log says then: "replaced".
template <typename Request, typename Alter>
typename Request::Response alter_each(Broker& broker, const Call& call, const Request& request, const char* done,
                                      Alter alter) {
    const shm::Briefly patience{patience_of(0)};
    std::map<std::pair<std::int8_t, std::string_view>, int> times;
    for (const auto& resource : request.resources) ++times[{resource.resource_type, resource.resource_name}];
    typename Request::Response response;
    for (const auto& resource : request.resources) {
        auto& result = response.responses.emplace_back();
        result.resource_type = resource.resource_type;
        result.resource_name = resource.resource_name;
        const bool repeated = times[{resource.resource_type, resource.resource_name}] > 1;
        const std::optional<Refusal> refusal =
            repeated ? Refusal{wire::ErrorCode::invalid_request, "the resource is in the request twice"}
                     : alter(broker, resource, request.validate_only);
        if (refusal) {
            result.error_code = refusal->code;
            result.error_message = refusal->text;
        } else if (!request.validate_only && !resource.configs.empty()) {
            broker.log().info("settings of topic '" + resource.resource_name + "' were " + done + " for " +
                              call.client->host);
        }
    }
    return response;
}

}  // namespace mq::broker
