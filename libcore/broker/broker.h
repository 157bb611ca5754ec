// A Kafka broker without its network: requests in, replies out, over a data directory that others use as well.
#pragma once

#include <memory>
#include <string>

#include "broker/answer.h"
#include "broker/call.h"
#include "broker/config.h"

namespace mq::store {
class DataDirectory;
}
namespace mq::offsets {
class OffsetStore;
}

namespace mq::broker {

class Complaints;
class Conversions;
class Coordinator;
class EventLog;
class FetchSessions;
class Housekeeping;
class Metrics;
class Partitions;
class ProducerIds;
class Topics;
class Wakeups;
class WorkerPool;

// Thread-safe.
class Broker {
public:
    // Makes the directory if it is missing, and holds it as the one broker of it (DIR-5) until it goes away. Returns
    // at once, whatever is in the directory: what takes time, loading groups, goes on behind it. `log` must outlive
    // it. Errors: in_use (another broker, mq's or Kafka's), and those of opening a data directory.
    [[nodiscard]] static Result<std::unique_ptr<Broker>> open(BrokerConfig config, EventLog& log);
    ~Broker();

    // Takes one request, and answers it by `responder`: at once, from within, or later, from any thread. `call` has
    // client, frame and keeps; the header is read here.
    void handle(Call call, std::shared_ptr<Responder> responder, std::uint64_t ticket);

    // Whether groups are loaded: from then on nobody is told to wait (/readyz).
    [[nodiscard]] bool is_ready() const;

    // What is waited for is answered, what runs behind is ended, and the directory is left as a Kafka broker leaves
    // it at a clean stop. handle() must not be called any more.
    [[nodiscard]] Status stop();

    // Of a configuration that was read again: these defaults of topics hold from now on, and `set` is what is told.
    // timed_out: somebody has been at the topics for a second.
    [[nodiscard]] Status change(const store::ConfigMap& topic_defaults, SetKeys set);

    // ---- what the handlers work with
    [[nodiscard]] const BrokerConfig& config() const;  // as it was at the start
    [[nodiscard]] std::shared_ptr<const SetKeys> set_keys() const;
    [[nodiscard]] std::int32_t id() const;
    [[nodiscard]] const std::string& cluster_id() const;
    [[nodiscard]] EventLog& log();
    [[nodiscard]] Complaints& complaints();  // for what a client may cause without end
    [[nodiscard]] Metrics& metrics();
    [[nodiscard]] store::DataDirectory& directory();
    [[nodiscard]] offsets::OffsetStore& offsets();
    [[nodiscard]] WorkerPool& workers();
    [[nodiscard]] Wakeups& wakeups();
    [[nodiscard]] Housekeeping& housekeeping();
    [[nodiscard]] Topics& topics();
    [[nodiscard]] Partitions& partitions();
    [[nodiscard]] FetchSessions& fetch_sessions();
    [[nodiscard]] Conversions& conversions();
    [[nodiscard]] ProducerIds& producer_ids();
    [[nodiscard]] Coordinator& coordinator();

private:
    struct Impl;
    explicit Broker(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace mq::broker
