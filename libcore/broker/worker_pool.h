// Threads for what may take long: a flush, a lock that somebody holds, a topic of a thousand partitions.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace mq::broker {

class EventLog;

// Thread-safe. Work is begun in the order in which it came.
class WorkerPool {
public:
    WorkerPool(std::size_t threads, EventLog& log);
    ~WorkerPool() { stop(); }

    // False, and it will not be done: the pool was stopped, or there is no memory. What throws bad_alloc is dropped.
    bool post(std::function<void()> work);
    // What was posted is done first.
    void stop();

    // Whether this thread is one of a pool: it may wait for locks. Others serve connections, and must not; nor must a
    // worker while it has shm::Briefly.
    [[nodiscard]] static bool may_wait();

private:
    void run();

    EventLog& log_;
    std::mutex mutex_;
    std::condition_variable something_;
    std::deque<std::function<void()>> queue_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace mq::broker
