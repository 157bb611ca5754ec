// Offsets by time, and the ends of logs. Rules LOF-1 to LOF-6. With one replica the high watermark never lags behind
// an election, so OFFSET_NOT_AVAILABLE (LOF-3) is never answered.
#include <algorithm>
#include <set>

#include "base/clock.h"
#include "broker/event_log.h"
#include "broker/handlers.h"
#include "broker/leader_epoch.h"
#include "broker/partitions.h"
#include "broker/topics.h"
#include "wire/messages/offsets.h"

namespace mq::broker {
namespace {

using wire::ErrorCode;
using wire::ListOffsetsRequest;
using wire::ListOffsetsResponse;

constexpr std::int64_t kLatest = -1;
constexpr std::int64_t kEarliest = -2;
constexpr std::int64_t kMaxTimestamp = -3;
constexpr std::int64_t kEarliestLocal = -4;
constexpr std::int64_t kLatestTiered = -5;

constexpr std::int16_t kFirstVersionOfEpochs = 4;

bool is_known(std::int64_t timestamp, std::int16_t version) {
    switch (timestamp) {
        case kMaxTimestamp:
            return version >= 7;
        case kEarliestLocal:
            return version >= 8;
        case kLatestTiered:
            return version >= 9;
        default:
            return version == 0 || timestamp >= kEarliest;
    }
}

ListOffsetsResponse::Partition refuse(std::int32_t partition, ErrorCode code) {
    return {.partition_index = partition, .error_code = code};
}

// What is asked of a partition, and by whom.
struct Question {
    const ListOffsetsRequest::Partition& wanted;
    std::int16_t version;
    bool is_consumer;
    log::Isolation isolation;
};

Status find(const Question& question, store::PartitionReader& reader, ListOffsetsResponse::Partition& result) {
    MQ_ASSIGN(const store::Bounds bounds, reader.bounds());
    Offset end = question.is_consumer ? bounds.high_watermark : bounds.log_end;
    if (question.isolation == log::Isolation::read_committed) end = bounds.last_stable;
    const std::int64_t timestamp = question.wanted.timestamp;
    if (timestamp == kLatestTiered) return {};
    MQ_ASSIGN(const log::LeaderEpochs epochs, reader.leader_epochs());
    if (timestamp == kLatest) {
        result.offset = end.value();
        result.leader_epoch = epochs.latest().value_or(0);
        return {};
    }
    if (timestamp == kEarliest || timestamp == kEarliestLocal) {
        result.offset = bounds.log_start.value();
        result.leader_epoch = epochs.epoch_of(bounds.log_start).value_or(-1);
        return {};
    }
    std::optional<log::TimestampOffset> found;
    if (timestamp == kMaxTimestamp) {
        MQ_ASSIGN(found, reader.max_timestamp());
    } else {
        MQ_ASSIGN(found, reader.find_timestamp(timestamp));
    }
    if (!found || found->offset >= end) return {};
    result.timestamp = found->timestamp;
    result.offset = found->offset.value();
    result.leader_epoch = epochs.epoch_of(found->offset).value_or(-1);
    return {};
}

// As brokers before 0.10.1 answered, who knew the time of segments only (LOF-5).
Status find_old_style(const Question& question, store::PartitionReader& reader,
                      ListOffsetsResponse::Partition& result) {
    MQ_ASSIGN(const store::Bounds bounds, reader.bounds());
    MQ_ASSIGN(const auto segments, reader.segments());
    std::vector<std::pair<Offset, std::int64_t>> offsets;  // with the time of each
    for (const store::SegmentInfo& segment : segments)
        offsets.emplace_back(std::max(segment.base, bounds.log_start), segment.modified_ms);
    if (segments.empty() || segments.back().size_bytes > 0) offsets.emplace_back(bounds.log_end, wall_clock_ms());
    const std::int64_t timestamp = question.wanted.timestamp;
    std::size_t count = offsets.size();
    if (timestamp == kEarliest) {
        count = 1;
    } else if (timestamp != kLatest) {
        while (count > 0 && offsets[count - 1].second > timestamp) --count;
    }
    const auto most = static_cast<std::size_t>(std::max(question.wanted.max_num_offsets, 0));
    for (std::size_t i = count; i-- > 0 && result.old_style_offsets.size() < most;)
        result.old_style_offsets.push_back(offsets[i].first.value());
    std::ranges::sort(result.old_style_offsets, std::greater{});
    if (question.is_consumer) {
        // What lies above the high watermark is replaced by it.
        auto& found = result.old_style_offsets;
        const std::int64_t most_offset = bounds.high_watermark.value();
        const auto above = std::erase_if(found, [&](std::int64_t offset) { return offset > most_offset; });
        if (above > 0) found.insert(found.begin(), most_offset);
    }
    return {};
}

ListOffsetsResponse::Partition answer(Broker& broker, const TopicInfo* topic, const Question& question) {
    const std::int32_t number = question.wanted.partition_index;
    if (topic == nullptr || number < 0 || number >= topic->partitions)
        return refuse(number, ErrorCode::unknown_topic_or_partition);
    if (!is_known(question.wanted.timestamp, question.version)) return refuse(number, ErrorCode::unsupported_version);
    ListOffsetsResponse::Partition result{.partition_index = number};
    const auto partition = broker.partitions().find({topic->name, number});
    const Status done = partition->with_reader(
        [&](store::PartitionReader& reader) -> Status {
            result = {.partition_index = number};
            MQ_TRY(reader.bounds());
            const ErrorCode epoch = check_leader_epoch(broker, partition->id(), question.wanted.current_leader_epoch);
            if (epoch != ErrorCode::none) {
                result = refuse(number, epoch);
                return {};
            }
            return question.version == 0 ? find_old_style(question, reader, result) : find(question, reader, result);
        },
        question.isolation);
    if (question.version < 4) result.leader_epoch = -1;  // has no place for it
    if (question.version < kFirstVersionOfEpochs) result.leader_epoch = -1;
    if (done) return result;
    if (done.error().code == Errc::not_found) return refuse(number, ErrorCode::unknown_topic_or_partition);
    broker.log().error("offsets of " + log::partition_directory(partition->id()) +
                       " cannot be told: " + done.error().message());
    return refuse(number, ErrorCode::kafka_storage_error);
}

// Named twice or more (LOF-2).
std::set<std::pair<std::string_view, std::int32_t>> repeated(const ListOffsetsRequest& request) {
    std::set<std::pair<std::string_view, std::int32_t>> once;
    std::set<std::pair<std::string_view, std::int32_t>> more;
    for (const auto& topic : request.topics) {
        for (const auto& partition : topic.partitions) {
            if (!once.emplace(topic.name, partition.partition_index).second)
                more.emplace(topic.name, partition.partition_index);
        }
    }
    return more;
}

}  // namespace

ListOffsetsResponse list_offsets(Broker& broker, const Call& call, const ListOffsetsRequest& request) {
    ListOffsetsResponse response;
    const auto picture = broker.topics().picture();
    const auto twice = call.version() > 0 ? repeated(request) : decltype(repeated(request)){};
    // -2 asks as a consumer would who may look at all there is.
    const bool is_consumer = request.replica_id == -1;
    const auto isolation = request.isolation_level == 1 && is_consumer ? log::Isolation::read_committed
                                                                       : log::Isolation::read_uncommitted;
    for (const auto& topic : request.topics) {
        auto& answered = response.topics.emplace_back();
        answered.name = topic.name;
        const TopicInfo* info = picture ? (*picture)->find(topic.name) : nullptr;
        for (const auto& wanted : topic.partitions) {
            if (twice.contains({topic.name, wanted.partition_index}))
                answered.partitions.push_back(refuse(wanted.partition_index, ErrorCode::invalid_request));
            else
                answered.partitions.push_back(answer(broker, info, {wanted, call.version(), is_consumer, isolation}));
        }
    }
    return response;
}

}  // namespace mq::broker
