// Topics a page at a time (KIP-966). Source of the rules:
// kafka.server.handlers.DescribeTopicPartitionsRequestHandler.
#include <algorithm>
#include <set>

#include "broker/authorized_operations.h"
#include "broker/event_log.h"
#include "broker/handlers.h"
#include "broker/topics.h"
#include "wire/messages/metadata.h"

namespace mq::broker {
namespace {

using wire::DescribeTopicPartitionsRequest;
using wire::DescribeTopicPartitionsResponse;
using wire::ErrorCode;

constexpr std::int32_t kLargestPage = 2000;  // Kafka's max.request.partition.size.limit

DescribeTopicPartitionsResponse::Partition describe(Broker& broker, const std::string& topic, std::int32_t index) {
    DescribeTopicPartitionsResponse::Partition out;
    out.partition_index = index;
    out.leader_id = broker.id();
    out.leader_epoch = broker.directory().leader_epoch(topic, index).value_or(0);
    out.replica_nodes = {broker.id()};
    out.isr_nodes = {broker.id()};
    out.eligible_leader_replicas.emplace();
    out.last_known_elr.emplace();
    return out;
}

DescribeTopicPartitionsResponse failure(const DescribeTopicPartitionsRequest& request, ErrorCode code) {
    DescribeTopicPartitionsResponse response;
    for (const auto& topic : request.topics) response.topics.push_back({.error_code = code, .name = topic.name});
    return response;
}

std::set<std::string_view> names_of(const DescribeTopicPartitionsRequest& request, const TopicPicture& picture) {
    const std::string_view first = request.cursor ? std::string_view{request.cursor->topic_name} : "";
    std::set<std::string_view> names;
    const auto add = [&](std::string_view name) {
        if (name >= first) names.insert(name);
    };
    if (request.topics.empty()) {
        for (const TopicInfo& topic : picture.all()) add(topic.name);
    } else {
        for (const auto& topic : request.topics) add(topic.name);
        if (request.cursor) names.insert(first);
    }
    return names;
}

}  // namespace

DescribeTopicPartitionsResponse describe_topic_partitions(Broker& broker, const Call&,
                                                          const DescribeTopicPartitionsRequest& request) {
    if (request.cursor && request.cursor->partition_index < 0) return failure(request, ErrorCode::invalid_request);
    const auto picture = broker.topics().picture();
    if (!picture) {
        broker.log().error("which topics there are cannot be told: " + picture.error().message());
        return failure(request, ErrorCode::unknown_server_error);
    }
    DescribeTopicPartitionsResponse response;
    std::int32_t left = std::clamp(request.response_partition_limit, 1, kLargestPage);
    for (const std::string_view name : names_of(request, **picture)) {
        if (left == 0) {
            response.next_cursor = {std::string{name}, 0};
            break;
        }
        auto& out = response.topics.emplace_back();
        out.name = name;
        const TopicInfo* topic = (*picture)->find(name);
        if (topic == nullptr) {
            out.error_code = log::check_topic_name(name) ? ErrorCode::unknown_topic_or_partition
                                                         : ErrorCode::invalid_topic_exception;
            out.is_internal = store::is_internal_topic(name);
            continue;
        }
        out.topic_id = topic->id;
        out.is_internal = topic->is_internal();
        out.topic_authorized_operations = kAllOfTopic;
        std::int32_t index =
            request.cursor && request.cursor->topic_name == name ? request.cursor->partition_index : 0;
        for (; index < topic->partitions && left > 0; ++index, --left)
            out.partitions.push_back(describe(broker, topic->name, index));
        if (index < topic->partitions) {
            response.next_cursor = {topic->name, index};
            break;
        }
    }
    return response;
}

}  // namespace mq::broker
