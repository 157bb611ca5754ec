// Raises the start of logs. Rules DEL-1 to DEL-3; the only replica is this one, so nobody is waited for.
#include <algorithm>

#include "broker/event_log.h"
#include "broker/handlers.h"
#include "broker/partitions.h"
#include "broker/topic_making.h"
#include "broker/topics.h"
#include "shm/control_file.h"
#include "wire/messages/offsets.h"

namespace mq::broker {
namespace {

using wire::DeleteRecordsRequest;
using wire::DeleteRecordsResponse;
using wire::ErrorCode;

constexpr std::int64_t kHighWatermark = -1;
// For the append lock of a partition: workers are few.
constexpr int kMostPatienceMs = 1000;

DeleteRecordsResponse::Partition refuse(std::int32_t partition, ErrorCode code) {
    return {.partition_index = partition, .low_watermark = -1, .error_code = code};
}

DeleteRecordsResponse::Partition trim(Broker& broker, const Call& call, const TopicInfo* topic,
                                      const DeleteRecordsRequest::Partition& wanted) {
    const std::int32_t number = wanted.partition_index;
    if (topic == nullptr || number < 0 || number >= topic->partitions)
        return refuse(number, ErrorCode::unknown_topic_or_partition);
    if (topic->is_internal()) return refuse(number, ErrorCode::invalid_topic_exception);
    if (!topic->config.log.cleanup_delete) return refuse(number, ErrorCode::policy_violation);
    DeleteRecordsResponse::Partition result{.partition_index = number};
    const auto partition = broker.partitions().find({topic->name, number});
    const Status done = partition->with_writer([&](store::PartitionWriter& writer) -> Status {
        MQ_ASSIGN(const store::Bounds before, writer.bounds());
        const Offset start = wanted.offset == kHighWatermark ? before.high_watermark : Offset{wanted.offset};
        if (start < Offset{0} || start > before.high_watermark) {
            result = refuse(number, ErrorCode::offset_out_of_range);
            return {};
        }
        if (start > before.log_start) {
            MQ_TRY(writer.trim(start));
            broker.log().info(log::partition_directory(partition->id()) + " starts at offset " +
                              std::to_string(start.value()) + " from now on: " + call.client->host +
                              " had the records before it deleted");
        }
        result.low_watermark = std::max(start, before.log_start).value();
        return {};
    });
    if (done) return result;
    broker.log().error("records of " + log::partition_directory(partition->id()) +
                       " cannot be deleted: " + done.error().message());
    return refuse(number, error_code_of(done.error()));
}

}  // namespace

DeleteRecordsResponse delete_records(Broker& broker, const Call& call, const DeleteRecordsRequest& request) {
    DeleteRecordsResponse response;
    const shm::Briefly patience{std::min(patience_of(request.timeout_ms), kMostPatienceMs)};
    const auto picture = broker.topics().picture();
    for (const auto& topic : request.topics) {
        auto& answered = response.topics.emplace_back();
        answered.name = topic.name;
        const TopicInfo* info = picture ? (*picture)->find(topic.name) : nullptr;
        for (const auto& wanted : topic.partitions) answered.partitions.push_back(trim(broker, call, info, wanted));
    }
    return response;
}

}  // namespace mq::broker
