// What AlterConfigs and IncrementalAlterConfigs share.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "broker/topic_making.h"

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

}  // namespace mq::broker
