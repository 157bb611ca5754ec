// Batches on their way out. Rules FET-4, FET-8 to FET-10, and those of fetch_read.h and fetch_sessions.h.
#include "wire/messages/fetch.h"

#include <algorithm>

#include "broker/fetch_read.h"
#include "broker/handlers.h"
#include "broker/metrics.h"
#include "broker/worker_pool.h"
#include "os/process.h"

namespace mq::broker {
namespace {

using wire::ErrorCode;
using wire::FetchRequest;
using wire::FetchResponse;

// A client that goes away leaves its fetch behind until its time has come: not for weeks.
constexpr std::int32_t kLongestWaitMs = 600'000;
// Looked at on the thread of the wake-ups itself; more are left to a worker.
constexpr std::size_t kFewPartitions = 16;
constexpr std::int16_t kFirstVersionOfEndpoints = 16;

FetchLimits limits_of(const FetchRequest& request, std::int16_t version, std::int32_t fetch_max_bytes,
                      bool is_follower) {
    return {.version = version,
            .isolation = request.isolation_level == 1 && !is_follower ? log::Isolation::read_committed
                                                                      : log::Isolation::read_uncommitted,
            .is_follower = is_follower,
            .max_bytes = static_cast<std::uint64_t>(std::clamp(request.max_bytes, 0, fetch_max_bytes))};
}

// One request, until there is enough to answer it with.
class Fetching : public std::enable_shared_from_this<Fetching> {
public:
    Fetching(Broker& broker, const Call& call, FetchRequest request, Answer<FetchResponse> answer)
        : broker_(broker),
          client_(call.client),
          context_(broker.fetch_sessions().begin(request, call.version(), os::monotonic_ms())),
          limits_(limits_of(request, call.version(), broker.config().fetch_max_bytes, context_.is_follower)),
          min_bytes_(static_cast<std::uint64_t>(
              std::clamp<std::int64_t>(request.min_bytes, 0, static_cast<std::int64_t>(limits_.max_bytes)))),
          until_ms_(request.max_wait_ms <= 0 ? 0
                                             : os::monotonic_ms() + std::min(request.max_wait_ms, kLongestWaitMs)),
          answer_(std::move(answer)) {}

    void begin() {
        if (context_.error != ErrorCode::none) return respond({});
        if (limits_.want_old_format()) return go_on_elsewhere();
        look();
    }

private:
    void look() {
        FetchRead read = read_for_fetch(broker_, context_, limits_);
        if (read.must_wait) return go_on_elsewhere();
        if (!is_enough(read)) {
            has_waited_ = true;
            const auto id =
                broker_.wakeups().when(read.waits, until_ms_, [self = shared_from_this()] { self->woken(); });
            if (id != 0) return;
        }
        respond(std::move(read));
    }

    [[nodiscard]] bool is_enough(const FetchRead& read) const {
        if (read.has_errors || read.is_behind || read.waits.empty()) return true;
        if (has_waited_ && read.has_unknown) return true;
        if (read.total_bytes >= min_bytes_ || read.readable_bytes >= min_bytes_) return true;
        return until_ms_ == 0 || os::monotonic_ms() >= until_ms_;
    }

    void woken() {
        if (context_.partitions.size() > kFewPartitions || limits_.want_old_format()) return go_on_elsewhere();
        look();
    }

    void go_on_elsewhere() {
        const bool posted = broker_.workers().post([self = shared_from_this()] { self->look(); });
        if (!posted) answer_.close();
    }

    void respond(FetchRead read) {
        const FetchEnvelope envelope =
            broker_.fetch_sessions().finish(context_, read.results, read.bytes, os::monotonic_ms());
        FetchPayload payload;
        add_records(broker_, context_, limits_, envelope.included, read, payload);
        FetchResponse response;
        response.error_code = envelope.error;
        response.session_id = envelope.session_id;
        // Kafka puts those last that it knows nothing of.
        for (const bool unknown : {false, true}) {
            const FetchTopic* last = nullptr;
            for (std::size_t i = 0; i < read.results.size(); ++i) {
                if (read.is_unknown[i] != unknown) continue;
                count(i, read);
                if (!envelope.included[i]) continue;
                const FetchTopic& topic = *context_.partitions[i].topic;
                if (last == nullptr || (last != &topic && *last != topic))
                    response.responses.push_back({topic.name, topic.id, {}});
                last = &topic;
                add_leader(read.results[i], response);
                response.responses.back().partitions.push_back(std::move(read.results[i]));
            }
        }
        answer_(response, std::move(payload.files), std::move(payload.keeps));
    }

    void add_leader(FetchResponse::Partition& result, FetchResponse& response) const {
        const bool asks_for_it = result.error_code == ErrorCode::fenced_leader_epoch ||
                                 result.error_code == ErrorCode::not_leader_or_follower;
        if (limits_.version < kFirstVersionOfEndpoints || !asks_for_it) {
            result.current_leader = {};
            return;
        }
        result.current_leader.leader_id = broker_.id();
        if (!response.node_endpoints.empty()) return;
        const Endpoint& here = *client_->endpoint;
        response.node_endpoints.push_back({broker_.id(), here.host, here.port, broker_.config().rack});
    }

    void count(std::size_t i, const FetchRead& read) const {
        const std::string_view topic = read.names[i];
        if (topic.empty()) return;
        if (read.results[i].error_code == ErrorCode::none)
            broker_.metrics().fetched(topic, read.bytes[i]);
        else
            broker_.metrics().fetch_failed(topic);
    }

    Broker& broker_;
    std::shared_ptr<const Client> client_;
    FetchContext context_;
    FetchLimits limits_;
    std::uint64_t min_bytes_;
    std::int64_t until_ms_;  // 0: does not wait
    bool has_waited_ = false;
    Answer<FetchResponse> answer_;
};

}  // namespace

void fetch(Broker& broker, Call call, FetchRequest request, Answer<FetchResponse> answer) {
    std::make_shared<Fetching>(broker, call, std::move(request), std::move(answer))->begin();
}

}  // namespace mq::broker
