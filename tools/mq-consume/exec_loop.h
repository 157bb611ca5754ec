// The thread that runs the commands.
#pragma once

#include <poll.h>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "exec_dead_letters.h"
#include "exec_job.h"
#include "exec_runner.h"
#include "exec_shared.h"

namespace mq::consume {

// Made and destroyed by one thread; everything else is done by its own.
class ExecLoop {
public:
    // What it is given by reference must outlive it.
    ExecLoop(const ExecRunner::Setup& setup, std::optional<DeadLetters> dead_letters, ExecShared& shared);
    // Ends the thread, and leaves commands that run alone.
    ~ExecLoop();
    ExecLoop(const ExecLoop&) = delete;
    ExecLoop& operator=(const ExecLoop&) = delete;

private:
    using Clock = std::chrono::steady_clock;

    void run();
    [[nodiscard]] Status turn();
    void give_up(cli::ExitCode status);
    [[nodiscard]] Status start_commands();
    [[nodiscard]] std::unique_ptr<ExecWork> next_work(Clock::time_point now);
    [[nodiscard]] Status wait();
    [[nodiscard]] int timeout_ms(Clock::time_point now) const;
    [[nodiscard]] bool is_stopping() const;

    [[nodiscard]] Status settle();
    [[nodiscard]] bool may_print(const ExecJob& job) const;
    // False: not yet.
    [[nodiscard]] Result<bool> settle(ExecJob& job);
    [[nodiscard]] Result<bool> settle_failure(ExecJob& job);
    [[nodiscard]] Status pass_on(ExecJob& job);
    void abandon(std::unique_ptr<ExecWork> work) { shared_.abandon(std::move(work)); }
    [[nodiscard]] std::string describe(const ExecJob& job) const;
    [[nodiscard]] std::chrono::milliseconds backoff(std::uint32_t attempts) const;

    const ExecOptions& options_;
    const cli::Diagnostics& diagnostics_;
    cli::Output& out_;
    const std::atomic<std::uint32_t>* interrupt_;
    std::optional<DeadLetters> dead_letters_;
    ExecShared& shared_;
    const ExecCommand command_;
    ExecEnvironment environment_;
    const bool gathers_;

    std::vector<std::unique_ptr<ExecJob>> jobs_;    // that run, or have ended and wait for the output
    std::vector<std::unique_ptr<ExecWork>> again_;  // that failed and are due later
    std::vector<std::unique_ptr<ExecWork>> done_;   // whose output has not left yet
    const ExecJob* printing_ = nullptr;             // more than is gathered: the others wait
    bool broken_ = false;                           // an error that is not a command's
    std::vector<pollfd> polled_;
    std::thread thread_;
};

}  // namespace mq::consume
