// Makes allocations fail: the n-th one throws bad_alloc from operator new, or is null from malloc.
//
//     for_each_alloc_failure([](AllocRun& run) {
//         Thing thing;                                      // here memory is plenty
//         const bool out = run.starved([&] { thing.grow(); });  // true: bad_alloc came out
//         ...look at `thing`...
//     });
//
// Only in binaries that link mq_test_alloc. malloc, calloc, realloc and aligned_alloc count where the program's own
// objects and static archives call them, not inside shared libraries.
#pragma once

#include <cstdint>
#include <functional>
#include <new>

namespace mq::test {

enum class AllocSpan : unsigned char { once, from_then_on };

// From now on the `nth` allocation of this thread (1 is the next) fails; those of other threads do not count.
void fail_allocation(std::uint64_t nth, AllocSpan span);
// The `nth` and those behind it, so many in all.
void fail_allocations(std::uint64_t nth, std::uint64_t times);
// No allocation fails any more; returns how many failed.
std::uint64_t stop_failing_allocations();

// One of the runs of for_each_alloc_failure.
class AllocRun {
public:
    AllocRun(std::uint64_t nth, AllocSpan span) : nth_(nth), span_(span) {}

    // Runs `operation` while memory fails, once in each run. True if it threw bad_alloc; other exceptions pass.
    template <typename Operation>
    bool starved(Operation&& operation) {
        const Disarm disarm{*this};
        fail_allocation(nth_, span_);
        try {
            operation();
            return false;
        } catch (const std::bad_alloc&) {
            return true;
        }
    }
    [[nodiscard]] bool fired() const { return failed_ > 0; }
    [[nodiscard]] std::uint64_t nth() const { return nth_; }
    [[nodiscard]] AllocSpan span() const { return span_; }

private:
    struct Disarm {
        AllocRun& run;
        ~Disarm() { run.failed_ = stop_failing_allocations(); }
    };
    std::uint64_t nth_;
    AllocSpan span_;
    std::uint64_t failed_ = 0;
};

// Calls `run` with the 1st, 2nd, ... allocation failing, once and from then on, until none fails any more.
// Returns how many runs met their failure.
std::uint64_t for_each_alloc_failure(const std::function<void(AllocRun&)>& run);

}  // namespace mq::test
