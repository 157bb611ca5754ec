// Rule CRE-7.
#include <map>

#include "broker/event_log.h"
#include "broker/handlers.h"
#include "broker/topic_making.h"
#include "shm/control_file.h"
#include "wire/messages/topics.h"

namespace mq::broker {
namespace {

using wire::CreatePartitionsRequest;
using wire::CreatePartitionsResponse;
using wire::ErrorCode;

std::optional<Refusal> check(const Broker& broker, const TopicPicture& picture,
                             const CreatePartitionsRequest::Topic& wanted) {
    const TopicInfo* topic = picture.find(wanted.name);
    if (topic == nullptr)
        return Refusal{ErrorCode::unknown_topic_or_partition, "there is no topic '" + wanted.name + "'"};
    if (wanted.count <= topic->partitions) {
        return Refusal{ErrorCode::invalid_partitions,
                       "topic '" + wanted.name + "' has " + std::to_string(topic->partitions) +
                           " partitions already: " + std::to_string(wanted.count) + " are not more"};
    }
    if (wanted.count > store::kMaxPartitions) {
        return Refusal{ErrorCode::policy_violation, std::to_string(wanted.count) + " partitions: at most " +
                                                        std::to_string(store::kMaxPartitions) + " are possible"};
    }
    if (!wanted.assignments) return std::nullopt;
    const auto added = static_cast<std::size_t>(wanted.count - topic->partitions);
    if (wanted.assignments->size() != added) {
        return Refusal{ErrorCode::invalid_replica_assignment,
                       std::to_string(added) + " partitions are to be added, replicas are assigned to " +
                           std::to_string(wanted.assignments->size())};
    }
    std::int32_t partition = topic->partitions;
    for (const auto& assignment : *wanted.assignments) {
        const std::string where = "partition " + std::to_string(partition++);
        if (auto refusal = refuse_replicas(broker, where, assignment.broker_ids)) return refusal;
    }
    return std::nullopt;
}

}  // namespace

CreatePartitionsResponse create_partitions(Broker& broker, const Call& call, const CreatePartitionsRequest& request) {
    const shm::Briefly patience{patience_of(request.timeout_ms)};
    std::map<std::string_view, int> times;
    for (const auto& topic : request.topics) ++times[topic.name];
    CreatePartitionsResponse response;
    for (const auto& topic : request.topics) {
        CreatePartitionsResponse::Topic& result = response.results.emplace_back();
        result.name = topic.name;
        const auto tell = [&](const Refusal& refusal) {
            result.error_code = refusal.code;
            result.error_message = refusal.text;
        };
        if (times[topic.name] > 1) {
            tell({ErrorCode::invalid_request, "topic '" + topic.name + "' is in the request twice"});
            continue;
        }
        const auto picture = broker.topics().picture();
        if (!picture) {
            tell(refusal_of(picture.error()));
            continue;
        }
        if (const auto refusal = check(broker, **picture, topic)) {
            tell(*refusal);
            continue;
        }
        if (request.validate_only) continue;
        if (const auto changed = broker.directory().set_partitions(topic.name, topic.count); !changed) {
            tell(refusal_of(changed.error()));
            continue;
        }
        broker.log().info("topic '" + topic.name + "' has " + std::to_string(topic.count) + " partitions now, for " +
                          call.client->host);
        if (request.timeout_ms <= 0) result.error_code = ErrorCode::request_timed_out;
    }
    return response;
}

}  // namespace mq::broker
