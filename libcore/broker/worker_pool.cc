#include "broker/worker_pool.h"

#include <new>

#include "broker/event_log.h"
#include "os/process.h"
#include "shm/control_file.h"

namespace mq::broker {
namespace {

thread_local bool is_worker = false;

}  // namespace

WorkerPool::WorkerPool(std::size_t threads, EventLog& log) : log_(log) {
    threads_.reserve(threads);
    for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

bool WorkerPool::may_wait() { return is_worker && !shm::Briefly::is_on(); }

bool WorkerPool::post(std::function<void()> work) {
    try {
        const std::lock_guard lock{mutex_};
        if (stopping_) return false;
        queue_.push_back(std::move(work));
    } catch (const std::bad_alloc&) {
        return false;
    }
    something_.notify_one();
    return true;
}

void WorkerPool::stop() {
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
    }
    something_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
}

void WorkerPool::run() {
    os::take_no_signals();
    is_worker = true;
    for (;;) {
        std::unique_lock lock{mutex_};
        something_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        if (queue_.empty()) return;
        const auto work = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        try {
            work();
        } catch (const std::bad_alloc&) {
            log_.error(kNoMemory);
        }
    }
}

}  // namespace mq::broker
