#include "broker/partitions.h"

#include <algorithm>
#include <chrono>

#include "broker/event_log.h"
#include "broker/worker_pool.h"
#include "os/process.h"
#include "shm/control_file.h"

namespace mq::broker {
namespace {

// How long a connection's thread waits for another thread.
constexpr std::chrono::milliseconds kMoment{shm::Briefly::kMostMs};
// After which it is told that appends wait.
constexpr std::int64_t kWorthTellingMs = 1000;
// Of the same damage.
constexpr std::int64_t kBetweenComplaintsMs = 10'000;

Result<std::unique_lock<std::timed_mutex>> lock_for(std::timed_mutex& mutex, const log::TopicPartition& id) {
    std::unique_lock lock{mutex, std::defer_lock};
    if (WorkerPool::may_wait()) {
        lock.lock();
    } else if (!lock.try_lock_until(std::chrono::system_clock::now() + kMoment)) {
        // Of the waits with an end, the thread sanitizer of g++ 12 knows only that by the wall clock.
        return fail(Errc::timed_out, "use", log::partition_directory(id), "another thread waits for it");
    }
    return lock;
}

bool is_timed_out(const Error& error) { return error.code == Errc::timed_out; }

tl::unexpected<Error> stopped(const log::TopicPartition& id) {
    return fail(Errc::interrupted, "use", log::partition_directory(id), "the broker stops");
}

}  // namespace

Status Partition::with_writer(FunctionRef<Status(store::PartitionWriter&)> work) {
    MQ_ASSIGN(const auto lock, lock_for(writer_mutex_, id_));
    for (bool is_new = false;; is_new = true) {
        if (!writer_) {
            MQ_ASSIGN(writer_, context_.directory.open_writer(id_));
            is_new = true;
        }
        Status done = work(*writer_);
        if (done || done.error().code != Errc::not_found) return done;
        writer_.reset();
        if (is_new) return done;
    }
}

Status Partition::with_reader(FunctionRef<Status(store::PartitionReader&)> work, log::Isolation isolation) {
    Reader& mine = readers_[static_cast<std::size_t>(isolation)];
    MQ_ASSIGN(const auto lock, lock_for(mine.mutex, id_));
    for (bool is_new = false;; is_new = true) {
        if (!mine.reader) {
            // A log that nobody has used since the machine started may be walked for it.
            if (!WorkerPool::may_wait())
                return fail(Errc::timed_out, "use", log::partition_directory(id_), "it is yet to be opened");
            MQ_ASSIGN(mine.reader, context_.directory.open_reader(id_, isolation));
            is_new = true;
        }
        Status done = work(*mine.reader);
        if (done || done.error().code != Errc::not_found) return done;
        mine.reader.reset();
        if (is_new) return done;
    }
}

bool Partition::is_worth_telling() {
    const std::int64_t now = os::monotonic_ms();
    std::int64_t told = told_ms_.load();
    if (told != 0 && now - told < kBetweenComplaintsMs) return false;
    return told_ms_.compare_exchange_strong(told, now);
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

Result<log::AppendResult> Partition::try_append(const PendingAppend& append, Roll roll) {
    log::AppendResult result;
    MQ_TRY(with_writer([&](store::PartitionWriter& writer) -> Status {
        if (roll == Roll::no && writer.is_full_for(append.batches.size()))
            return fail(Errc::timed_out, "append", log::partition_directory(id_), "a new segment takes longer");
        MQ_ASSIGN(result, writer.append(append.batches, append.options));
        return {};
    }));
    return result;
}

void Partition::append(PendingAppend append) {
    {
        // What waits already goes first; and to bring a log up may take long.
        const std::lock_guard lock{queues_mutex_};
        if (appending_ || !is_up_) return wait_in_line(std::move(append));
    }
    auto result = try_append(append, WorkerPool::may_wait() ? Roll::yes : Roll::no);
    if (!result && is_timed_out(result.error())) {
        const std::lock_guard lock{queues_mutex_};
        return wait_in_line(std::move(append));
    }
    append.done(std::move(result));
}

void Partition::wait_in_line(PendingAppend append) {
    appends_.push_back({std::move(append), os::monotonic_ms()});
    if (std::exchange(appending_, true)) return;
    if (context_.workers.post([self = shared_from_this()] { self->append_waiting(); })) return;
    appending_ = false;
    const auto refused = std::move(appends_.back().append.done);
    appends_.pop_back();
    refused(stopped(id_));
}

void Partition::append_waiting() {
    while (append_next()) {
    }
}

// Whether to go on; else nothing waits any more, or another worker goes on. The worker is not kept from others for
// long where a lock stays held.
bool Partition::append_next() {
    Waiting* first = nullptr;
    {
        const std::lock_guard lock{queues_mutex_};
        if (appends_.empty()) {
            appending_ = false;
            return false;
        }
        first = &appends_.front();
    }
    auto result = [&]() -> Result<log::AppendResult> {
        const shm::Briefly not_for_long;
        return try_append(first->append, Roll::yes);
    }();
    if (!result && is_timed_out(result.error()) && os::monotonic_ms() < first->append.until_ms) {
        if (!first->told && os::monotonic_ms() - first->since_ms >= kWorthTellingMs) {
            context_.log.warning("appends to " + log::partition_directory(id_) +
                                 " wait: " + result.error().message());
            first->told = true;
        }
        if (context_.workers.post([self = shared_from_this()] { self->append_waiting(); })) return false;
        result = stopped(id_);
    }
    Waiting done;
    {
        const std::lock_guard lock{queues_mutex_};
        is_up_ = is_up_ || result;
        done = std::move(appends_.front());
        appends_.pop_front();
    }
    done.append.done(std::move(result));
    return true;
}

void Partition::flush(Offset end, std::int64_t until_ms, std::function<void(Status)> done) {
    {
        const std::lock_guard lock{queues_mutex_};
        flushes_.push_back({end, until_ms, std::move(done)});
        if (std::exchange(flushing_, true)) return;
    }
    if (!context_.workers.post([self = shared_from_this()] { self->flush_waiting(); })) flush_waiting();
}

// Once for all that wait; what came meanwhile gets its turn after other partitions.
void Partition::flush_waiting() {
    std::vector<FlushWaiter> waiting;
    {
        const std::lock_guard lock{queues_mutex_};
        waiting.swap(flushes_);
    }
    Status flushed = [&] {
        const shm::Briefly not_for_long;
        return flush_to(std::ranges::max(waiting, {}, &FlushWaiter::end).end);
    }();
    if (!flushed && is_timed_out(flushed.error())) {
        const std::int64_t now = os::monotonic_ms();
        const auto patient = std::ranges::partition(waiting, [&](const auto& w) { return w.until_ms <= now; });
        const std::lock_guard lock{queues_mutex_};
        flushes_.insert(flushes_.begin(), std::move_iterator{patient.begin()}, std::move_iterator{patient.end()});
        waiting.erase(patient.begin(), patient.end());
    }
    for (const FlushWaiter& waiter : waiting) waiter.done(flushed);
    {
        const std::lock_guard lock{queues_mutex_};
        flushing_ = !flushes_.empty();
        if (!flushing_) return;
    }
    if (context_.workers.post([self = shared_from_this()] { self->flush_waiting(); })) return;
    std::vector<FlushWaiter> left;
    {
        const std::lock_guard lock{queues_mutex_};
        left.swap(flushes_);
        flushing_ = false;
    }
    for (const FlushWaiter& waiter : left) waiter.done(stopped(id_));
}

Status Partition::flush_to(Offset end) {
    for (bool is_new = false;; is_new = true) {
        if (!flusher_) {
            MQ_ASSIGN(flusher_, context_.directory.open_writer(id_));
            is_new = true;
        }
        Status done = flusher_->flush(end);
        if (done || done.error().code != Errc::not_found) return done;
        flusher_.reset();
        if (is_new) return done;
    }
}

std::shared_ptr<Partition> Partitions::find(const log::TopicPartition& id) {
    std::shared_ptr<Partition> closed;  // outside of the lock
    const std::lock_guard lock{mutex_};
    if (const auto found = entries_.find(id); found != entries_.end()) {
        recent_.splice(recent_.begin(), recent_, found->second);
        return recent_.front();
    }
    recent_.push_front(std::make_shared<Partition>(id, context_));
    entries_.emplace(id, recent_.begin());
    if (entries_.size() > most_) {
        // One that somebody works with stays: what waits in it must not be overtaken through another.
        const auto idle =
            std::find_if(recent_.rbegin(), recent_.rend(), [](const auto& p) { return p.use_count() == 1; });
        if (idle != recent_.rend()) {
            closed = *idle;
            entries_.erase(closed->id());
            recent_.erase(std::next(idle).base());
        }
    }
    return recent_.front();
}

void Partitions::forget(std::string_view topic) {
    Recent closed;
    const std::lock_guard lock{mutex_};
    for (auto at = recent_.begin(); at != recent_.end();) {
        const auto partition = at++;
        if ((*partition)->id().topic != topic) continue;
        entries_.erase((*partition)->id());
        closed.splice(closed.end(), recent_, partition);
    }
}

}  // namespace mq::broker
