// Compaction beside the work of a process that only passes by (APP-10).
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

namespace mq::store {

// One piece of work at a time, on a thread of its own. Thread-safe.
class Compactor {
public:
    using StopRequested = std::function<bool()>;

    Compactor() = default;
    ~Compactor() { stop(); }
    Compactor(const Compactor&) = delete;
    Compactor& operator=(const Compactor&) = delete;

    // Begins `work`, unless some is under way, or stop() was called. It must end soon after its argument says true.
    void begin(const std::function<void(const StopRequested&)>& work);
    // Ends what is under way, and whatever would begin. Not from the thread of the work.
    void stop();

private:
    std::mutex mutex_;
    std::atomic<bool> stopping_{false};
    std::atomic<bool> busy_{false};
    std::thread thread_;
};

}  // namespace mq::store
