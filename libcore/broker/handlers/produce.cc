#include "wire/messages/produce.h"

#include <algorithm>
#include <atomic>

#include "base/clock.h"
#include "broker/event_log.h"
#include "broker/handlers.h"
#include "broker/metrics.h"
#include "broker/partitions.h"
#include "broker/topics.h"
#include "broker/validator.h"
#include "os/process.h"

namespace mq::broker {
namespace {

using wire::ErrorCode;
using wire::ProduceRequest;
using wire::ProduceResponse;

constexpr std::int16_t kAcksAll = -1;
constexpr std::int16_t kAcksNone = 0;
constexpr std::int16_t kFirstVersionOfStorageErrors = 4;
// An append that must wait for others is given this long even by a request of less patience.
constexpr std::int64_t kLeastPatienceMs = 1000;

ErrorCode code_of(const Error& error) {
    switch (error.code) {
        case Errc::bad_argument:
            return ErrorCode::invalid_record;
        case Errc::corrupt:
        case Errc::truncated:
        case Errc::unsupported:
            // What the client sent was found to be good: these are our own files.
            return ErrorCode::kafka_storage_error;
        case Errc::interrupted:
            return ErrorCode::not_leader_or_follower;
        default:
            return error_code_of(error);
    }
}

// One request, until the last of its partitions has come to its end. Partitions end on any thread.
class Production : public std::enable_shared_from_this<Production> {
public:
    Production(Broker& broker, Call call, ProduceRequest request, Answer<ProduceResponse> answer)
        : broker_(broker), call_(std::move(call)), request_(std::move(request)), answer_(std::move(answer)) {}

    void begin() {
        // Where the results of the partitions stand does not change any more.
        for (const ProduceRequest::Topic& topic : request_.topic_data) {
            ProduceResponse::Topic& response = response_.responses.emplace_back();
            response.name = topic.name;
            for (const ProduceRequest::Partition& partition : topic.partition_data)
                response.partition_responses.push_back({.index = partition.index, .base_offset = -1});
            parts_.resize(parts_.size() + topic.partition_data.size());
        }
        left_.store(parts_.size() + 1);
        const std::int64_t now_ms = os::monotonic_ns() / 1'000'000;
        until_ms_ = now_ms + request_.timeout_ms;
        append_until_ms_ = now_ms + std::max<std::int64_t>(request_.timeout_ms, kLeastPatienceMs);

        auto picture = broker_.topics().picture();
        if (picture) picture_ = *std::move(picture);
        const TimestampMs now = wall_clock_ms();
        std::size_t part = 0;
        for (std::size_t t = 0; t < request_.topic_data.size(); ++t) {
            const ProduceRequest::Topic& topic = request_.topic_data[t];
            const TopicInfo* info = picture_ ? picture_->find(topic.name) : nullptr;
            for (std::size_t p = 0; p < topic.partition_data.size(); ++p, ++part) {
                parts_[part].topic = &topic.name;
                parts_[part].result = &response_.responses[t].partition_responses[p];
                if (!picture) {
                    end_with(part, picture.error());
                } else {
                    begin_part(part, info, topic.partition_data[p], now);
                }
            }
        }
        // All of it is appended, or in line: what comes next comes behind it.
        answer_.let_next_begin();
        end_one();
    }

private:
    struct Part {
        const std::string* topic = nullptr;
        ProduceResponse::Partition* result = nullptr;
        ValidBatch batch;
        std::shared_ptr<Partition> partition;
        bool is_cached = false;  // write.caching: acknowledged without a flush
    };

    void begin_part(std::size_t part, const TopicInfo* topic, const ProduceRequest::Partition& wanted,
                    TimestampMs now) {
        if (request_.acks < kAcksAll || request_.acks > 1)
            return refuse(part, {ErrorCode::invalid_required_acks, "acks " + std::to_string(request_.acks)});
        if (topic == nullptr || wanted.index < 0 || wanted.index >= topic->partitions)
            return refuse(part, {ErrorCode::unknown_topic_or_partition, "there is no such topic or partition"});
        if (topic->is_internal())
            return refuse(part, {ErrorCode::invalid_topic_exception, "only the broker writes to this topic"});
        const ValidationRules rules{topic->config, call_.version(), broker_.config().decompressed_max_bytes, now};
        auto valid = validate(call_.writable(wanted.records.value_or(ByteView{})), rules);
        if (!valid) return refuse(part, std::move(valid).error());
        if (valid->bytes.empty()) return end_one();
        Part& mine = parts_[part];
        mine.batch = *std::move(valid);
        mine.is_cached = topic->config.write_caching;
        mine.partition = broker_.partitions().find({topic->name, wanted.index});
        mine.partition->append({.batches = mine.batch.bytes,
                                .until_ms = append_until_ms_,
                                .done = [self = shared_from_this(), part](Result<log::AppendResult> appended) {
                                    self->appended(part, std::move(appended));
                                }});
    }

    void appended(std::size_t part, Result<log::AppendResult> appended) {
        if (!appended) return end_with(part, appended.error());
        Part& mine = parts_[part];
        mine.result->base_offset = appended->first_offset.value();
        mine.result->log_append_time_ms = appended->log_append_time;
        mine.result->log_start_offset = appended->log_start.value();
        if (!appended->duplicate) {
            broker_.metrics().produced(*mine.topic, static_cast<std::uint64_t>(mine.batch.record_count),
                                       mine.batch.bytes.size());
        }
        if (request_.acks != kAcksAll || mine.is_cached) return end_one();
        mine.partition->flush(appended->last_offset + 1, until_ms_,
                              [self = shared_from_this(), part](Status flushed) {
                                  if (!flushed) return self->end_with(part, flushed.error());
                                  self->end_one();
                              });
    }

    void refuse(std::size_t part, Refusal refusal) {
        const bool is_too_new =
            refusal.code == ErrorCode::kafka_storage_error && call_.version() < kFirstVersionOfStorageErrors;
        Part& mine = parts_[part];
        *mine.result = {.index = mine.result->index,
                        .error_code = is_too_new ? ErrorCode::not_leader_or_follower : refusal.code,
                        .base_offset = -1};
        if (broker_.log().wants(Severity::debug)) {
            broker_.log().event(Severity::debug, call_.client->host + ": nothing appended to " +
                                                     log::partition_directory({*mine.topic, mine.result->index}) +
                                                     ": " + refusal.message);
        }
        mine.result->error_message = std::move(refusal.message);
        for (RecordRefusal& record : refusal.records)
            mine.result->record_errors.push_back({record.index, std::move(record.message)});
        broker_.metrics().produce_failed(*mine.topic);
        has_failed_.store(true, std::memory_order_relaxed);
        end_one();
    }

    void end_with(std::size_t part, const Error& error) {
        const ErrorCode code = code_of(error);
        if (code == ErrorCode::kafka_storage_error) broker_.log().error("produce: " + error.message());
        refuse(part, {code, error.message()});
    }

    void end_one() {
        if (left_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
        // Without an answer a closed connection is how a client learns of a failure (ACK-2).
        if (request_.acks != kAcksNone) return answer_(response_);
        if (has_failed_.load(std::memory_order_relaxed)) return answer_.close();
        answer_.nothing();
    }

    Broker& broker_;
    Call call_;
    ProduceRequest request_;
    Answer<ProduceResponse> answer_;
    std::shared_ptr<const TopicPicture> picture_;
    ProduceResponse response_;
    std::vector<Part> parts_;
    std::atomic<std::size_t> left_{0};
    std::atomic<bool> has_failed_{false};
    std::int64_t until_ms_ = 0;
    std::int64_t append_until_ms_ = 0;
};

}  // namespace

void produce(Broker& broker, Call call, ProduceRequest request, Answer<ProduceResponse> answer) {
    std::make_shared<Production>(broker, std::move(call), std::move(request), std::move(answer))->begin();
}

}  // namespace mq::broker
