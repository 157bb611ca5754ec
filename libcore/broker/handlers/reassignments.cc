// AlterPartitionReassignments, ListPartitionReassignments, ElectLeaders, AlterReplicaLogDirs: where replicas are. One
// broker has them all, in one directory, and leads every partition.
#include <filesystem>

#include "broker/event_log.h"
#include "broker/handlers.h"
#include "broker/topic_making.h"
#include "wire/messages/placement.h"

namespace mq::broker {
namespace {

using wire::ErrorCode;

std::shared_ptr<const TopicPicture> picture_of(Broker& broker) {
    auto picture = broker.topics().picture();
    if (picture) return *std::move(picture);
    broker.log().error("which topics there are cannot be told: " + picture.error().message());
    return nullptr;
}

bool has(const TopicPicture& picture, std::string_view topic, std::int32_t partition) {
    const TopicInfo* info = picture.find(topic);
    return info != nullptr && partition >= 0 && partition < info->partitions;
}

}  // namespace

wire::AlterPartitionReassignmentsResponse alter_partition_reassignments(
    Broker& broker, const Call&, const wire::AlterPartitionReassignmentsRequest& request) {
    wire::AlterPartitionReassignmentsResponse response;
    const auto picture = picture_of(broker);
    if (!picture) {
        response.error_code = ErrorCode::unknown_server_error;
        return response;
    }
    const auto judge = [&](const std::string& topic, const auto& partition) -> std::optional<Refusal> {
        if (!has(*picture, topic, partition.partition_index))
            return Refusal{ErrorCode::unknown_topic_or_partition, "there is no such partition"};
        if (!partition.replicas)
            return Refusal{ErrorCode::no_reassignment_in_progress, "no reassignment is in progress"};
        return refuse_replicas(broker, "partition " + std::to_string(partition.partition_index), *partition.replicas);
    };
    for (const auto& topic : request.topics) {
        auto& out = response.responses.emplace_back();
        out.name = topic.name;
        for (const auto& partition : topic.partitions) {
            auto& result = out.partitions.emplace_back();
            result.partition_index = partition.partition_index;
            if (const auto refusal = judge(topic.name, partition)) {
                result.error_code = refusal->code;
                result.error_message = refusal->text;
            }
        }
    }
    return response;
}

wire::ListPartitionReassignmentsResponse list_partition_reassignments(
    Broker&, const Call&, const wire::ListPartitionReassignmentsRequest&) {
    return {};
}

wire::ElectLeadersResponse elect_leaders(Broker& broker, const Call&, const wire::ElectLeadersRequest& request) {
    wire::ElectLeadersResponse response;
    // Of all partitions those are told that needed an election.
    if (!request.topic_partitions) return response;
    const auto picture = picture_of(broker);
    if (!picture) {
        response.error_code = ErrorCode::unknown_server_error;
        return response;
    }
    for (const auto& topic : *request.topic_partitions) {
        auto& out = response.replica_election_results.emplace_back();
        out.topic = topic.topic;
        for (const std::int32_t partition : topic.partitions) {
            const bool known = has(*picture, topic.topic, partition);
            out.partition_result.push_back(
                {partition, known ? ErrorCode::election_not_needed : ErrorCode::unknown_topic_or_partition,
                 known ? "the one broker leads it" : "there is no such partition"});
        }
    }
    return response;
}

wire::AlterReplicaLogDirsResponse alter_replica_log_dirs(Broker& broker, const Call&,
                                                         const wire::AlterReplicaLogDirsRequest& request) {
    wire::AlterReplicaLogDirsResponse response;
    const auto picture = picture_of(broker);
    const auto ours = std::filesystem::absolute(broker.directory().path()).lexically_normal();
    for (const auto& dir : request.dirs) {
        const bool is_ours = std::filesystem::path{dir.path}.lexically_normal() == ours;
        for (const auto& topic : dir.topics) {
            auto& out = response.results.emplace_back();
            out.topic_name = topic.name;
            for (const std::int32_t partition : topic.partitions) {
                ErrorCode code = is_ours ? ErrorCode::none : ErrorCode::log_dir_not_found;
                if (!picture)
                    code = ErrorCode::unknown_server_error;
                else if (!has(*picture, topic.name, partition))
                    code = ErrorCode::unknown_topic_or_partition;
                out.partitions.push_back({partition, code});
            }
        }
    }
    return response;
}

}  // namespace mq::broker
