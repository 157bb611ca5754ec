#include "broker/broker.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <new>

#include "broker/complaints.h"
#include "broker/conversions.h"
#include "broker/coordinator.h"
#include "broker/descriptors.h"
#include "broker/event_log.h"
#include "broker/fetch_sessions.h"
#include "broker/housekeeping.h"
#include "broker/metrics.h"
#include "broker/partitions.h"
#include "broker/producer_ids.h"
#include "broker/topics.h"
#include "broker/wakeups.h"
#include "broker/worker_pool.h"
#include "groups/consumed.h"
#include "offsets/offset_store.h"
#include "os/process.h"
#include "shm/control_file.h"
#include "shm/layout.h"
#include "store/data_directory.h"

namespace mq::broker {
namespace {

// As the other tools end when the control file's disk space goes away under them.
constexpr int kExitOnBusError = 74;
// Made before memory is short.
const std::string kNoMemoryToTell = "no memory to tell what the recovery of a partition has found";
// Enough for a flush of each of some partitions at once beside what waits for a lock.
constexpr std::size_t kWorkers = 8;

tl::unexpected<Error> in_the_way(const std::string& file, const shm::Holder& holder, std::int64_t seconds) {
    std::string remedy = "if it is stopped, continue or end it";
    if (holder.pid != 0 && !holder.foreign) {
        const std::string pid = std::to_string(holder.pid);
        remedy = "if it is stopped, continue it (kill -CONT " + pid + ") or end it (kill -KILL " + pid + ")";
    }
    return fail(Errc::in_use, "start", file,
                shm::describe(holder) + " has held " + holder.what + " for " + std::to_string(seconds) +
                    " s: " + remedy + ", and start again");
}

}  // namespace

// In the order in which they are made; what serves requests goes before what it works with.
struct Broker::Impl {
    // What the data directory asks, which is there before all else.
    struct Shared {
        std::atomic<Impl*> impl{nullptr};  // while there is one
        std::atomic<bool> gives_up_waiting{false};
        std::atomic<bool> is_open{false};
    };
    std::shared_ptr<Shared> shared;
    BrokerConfig config;
    std::mutex set_keys_mutex{};
    std::shared_ptr<const SetKeys> set_keys = std::make_shared<const SetKeys>(config.set);
    EventLog& log;
    std::unique_ptr<Metrics> metrics;  // answers that are dropped count into it
    std::int32_t id;
    std::string cluster_id;
    store::DataDirectory directory;
    DescriptorShares shares = share_out(os::descriptor_limit());
    offsets::OffsetStore offsets{directory, wall_clock_ms, 0, config.offsets_topic, shares.offsets_partitions};
    Complaints complaints{log, wakeups};
    Topics topics{directory};
    ProducerIds producer_ids{directory};
    FetchSessions fetch_sessions{static_cast<std::size_t>(std::max(config.fetch_sessions, 0))};
    Conversions conversions{memory_for_requests(config)};
    Partitions partitions{{directory, wakeups, workers, log}, shares.partitions};
    Coordinator coordinator{{config, log, complaints, directory, offsets, topics, workers, wakeups}};
    Housekeeping housekeeping{{config, log, directory, topics, partitions, offsets, wakeups, workers}};
    Wakeups wakeups{directory, log};
    WorkerPool workers{kWorkers, log};

    void end();
};

std::uint64_t memory_for_requests(const BrokerConfig& config) {
    constexpr std::uint64_t kShare = 4;
    return config.request_memory_bytes > 0 ? static_cast<std::uint64_t>(config.request_memory_bytes)
                                           : os::memory_limit() / kShare;
}

Result<std::unique_ptr<Broker>> Broker::open(BrokerConfig config, EventLog& log) {
    store::OpenOptions how;
    how.access = store::Access::write;
    how.bus_error_exit_status = kExitOnBusError;
    how.broker_id = config.broker_id.value_or(0);
    const auto shared = std::make_shared<Impl::Shared>();
    how.consumed_below = [shared](const log::TopicPartition& id) -> Result<std::optional<Offset>> {
        Impl* impl = shared->impl.load();
        if (impl == nullptr) return std::nullopt;
        return groups::consumed_below(impl->directory, impl->offsets, id);
    };
    const std::string control_file = os::join(config.log_dir, shm::kControlFileName);
    how.on_wait = [&log, shared, control_file, patience = std::chrono::milliseconds{config.start_patience_ms}](
                      const shm::Holder& holder, std::chrono::milliseconds waited) -> Status {
        if (shared->gives_up_waiting.load()) return fail(Errc::interrupted, "wait", holder.what, "the broker stops");
        // Who starts it waits for an answer; and nobody else need be kept waiting with it.
        if (!shared->is_open.load() && waited >= patience)
            return in_the_way(control_file, holder, waited.count() / 1000);
        // Asked after a second, and then ten times a second.
        if (waited < std::chrono::milliseconds{1100})
            log.warning("waiting for " + holder.what + ", which " + shm::describe(holder) + " holds");
        return {};
    };
    how.on_recovery = [&log](const log::TopicPartition& id, const log::RecoveryReport& report) {
        try {
            for (const auto& cut : report.cuts) log.warning(describe(cut));
            for (const auto& note : report.notes) log.info(log::partition_directory(id) + ": " + note);
        } catch (const std::bad_alloc&) {
            log.error(kNoMemoryToTell);
        }
    };
    MQ_ASSIGN(auto directory, store::DataDirectory::open(config.log_dir, how));
    MQ_ASSIGN(const bool is_the_one, directory.control()->become_broker());
    if (!is_the_one) {
        return fail(Errc::in_use, "start", config.log_dir,
                    "process " + std::to_string(directory.control()->header().broker_pid.load()) +
                        " is the mq-broker of this directory already");
    }
    MQ_ASSIGN(auto identity, directory.identify());
    const std::int32_t id = config.broker_id.value_or(identity.broker_id.value_or(0));
    if (identity.broker_id.value_or(id) != id) {
        return fail(Errc::bad_configuration, "start", config.log_dir,
                    "its " + std::string{log::kMetaProperties} + " is that of broker " +
                        std::to_string(*identity.broker_id) + ", broker.id is " + std::to_string(id));
    }
    MQ_TRY(directory.set_topic_defaults(config.topic_defaults));
    std::unique_ptr<Broker> broker{
        new Broker{std::unique_ptr<Impl>(new Impl{.shared = shared,
                                                  .config = std::move(config),
                                                  .log = log,
                                                  .metrics = std::make_unique<Metrics>(),
                                                  .id = id,
                                                  .cluster_id = std::move(identity.cluster_id),
                                                  .directory = std::move(directory)})}};
    shared->impl.store(broker->impl_.get());
    MQ_TRY(broker->impl_->coordinator.start());
    broker->impl_->housekeeping.start();
    shared->is_open.store(true);
    return broker;
}

Broker::Broker(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Broker::~Broker() { impl_->end(); }

bool Broker::is_ready() const { return impl_->coordinator.is_ready(); }

// What waits, waits for something that the next one brings about.
void Broker::Impl::end() {
    // It may wait for somebody who will not come back.
    shared->gives_up_waiting.store(true);
    housekeeping.stop();
    shared->gives_up_waiting.store(false);
    // What is to be written is written, but not after its time.
    wakeups.at(os::monotonic_ms() + config.offsets_commit_timeout_ms,
               [of = shared] { of->gives_up_waiting.store(true); });
    coordinator.stop();
    wakeups.stop();
    workers.stop();
    complaints.finish();
    shared->impl.store(nullptr);
}

Status Broker::stop() {
    impl_->end();
    MQ_TRY(impl_->offsets.flush());
    MQ_ASSIGN(const bool alone, impl_->directory.close_cleanly());
    // The last of them closes it.
    if (!alone) impl_->log.info("the data directory stays open: other processes use it");
    return {};
}

Status Broker::change(const store::ConfigMap& topic_defaults, SetKeys set) {
    // Whoever asks has signals to look at; but as long as others make a topic of many partitions.
    constexpr int kPatienceMs = 1'000;
    const shm::Briefly not_for_long{kPatienceMs};
    MQ_TRY(impl_->directory.set_topic_defaults(topic_defaults));
    auto keys = std::make_shared<const SetKeys>(std::move(set));
    const std::lock_guard lock{impl_->set_keys_mutex};
    impl_->set_keys = std::move(keys);
    return {};
}

const BrokerConfig& Broker::config() const { return impl_->config; }
std::shared_ptr<const SetKeys> Broker::set_keys() const {
    const std::lock_guard lock{impl_->set_keys_mutex};
    return impl_->set_keys;
}
std::int32_t Broker::id() const { return impl_->id; }
const std::string& Broker::cluster_id() const { return impl_->cluster_id; }
EventLog& Broker::log() { return impl_->log; }
Complaints& Broker::complaints() { return impl_->complaints; }
Metrics& Broker::metrics() { return *impl_->metrics; }
store::DataDirectory& Broker::directory() { return impl_->directory; }
offsets::OffsetStore& Broker::offsets() { return impl_->offsets; }
Coordinator& Broker::coordinator() { return impl_->coordinator; }
Housekeeping& Broker::housekeeping() { return impl_->housekeeping; }
Wakeups& Broker::wakeups() { return impl_->wakeups; }
WorkerPool& Broker::workers() { return impl_->workers; }
Topics& Broker::topics() { return impl_->topics; }
FetchSessions& Broker::fetch_sessions() { return impl_->fetch_sessions; }
Conversions& Broker::conversions() { return impl_->conversions; }
Partitions& Broker::partitions() { return impl_->partitions; }
ProducerIds& Broker::producer_ids() { return impl_->producer_ids; }

}  // namespace mq::broker
