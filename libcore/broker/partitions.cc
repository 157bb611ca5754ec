#include "broker/partitions.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <new>

#include "broker/event_log.h"
#include "broker/wakeups.h"
#include "broker/worker_pool.h"
#include "os/process.h"
#include "shm/control_file.h"

namespace mq::broker {
namespace {

// After which it is told that appends wait.
constexpr std::int64_t kWorthTellingMs = 1000;
// Of the same damage.
constexpr std::int64_t kBetweenComplaintsMs = 10'000;
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

Result<std::unique_lock<std::timed_mutex>> lock_for(std::timed_mutex& mutex, const log::TopicPartition& id) {
    std::unique_lock lock{mutex, std::defer_lock};
    const int most_ms = shm::Briefly::is_on() ? shm::Briefly::most_ms() : shm::Briefly::kMostMs;
    if (WorkerPool::may_wait()) {
        lock.lock();
    } else if (!lock.try_lock_until(std::chrono::system_clock::now() + std::chrono::milliseconds{most_ms})) {
        // Of the waits with an end, the thread sanitizer of g++ 12 knows only that by the wall clock.
        return fail(Errc::timed_out, "use", log::partition_directory(id), "another thread waits for it");
    }
    return lock;
}

bool is_timed_out(const Error& error) { return error.code == Errc::timed_out; }

tl::unexpected<Error> yet_to_be_opened(const log::TopicPartition& id) {
    return fail(Errc::timed_out, "use", log::partition_directory(id), "it is yet to be opened");
}

tl::unexpected<Error> no_memory(const log::TopicPartition& id) {
    return fail(Errc::no_memory, "use", log::partition_directory(id));
}

// Who cannot be told for want of memory learns it by the loss of the answer; those behind are told all the same.
template <typename Done, typename... Result>
void tell(const Done& done, Result&&... result) {
    try {
        done(std::forward<Result>(result)...);
    } catch (const std::bad_alloc&) {
        return;
    }
}

// Moves those of `waiters` for which `is_meant` holds.
template <typename Waiter, typename IsMeant>
std::list<Waiter> take_out(std::list<Waiter>& waiters, const IsMeant& is_meant) {
    std::list<Waiter> taken;
    for (auto next = waiters.begin(); next != waiters.end();) {
        const auto waiter = next++;
        if (is_meant(*waiter)) taken.splice(taken.end(), waiters, waiter);
    }
    return taken;
}

tl::unexpected<Error> stopped(const log::TopicPartition& id) {
    return fail(Errc::interrupted, "use", log::partition_directory(id), "the broker stops");
}

}  // namespace

Status Partition::with_writer(FunctionRef<Status(store::PartitionWriter&)> work) {
    return with_writer(work, Pace::thorough);
}

Status Partition::with_writer(FunctionRef<Status(store::PartitionWriter&)> work, Pace pace) {
    MQ_ASSIGN(const auto lock, lock_for(writer_mutex_, id_));
    for (bool is_new = false;; is_new = true) {
        if (!writer_) {
            if (pace == Pace::quick) return yet_to_be_opened(id_);
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
            if (!WorkerPool::may_wait()) return yet_to_be_opened(id_);
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

Result<log::AppendResult> Partition::try_append(const PendingAppend& append, Pace pace) {
    // Nobody is kept waiting for long where a lock stays held.
    const shm::Briefly not_for_long;
    log::AppendOptions options = append.options;
    options.quick = pace == Pace::quick;
    log::AppendResult result;
    const Status done = [&]() -> Status {
        try {
            return with_writer(
                [&](store::PartitionWriter& writer) -> Status {
                    MQ_ASSIGN(result, writer.append(append.batches, options, store::PartitionWriter::Wake::others));
                    return {};
                },
                pace);
        } catch (const std::bad_alloc&) {
            return no_memory(id_);
        }
    }();
    // What was appended must not be appended again: who is not called now is called a little later.
    tell([this] { context_.wakeups.appended(id_); });
    MQ_TRY(done);
    return result;
}

void Partition::append(PendingAppend append) {
    // What waits already goes first.
    if (!has_line()) {
        auto result = try_append(append, WorkerPool::may_wait() ? Pace::thorough : Pace::quick);
        if (result || !is_timed_out(result.error())) return append.done(std::move(result));
    }
    if (const Status waits = wait_in_line(append); !waits) append.done(tl::unexpected{waits.error()});
}

bool Partition::has_line() {
    const std::lock_guard lock{queues_mutex_};
    return appending_;
}

// On success it has taken the append.
Status Partition::wait_in_line(PendingAppend& append) {
    const std::lock_guard lock{queues_mutex_};
    if (!appends_.empty() && waiting_bytes_ + append.kept_bytes > kMostWaitingBytes)
        return fail(Errc::timed_out, "append", log::partition_directory(id_), "too much waits for it already");
    if (!appending_ && !context_.workers.post([self = shared_from_this()] { self->append_waiting(); }))
        return stopped(id_);
    appending_ = true;
    const PendingAppend& mine =
        appends_.emplace_back(Waiting{.append = std::move(append), .since_ms = os::monotonic_ms()}).append;
    waiting_bytes_ += mine.kept_bytes;
    ring_at(mine.until_ms);
    if (mine.late) ring_at(mine.late_ms);
    return {};
}

void Partition::append_waiting() {
    for (bool goes_on = true; goes_on;) {
        try {
            goes_on = append_next();
        } catch (const std::bad_alloc&) {
            continue;
        }
    }
}

// Whether to go on; else nothing waits any more, or another worker goes on.
bool Partition::append_next() {
    Waiting* first = nullptr;
    {
        const std::lock_guard lock{queues_mutex_};
        if (appends_.empty()) {
            appending_ = false;
            return false;
        }
        first = &appends_.front();
        first->is_begun = true;
    }
    auto result = try_append(first->append, Pace::thorough);
    const std::int64_t now = os::monotonic_ms();
    const bool tries_again = !result && is_timed_out(result.error()) && now < first->append.until_ms;
    if (tries_again && !first->is_told && now - first->since_ms >= kWorthTellingMs) {
        context_.log.warning("appends to " + log::partition_directory(id_) + " wait: " + result.error().message());
        first->is_told = true;
    }
    std::list<Waiting> done;
    {
        const std::lock_guard lock{queues_mutex_};
        first->is_begun = false;
        if (tries_again) {
            if (context_.workers.post([self = shared_from_this()] { self->append_waiting(); })) return false;
            result = stopped(id_);
        }
        waiting_bytes_ -= first->append.kept_bytes;
        done.splice(done.begin(), appends_, appends_.begin());
    }
    tell(done.front().append.done, std::move(result));
    return true;
}

void Partition::flush(Offset end, std::int64_t until_ms, std::function<void(Status)> done) {
    // Made before anybody counts on it, as it may find no memory.
    std::function<void()> work = [self = shared_from_this()] { self->flush_waiting(); };
    {
        const std::lock_guard lock{queues_mutex_};
        ring_at(until_ms);
        flushes_.push_back({end, until_ms, std::move(done)});
        if (std::exchange(flushing_, true)) return;
    }
    if (!context_.workers.post(std::move(work))) flush_waiting();
}

void Partition::flush_waiting() {
    for (bool goes_on = true; goes_on;) {
        try {
            goes_on = flush_next();
        } catch (const std::bad_alloc&) {
            continue;
        }
    }
}

// Once for all that wait; what came meanwhile, and lies above, gets its turn after other partitions. Whether to go
// on.
bool Partition::flush_next() {
    Offset end{0};
    {
        const std::lock_guard lock{queues_mutex_};
        for (const FlushWaiter& waiter : flushes_) end = std::max(end, waiter.end);
    }
    const Status flushed = [&]() -> Status {
        const shm::Briefly not_for_long;
        try {
            return flush_to(end);
        } catch (const std::bad_alloc&) {
            return no_memory(id_);
        }
    }();
    std::list<FlushWaiter> served;
    if (flushed || !is_timed_out(flushed.error())) {
        const std::lock_guard lock{queues_mutex_};
        served = take_out(flushes_, [&](const FlushWaiter& waiter) { return waiter.end <= end; });
    }
    for (const FlushWaiter& waiter : served) tell(waiter.done, flushed);
    std::list<FlushWaiter> left;
    {
        const std::lock_guard lock{queues_mutex_};
        flushing_ = !flushes_.empty();
        if (!flushing_ || context_.workers.post([self = shared_from_this()] { self->flush_waiting(); })) return false;
        flushing_ = false;
        left.swap(flushes_);
    }
    for (const FlushWaiter& waiter : left) tell(waiter.done, stopped(id_));
    return false;
}

// With the lock of the queues: give_up_waiting() at that time, or before.
void Partition::ring_at(std::int64_t time_ms) {
    if (alarm_ != 0 && alarm_ms_ <= time_ms) return;
    const Wakeups::Id next = context_.wakeups.at(time_ms, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->give_up_waiting();
    });
    if (alarm_ != 0) context_.wakeups.cancel(alarm_);
    alarm_ms_ = time_ms;
    alarm_ = next;
}

// Of those whose time has come: workers may be at something that hangs.
void Partition::give_up_waiting() {
    std::vector<std::function<void()>> late;
    std::list<Waiting> given_up;
    std::list<FlushWaiter> unflushed;
    {
        const std::lock_guard lock{queues_mutex_};
        alarm_ = 0;
        const std::int64_t now = os::monotonic_ms();
        std::int64_t next_ms = kNever;
        for (auto next = appends_.begin(); next != appends_.end();) {
            const auto waiting = next++;
            PendingAppend& append = waiting->append;
            if (append.late && append.late_ms <= now) late.push_back(std::exchange(append.late, nullptr));
            if (append.late) next_ms = std::min(next_ms, append.late_ms);
            if (waiting->is_begun) continue;  // who is at it gives it up
            if (append.until_ms > now) {
                next_ms = std::min(next_ms, append.until_ms);
                continue;
            }
            waiting_bytes_ -= append.kept_bytes;
            given_up.splice(given_up.end(), appends_, waiting);
        }
        unflushed = take_out(flushes_, [&](const FlushWaiter& waiter) { return waiter.until_ms <= now; });
        for (const FlushWaiter& waiter : flushes_) next_ms = std::min(next_ms, waiter.until_ms);
        if (next_ms != kNever) ring_at(next_ms);
    }
    for (const auto& its : late) tell(its);
    for (const Waiting& waiting : given_up) {
        tell(waiting.append.done,
             fail(Errc::timed_out, "append", log::partition_directory(id_), "others are in the way"));
    }
    for (const FlushWaiter& waiter : unflushed)
        tell(waiter.done, fail(Errc::timed_out, "flush", log::partition_directory(id_), "the flush does not come"));
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

void Partition::let_go_of_replaced() {
    const std::lock_guard one_at_a_time{let_go_mutex_};
    const auto now = context_.directory.files(id_.topic, id_.partition);
    if (now && now == files_seen_) return;
    bool all = true;
    if (const std::unique_lock lock{writer_mutex_, std::try_to_lock})
        writer_.reset();
    else
        all = false;
    for (Reader& each : readers_) {
        if (const std::unique_lock lock{each.mutex, std::try_to_lock})
            each.reader.reset();
        else
            all = false;
    }
    {
        const std::lock_guard lock{queues_mutex_};
        if (!flushing_)
            flusher_.reset();
        else
            all = false;
    }
    // What was in use is looked at again.
    if (all) files_seen_ = now;
}

void Partitions::let_go_of_replaced() {
    std::vector<std::shared_ptr<Partition>> all;
    {
        const std::lock_guard lock{mutex_};
        all.assign(recent_.begin(), recent_.end());
    }
    for (const auto& partition : all) partition->let_go_of_replaced();
}

std::shared_ptr<Partition> Partitions::find(const log::TopicPartition& id) {
    Recent closed;  // outside of the lock
    const std::lock_guard lock{mutex_};
    if (const auto found = entries_.find(id); found != entries_.end()) {
        recent_.splice(recent_.begin(), recent_, found->second);
        return recent_.front();
    }
    auto made = std::make_shared<Partition>(id, context_);
    recent_.push_front(made);
    entries_.emplace(id, recent_.begin());
    for (auto at = recent_.end(); entries_.size() > most_ && at != recent_.begin();) {
        const auto idle = --at;
        // One that somebody works with stays: what waits in it must not be overtaken through another.
        if (idle->use_count() != 1) continue;
        ++at;
        entries_.erase((*idle)->id());
        closed.splice(closed.end(), recent_, idle);
    }
    return made;
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
