#include <algorithm>
#include <limits>

#include "base/clock.h"
#include "broker/coordinator.h"
#include "broker/handlers.h"
#include "broker/topics.h"
#include "wire/messages/offsets.h"

namespace mq::broker {
namespace {

using Request = wire::OffsetCommitRequest;
using Response = wire::OffsetCommitResponse;

struct Held {
    Request request;
    Response response;  // with the errors that are known
    Answer<Response> answer;
};

wire::ErrorCode check(const TopicInfo* topic, const Request::Partition& partition, std::int32_t most_bytes) {
    // OFF-6
    const bool is_there =
        topic != nullptr && partition.partition_index >= 0 && partition.partition_index < topic->partitions;
    if (!is_there) return wire::ErrorCode::unknown_topic_or_partition;
    const std::size_t bytes = partition.committed_metadata ? partition.committed_metadata->size() : 0;
    if (bytes > static_cast<std::size_t>(std::max(most_bytes, 0))) return wire::ErrorCode::offset_metadata_too_large;
    return wire::ErrorCode::none;
}

offsets::Commit to_commit(const std::string& topic, const Request::Partition& partition, std::int64_t retention_ms,
                          TimestampMs now) {
    offsets::Commit commit;
    commit.topic = topic;
    commit.partition = partition.partition_index;
    commit.offset = Offset{partition.committed_offset};
    commit.leader_epoch = partition.committed_leader_epoch;
    if (partition.committed_metadata) commit.metadata = *partition.committed_metadata;
    if (partition.commit_timestamp != kNoTimestamp) commit.commit_timestamp = partition.commit_timestamp;
    // OFF-10
    if (retention_ms >= 0)
        commit.expire_timestamp = now + std::min(retention_ms, std::numeric_limits<TimestampMs>::max() - now);
    return commit;
}

}  // namespace

// Version 0 means ZooKeeper to Kafka (OFF-9). There is none here: what it commits is kept with the rest.
void offset_commit(Broker& broker, Call call, Request request, Answer<Response> answer) {
    auto held = std::make_shared<Held>(Held{std::move(request), {}, std::move(answer)});
    const Request& wanted = held->request;
    const auto picture = broker.topics().picture();
    const TimestampMs now = wall_clock_ms();
    std::vector<offsets::Commit> commits;
    for (const auto& topic : wanted.topics) {
        const TopicInfo* known = picture ? (*picture)->find(topic.name) : nullptr;
        auto& answered = held->response.topics.emplace_back();
        answered.name = topic.name;
        for (const auto& partition : topic.partitions) {
            const auto error = picture ? check(known, partition, broker.config().offset_metadata_max_bytes)
                                       : error_code_of(picture.error());
            answered.partitions.push_back({partition.partition_index, error});
            if (error == wire::ErrorCode::none)
                commits.push_back(to_commit(topic.name, partition, wanted.retention_time_ms, now));
        }
    }
    groups::CommitRequest who;
    who.group = wanted.group_id;
    if (call.version() >= 1) {
        who.generation = wanted.generation_id_or_member_epoch;
        who.member_id = wanted.member_id;
        who.instance_id = wanted.group_instance_id;
    }
    broker.coordinator().commit(who, std::move(commits), [held](groups::GroupError error) {
        for (auto& topic : held->response.topics) {
            for (auto& partition : topic.partitions) {
                if (partition.error_code == wire::ErrorCode::none) partition.error_code = code_of(error);
            }
        }
        held->answer(held->response);
    });
}

}  // namespace mq::broker
