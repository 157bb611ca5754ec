#include "exec_job.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

namespace mq::consume {

namespace {

// The most that Linux lets anybody have; less where it is short of pages.
constexpr int kPipeBytes = 1 << 20;
constexpr std::size_t kReadBytes = std::size_t{64} << 10;

void let_not_block(const os::File& file) { ::fcntl(file.fd(), F_SETFL, ::fcntl(file.fd(), F_GETFL) | O_NONBLOCK); }

}  // namespace

Result<std::unique_ptr<ExecJob>> ExecJob::start(const ExecCommand& command, ExecEnvironment& environment,
                                                std::unique_ptr<ExecWork>& work, bool gathers) {
    MQ_ASSIGN(ExecPipe in, make_pipe());
    ExecPipe out;
    if (gathers) {
        MQ_ASSIGN(out, make_pipe());
        let_not_block(out.read_end);
    }
    let_not_block(in.write_end);
    if (work->is_batch) ::fcntl(in.write_end.fd(), F_SETPIPE_SZ, kPipeBytes);

    const std::uint32_t attempt = work->attempts + 1;
    const auto variables = [&](std::size_t most_bytes) {
        if (work->is_batch) return environment.of_batch(work->record_count, attempt);
        const ExecWork::Kept& kept = work->records.front();
        return environment.of_record(*kept.id, kept.record.view(), attempt, most_bytes);
    };
    const int stdout_of_it = gathers ? out.write_end.fd() : -1;
    auto process = command.start(variables(ExecEnvironment::kMostBytes), in.read_end.fd(), stdout_of_it);
    if (!process && process.error().sys_errno == E2BIG)
        process = command.start(variables(ExecEnvironment::kFewBytes), in.read_end.fd(), stdout_of_it);
    if (!process) return fail(std::move(process).error());

    std::unique_ptr<ExecJob> job{new ExecJob{std::move(work)}};
    job->work_->attempts = attempt;
    job->process_ = *std::move(process);
    job->in_ = std::move(in.write_end);
    job->out_ = std::move(out.read_end);
    static_cast<void>(in.read_end.close());
    // An error comes again, when the pipe is looked at.
    static_cast<void>(job->feed());
    return job;
}

// Empty: there is no more. An empty piece does not occur.
ByteView ExecJob::next_input() const {
    if (work_->is_batch) {
        if (piece_ == work_->input.size()) return {};
        return work_->input[piece_].view().substr(written_);
    }
    if (piece_ > 0) return {};
    return work_->records.front().record.view().value.value_or(ByteView{}).substr(written_);
}

// As much as goes into the pipe.
Status ExecJob::feed() {
    for (;;) {
        const ByteView bytes = next_input();
        if (bytes.empty()) return in_.close();
        const ssize_t n = ::write(in_.fd(), bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return {};
        // It need not read everything.
        if (n < 0 && errno == EPIPE) return in_.close();
        if (n < 0) return fail(system_error(errno, "write to a command", {}));
        written_ += static_cast<std::size_t>(n);
        if (static_cast<std::size_t>(n) == bytes.size()) {
            ++piece_;
            written_ = 0;
        }
    }
}

void ExecJob::add_to(std::vector<pollfd>& polled, bool streams) {
    polls_in_ = polls_out_ = -1;
    if (end_) return;
    polled.push_back({process_.handle.fd(), POLLIN, 0});
    int places = 1;
    if (in_.is_open()) {
        polled.push_back({in_.fd(), POLLOUT, 0});
        polls_in_ = places++;
    }
    if (out_.is_open() && (streams || !is_full())) {
        polled.push_back({out_.fd(), POLLIN, 0});
        polls_out_ = places++;
    }
}

Status ExecJob::handle(const pollfd*& polled) {
    if (end_) return {};
    const pollfd* const mine = polled;
    polled += 1 + (polls_in_ >= 0) + (polls_out_ >= 0);
    if (polls_in_ >= 0 && mine[polls_in_].revents != 0) MQ_TRY(feed());
    if (polls_out_ >= 0 && mine[polls_out_].revents != 0) MQ_TRY(gather());
    if (mine->revents != 0) MQ_TRY(take_end());
    return {};
}

Status ExecJob::read_some(std::size_t most, bool& at_end) {
    printed_.make_room(most);
    const ssize_t n = ::read(out_.fd(), printed_.end(), most);
    if (n > 0) printed_.resize(printed_.size() + static_cast<std::size_t>(n));
    at_end = n == 0;
    if (n < 0 && errno != EINTR && errno != EAGAIN) return fail(system_error(errno, "read from a command", {}));
    return {};
}

Status ExecJob::gather() {
    bool at_end = false;
    MQ_TRY(read_some(kReadBytes, at_end));
    // It may close its stdout long before it ends.
    return at_end ? out_.close() : Status{};
}

// What it printed lies in the pipe; what a child of it, that goes on, prints later belongs to no command.
Status ExecJob::take_end() {
    MQ_ASSIGN(end_, ExecCommand::end_of(process_));
    if (in_.is_open()) MQ_TRY(in_.close());
    if (out_.is_open()) {
        int left = 0;
        ::ioctl(out_.fd(), FIONREAD, &left);
        const std::size_t until = printed_.size() + static_cast<std::size_t>(left);
        for (bool at_end = false; printed_.size() < until && !at_end;) {
            const std::size_t before = printed_.size();
            MQ_TRY(read_some(until - before, at_end));
            at_end |= printed_.size() == before;
        }
        MQ_TRY(out_.close());
    }
    return process_.handle.close();
}

}  // namespace mq::consume
