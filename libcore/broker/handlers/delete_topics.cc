// Rule CRE-8. What consumer groups have committed of a topic goes with it.
#include <map>

#include "broker/event_log.h"
#include "broker/handlers.h"
#include "broker/partitions.h"
#include "broker/topic_making.h"
#include "offsets/offset_store.h"
#include "shm/control_file.h"
#include "wire/messages/topics.h"

namespace mq::broker {
namespace {

using wire::DeleteTopicsRequest;
using wire::DeleteTopicsResponse;
using wire::ErrorCode;
using Wanted = DeleteTopicsRequest::Topic;

std::vector<Wanted> wanted_by(const DeleteTopicsRequest& request, std::int16_t version) {
    if (version >= 6) return request.topics;
    std::vector<Wanted> wanted;
    for (const std::string& name : request.topic_names) wanted.push_back({name, {}});
    return wanted;
}

std::optional<Refusal> refuse(const Broker& broker, const Wanted& wanted, std::int16_t version, bool repeated) {
    if (!broker.config().delete_topics) {
        return Refusal{version >= 3 ? ErrorCode::topic_deletion_disabled : ErrorCode::invalid_request,
                       "the broker's delete.topic.enable is false"};
    }
    if (wanted.name && !wanted.topic_id.is_zero())
        return Refusal{ErrorCode::invalid_request, "a topic is told by its name or its id, not by both"};
    if (!wanted.name && wanted.topic_id.is_zero())
        return Refusal{ErrorCode::invalid_request, "a topic has neither name nor id"};
    if (repeated) return Refusal{ErrorCode::invalid_request, "the topic is in the request twice"};
    return std::nullopt;
}

void forget(Broker& broker, const std::string& topic) {
    broker.partitions().forget(topic);
    if (const auto forgotten = broker.offsets().forget_topic(topic); !forgotten) {
        broker.log().error("offsets of the deleted topic '" + topic +
                           "' are still there: " + forgotten.error().message());
    }
}

void delete_one(Broker& broker, const Call& call, const Wanted& wanted, std::int32_t timeout_ms,
                DeleteTopicsResponse::Topic& result) {
    const auto tell = [&](const Refusal& refusal) {
        result.error_code = refusal.code;
        result.error_message = refusal.text;
    };
    const auto picture = broker.topics().picture();
    if (!picture) return tell(refusal_of(picture.error()));
    const TopicInfo* topic = wanted.name ? (*picture)->find(*wanted.name) : (*picture)->find(wanted.topic_id);
    if (topic == nullptr) {
        return tell({wanted.name ? ErrorCode::unknown_topic_or_partition : ErrorCode::unknown_topic_id,
                     "there is no such topic"});
    }
    result.name = topic->name;
    result.topic_id = topic->id;
    const Status deleted = broker.directory().delete_topic(topic->name);
    // Where somebody is still writing to it it is gone for all others, and its files will be.
    if (deleted || deleted.error().code == Errc::timed_out) forget(broker, topic->name);
    if (!deleted) return tell(refusal_of(deleted.error()));
    broker.log().info("topic '" + topic->name + "' was deleted for " + call.client->host);
    // As with CRE-6: who does not wait is told so.
    if (timeout_ms <= 0) result.error_code = ErrorCode::request_timed_out;
}

}  // namespace

DeleteTopicsResponse delete_topics(Broker& broker, const Call& call, const DeleteTopicsRequest& request) {
    const std::vector<Wanted> topics = wanted_by(request, call.version());
    const shm::Briefly patience{patience_of(request.timeout_ms)};
    std::map<std::pair<std::string, Uuid>, int> times;
    for (const Wanted& wanted : topics) ++times[{wanted.name.value_or(""), wanted.topic_id}];
    DeleteTopicsResponse response;
    for (const Wanted& wanted : topics) {
        DeleteTopicsResponse::Topic& result = response.responses.emplace_back();
        result.name = wanted.name;
        result.topic_id = wanted.topic_id;
        const bool repeated = times[{wanted.name.value_or(""), wanted.topic_id}] > 1;
        if (const auto refusal = refuse(broker, wanted, call.version(), repeated)) {
            result.error_code = refusal->code;
            result.error_message = refusal->text;
        } else {
            delete_one(broker, call, wanted, request.timeout_ms, result);
        }
    }
    return response;
}

}  // namespace mq::broker
