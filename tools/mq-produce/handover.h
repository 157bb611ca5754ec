// Hands batches from the thread that reads to the one that appends, in order, a few at a time.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "appender.h"

namespace mq::produce {

// The second thread is started when input pours: a batch that is full. Until then send() appends by itself, which is
// what short runs and trickling input want. Its functions are for the thread that made it.
class Handover {
public:
    explicit Handover(Appender& appender) : appender_(&appender) {}
    ~Handover();
    Handover(const Handover&) = delete;
    Handover& operator=(const Handover&) = delete;

    // An empty batch, of those that have been appended if there is one.
    [[nodiscard]] Batch* take(const record::BatchOptions& options);
    // Passes on the batch, which it takes back. `pouring`: more follow at once. Errors: the first of the appender,
    // which may be of an earlier batch; none is appended after it.
    [[nodiscard]] Status send(Batch* batch, bool pouring);
    // Flushes if it is due, where no second thread does; when that will be.
    [[nodiscard]] Status flush_if_due();
    [[nodiscard]] std::optional<Clock::time_point> flush_due() const;
    // Everything sent is appended, and the second thread is gone. With `flush` durable. Errors: as send().
    [[nodiscard]] Status finish(bool flush);

private:
    // The reader stops when so many wait, and goes on when half of them are gone: waking it for each would cost more
    // than the appending. Each is 256 KiB, or 1 MiB with a codec.
    static constexpr std::size_t kMostWaiting = 12;
    static constexpr std::size_t kGoOnAt = kMostWaiting / 2;

    void run();
    [[nodiscard]] Status guarded(Status (Appender::*step)(Batch&), Batch& batch);
    [[nodiscard]] Status guarded_flush();
    void fail_with(Status status);

    Appender* appender_;
    std::vector<std::unique_ptr<Batch>> all_;
    std::vector<Batch*> free_;  // guarded by mutex_ once there are two threads, like all below
    std::thread thread_;
    mutable std::mutex mutex_;
    std::condition_variable work_;   // something waits, or the end
    std::condition_variable space_;  // something was appended
    std::deque<Batch*> waiting_;
    bool closing_ = false;
    Status status_;
};

}  // namespace mq::produce
