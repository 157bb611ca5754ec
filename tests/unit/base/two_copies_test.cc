// CONCURRENCY PUB-1, RELIABILITY row 21: a reader of two copies never sees a mixture, whatever the order of things.
#include "base/two_copies.h"

#include <gtest/gtest.h>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "support/scale.h"

namespace mq {
namespace {

struct Triple {
    std::uint64_t a = 0, b = 0, c = 0;
    [[nodiscard]] bool whole() const { return a == b && b == c; }
};
Triple all(std::uint64_t n) { return {n, n, n}; }

// --- Every interleaving of the operations of two threads with up to three switches between them.

// Lets one of two threads run; changes over after as many of its operations as the schedule says.
class Scheduler {
public:
    Scheduler(int first, std::vector<int> run_lengths) : current_(first), lengths_(std::move(run_lengths)) {}

    void enter(int thread) {
        me = thread;
        std::unique_lock lock{mutex_};
        wait_for_turn(lock);
    }
    // Before each operation on an atomic.
    void step() {
        std::unique_lock lock{mutex_};
        if (switches_ < lengths_.size() && done_in_run_ == lengths_[switches_] && !finished_[1 - me]) {
            ++switches_;
            done_in_run_ = 0;
            change_over();
            wait_for_turn(lock);
        }
        ++done_in_run_;
    }
    void leave() {
        const std::scoped_lock lock{mutex_};
        finished_[me] = true;
        done_in_run_ = 0;
        change_over();
    }
    [[nodiscard]] std::size_t switches() const { return switches_; }

    static thread_local int me;

private:
    void change_over() {
        current_ = 1 - me;
        changed_.notify_all();
    }
    void wait_for_turn(std::unique_lock<std::mutex>& lock) {
        changed_.wait(lock, [&] { return current_ == me; });
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    int current_;
    std::vector<int> lengths_;
    std::size_t switches_ = 0;
    int done_in_run_ = 0;
    bool finished_[2] = {false, false};
};
thread_local int Scheduler::me = 0;
Scheduler* scheduler = nullptr;

template <typename T>
class ScheduledAtomic {
public:
    ScheduledAtomic() = default;
    explicit(false) ScheduledAtomic(T value) : value_(value) {}
    T load(std::memory_order) const {
        if (scheduler != nullptr) scheduler->step();
        return value_;
    }
    void store(T value, std::memory_order) {
        if (scheduler != nullptr) scheduler->step();
        value_ = value;
    }

private:
    T value_{};
};

TEST(TwoCopies, PUB1_EveryInterleavingOfTwoPublishesAndAReaderToThreeSwitchesReadsWhole) {
    constexpr int kWriterSteps = 10;  // of two publishes: 2 x (1 load, 3 + 1 stores)
    constexpr int kReaderSteps = 5;   // of a read that is not disturbed
    int schedules = 0;
    std::set<std::uint64_t> seen;
    for (const int first : {0, 1})
        for (int one = 1; one <= kWriterSteps; ++one)
            for (int two = 1; two <= kWriterSteps; ++two)
                for (int three = 1; three <= kWriterSteps; ++three) {
                    // The runs of the reader are the 1st and 3rd where it begins, else the 2nd.
                    const int longest_read = first == 1 ? std::max(one, three) : two;
                    if (longest_read > 2 * kReaderSteps) continue;
                    TwoCopies<Triple, ScheduledAtomic> copies;
                    copies.publish(all(1));
                    Scheduler plan{first, {one, two, three}};
                    scheduler = &plan;
                    Triple got;
                    std::thread reader{[&] {
                        plan.enter(1);
                        got = copies.read();
                        plan.leave();
                    }};
                    plan.enter(0);
                    copies.publish(all(2));
                    copies.publish(all(3));
                    plan.leave();
                    reader.join();
                    scheduler = nullptr;
                    ASSERT_TRUE(got.whole() && got.a >= 1 && got.a <= 3)
                        << got.a << ' ' << got.b << ' ' << got.c << " after runs of " << one << ", " << two << ", "
                        << three << ", thread " << first << " first";
                    seen.insert(got.a);
                    ++schedules;
                }
    EXPECT_EQ(schedules, 2000);
    EXPECT_EQ(seen, (std::set<std::uint64_t>{1, 2, 3})) << "the schedules do reach each state";
}

// --- Every outcome that the C++ memory model allows, not only those of interleavings.
//
// Each location keeps all values ever stored, in order; a thread has a view: the oldest value of each location that
// it may still read. Stores and loads pass views on as release, acquire and the fences say. The writer only stores
// and the reader only loads, so the reader running after the writer with every choice of old values is all that can
// happen.
class WeakMemory {
public:
    using View = std::map<const void*, std::size_t>;
    struct Message {
        std::uint64_t value;
        View view;
    };
    struct Thread {
        View now, after_acquire_fence, at_release_fence;
    };

    static void join(View& view, const View& other) {
        for (const auto& [where, index] : other) view[where] = std::max(view[where], index);
    }

    void create(const void* where, std::uint64_t value) { history[where] = {Message{value, {}}}; }

    std::uint64_t load(const void* where, std::memory_order order) {
        const auto& messages = history[where];
        std::size_t index = thread->now[where];
        index += choose(messages.size() - index);
        thread->now[where] = index;
        join(thread->after_acquire_fence, messages[index].view);
        if (order != std::memory_order_relaxed) join(thread->now, messages[index].view);
        return messages[index].value;
    }

    void store(const void* where, std::uint64_t value, std::memory_order order) {
        if (operations_left == 0) throw Killed{};
        --operations_left;
        auto& messages = history[where];
        thread->now[where] = messages.size();
        View view = order == std::memory_order_relaxed ? thread->at_release_fence : thread->now;
        view[where] = messages.size();
        messages.push_back({value, std::move(view)});
    }

    struct Killed {};
    std::map<const void*, std::vector<Message>> history;
    Thread* thread = nullptr;
    std::size_t operations_left = static_cast<std::size_t>(-1);

    // Old values are chosen for the first loads of a run; later ones are the newest, so that every run ends.
    std::vector<std::size_t> choices, widths;
    bool choosing = false;
    std::size_t chosen = 0;
    std::size_t choose(std::size_t width) {
        if (!choosing || chosen >= 14) return width - 1;
        if (chosen == choices.size()) {
            choices.push_back(0);
            widths.push_back(width);
        }
        return choices[chosen++];
    }
    // Steps to the next run; false when all were made.
    bool next_run() {
        chosen = 0;
        while (!choices.empty() && choices.back() + 1 == widths.back()) {
            choices.pop_back();
            widths.pop_back();
        }
        if (choices.empty()) return false;
        ++choices.back();
        return true;
    }
};
WeakMemory* memory = nullptr;

template <typename T>
class WeakAtomic {
public:
    WeakAtomic() : WeakAtomic(T{}) {}
    explicit(false) WeakAtomic(T value) { memory->create(this, value); }
    WeakAtomic(const WeakAtomic&) = delete;
    T load(std::memory_order order) const { return memory->load(this, order); }
    void store(T value, std::memory_order order) { memory->store(this, value, order); }
};
// The same with a publication that orders nothing: a bug that must be found.
template <typename T>
class RelaxedAtomic : public WeakAtomic<T> {
public:
    using WeakAtomic<T>::WeakAtomic;
    void store(T value, std::memory_order) { memory->store(this, value, std::memory_order_relaxed); }
};

struct WeakFence {
    static void acquire() { WeakMemory::join(memory->thread->now, memory->thread->after_acquire_fence); }
    static void release() { memory->thread->at_release_fence = memory->thread->now; }
};
struct NoAcquireFence : WeakFence {
    static void acquire() {}
};
struct NoReleaseFence : WeakFence {
    static void release() {}
};

struct Pair {
    std::uint64_t a = 0, b = 0;
};

struct Outcomes {
    std::uint64_t runs = 0;
    std::uint64_t torn = 0;
    std::uint64_t backwards = 0;  // of two reads the second was older
    std::set<std::uint64_t> seen;
};

// Publishes 1, then dies in publishing 2 after `stores` stores (none: does not); another publishes 3 and 4. Then one
// reader reads twice, in every way it can.
template <template <typename> class Atomic, typename Fence>
Outcomes every_outcome(std::optional<std::size_t> stores) {
    WeakMemory model;
    memory = &model;
    WeakMemory::Thread first, second;
    model.thread = &first;
    TwoCopies<Pair, Atomic, Fence> copies;
    copies.publish({1, 1});
    if (stores) model.operations_left = *stores;
    try {
        copies.publish({2, 2});
    } catch (WeakMemory::Killed) {
    }
    model.operations_left = static_cast<std::size_t>(-1);
    second.now = first.now;  // the lock hands it over, from the dead as well
    model.thread = &second;
    copies.publish({3, 3});
    copies.publish({4, 4});
    model.choosing = true;
    Outcomes outcomes;
    do {
        WeakMemory::Thread reader;
        model.thread = &reader;
        const Pair one = copies.read();
        const Pair two = copies.read();
        ++outcomes.runs;
        if (one.a != one.b || two.a != two.b) ++outcomes.torn;
        if (two.a < one.a) ++outcomes.backwards;
        outcomes.seen.insert(one.a);
    } while (model.next_run());
    memory = nullptr;
    return outcomes;
}

TEST(TwoCopies, PUB1_EveryOutcomeThatTheMemoryModelAllowsIsWholeAndNeverGoesBack) {
    const Outcomes outcomes = every_outcome<WeakAtomic, WeakFence>({});
    EXPECT_GT(outcomes.runs, 100u);
    EXPECT_EQ(outcomes.torn, 0u);
    EXPECT_EQ(outcomes.backwards, 0u);
    EXPECT_EQ(outcomes.seen, (std::set<std::uint64_t>{0, 1, 2, 3, 4}));
}

TEST(TwoCopies, PUB1_WriterThatDiesAtAnyStoreLeavesTheCopyWhole) {
    for (std::size_t stores = 0; stores < 3; ++stores) {
        const Outcomes outcomes = every_outcome<WeakAtomic, WeakFence>(stores);
        EXPECT_EQ(outcomes.torn, 0u) << stores;
        EXPECT_EQ(outcomes.seen, (std::set<std::uint64_t>{0, 1, 3, 4})) << stores;
    }
}

// The model finds what is wrong: each of these is torn on some machine.
TEST(TwoCopies, PUB1_TheModelCatchesEachMissingOrder) {
    EXPECT_GT((every_outcome<WeakAtomic, NoAcquireFence>({}).torn), 0u);
    EXPECT_GT((every_outcome<WeakAtomic, NoReleaseFence>({}).torn), 0u);
    EXPECT_GT((every_outcome<RelaxedAtomic, WeakFence>({}).torn), 0u);
}

TEST(TwoCopies, PUB1_RealCoresNeverReadATornState) {
    TwoCopies<Triple> copies;
    const std::uint64_t publishes = test::test_scale(10'000'000, 1'000'000'000);
    std::atomic<bool> done{false};
    std::thread writer{[&] {
        for (std::uint64_t n = 1; n <= publishes; ++n) copies.publish(all(n));
        done.store(true);
    }};
    std::uint64_t torn = 0, backwards = 0, last = 0;
    while (!done.load(std::memory_order_relaxed)) {
        const Triple got = copies.read();
        torn += got.whole() ? 0 : 1;
        backwards += got.a < last ? 1 : 0;
        last = got.a;
    }
    writer.join();
    EXPECT_EQ(torn, 0u);
    EXPECT_EQ(backwards, 0u);
    EXPECT_EQ(copies.read().c, publishes);
    EXPECT_EQ(copies.count(), publishes);
}

TEST(TwoCopies, ZeroBytesAreAStateOfZeros) {
    alignas(TwoCopies<Triple>) std::byte bytes[sizeof(TwoCopies<Triple>)]{};
    const auto& copies = *reinterpret_cast<const TwoCopies<Triple>*>(bytes);
    EXPECT_EQ(copies.read().a, 0u);
    EXPECT_EQ(copies.count(), 0u);
}

}  // namespace
}  // namespace mq
