// A broker whose workers find no memory.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <thread>

#include "broker/worker_pool.h"
#include "support/alloc_faults.h"

namespace mq::broker {

// Makes the `nth` allocation of each of the broker's eight workers fail, or so many from there; nullopt: none any
// more. How many failed.
inline std::uint64_t starve(WorkerPool& workers, std::optional<std::uint64_t> nth, std::uint64_t times = 1) {
    constexpr int kWorkers = 8;
    std::atomic<int> begun{0};
    std::atomic<int> done{0};
    std::atomic<std::uint64_t> failed{0};
    for (int i = 0; i < kWorkers; ++i) {
        workers.post([&] {
            failed += mq::test::stop_failing_allocations();
            for (++begun; begun < kWorkers;) std::this_thread::yield();
            if (nth) mq::test::fail_allocations(*nth, times);
            ++done;
        });
    }
    while (done < kWorkers) std::this_thread::yield();
    return failed;
}

}  // namespace mq::broker
