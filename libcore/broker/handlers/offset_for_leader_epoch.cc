// Where leader epochs end. Rules OLE-1 to OLE-5.
#include "broker/event_log.h"
#include "broker/handlers.h"
#include "broker/leader_epoch.h"
#include "broker/partitions.h"
#include "broker/topics.h"
#include "wire/messages/offsets.h"

namespace mq::broker {
namespace {

using wire::ErrorCode;
using wire::OffsetForLeaderEpochRequest;
using wire::OffsetForLeaderEpochResponse;

OffsetForLeaderEpochResponse::Partition look_up(Broker& broker, const TopicInfo* topic,
                                                const OffsetForLeaderEpochRequest::Partition& wanted) {
    OffsetForLeaderEpochResponse::Partition result{.partition = wanted.partition};
    if (topic == nullptr || wanted.partition < 0 || wanted.partition >= topic->partitions) {
        result.error_code = ErrorCode::unknown_topic_or_partition;
        return result;
    }
    const auto partition = broker.partitions().find({topic->name, wanted.partition});
    const Status done = partition->with_reader([&](store::PartitionReader& reader) -> Status {
        MQ_ASSIGN(const store::Bounds bounds, reader.bounds());
        result.error_code = check_leader_epoch(broker, partition->id(), wanted.current_leader_epoch);
        if (result.error_code != ErrorCode::none) return {};
        MQ_ASSIGN(const log::LeaderEpochs epochs, reader.leader_epochs());
        const log::EpochEnd end = epochs.end_of(wanted.leader_epoch, bounds.log_end);
        result.leader_epoch = end.epoch;
        result.end_offset = end.end_offset.value();
        return {};
    });
    if (!done) {
        broker.log().error("leader epochs of " + log::partition_directory(partition->id()) +
                           " cannot be told: " + done.error().message());
        result = {.error_code = error_code_of(done.error()), .partition = wanted.partition};
    }
    return result;
}

}  // namespace

OffsetForLeaderEpochResponse offset_for_leader_epoch(Broker& broker, const Call&,
                                                     const OffsetForLeaderEpochRequest& request) {
    OffsetForLeaderEpochResponse response;
    const auto picture = broker.topics().picture();
    for (const auto& topic : request.topics) {
        auto& answered = response.topics.emplace_back();
        answered.topic = topic.topic;
        const TopicInfo* info = picture ? (*picture)->find(topic.topic) : nullptr;
        for (const auto& wanted : topic.partitions) answered.partitions.push_back(look_up(broker, info, wanted));
    }
    return response;
}

}  // namespace mq::broker
