#include "broker/partitions.h"

#include <algorithm>
#include <chrono>

#include "broker/worker_pool.h"

namespace mq::broker {
namespace {

// How long a connection's thread waits for another thread: about as long as a large append takes.
constexpr std::chrono::milliseconds kMoment{5};

Result<std::unique_lock<std::timed_mutex>> lock_for(std::timed_mutex& mutex, const log::TopicPartition& id) {
    std::unique_lock lock{mutex, std::defer_lock};
    if (WorkerPool::may_wait()) {
        lock.lock();
    } else if (!lock.try_lock_for(kMoment)) {
        return fail(Errc::timed_out, "use", log::partition_directory(id), "another thread waits for it");
    }
    return lock;
}

}  // namespace

Status Partition::with_writer(FunctionRef<Status(store::PartitionWriter&)> work) {
    MQ_ASSIGN(const auto lock, lock_for(writer_mutex_, id_));
    if (!writer_) {
        MQ_ASSIGN(writer_, directory_.open_writer(id_));
    }
    return work(*writer_);
}

Status Partition::with_reader(FunctionRef<Status(store::PartitionReader&)> work, log::Isolation isolation) {
    Reader& mine = readers_[static_cast<std::size_t>(isolation)];
    MQ_ASSIGN(const auto lock, lock_for(mine.mutex, id_));
    if (!mine.reader) {
        MQ_ASSIGN(mine.reader, directory_.open_reader(id_, isolation));
    }
    return work(*mine.reader);
}

Result<store::Bounds> Partition::bounds(log::Isolation isolation) {
    store::Bounds bounds;
    MQ_TRY(with_reader(
        [&](store::PartitionReader& reader) -> Status {
            MQ_ASSIGN(bounds, reader.bounds());
            return {};
        },
        isolation));
    return bounds;
}

std::shared_ptr<Partition> Partitions::find(const log::TopicPartition& id) {
    const std::lock_guard lock{mutex_};
    Entry& entry = entries_[id];
    entry.used = ++clock_;
    if (entry.partition) return entry.partition;
    entry.partition = std::make_shared<Partition>(id, directory_);
    const auto found = entry.partition;
    if (entries_.size() > most_) {
        const auto oldest = std::ranges::min_element(entries_, {}, [](const auto& e) { return e.second.used; });
        entries_.erase(oldest);
    }
    return found;
}

void Partitions::forget(std::string_view topic) {
    const std::lock_guard lock{mutex_};
    std::erase_if(entries_, [&](const auto& entry) { return entry.first.topic == topic; });
}

}  // namespace mq::broker
