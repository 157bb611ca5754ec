#include <set>

#include "broker/handlers.h"
#include "broker/partitions.h"
#include "broker/topics.h"
#include "shm/control_file.h"
#include "wire/messages/metadata.h"

namespace mq::broker {
namespace {

using wire::ErrorCode;
using Response = wire::DescribeProducersResponse;

// For the append lock of a partition: workers are few.
constexpr int kPatienceMs = 1000;

Status describe(Partition& partition, Response::Partition& described) {
    const shm::Briefly patience{kPatienceMs};
    return partition.with_writer([&](store::PartitionWriter& writer) {
        return writer.change([&](log::Log& log) -> Status {
            described.active_producers.clear();
            for (const auto& [id, entry] : log.producers().entries()) {
                described.active_producers.push_back({
                    .producer_id = id,
                    .producer_epoch = entry.producer_epoch,
                    .last_sequence = entry.last_sequence(),
                    .last_timestamp = entry.last_timestamp,
                    .coordinator_epoch = entry.coordinator_epoch,
                    .current_txn_start_offset = entry.current_txn_first_offset.value(),
                });
            }
            return {};
        });
    });
}

}  // namespace

wire::DescribeProducersResponse describe_producers(Broker& broker, const Call&,
                                                   const wire::DescribeProducersRequest& request) {
    Response response;
    std::set<log::TopicPartition> seen;  // or few bytes could ask for a large answer again and again
    const auto picture = broker.topics().picture();
    for (const auto& topic : request.topics) {
        const TopicInfo* info = picture ? (*picture)->find(topic.name) : nullptr;
        auto& named = response.topics.emplace_back();
        named.name = topic.name;
        for (const std::int32_t index : topic.partition_indexes) {
            Response::Partition& described = named.partitions.emplace_back();
            described.partition_index = index;
            const auto refuse = [&](ErrorCode code, std::string why) {
                described.error_code = code;
                described.error_message = std::move(why);
                described.active_producers.clear();
            };
            if (!seen.insert({topic.name, index}).second) {
                refuse(ErrorCode::invalid_request, "the partition is named twice");
            } else if (!picture) {
                refuse(error_code_of(picture.error()), picture.error().message());
            } else if (info == nullptr || index < 0 || index >= info->partitions) {
                refuse(ErrorCode::unknown_topic_or_partition, "there is no such topic or partition");
            } else if (const Status done = describe(*broker.partitions().find({topic.name, index}), described);
                       !done) {
                refuse(error_code_of(done.error()), done.error().message());
            }
        }
    }
    return response;
}

}  // namespace mq::broker
