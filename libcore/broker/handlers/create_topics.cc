// Rules CRE-1 to CRE-6. A topic is there when it is answered: there is nothing to wait for.
#include <algorithm>
#include <map>
#include <set>

#include "broker/event_log.h"
#include "broker/handlers.h"
#include "broker/topic_making.h"
#include "broker/topic_settings.h"
#include "shm/control_file.h"
#include "wire/messages/topics.h"

namespace mq::broker {
namespace {

using wire::CreateTopicsRequest;
using wire::CreateTopicsResponse;
using wire::ErrorCode;

constexpr std::int32_t kAsTheBrokerSays = -1;

// CRE-3: partitions from 0 on, each with one replica, on this broker.
std::optional<Refusal> count_assigned(const Broker& broker, const CreateTopicsRequest::Topic& topic,
                                      std::int32_t& partitions) {
    if (topic.num_partitions != kAsTheBrokerSays || topic.replication_factor != kAsTheBrokerSays) {
        return Refusal{ErrorCode::invalid_request,
                       "where replicas are assigned, num_partitions and replication_factor must be -1"};
    }
    std::set<std::int32_t> seen;
    for (const auto& assignment : topic.assignments) {
        const std::string where = "partition " + std::to_string(assignment.partition_index);
        if (!seen.insert(assignment.partition_index).second)
            return Refusal{ErrorCode::invalid_replica_assignment, where + " is assigned twice"};
        if (const auto refusal = refuse_replicas(broker, where, assignment.broker_ids)) return refusal;
    }
    partitions = static_cast<std::int32_t>(seen.size());
    if (*seen.begin() != 0 || *seen.rbegin() != partitions - 1) {
        return Refusal{ErrorCode::invalid_replica_assignment,
                       "the assigned partitions are not those from 0 on without a gap"};
    }
    return std::nullopt;
}

// CRE-2.
std::optional<Refusal> count_asked_for(const Broker& broker, const CreateTopicsRequest::Topic& topic,
                                       std::int32_t& partitions) {
    partitions = topic.num_partitions == kAsTheBrokerSays ? broker.config().num_partitions : topic.num_partitions;
    if (partitions < 1) {
        return Refusal{ErrorCode::invalid_partitions,
                       std::to_string(partitions) + " partitions: a topic needs at least one"};
    }
    const std::int32_t replicas = topic.replication_factor;
    if (replicas == kAsTheBrokerSays || replicas == 1) return std::nullopt;
    return Refusal{ErrorCode::invalid_replication_factor,
                   "replication factor " + std::to_string(replicas) +
                       (replicas < 1 ? ": it must be at least 1" : ": there is one broker")};
}

std::optional<Refusal> take_settings(const CreateTopicsRequest::Topic& topic, store::ConfigMap& settings) {
    for (const auto& config : topic.configs) {
        if (!config.value) return Refusal{ErrorCode::invalid_config, config.name + ": a value is missing"};
        auto value = store::check_config(config.name, *config.value);
        if (!value) return Refusal{ErrorCode::invalid_config, value.error().message()};
        settings.insert_or_assign(config.name, *std::move(value));
    }
    if (const auto whole = store::to_topic_config(settings); !whole)
        return Refusal{ErrorCode::invalid_config, whole.error().message()};
    return std::nullopt;
}

// What may be made: `wanted` is filled then.
std::optional<Refusal> check(const Broker& broker, const TopicPicture& picture,
                             const CreateTopicsRequest::Topic& topic, store::NewTopic& wanted) {
    wanted.name = topic.name;
    if (picture.find(topic.name) != nullptr)
        return Refusal{ErrorCode::topic_already_exists, "topic '" + topic.name + "' exists already"};
    if (auto refusal = refuse_name(picture, topic.name)) return refusal;
    auto refusal = topic.assignments.empty() ? count_asked_for(broker, topic, wanted.partitions)
                                             : count_assigned(broker, topic, wanted.partitions);
    if (refusal) return refusal;
    if (wanted.partitions > store::kMaxPartitions) {
        return Refusal{ErrorCode::policy_violation, std::to_string(wanted.partitions) + " partitions: at most " +
                                                        std::to_string(store::kMaxPartitions) + " are possible"};
    }
    return take_settings(topic, wanted.config);
}

void tell(CreateTopicsResponse::Topic& result, const Refusal& refusal) {
    result.error_code = refusal.code;
    result.error_message = refusal.text;
}

void describe(const TopicPicture& picture, const store::NewTopic& topic, CreateTopicsResponse::Topic& result) {
    result.num_partitions = topic.partitions;
    result.replication_factor = 1;
    for (TopicSetting& setting : settings_of(picture.defaults(), topic.config)) {
        result.configs->push_back({.name = std::string{setting.key->name},
                                   .value = std::move(setting.value),
                                   .config_source = static_cast<std::int8_t>(setting.source)});
    }
}

}  // namespace

CreateTopicsResponse create_topics(Broker& broker, const Call& call, const CreateTopicsRequest& request) {
    const shm::Briefly patience{patience_of(request.timeout_ms)};
    std::map<std::string_view, int> times;
    for (const auto& topic : request.topics) ++times[topic.name];
    CreateTopicsResponse response;
    for (const auto& topic : request.topics) {
        CreateTopicsResponse::Topic& result = response.topics.emplace_back();
        result.name = topic.name;
        if (times[topic.name] > 1) {
            tell(result, {ErrorCode::invalid_request, "topic '" + topic.name + "' is in the request twice"});
            continue;
        }
        const auto picture = broker.topics().picture();
        if (!picture) {
            tell(result, refusal_of(picture.error()));
            continue;
        }
        store::NewTopic wanted;
        if (const auto refusal = check(broker, **picture, topic, wanted)) {
            tell(result, *refusal);
            continue;
        }
        if (request.validate_only) {
            describe(**picture, wanted, result);
            continue;
        }
        const auto made = broker.directory().create_topic(wanted);
        if (!made) {
            tell(result, refusal_of(made.error()));
            continue;
        }
        broker.log().info("topic '" + topic.name + "' was made, partitions: " + std::to_string(made->partitions) +
                          ", for " + call.client->host);
        result.topic_id = parse_uuid(made->id).value_or(Uuid{});
        describe(**picture, wanted, result);
        // CRE-6: who does not wait is told so.
        if (request.timeout_ms <= 0) result.error_code = ErrorCode::request_timed_out;
    }
    return response;
}

}  // namespace mq::broker
