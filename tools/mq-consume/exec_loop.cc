#include "exec_loop.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "cli/signals.h"
#include "cli/text.h"

namespace mq::consume {

using cli::cat;
using std::chrono::milliseconds;

namespace {

std::string_view search_path() {
    const char* const path = std::getenv("PATH");
    return path == nullptr ? "/usr/bin:/bin" : path;
}

constexpr milliseconds kShortagePause{10};

// Of this moment: when something ends there may be enough again.
bool is_shortage(const Error& error) {
    return error.code == Errc::no_descriptors || error.code == Errc::no_memory || error.sys_errno == EAGAIN;
}

}  // namespace

ExecLoop::ExecLoop(const ExecRunner::Setup& setup, std::optional<DeadLetters> dead_letters, ExecShared& shared)
    : options_(setup.options),
      diagnostics_(*setup.diagnostics),
      out_(*setup.out),
      interrupt_(setup.interrupt),
      dead_letters_(std::move(dead_letters)),
      shared_(shared),
      command_(options_.command, search_path()),
      environment_(environ),
      gathers_(!options_.batch || options_.jobs > 1) {
    // SIGPIPE stays blocked: a command need not read what it is given.
    thread_ = cli::start_without_signals([this] { run(); });
}

ExecLoop::~ExecLoop() {
    shared_.quit();
    thread_.join();
}

void ExecLoop::run() {
    while (!shared_.is_quitting()) {
        try {
            if (const Status turned = turn(); !turned && !broken_) give_up(diagnostics_.fail(turned.error()));
        } catch (const std::bad_alloc&) {
            if (!broken_) give_up(diagnostics_.fail(cli::ExitCode::io, "out of memory"));
        }
    }
}

// What runs is still waited for, and nothing of it counts.
void ExecLoop::give_up(cli::ExitCode status) {
    broken_ = true;
    printing_ = nullptr;
    // First: who sees that all is idle is to see why.
    shared_.fail_for_good(status);
    std::erase(jobs_, nullptr);
    for (auto& work : done_) abandon(std::move(work));
    done_.clear();
}

bool ExecLoop::is_stopping() const {
    return shared_.is_stopping() || (interrupt_ != nullptr && interrupt_->load() != 0);
}

Status ExecLoop::turn() {
    MQ_TRY(start_commands());
    MQ_TRY(wait());
    return settle();
}

// A single job does one thing after another: a record that is tried again keeps the others waiting. Several jobs go
// on meanwhile.
std::unique_ptr<ExecWork> ExecLoop::next_work(Clock::time_point now) {
    const auto next = std::ranges::min_element(again_, {}, [](const auto& work) { return work->due; });
    if (next != again_.end() && (*next)->due <= now) {
        auto work = std::move(*next);
        again_.erase(next);
        return work;
    }
    if (options_.jobs == 1 && !again_.empty()) return nullptr;
    return shared_.take_work();
}

Status ExecLoop::start_commands() {
    if (is_stopping()) {
        for (auto& work : again_) abandon(std::move(work));
        again_.clear();
        return {};
    }
    std::erase_if(again_, [this](auto& work) {
        const bool is_moot = shared_.is_moot(*work);
        if (is_moot) abandon(std::move(work));
        return is_moot;
    });
    const Clock::time_point now = Clock::now();
    const auto running = [this] { return std::ranges::count_if(jobs_, [](const auto& job) { return !job->end(); }); };
    for (auto free = static_cast<std::ptrdiff_t>(options_.jobs) - running(); free > 0; --free) {
        auto work = next_work(now);
        if (!work) return {};
        auto job = ExecJob::start(command_, environment_, work, gathers_);
        if (job) {
            shared_.count([](ExecCounts& counts) { ++counts.attempts; });
            jobs_.push_back(*std::move(job));
            continue;
        }
        work->due = now + kShortagePause;
        again_.push_back(std::move(work));
        if (is_shortage(job.error()) && running() > 0) return {};
        return fail(std::move(job).error());
    }
    return {};
}

int ExecLoop::timeout_ms(Clock::time_point now) const {
    if (again_.empty()) return -1;
    const auto next = (*std::ranges::min_element(again_, {}, [](const auto& work) { return work->due; }))->due;
    if (next <= now) {
        // It waits for a job to end.
        const auto running = std::ranges::count_if(jobs_, [](const auto& job) { return !job->end(); });
        return running < static_cast<std::ptrdiff_t>(options_.jobs) ? 0 : -1;
    }
    return static_cast<int>(std::chrono::ceil<milliseconds>(next - now).count());
}

Status ExecLoop::wait() {
    polled_.assign(1, {shared_.wake_descriptor(), POLLIN, 0});
    for (const auto& job : jobs_) job->add_to(polled_, job.get() == printing_);
    if (::poll(polled_.data(), polled_.size(), timeout_ms(Clock::now())) < 0) {
        if (errno == EINTR) return {};
        return fail(system_error(errno, "poll", "commands"));
    }
    if (polled_.front().revents != 0) shared_.drain_wake();
    const pollfd* at = polled_.data() + 1;
    for (const auto& job : jobs_) MQ_TRY(job->handle(at));
    return {};
}

bool ExecLoop::may_print(const ExecJob& job) const {
    if (printing_ != nullptr) return printing_ == &job;
    return !options_.keep_order || shared_.is_first(job.work());
}

Status ExecLoop::pass_on(ExecJob& job) {
    if (!out_.write(job.printed().view())) return out_.status();
    job.printed().clear();
    return {};
}

// Whatever has ended is dealt with, and what it printed leaves before it counts as done. With keep_order one that is
// done lets the next one print.
Status ExecLoop::settle() {
    if (broken_) {
        for (auto& job : jobs_) {
            job->printed().clear();
            if (job->end()) abandon(job->take_work());
        }
        std::erase_if(jobs_, [](const auto& job) { return job->end().has_value(); });
        return {};
    }
    for (bool again = true; again;) {
        again = false;
        for (auto& job : jobs_) {
            if (!job->end()) {
                if ((!job->is_full() && printing_ != job.get()) || !may_print(*job)) continue;
                printing_ = job.get();
                MQ_TRY(pass_on(*job));
                continue;
            }
            MQ_ASSIGN(const bool settled, settle(*job));
            if (!settled) continue;
            if (printing_ == job.get()) printing_ = nullptr;
            job.reset();
            again = true;
        }
        std::erase(jobs_, nullptr);
        MQ_TRY(out_.flush());
        for (auto& work : done_) shared_.finish(std::move(work));
        done_.clear();
    }
    const bool all_ended = std::ranges::all_of(jobs_, [](const auto& job) { return job->end().has_value(); });
    if (!all_ended || !is_stopping()) return {};
    // They wait for the output of one that will not come: they are done again by whoever goes on.
    for (auto& job : jobs_) abandon(job->take_work());
    jobs_.clear();
    return {};
}

Result<bool> ExecLoop::settle(ExecJob& job) {
    if (!job.end()->succeeded()) return settle_failure(job);
    if (!may_print(job)) return false;
    MQ_TRY(pass_on(job));
    shared_.count([&](ExecCounts& counts) { counts.succeeded += job.work().record_count; });
    done_.push_back(job.take_work());
    return true;
}

milliseconds ExecLoop::backoff(std::uint32_t attempts) const {
    std::int64_t pause_ms = options_.backoff_ms;
    for (std::uint32_t i = 1; i < attempts && pause_ms < kLongestExecBackoffMs; ++i) pause_ms *= 2;
    return milliseconds{std::min(pause_ms, std::max(options_.backoff_ms, kLongestExecBackoffMs))};
}

std::string ExecLoop::describe(const ExecJob& job) const {
    const ExecWork& work = job.work();
    const std::string how =
        cat("command failed: ", to_string(*job.end()), ", attempt ", work.attempts, " of ", options_.retries + 1);
    if (!options_.batch) {
        const ExecWork::Kept& kept = work.records.front();
        return cat("topic '", kept.id->topic, "' partition ", kept.id->partition, " offset ",
                   kept.record.view().offset.value(), ": ", how);
    }
    return cat(cli::counted(work.record_count, "record"), " up to topic '", work.parts.back().partition->id->topic,
               "' partition ", work.parts.back().partition->id->partition, " offset ",
               work.parts.back().next.value() - 1, ": ", how);
}

Result<bool> ExecLoop::settle_failure(ExecJob& job) {
    // Whoever was told to stop, or is to give up the partition, leaves it to the next one.
    if (is_stopping() || shared_.is_moot(job.work())) {
        abandon(job.take_work());
        return true;
    }
    if (job.work().attempts <= options_.retries) {
        const milliseconds pause = backoff(job.work().attempts);
        diagnostics_.detail(cat(describe(job), "; again in ", pause.count(), " ms"));
        again_.push_back(job.take_work());
        again_.back()->due = Clock::now() + pause;
        return true;
    }
    const bool stops = !dead_letters_ && options_.on_failure == OnExecFailure::stop;
    if (!may_print(job) && !stops) return false;
    if (may_print(job)) MQ_TRY(pass_on(job));
    if (stops) {
        shared_.fail_for_good(diagnostics_.fail(cli::ExitCode::no, describe(job)));
        abandon(job.take_work());
        return true;
    }
    if (dead_letters_) {
        diagnostics_.detail(cat(describe(job), "; it goes to '", *options_.dead_letter, '\''));
        if (Status added = dead_letters_->add(job.work(), to_string(*job.end())); !added) {
            shared_.fail_for_good(diagnostics_.fail(added.error()));
            abandon(job.take_work());
            return true;
        }
        shared_.count([&](ExecCounts& counts) { counts.dead_letters += job.work().record_count; });
    } else {
        diagnostics_.warning(cat(describe(job), "; skipped"));
        shared_.count([&](ExecCounts& counts) { counts.skipped += job.work().record_count; });
    }
    done_.push_back(job.take_work());
    return true;
}

}  // namespace mq::consume
