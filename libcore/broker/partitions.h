// The partitions that are in use: one writer and one reader each, opened when they are first asked for, the least
// recently used closed when there are too many.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

#include "log/checkpoint_file.h"
#include "store/data_directory.h"

namespace mq::broker {

// Thread-safe. A thread that may not wait (WorkerPool::may_wait) gets timed_out where another process, or thread,
// holds what the call needs for more than a moment: nothing has happened then, and a worker may try again.
class Partition {
public:
    explicit Partition(log::TopicPartition id, store::DataDirectory& directory)
        : id_(std::move(id)), directory_(directory) {}

    [[nodiscard]] const log::TopicPartition& id() const { return id_; }
    [[nodiscard]] Result<store::Bounds> bounds(log::Isolation isolation = log::Isolation::read_uncommitted);

    // Runs `work` on the writer or the reader of the partition, alone. Errors: those of opening it, and of `work`.
    [[nodiscard]] Status with_writer(FunctionRef<Status(store::PartitionWriter&)> work);
    [[nodiscard]] Status with_reader(FunctionRef<Status(store::PartitionReader&)> work,
                                     log::Isolation isolation = log::Isolation::read_uncommitted);

private:
    struct Reader {
        std::timed_mutex mutex;
        std::unique_ptr<store::PartitionReader> reader;
    };
    log::TopicPartition id_;
    store::DataDirectory& directory_;
    std::timed_mutex writer_mutex_;
    std::unique_ptr<store::PartitionWriter> writer_;
    Reader readers_[2];  // by isolation
};

// Thread-safe.
class Partitions {
public:
    Partitions(store::DataDirectory& directory, std::size_t most) : directory_(directory), most_(most) {}

    // Opens nothing: that a partition does not exist is told when it is used.
    [[nodiscard]] std::shared_ptr<Partition> find(const log::TopicPartition& id);
    // A topic was deleted: what was open of it is of no more use.
    void forget(std::string_view topic);

private:
    struct Entry {
        std::shared_ptr<Partition> partition;
        std::uint64_t used = 0;
    };
    store::DataDirectory& directory_;
    const std::size_t most_;
    std::mutex mutex_;
    std::uint64_t clock_ = 0;
    std::map<log::TopicPartition, Entry> entries_;
};

}  // namespace mq::broker
