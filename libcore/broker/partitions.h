// The partitions that are in use: one writer and one reader each, opened when they are first asked for, the least
// recently used closed when there are too many.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

#include "log/checkpoint_file.h"
#include "store/data_directory.h"

namespace mq::broker {

class EventLog;
class Wakeups;
class WorkerPool;

// What all partitions work with.
struct PartitionContext {
    store::DataDirectory& directory;
    Wakeups& wakeups;
    WorkerPool& workers;
    EventLog& log;
};

// Of what waits to be appended to one partition; one append may be larger.
inline constexpr std::size_t kMostWaitingBytes = 64u << 20;

// Batches on their way into a partition. The bytes stay where they are until `done` was called. Times are of the
// monotonic clock.
struct PendingAppend {
    std::span<char> batches;
    log::AppendOptions options{};
    std::size_t kept_bytes = 0;  // of memory, as long as it waits
    std::int64_t until_ms = 0;   // what has not been appended by then is not appended at all
    // Called when that time has come and `done` was not called, which may happen meanwhile: the append still waits.
    std::int64_t late_ms = 0;
    std::function<void()> late{};
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

    // Closes what is open of files that were replaced or removed, by whomever, but for what is in use now. It is
    // opened again when it is needed.
    void let_go_of_replaced();

    // Whether it should be told now that its files are damaged, or fail: clients ask for the same again and again.
    [[nodiscard]] bool is_worth_telling();

    // Appends at once, and calls `done` from within, unless somebody holds what that needs for more than a moment.
    // Then it is done on a worker as soon as it can be, and those that come meanwhile queue up behind it: one
    // connection's appends are done in the order in which it called. A line that is too long takes no more:
    // timed_out.
    void append(PendingAppend append);
    // Calls `done`, on a worker, when all below `end` is on stable storage, or with timed_out after `until_ms`,
    // though the flush itself may hang. One flush serves all who wait for it, and appends go on beside it.
    void flush(Offset end, std::int64_t until_ms, std::function<void(Status)> done);

private:
    struct Reader {
        std::timed_mutex mutex;
        std::unique_ptr<store::PartitionReader> reader;
    };
    struct Waiting {
        PendingAppend append;
        std::int64_t since_ms = 0;
        bool is_told = false;
        bool is_begun = false;  // a worker is at it
    };
    struct FlushWaiter {
        Offset end{0};
        std::int64_t until_ms = 0;
        std::function<void(Status)> done;
    };
    enum class Pace : bool { quick, thorough };
    [[nodiscard]] Status with_writer(FunctionRef<Status(store::PartitionWriter&)> work, Pace pace);
    [[nodiscard]] Result<log::AppendResult> try_append(const PendingAppend& append, Pace pace);
    [[nodiscard]] bool has_line();
    [[nodiscard]] Status wait_in_line(PendingAppend& append);
    void append_waiting();
    [[nodiscard]] bool append_next();
    void flush_waiting();
    [[nodiscard]] bool flush_next();
    [[nodiscard]] Status flush_to(Offset end);
    void ring_at(std::int64_t time_ms);
    void give_up_waiting();

    log::TopicPartition id_;
    PartitionContext context_;
    std::timed_mutex writer_mutex_;
    std::unique_ptr<store::PartitionWriter> writer_;
    Reader readers_[2];  // by isolation
    std::atomic<std::int64_t> told_ms_{0};

    std::mutex queues_mutex_;
    std::list<Waiting> appends_;
    std::size_t waiting_bytes_ = 0;  // of them
    bool appending_ = false;         // a worker sees to the queue
    std::list<FlushWaiter> flushes_;
    bool flushing_ = false;
    std::uint64_t alarm_ = 0;  // of the wakeups, for the first whose time comes; 0: none
    std::int64_t alarm_ms_ = 0;
    std::unique_ptr<store::PartitionWriter> flusher_;  // of the one worker that flushes
    std::mutex let_go_mutex_;
    std::optional<store::DataDirectory::Files> files_seen_;  // when it was last let go
};

// Thread-safe.
class Partitions {
public:
    Partitions(PartitionContext context, std::size_t most) : context_(context), most_(most) {}

    // Opens nothing: that a partition does not exist is told when it is used.
    [[nodiscard]] std::shared_ptr<Partition> find(const log::TopicPartition& id);
    // A topic was deleted: what was open of it is of no more use.
    void forget(std::string_view topic);
    // Of each of them.
    void let_go_of_replaced();

private:
    using Recent = std::list<std::shared_ptr<Partition>>;  // the latest first
    const PartitionContext context_;
    const std::size_t most_;
    std::mutex mutex_;
    Recent recent_;
    std::map<log::TopicPartition, Recent::iterator> entries_;
};

}  // namespace mq::broker
