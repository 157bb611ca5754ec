// The partitions that are in use: one writer and one reader each, opened when they are first asked for, the least
// recently used closed when there are too many.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "log/checkpoint_file.h"
#include "store/data_directory.h"

namespace mq::broker {

class EventLog;
class WorkerPool;

// What all partitions work with.
struct PartitionContext {
    store::DataDirectory& directory;
    WorkerPool& workers;
    EventLog& log;
};

// Batches on their way into a partition. The bytes stay where they are until `done` was called.
struct PendingAppend {
    std::span<char> batches;
    log::AppendOptions options{};
    std::int64_t until_ms = 0;  // on the monotonic clock: what has not been appended by then is not appended at all
    // Once, from any thread. timed_out: nothing was appended.
    std::function<void(Result<log::AppendResult>)> done;
};

// Thread-safe. A thread that may not wait (WorkerPool::may_wait) gets timed_out where another process, or thread,
// holds what the call needs for more than a moment: nothing has happened then, and a worker may try again.
class Partition : public std::enable_shared_from_this<Partition> {
public:
    Partition(log::TopicPartition id, const PartitionContext& context) : id_(std::move(id)), context_(context) {}

    [[nodiscard]] const log::TopicPartition& id() const { return id_; }
    [[nodiscard]] Result<store::Bounds> bounds(log::Isolation isolation = log::Isolation::read_uncommitted);

    // Runs `work` on the writer or the reader of the partition, alone. Where the topic was deleted and made again
    // since it was opened, `work` runs again after its not_found. Errors: those of opening it, and of `work`.
    [[nodiscard]] Status with_writer(FunctionRef<Status(store::PartitionWriter&)> work);
    [[nodiscard]] Status with_reader(FunctionRef<Status(store::PartitionReader&)> work,
                                     log::Isolation isolation = log::Isolation::read_uncommitted);

    // Whether it should be told now that its files are damaged: a client asks for the same records again and again.
    [[nodiscard]] bool is_worth_telling();

    // Appends at once, and calls `done` from within, unless somebody holds what that needs for more than a moment.
    // Then it is done on a worker as soon as it can be, and those that come meanwhile queue up behind it: one
    // connection's appends are done in the order in which it called.
    void append(PendingAppend append);
    // Calls `done`, on a worker, when all below `end` is on stable storage, or with timed_out after `until_ms`. One
    // flush serves all who wait for it, and appends go on beside it.
    void flush(Offset end, std::int64_t until_ms, std::function<void(Status)> done);

private:
    struct Reader {
        std::timed_mutex mutex;
        std::unique_ptr<store::PartitionReader> reader;
    };
    struct Waiting {
        PendingAppend append;
        std::int64_t since_ms = 0;
        bool told = false;
    };
    struct FlushWaiter {
        Offset end{0};
        std::int64_t until_ms = 0;
        std::function<void(Status)> done;
    };
    void wait_in_line(PendingAppend append);
    enum class Roll : bool { no, yes };
    [[nodiscard]] Result<log::AppendResult> try_append(const PendingAppend& append, Roll roll);
    void append_waiting();
    [[nodiscard]] bool append_next();
    void flush_waiting();
    [[nodiscard]] Status flush_to(Offset end);

    log::TopicPartition id_;
    PartitionContext context_;
    std::timed_mutex writer_mutex_;
    std::unique_ptr<store::PartitionWriter> writer_;
    Reader readers_[2];  // by isolation
    std::atomic<std::int64_t> told_ms_{0};

    std::mutex queues_mutex_;
    std::deque<Waiting> appends_;
    bool appending_ = false;  // a worker sees to the queue
    bool is_up_ = false;      // it was appended to: the log is open, and in order
    std::vector<FlushWaiter> flushes_;
    bool flushing_ = false;
    std::unique_ptr<store::PartitionWriter> flusher_;  // of the one worker that flushes
};

// Thread-safe.
class Partitions {
public:
    Partitions(PartitionContext context, std::size_t most) : context_(context), most_(most) {}

    // Opens nothing: that a partition does not exist is told when it is used.
    [[nodiscard]] std::shared_ptr<Partition> find(const log::TopicPartition& id);
    // A topic was deleted: what was open of it is of no more use.
    void forget(std::string_view topic);

private:
    using Recent = std::list<std::shared_ptr<Partition>>;  // the latest first
    const PartitionContext context_;
    const std::size_t most_;
    std::mutex mutex_;
    Recent recent_;
    std::map<log::TopicPartition, Recent::iterator> entries_;
};

}  // namespace mq::broker
