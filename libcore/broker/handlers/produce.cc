#include "wire/messages/produce.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>

#include "base/clock.h"
#include "broker/event_log.h"
#include "broker/handlers.h"
#include "broker/metrics.h"
#include "broker/partitions.h"
#include "broker/topics.h"
#include "broker/validator.h"
#include "broker/worker_pool.h"
#include "os/process.h"

namespace mq::broker {
namespace {

using wire::ErrorCode;
using wire::ProduceRequest;
using wire::ProduceResponse;

constexpr std::int16_t kAcksAll = -1;
constexpr std::int16_t kAcksNone = 0;
constexpr std::int16_t kFirstVersionOfStorageErrors = 4;
// What a connection's thread decompresses of a batch; more is left to a worker.
constexpr std::size_t kQuickBytes = 1 << 20;
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
        auto picture = broker_.topics().picture();
        if (!picture) picture_error_ = std::move(picture).error();
        if (picture) picture_ = *std::move(picture);
        // Where the results stand does not change any more once there are parts.
        for (const ProduceRequest::Topic& topic : request_.topic_data) {
            ProduceResponse::Topic& response = response_.responses.emplace_back();
            response.name = topic.name;
            for (const ProduceRequest::Partition& partition : topic.partition_data)
                response.partition_responses.push_back({.index = partition.index, .base_offset = -1});
        }
        for (std::size_t t = 0; t < request_.topic_data.size(); ++t) {
            const ProduceRequest::Topic& topic = request_.topic_data[t];
            const TopicInfo* info = picture_ ? picture_->find(topic.name) : nullptr;
            for (std::size_t p = 0; p < topic.partition_data.size(); ++p) {
                parts_.push_back({.name = &topic.name,
                                  .topic = info,
                                  .wanted = &topic.partition_data[p],
                                  .result = &response_.responses[t].partition_responses[p]});
            }
        }
        left_.store(parts_.size() + 1);
        const std::int64_t now_ms = os::monotonic_ms();
        until_ms_ = now_ms + request_.timeout_ms;
        append_until_ms_ = now_ms + std::max<std::int64_t>(request_.timeout_ms, kLeastPatienceMs);
        now_ = wall_clock_ms();
        go_on();
    }

private:
    struct Part {
        const std::string* name = nullptr;
        const TopicInfo* topic = nullptr;  // nullptr: there is none
        const ProduceRequest::Partition* wanted = nullptr;
        ProduceResponse::Partition* result = nullptr;
        ValidBatch batch{};
        bool is_decided = false;  // what becomes of it: it was appended or not, or is late; under the mutex
    };
    enum class Went : unsigned char { on, elsewhere };

    // Begins part after part, on one thread at a time: where one goes on elsewhere, so do those behind it.
    void go_on() {
        while (next_ < parts_.size()) {
            if (begin_part(next_) == Went::elsewhere) return;
        }
        // All of it is appended, or in line: what comes next comes behind it.
        answer_.let_next_begin();
        end_one();
    }

    Went begin_part(std::size_t part) {
        const Part& mine = parts_[part];
        const std::int32_t index = mine.wanted->index;
        Refusal refusal;
        if (request_.acks < kAcksAll || request_.acks > 1) {
            refusal = {ErrorCode::invalid_required_acks, "acks " + std::to_string(request_.acks)};
        } else if (picture_error_) {
            ++next_;
            end_with(part, *picture_error_);
            return Went::on;
        } else if (mine.topic == nullptr || index < 0 || index >= mine.topic->partitions) {
            refusal = {ErrorCode::unknown_topic_or_partition, "there is no such topic or partition"};
        } else if (mine.topic->is_internal()) {
            refusal = {ErrorCode::invalid_topic_exception, "only the broker writes to this topic"};
        } else {
            return take_part(part);
        }
        ++next_;
        refuse(part, std::move(refusal));
        return Went::on;
    }

    Went take_part(std::size_t part) {
        Part& mine = parts_[part];
        const std::size_t most_bytes = broker_.config().decompressed_max_bytes;
        const std::size_t limit_bytes = WorkerPool::may_wait() ? most_bytes : std::min(most_bytes, kQuickBytes);
        const ValidationRules rules{mine.topic->config, call_.version(), limit_bytes, now_};
        const NullableBytes records = mine.wanted->records;
        auto valid = validate(records ? call_.writable(*records) : std::span<char>{}, rules);
        const bool takes_long = !valid && valid.error().is_over_limit && limit_bytes < most_bytes;
        if (takes_long && broker_.workers().post([self = shared_from_this()] { self->go_on(); }))
            return Went::elsewhere;
        ++next_;
        if (!valid) {
            refuse(part, std::move(valid).error());
            return Went::on;
        }
        if (valid->bytes.empty()) {
            end_one();
            return Went::on;
        }
        mine.batch = *std::move(valid);
        {
            const std::lock_guard lock{mutex_};
            rebuilt_bytes_ += mine.batch.rebuilt.size();
        }
        const auto partition = broker_.partitions().find({*mine.name, mine.wanted->index});
        PendingAppend append{
            .batches = mine.batch.bytes,
            .kept_bytes = call_.frame.size() + mine.batch.rebuilt.size(),
            .until_ms = append_until_ms_,
            .done = [self = shared_from_this(), part, partition](Result<log::AppendResult> appended) {
                self->appended(part, *partition, std::move(appended));
            }};
        if (request_.acks == kAcksAll) {
            append.late_ms = until_ms_;
            append.late = [self = shared_from_this(), part] { self->late(part); };
        }
        partition->append(std::move(append));
        const std::lock_guard lock{mutex_};
        is_paused_ = rebuilt_bytes_ > most_bytes;
        return is_paused_ ? Went::elsewhere : Went::on;
    }

    // Whether the part is the caller's to end: its append may come about just when it is late.
    bool decides(Part& part) {
        const std::lock_guard lock{mutex_};
        return !std::exchange(part.is_decided, true);
    }

    // ACK-6: the records may still come.
    void late(std::size_t part) {
        if (decides(parts_[part])) refuse(part, {ErrorCode::request_timed_out, "others are in the way"});
    }

    void appended(std::size_t part, Partition& partition, Result<log::AppendResult> appended) {
        Part& mine = parts_[part];
        if (appended && !appended->duplicate) {
            broker_.metrics().produced(*mine.name, static_cast<std::uint64_t>(mine.batch.record_count),
                                       mine.batch.bytes.size());
        }
        release(mine);
        if (!decides(mine)) return;
        if (!appended) return end_with(part, appended.error());
        mine.result->base_offset = appended->first_offset.value();
        mine.result->log_append_time_ms = appended->log_append_time;
        mine.result->log_start_offset = appended->log_start.value();
        if (request_.acks != kAcksAll || mine.topic->config.write_caching) return end_one();
        partition.flush(appended->last_offset + 1, until_ms_, [self = shared_from_this(), part](Status flushed) {
            if (!flushed) return self->end_with(part, flushed.error());
            self->end_one();
        });
    }

    // What was encoded anew may be a thousand times what came in: only so much of it waits at a time.
    void release(Part& part) {
        if (part.batch.rebuilt.empty()) return;
        bool goes_on = false;
        {
            const std::lock_guard lock{mutex_};
            rebuilt_bytes_ -= part.batch.rebuilt.size();
            goes_on = is_paused_ && rebuilt_bytes_ <= broker_.config().decompressed_max_bytes;
            if (goes_on) is_paused_ = false;
        }
        part.batch = {};
        if (goes_on && !broker_.workers().post([self = shared_from_this()] { self->go_on(); })) go_on();
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
                                                     log::partition_directory({*mine.name, mine.result->index}) +
                                                     ": " + refusal.message);
        }
        mine.result->error_message = std::move(refusal.message);
        for (RecordRefusal& record : refusal.records)
            mine.result->record_errors.push_back({record.index, std::move(record.message)});
        broker_.metrics().produce_failed(*mine.name);
        has_failed_.store(true, std::memory_order_relaxed);
        end_one();
    }

    void end_with(std::size_t part, const Error& error) {
        const ErrorCode code = code_of(error);
        if (code != ErrorCode::kafka_storage_error) return refuse(part, {code, error.message()});
        const log::TopicPartition id{*parts_[part].name, parts_[part].wanted->index};
        if (broker_.partitions().find(id)->is_worth_telling()) broker_.log().error("produce: " + error.message());
        refuse(part, {code, "the partition cannot be written to; the broker's log says why"});
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
    std::optional<Error> picture_error_;
    TimestampMs now_ = 0;
    std::int64_t until_ms_ = 0;
    std::int64_t append_until_ms_ = 0;
    ProduceResponse response_;
    std::vector<Part> parts_;
    std::size_t next_ = 0;  // of the parts: the first that has not begun

    std::atomic<std::size_t> left_{0};
    std::atomic<bool> has_failed_{false};
    std::mutex mutex_;
    std::size_t rebuilt_bytes_ = 0;
    bool is_paused_ = false;
};

}  // namespace

void produce(Broker& broker, Call call, ProduceRequest request, Answer<ProduceResponse> answer) {
    std::make_shared<Production>(broker, std::move(call), std::move(request), std::move(answer))->begin();
}

}  // namespace mq::broker
