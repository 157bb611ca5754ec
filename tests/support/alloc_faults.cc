#include "support/alloc_faults.h"

#include <cerrno>
#include <cstdlib>
#include <limits>

namespace {

struct Plan {
    std::uint64_t left = 0;   // allocations until the one that fails; 0: not armed
    std::uint64_t times = 0;  // that it fails then
    std::uint64_t failed = 0;
};
thread_local constinit Plan plan;

bool must_fail() {
    if (plan.left == 0) return false;
    if (plan.left > 1) {
        --plan.left;
        return false;
    }
    if (++plan.failed == plan.times) plan.left = 0;
    errno = ENOMEM;
    return true;
}

}  // namespace

extern "C" {
void* __real_malloc(std::size_t size);
void* __real_calloc(std::size_t count, std::size_t size);
void* __real_realloc(void* memory, std::size_t size);
void* __real_aligned_alloc(std::size_t alignment, std::size_t size);

void* __wrap_malloc(std::size_t size) { return must_fail() ? nullptr : __real_malloc(size); }
void* __wrap_calloc(std::size_t count, std::size_t size) {
    return must_fail() ? nullptr : __real_calloc(count, size);
}
void* __wrap_realloc(void* memory, std::size_t size) { return must_fail() ? nullptr : __real_realloc(memory, size); }
void* __wrap_aligned_alloc(std::size_t alignment, std::size_t size) {
    return must_fail() ? nullptr : __real_aligned_alloc(alignment, size);
}
}

// The other forms of the standard library call these. A sanitizer's own do not, and what is taken of one must not be
// given to the other: the nothrow form is that of stable_sort.
void* operator new(std::size_t size) {
    void* memory = std::malloc(size == 0 ? 1 : size);
    if (memory == nullptr) throw std::bad_alloc{};
    return memory;
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size == 0 ? 1 : size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace mq::test {

void fail_allocation(std::uint64_t nth, AllocSpan span) {
    fail_allocations(nth, span == AllocSpan::once ? 1 : std::numeric_limits<std::uint64_t>::max());
}
void fail_allocations(std::uint64_t nth, std::uint64_t times) { plan = {nth, times, 0}; }

std::uint64_t stop_failing_allocations() {
    const std::uint64_t failed = plan.failed;
    plan = {};
    return failed;
}

std::uint64_t for_each_alloc_failure(const std::function<void(AllocRun&)>& run) {
    std::uint64_t met = 0;
    for (const AllocSpan span : {AllocSpan::once, AllocSpan::from_then_on}) {
        for (std::uint64_t nth = 1;; ++nth) {
            AllocRun one{nth, span};
            run(one);
            if (!one.fired()) break;
            ++met;
        }
    }
    return met;
}

}  // namespace mq::test
