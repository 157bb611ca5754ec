#include "broker/worker_pool.h"

#include "shm/control_file.h"

namespace mq::broker {
namespace {

thread_local bool is_worker = false;

}  // namespace

WorkerPool::WorkerPool(std::size_t threads) {
    threads_.reserve(threads);
    for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

bool WorkerPool::may_wait() { return is_worker && !shm::Briefly::is_on(); }

bool WorkerPool::post(std::function<void()> work) {
    {
        const std::lock_guard lock{mutex_};
        if (stopping_) return false;
        queue_.push_back(std::move(work));
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
    is_worker = true;
    for (;;) {
        std::unique_lock lock{mutex_};
        something_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        if (queue_.empty()) return;
        const auto work = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        work();
    }
}

}  // namespace mq::broker
