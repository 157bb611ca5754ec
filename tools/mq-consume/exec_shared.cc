#include "exec_shared.h"

#include <unistd.h>

#include <algorithm>

#include "base/assert.h"
#include "os/futex.h"

namespace mq::consume {

namespace {

// What commands are to come is kept in memory; two jobs' worth is enough for none to wait.
constexpr std::size_t kFewestQueued = 16;
constexpr std::size_t kMostHeldBytes = std::size_t{16} << 20;
// Behind a record whose command takes long, or is tried again: all of these are repeated if the consumer dies.
constexpr std::size_t kMostAhead = 10'000;
constexpr std::size_t kMostSpare = 64;

}  // namespace

ExecShared::ExecShared(const ExecOptions& options, os::File wake)
    : batch_(options.batch),
      most_queued_(options.batch ? options.jobs : std::max<std::size_t>(2 * options.jobs, kFewestQueued)),
      wake_(std::move(wake)) {}

ExecPartition& ExecShared::partition(const log::TopicPartition& id) {
    const auto [at, is_new] = partitions_.try_emplace(id);
    ExecPartition& partition = at->second;
    if (partition.forgotten) {
        MQ_ASSERT(partition.held == 0);
        partition = {};
    }
    partition.id = &at->first;
    return partition;
}

bool ExecShared::has_room() {
    const std::lock_guard lock{mutex_};
    if (stopping_ || queue_.size() >= most_queued_) return false;
    if (batch_) return true;
    if (held_bytes_ >= kMostHeldBytes) return false;
    return std::ranges::all_of(partitions_, [](const auto& entry) { return entry.second.track.held() < kMostAhead; });
}

void ExecShared::add_part(ExecWork& work, const log::TopicPartition& id, Offset next, LeaderEpoch epoch) {
    const std::lock_guard lock{mutex_};
    ExecPartition& of = partition(id);
    const auto same = [&](const ExecWork::Part& part) { return part.partition == &of; };
    if (const auto part = std::ranges::find_if(work.parts, same); part != work.parts.end()) {
        part->next = next;
        part->leader_epoch = epoch;
        return;
    }
    if (work.parts.empty()) ++held_;
    ++of.held;
    work.parts.push_back({&of, next, epoch});
}

void ExecShared::queue(std::unique_ptr<ExecWork> work) {
    {
        const std::lock_guard lock{mutex_};
        held_bytes_ += work->size_bytes;
        for (ExecWork::Part& part : work->parts)
            part.ticket = part.partition->track.add(part.next, part.leader_epoch);
        if (stopping_) {
            let_go(std::move(work), false);
            return;
        }
        queue_.push_back(std::move(work));
    }
    wake_loop();
}

void ExecShared::pass(const log::TopicPartition& id, Offset next, LeaderEpoch epoch) {
    const std::lock_guard lock{mutex_};
    const auto found = partitions_.find(id);
    if (found != partitions_.end() && found->second.forgotten && found->second.held > 0) return;
    partition(id).track.pass(next, epoch);
}

std::vector<ExecProgress> ExecShared::take_progress() {
    const std::lock_guard lock{mutex_};
    std::vector<ExecProgress> progress;
    for (auto& [id, partition] : partitions_) {
        if (const auto reached = partition.track.take())
            progress.push_back({id, reached->next, reached->leader_epoch});
    }
    std::erase_if(partitions_, [](const auto& entry) { return entry.second.forgotten && entry.second.held == 0; });
    return progress;
}

bool ExecShared::idle() {
    const std::lock_guard lock{mutex_};
    return held_ == 0;
}

bool ExecShared::idle(const log::TopicPartition& id) {
    const std::lock_guard lock{mutex_};
    const auto found = partitions_.find(id);
    return found == partitions_.end() || found->second.held == 0;
}

void ExecShared::forget(const log::TopicPartition& id) {
    {
        const std::lock_guard lock{mutex_};
        const auto found = partitions_.find(id);
        if (found == partitions_.end()) return;
        found->second.forgotten = true;
        // A batch may hold records of other partitions too: it runs.
        std::deque<std::unique_ptr<ExecWork>> kept;
        for (auto& work : queue_) {
            if (!batch_ && work->parts.front().partition == &found->second) {
                let_go(std::move(work), false);
            } else {
                kept.push_back(std::move(work));
            }
        }
        queue_ = std::move(kept);
    }
    wake_loop();
}

void ExecShared::stop() {
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
        for (auto& work : queue_) let_go(std::move(work), false);
        queue_.clear();
    }
    wake_loop();
    tell_consumer();
}

void ExecShared::quit() {
    {
        const std::lock_guard lock{mutex_};
        quitting_ = true;
    }
    wake_loop();
}

std::optional<ExecRunner::Failure> ExecShared::failure() {
    const std::lock_guard lock{mutex_};
    return failure_;
}

ExecCounts ExecShared::counts() {
    const std::lock_guard lock{mutex_};
    return counts_;
}

std::unique_ptr<ExecWork> ExecShared::take_work() {
    std::unique_ptr<ExecWork> work;
    {
        const std::lock_guard lock{mutex_};
        if (queue_.empty()) return nullptr;
        work = std::move(queue_.front());
        queue_.pop_front();
    }
    tell_consumer();
    return work;
}

bool ExecShared::is_stopping() {
    const std::lock_guard lock{mutex_};
    return stopping_;
}

bool ExecShared::is_quitting() {
    const std::lock_guard lock{mutex_};
    return quitting_;
}

bool ExecShared::is_moot(const ExecWork& work) {
    const std::lock_guard lock{mutex_};
    return stopping_ || std::ranges::all_of(work.parts, [](const auto& part) { return part.partition->forgotten; });
}

bool ExecShared::is_first(const ExecWork& work) {
    const std::lock_guard lock{mutex_};
    return std::ranges::all_of(work.parts,
                               [](const auto& part) { return part.partition->track.is_first(part.ticket); });
}

void ExecShared::let_go(std::unique_ptr<ExecWork> work, bool done) {
    --held_;
    held_bytes_ -= work->size_bytes;
    for (const ExecWork::Part& part : work->parts) {
        --part.partition->held;
        if (done) part.partition->track.finish(part.ticket);
    }
    for (Buffer& buffer : work->input) {
        if (spare_.size() < kMostSpare) spare_.push_back(std::move(buffer));
    }
}

void ExecShared::finish(std::unique_ptr<ExecWork> work) {
    {
        const std::lock_guard lock{mutex_};
        let_go(std::move(work), true);
    }
    tell_consumer();
}

void ExecShared::abandon(std::unique_ptr<ExecWork> work) {
    {
        const std::lock_guard lock{mutex_};
        let_go(std::move(work), false);
    }
    tell_consumer();
}

void ExecShared::fail_for_good(cli::ExitCode status) {
    {
        const std::lock_guard lock{mutex_};
        if (!failure_) failure_ = ExecRunner::Failure{status};
    }
    stop();
}

Buffer ExecShared::spare_buffer() {
    const std::lock_guard lock{mutex_};
    if (spare_.empty()) return {};
    Buffer buffer = std::move(spare_.back());
    spare_.pop_back();
    buffer.clear();
    return buffer;
}

void ExecShared::wake_loop() const {
    const std::uint64_t one = 1;
    // Full means that the loop is to look anyway.
    static_cast<void>(!::write(wake_.fd(), &one, sizeof one));
}

void ExecShared::drain_wake() {
    std::uint64_t times = 0;
    static_cast<void>(!::read(wake_.fd(), &times, sizeof times));
}

void ExecShared::tell_consumer() {
    word_.fetch_add(1);
    os::futex_wake_all(word_);
}

}  // namespace mq::consume
