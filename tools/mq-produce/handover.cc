#include "handover.h"

#include <system_error>

namespace mq::produce {

Handover::~Handover() { static_cast<void>(finish(false)); }

Batch* Handover::take(const record::BatchOptions& options) {
    Batch* batch = nullptr;
    {
        const std::lock_guard lock{mutex_};
        if (!free_.empty()) {
            batch = free_.back();
            free_.pop_back();
        }
    }
    if (batch == nullptr) batch = all_.emplace_back(std::make_unique<Batch>()).get();
    batch->clear(options);
    return batch;
}

// Memory that is not to be had in the second thread is an error of the first.
Status Handover::guarded(Status (Appender::*step)(Batch&), Batch& batch) {
    try {
        return (appender_->*step)(batch);
    } catch (const std::bad_alloc&) {
        return fail(Errc::no_memory, {}, {}, "out of memory");
    }
}

Status Handover::guarded_flush() {
    try {
        return appender_->flush();
    } catch (const std::bad_alloc&) {
        return fail(Errc::no_memory, {}, {}, "out of memory");
    }
}

Status Handover::send(Batch* batch, bool pouring) {
    if (!thread_.joinable() && pouring && status_) {
        try {
            thread_ = std::thread{[this] { run(); }};
        } catch (const std::system_error&) {
            // No thread is to be had: this one does it all.
        }
    }
    if (!thread_.joinable()) {
        if (status_) status_ = guarded(&Appender::append, *batch);
        free_.push_back(batch);
        return status_;
    }
    {
        std::unique_lock lock{mutex_};
        if (waiting_.size() >= kMostWaiting) {
            space_.wait(lock, [this] { return waiting_.size() <= kGoOnAt || !status_; });
        }
        if (!status_) {
            free_.push_back(batch);
            return status_;
        }
        waiting_.push_back(batch);
    }
    work_.notify_one();
    return {};
}

void Handover::run() {
    std::unique_lock lock{mutex_};
    for (;;) {
        const auto due = appender_->flush_due();
        if (due && Clock::now() >= *due && status_) {
            lock.unlock();
            Status flushed = guarded_flush();
            lock.lock();
            if (!flushed) fail_with(std::move(flushed));
            continue;
        }
        if (waiting_.empty()) {
            if (closing_) return;
            const auto ready = [this] { return closing_ || !waiting_.empty(); };
            if (due && status_) {
                work_.wait_until(lock, *due, ready);
            } else {
                work_.wait(lock, ready);
            }
            continue;
        }
        Batch* const batch = waiting_.front();
        if (status_) {
            lock.unlock();
            Status appended = guarded(&Appender::append, *batch);
            lock.lock();
            if (!appended) fail_with(std::move(appended));
        }
        waiting_.pop_front();
        free_.push_back(batch);
        if (waiting_.size() == kGoOnAt) space_.notify_one();
    }
}

void Handover::fail_with(Status status) {
    if (status_) status_ = std::move(status);
    space_.notify_one();
}

std::optional<Clock::time_point> Handover::flush_due() const {
    if (thread_.joinable()) return std::nullopt;
    return appender_->flush_due();
}

Status Handover::flush_if_due() {
    if (thread_.joinable()) {
        const std::lock_guard lock{mutex_};
        return status_;
    }
    const auto due = appender_->flush_due();
    if (status_ && due && Clock::now() >= *due) status_ = guarded_flush();
    return status_;
}

Status Handover::finish(bool flush) {
    if (thread_.joinable()) {
        {
            const std::lock_guard lock{mutex_};
            closing_ = true;
        }
        work_.notify_one();
        thread_.join();
    }
    // What was accepted before an error is made durable all the same.
    if (flush) {
        Status flushed = guarded_flush();
        if (status_) status_ = std::move(flushed);
    }
    return status_;
}

}  // namespace mq::produce
