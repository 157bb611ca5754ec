// What is done in the background from time to time: retention, flushes that settings ask for, recovery points,
// compaction. Partitions that nothing happens in are not opened for it, and at most one is open at a time.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "broker/config.h"
#include "broker/topics.h"

namespace mq::offsets {
class OffsetStore;
}

namespace mq::broker {

class EventLog;
class Partitions;
class Wakeups;
class WorkerPool;

struct HousekeepingParts {
    const BrokerConfig& config;
    EventLog& log;
    store::DataDirectory& directory;
    Topics& topics;
    Partitions& partitions;
    offsets::OffsetStore& offsets;
    Wakeups& wakeups;
    WorkerPool& workers;
    ClockFn clock = wall_clock_ms;
};

// Thread-safe.
class Housekeeping {
public:
    explicit Housekeeping(const HousekeepingParts& parts) : parts_(parts) {}
    ~Housekeeping() { stop(); }

    // From now on each kind of work is done in its interval (log.retention.check.interval.ms and so on).
    void start();
    // Ends what is under way soon, and waits for it. Before the wakeups and the workers are stopped.
    void stop();

    // Letting go is of files that were replaced or removed, by other processes too; what this one removes it lets go
    // at the end of that round.
    enum class Chore : unsigned char { retention, flush, checkpoint, compaction, letting_go };
    // One round of it now, on this thread.
    void run(Chore chore);

private:
    using Partition = log::TopicPartition;
    // Of a partition in which there was nothing to do: so it stays until it changes, or that time.
    struct Seen {
        Uuid topic;
        store::DataDirectory::Glance glance;
        std::int64_t retention_ms = 0;
        std::int64_t retention_bytes = 0;
        TimestampMs due_ms = 0;
    };
    // A round goes on in pieces: between them the workers do what others wait for.
    struct Round {
        std::shared_ptr<const TopicPicture> picture;
        std::size_t topic = 0;
        std::int32_t partition = 0;
    };

    [[nodiscard]] std::int64_t interval_of(Chore chore) const;
    void schedule(Chore chore);
    void begin(Chore chore);
    void go_on(Chore chore, Round round);
    // False: there is more to do.
    [[nodiscard]] bool do_some(Chore chore, Round& round, std::int64_t until_ns);
    [[nodiscard]] static bool concerns(Chore chore, const BrokerConfig& config, const TopicInfo& topic);
    void let_go();
    void visit(Chore chore, const TopicInfo& topic, const Partition& id);
    [[nodiscard]] Status retain(const TopicInfo& topic, const Partition& id);
    [[nodiscard]] Status flush(const TopicInfo& topic, const Partition& id);
    [[nodiscard]] Status checkpoint(const Partition& id);
    [[nodiscard]] Status compact(const TopicInfo& topic, const Partition& id);
    // Whether it holds no record, as its files tell.
    [[nodiscard]] bool is_empty(const Partition& id) const;
    void tell(const Partition& id, Chore chore, const Status& done);

    const HousekeepingParts parts_;
    std::atomic<bool> stopping_{false};

    std::mutex mutex_;
    std::condition_variable idle_;
    int under_way_ = 0;
    std::map<Partition, Seen> retained_;
    std::map<Partition, Seen> compacted_;
    std::map<Partition, std::int64_t> unflushed_since_ms_;  // on the monotonic clock
    std::map<std::pair<Partition, Chore>, std::string> told_;
};

}  // namespace mq::broker
