// What the consumer and the thread that runs its commands share.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>

#include "exec_runner.h"
#include "exec_work.h"
#include "os/file.h"

namespace mq::consume {

// Thread-safe. A piece of work belongs to the consumer until it is queued, then to the loop that takes it.
class ExecShared {
public:
    ExecShared(const ExecOptions& options, os::File wake);

    // The consumer's side.
    [[nodiscard]] bool has_room();
    // Counted as held from then on; its ticket is drawn when it is queued.
    void add_part(ExecWork& work, const log::TopicPartition& id, Offset next, LeaderEpoch epoch);
    void queue(std::unique_ptr<ExecWork> work);
    void pass(const log::TopicPartition& id, Offset next, LeaderEpoch epoch);
    [[nodiscard]] std::vector<ExecProgress> take_progress();
    [[nodiscard]] bool idle();
    [[nodiscard]] bool idle(const log::TopicPartition& id);
    void forget(const log::TopicPartition& id);
    void stop();
    void quit();  // the loop's thread ends, whatever runs
    [[nodiscard]] std::optional<ExecRunner::Failure> failure();
    [[nodiscard]] ExecCounts counts();

    // The loop's side.
    [[nodiscard]] std::unique_ptr<ExecWork> take_work();
    [[nodiscard]] bool is_stopping();
    [[nodiscard]] bool is_quitting();
    // All of its parts were forgotten, or nothing is started any more: a failure is to be left to others.
    [[nodiscard]] bool is_moot(const ExecWork& work);
    // Whether all work of its partitions that was offered before it is done.
    [[nodiscard]] bool is_first(const ExecWork& work);
    void finish(std::unique_ptr<ExecWork> work);   // done
    void abandon(std::unique_ptr<ExecWork> work);  // not done
    void fail_for_good(cli::ExitCode status);
    template <typename Change>
    void count(const Change& change) {
        const std::lock_guard lock{mutex_};
        change(counts_);
    }

    // Raised with every change; the consumer sleeps on it.
    [[nodiscard]] const std::atomic<std::uint32_t>& word() const { return word_; }
    // Readable when the loop is to look; drained by it.
    [[nodiscard]] int wake_descriptor() const { return wake_.fd(); }
    void drain_wake();
    // A buffer that was used before, if there is one.
    [[nodiscard]] Buffer spare_buffer();

private:
    [[nodiscard]] ExecPartition& partition(const log::TopicPartition& id);
    void let_go(std::unique_ptr<ExecWork> work, bool done);
    void wake_loop() const;
    void tell_consumer();

    const bool batch_;
    const std::size_t most_queued_;
    os::File wake_;  // an eventfd
    std::atomic<std::uint32_t> word_{0};

    std::mutex mutex_;
    std::deque<std::unique_ptr<ExecWork>> queue_;
    std::map<log::TopicPartition, ExecPartition> partitions_;
    std::vector<Buffer> spare_;
    std::size_t held_ = 0;  // pieces of work that wait, run, or are being filled
    std::size_t held_bytes_ = 0;
    bool stopping_ = false;
    bool quitting_ = false;
    std::optional<ExecRunner::Failure> failure_;
    ExecCounts counts_;
};

}  // namespace mq::consume
