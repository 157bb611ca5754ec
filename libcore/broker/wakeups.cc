#include "broker/wakeups.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <new>
#include <optional>
#include <set>
#include <thread>
#include <unordered_map>
#include <vector>

#include "broker/event_log.h"
#include "os/futex.h"
#include "os/process.h"
#include "shm/control_file.h"
#include "shm/wake.h"
#include "store/data_directory.h"
#include "store/end_watch.h"

namespace mq::broker {
namespace {

// Where the system refuses it to sleep, or memory, time must pass all the same.
constexpr std::chrono::milliseconds kUntilMemory{10};

// Partitions that nobody waits for any more stay watched as long as nothing happens in them: as a rule the next fetch
// of the same client comes back, and the thread need not be told. No more than these.
constexpr std::size_t kMostIdle = 256;
constexpr std::int64_t kUnwatchedMs = 100;
// Of those that wait for an append are called by who appends; the thread calls the others.
constexpr std::size_t kMostAtOnce = 8;

// Lets a client that this thread has interrupted, as a rule amid its send(), go to sleep before the readers are woken
// up. A reader is then started on this processor, which is awake, and on no other one, which may have to be woken up
// itself: that takes several times as long as all the rest (README.md). Behind a program that computes, the turn
// lasts as long as its time slice; who has seen that gives no way for a while. Thread-safe.
class BriefYield {
public:
    void operator()() {
        if (unwilling_.load(std::memory_order_relaxed) > 0) {
            unwilling_.fetch_sub(1, std::memory_order_relaxed);
            return;
        }
        const std::int64_t before = os::monotonic_ns();
        sched_yield();
        if (os::monotonic_ns() - before > kLongNs) unwilling_.store(kTurns, std::memory_order_relaxed);
    }

private:
    static constexpr std::int64_t kLongNs = 200'000;
    static constexpr int kTurns = 1'000;
    std::atomic<int> unwilling_{0};
};

}  // namespace

struct Wakeups::Impl {
    struct Waiter {
        Id id;
        Offset beyond{0};
        Offset at{0};  // the end when it began to wait
        log::Isolation isolation;
    };
    struct Partition {
        store::WatchedEnd end;
        std::vector<Waiter> waiters;
        std::optional<Offset> seen;  // end of the uncommitted: no reader's end moves while this does not
    };
    using PartitionMap = std::map<log::TopicPartition, Partition>;
    struct Entry {
        std::int64_t until_ms = 0;
        std::function<void()> call;
        std::vector<Partition*> partitions;
    };

    store::DataDirectory& directory;
    EventLog& log;
    std::mutex mutex;
    PartitionMap partitions;
    std::size_t idle = 0;  // of them, without a waiter
    bool watched_changed = false;
    std::unordered_map<Id, Entry> entries;
    std::set<std::pair<std::int64_t, Id>> times;
    std::vector<Id> due;
    Id last_id = 0;
    std::int64_t sleeps_until_ms = 0;  // 0: awake
    bool stopping = false;
    // Changed by who has news for the thread: a timer that comes earlier, a partition that is not watched yet.
    std::atomic<std::uint32_t> word{0};
    store::EndSleeper sleeper{word};
    std::thread thread;
    BriefYield give_way;

    Impl(store::DataDirectory& of, EventLog& to) : directory(of), log(to) {}

    void tell_thread() {
        if (sleeps_until_ms == 0) return;
        word.fetch_add(1);
        os::futex_wake_all(word);
    }

    // ---- all below with the mutex held

    Id add(std::span<const Watched> watched, std::int64_t until_ms, std::function<void()> call) {
        if (stopping) return 0;
        const Id id = ++last_id;
        try {
            const bool is_due = enter(id, watched, until_ms);
            if (is_due) due.push_back(id);
            if (is_due || watched_changed || until_ms < sleeps_until_ms) tell_thread();
        } catch (const std::bad_alloc&) {
            take(id);
            throw;
        }
        entries[id].call = std::move(call);
        return id;
    }

    // Whether what it waits for is there already; when it is called otherwise.
    bool enter(Id id, std::span<const Watched> watched, std::int64_t& until_ms) {
        Entry& entry = entries[id];
        bool is_due = false;
        for (const Watched& wanted : watched) {
            Partition* const partition = watch(wanted.id);
            if (partition == nullptr) {
                until_ms = std::min(until_ms, os::monotonic_ms() + kUnwatchedMs);
                continue;
            }
            const Offset end = partition->end.end(wanted.isolation).value_or(wanted.beyond);
            is_due = is_due || end > wanted.beyond || partition->end.is_gone();
            entry.partitions.push_back(partition);
            partition->waiters.push_back({id, wanted.beyond, end, wanted.isolation});
            if (partition->waiters.size() == 1) --idle;
        }
        entry.until_ms = until_ms;
        times.emplace(until_ms, id);
        return is_due;
    }

    // nullptr: nothing of it can be noticed.
    Partition* watch(const log::TopicPartition& id) {
        auto found = partitions.find(id);
        if (found != partitions.end() && found->second.end.is_gone() && found->second.waiters.empty()) {
            --idle;
            partitions.erase(found);
            found = partitions.end();
            watched_changed = true;
        }
        if (found != partitions.end()) return &found->second;
        auto end = directory.watch_end(id);
        if (!end) return nullptr;
        Partition& added = partitions.emplace(id, Partition{*std::move(end), {}, {}}).first->second;
        ++idle;
        watched_changed = true;
        return &added;
    }

    std::optional<std::function<void()>> take(Id id) {
        auto entry = entries.extract(id);
        if (entry.empty()) return std::nullopt;
        times.erase({entry.mapped().until_ms, id});
        for (Partition* partition : entry.mapped().partitions) {
            const auto erased =
                std::erase_if(partition->waiters, [id](const Waiter& waiter) { return waiter.id == id; });
            if (erased > 0 && partition->waiters.empty()) ++idle;
        }
        return std::move(entry.mapped().call);
    }

    void find_due() {
        const std::int64_t now = os::monotonic_ms();
        for (const auto& [until_ms, id] : times) {
            if (until_ms > now) break;
            due.push_back(id);
        }
        const bool too_many_idle = idle > kMostIdle;
        for (auto at = partitions.begin(); at != partitions.end();) {
            Partition& partition = at->second;
            const bool is_gone = partition.end.is_gone();
            const auto end = partition.end.end();
            const bool moved = is_gone || end != partition.seen;
            partition.seen = end;
            if (partition.waiters.empty() && (moved || too_many_idle)) {
                --idle;
                watched_changed = true;
                at = partitions.erase(at);
                continue;
            }
            ++at;
            if (!moved) continue;
            for (const Waiter& waiter : partition.waiters) {
                if (is_gone || has_come(waiter, partition.end)) due.push_back(waiter.id);
            }
        }
    }

    static bool has_come(const Waiter& waiter, const store::WatchedEnd& of) {
        const auto end = of.end(waiter.isolation);
        return end && (*end > waiter.beyond || *end < waiter.at);
    }

    using Calls = std::vector<std::function<void()>>;

    Calls take_some_of(const log::TopicPartition& id) {
        Calls calls;
        const auto found = partitions.find(id);
        if (found == partitions.end() || found->second.waiters.empty()) return calls;
        calls.reserve(kMostAtOnce);
        std::vector<Id> come;
        for (const Waiter& waiter : found->second.waiters) {
            if (!has_come(waiter, found->second.end)) continue;
            (come.size() < kMostAtOnce ? come : due).push_back(waiter.id);
        }
        if (!due.empty()) tell_thread();
        for (const Id its : come) {
            if (auto call = take(its)) calls.push_back(*std::move(call));
        }
        return calls;
    }

    void run() {
        os::take_no_signals();
        // All timers wait for whatever is called here.
        const shm::Briefly not_for_long;
        std::condition_variable refused;
        std::unique_lock lock{mutex};
        while (!stopping) {
            bool is_refused = false;
            try {
                is_refused = !take_turn(lock);
            } catch (const std::bad_alloc&) {
                if (!lock) lock.lock();
                for (auto& [id, partition] : partitions) partition.seen.reset();
                is_refused = true;
            }
            sleeps_until_ms = 0;
            // Where the system refuses it to sleep, or memory, time must pass all the same.
            if (is_refused) refused.wait_for(lock, kUntilMemory);
        }
        while (!entries.empty()) {
            auto call = take(entries.begin()->first);
            lock.unlock();
            make(*call);
            call.reset();
            lock.lock();
        }
    }

    // Looks once, and calls or sleeps. Makes the flag known before it looks.
    Status take_turn(std::unique_lock<std::mutex>& lock) {
        const std::uint32_t expected = word.load();
        if (watched_changed) watch_anew();
        sleeper.raise();
        find_due();
        Calls calls;
        calls.reserve(due.size());
        for (const Id id : due) {
            if (auto call = take(id)) calls.push_back(*std::move(call));
        }
        due.clear();
        if (!calls.empty()) {
            lock.unlock();
            for (const auto& call : calls) make(call);
            calls.clear();
            lock.lock();
            return {};
        }
        if (watched_changed) return {};
        const std::int64_t now = os::monotonic_ms();
        // No longer than it would be anyway: a later time is no reason to wake the thread for it.
        sleeps_until_ms = now + shm::kLongestSleepMs;
        if (!times.empty()) sleeps_until_ms = std::min(sleeps_until_ms, std::max(times.begin()->first, now + 1));
        const int timeout_ms = static_cast<int>(sleeps_until_ms - now);
        lock.unlock();
        const Status slept = sleeper.sleep(expected, timeout_ms);
        lock.lock();
        return slept;
    }

    // Without the lock.
    void make(const std::function<void()>& call) const {
        try {
            call();
        } catch (const std::bad_alloc&) {
            log.error(kNoMemory);
        }
    }

    void watch_anew() {
        std::vector<const store::WatchedEnd*> ends;
        ends.reserve(partitions.size());
        for (const auto& [id, partition] : partitions) ends.push_back(&partition.end);
        sleeper.watch(ends);
        watched_changed = false;
    }
};

Wakeups::Wakeups(store::DataDirectory& directory, EventLog& log) : impl_(std::make_unique<Impl>(directory, log)) {
    impl_->thread = std::thread{[this] { impl_->run(); }};
}

Wakeups::~Wakeups() { stop(); }

Wakeups::Id Wakeups::at(std::int64_t monotonic_ms, std::function<void()> call) {
    return when({}, monotonic_ms, std::move(call));
}

void Wakeups::surely_at(std::int64_t monotonic_ms, const std::function<void()>& call) {
    for (;;) {
        try {
            at(monotonic_ms, call);
            return;
        } catch (const std::bad_alloc&) {
            std::unique_lock lock{impl_->mutex};
            std::condition_variable{}.wait_for(lock, kUntilMemory);
        }
    }
}

Wakeups::Id Wakeups::when(std::span<const Watched> watched, std::int64_t until_ms, std::function<void()> call) {
    const std::lock_guard lock{impl_->mutex};
    return impl_->add(watched, until_ms, std::move(call));
}

void Wakeups::appended(const log::TopicPartition& id) {
    Impl::Calls calls;
    {
        const std::lock_guard lock{impl_->mutex};
        try {
            calls = impl_->take_some_of(id);
        } catch (const std::bad_alloc&) {
            impl_->tell_thread();  // which sees that the end has moved
        }
    }
    if (!calls.empty()) impl_->give_way();
    for (const auto& call : calls) impl_->make(call);
}

bool Wakeups::cancel(Id id) {
    std::optional<std::function<void()>> call;
    const std::lock_guard lock{impl_->mutex};
    call = impl_->take(id);
    return call.has_value();
}

void Wakeups::stop() {
    {
        const std::lock_guard lock{impl_->mutex};
        impl_->stopping = true;
        impl_->tell_thread();
    }
    if (impl_->thread.joinable()) impl_->thread.join();
}

}  // namespace mq::broker
