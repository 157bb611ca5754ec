#include "support/child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ostream>
#include <system_error>
#include <utility>

namespace mq::test {
namespace {

using Clock = std::chrono::steady_clock;

int checked(int result, const char* what) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), what);
    return result;
}

int ms_until(Clock::time_point deadline) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    return left < 0 ? 0 : static_cast<int>(left);
}

// False: the deadline passed first.
bool poll_until(std::vector<pollfd>& fds, Clock::time_point deadline) {
    for (;;) {
        const int ready = poll(fds.data(), fds.size(), ms_until(deadline));
        if (ready > 0) return true;
        if (ready == 0) return false;
        if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "poll");
    }
}

void close_fd(int& fd) {
    if (fd >= 0) ::close(std::exchange(fd, -1));
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const ChildEnd& end) {
    if (end.timed_out) return out << "killed at the deadline";
    if (end.signal != 0) return out << "ended by SIG" << sigabbrev_np(end.signal);
    return out << "exit status " << end.exit_status;
}

Child::Child(pid_t pid)
    : pid_(pid), pidfd_(checked(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)), "pidfd_open")) {}

Child::Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)), pidfd_(std::exchange(other.pidfd_, -1)) {}

Child::~Child() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        reap(true);
    }
    close_fd(pidfd_);
}

Child Child::fork(const std::function<int()>& body) {
    const pid_t parent = getpid();
    const pid_t pid = checked(::fork(), "fork");
    if (pid == 0) {
        // A test that is killed at its own time limit leaves nobody behind.
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        // 0: this is the first process of a PID name space of its own.
        if (getppid() != parent && getppid() != 0) _exit(126);
        try {
            _exit(body());
        } catch (...) {
            _exit(125);
        }
    }
    return Child{pid};
}

void Child::send(int signal) const { checked(::kill(pid_, signal), "kill"); }

bool Child::wait_until_stopped() const {
    siginfo_t info{};
    checked(waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WEXITED | WNOWAIT), "waitid");
    return info.si_code == CLD_STOPPED;
}

ChildEnd Child::reap(bool timed_out) {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0)
        if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "waitpid");
    pid_ = -1;
    if (timed_out) return {.timed_out = true};
    return WIFEXITED(status) ? exited_with(WEXITSTATUS(status)) : ended_by(WTERMSIG(status));
}

ChildEnd Child::wait(std::chrono::milliseconds deadline) {
    std::vector<pollfd> fds{{.fd = pidfd_, .events = POLLIN, .revents = 0}};
    const bool ended = poll_until(fds, Clock::now() + deadline);
    if (!ended) ::kill(pid_, SIGKILL);
    return reap(!ended);
}

ChildEnd run_in_child(const std::function<int()>& body, std::chrono::milliseconds deadline) {
    return Child::fork(body).wait(deadline);
}

Gate::Gate() { checked(pipe2(fds_, O_CLOEXEC), "pipe"); }

Gate::~Gate() {
    close_fd(fds_[0]);
    close_fd(fds_[1]);
}

void Gate::open() const { checked(static_cast<int>(::write(fds_[1], "", 1)), "write"); }

bool Gate::wait(std::chrono::milliseconds deadline) const {
    std::vector<pollfd> fds{{.fd = fds_[0], .events = POLLIN, .revents = 0}};
    char byte = 0;
    return poll_until(fds, Clock::now() + deadline) && ::read(fds_[0], &byte, 1) == 1;
}

struct ProgramRunner {
    const Program& program;
    Clock::time_point deadline = Clock::now() + program.deadline;
    int in[2] = {-1, -1};
    int out[2] = {-1, -1};
    int err[2] = {-1, -1};

    ~ProgramRunner() {
        for (int* pipe : {in, out, err}) {
            close_fd(pipe[0]);
            close_fd(pipe[1]);
        }
    }

    [[nodiscard]] int become_program() const {
        dup2(in[0], 0);
        dup2(out[1], 1);
        dup2(err[1], 2);
        signal(SIGPIPE, SIG_DFL);
        if (!program.directory.empty() && chdir(program.directory.c_str()) != 0) return 127;
        for (const auto& variable : program.environment) putenv(const_cast<char*>(variable.c_str()));
        std::vector<char*> argv;
        for (const auto& argument : program.argv) argv.push_back(const_cast<char*>(argument.c_str()));
        argv.push_back(nullptr);
        execvp(argv[0], argv.data());
        return 127;
    }

    // Reads what is there; closes the pipe at its end.
    static void drain(int& fd, std::string& to) {
        char part[64 * 1024];
        const ssize_t n = ::read(fd, part, sizeof part);
        if (n > 0) to.append(part, static_cast<std::size_t>(n));
        if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) close_fd(fd);
    }

    // Feeds the next part; a program that reads no further is no error.
    void feed(std::size_t& fed) {
        const ssize_t n = ::write(in[1], program.input.data() + fed, program.input.size() - fed);
        if (n > 0) fed += static_cast<std::size_t>(n);
        const bool broken = n < 0 && errno != EINTR && errno != EAGAIN;
        if (broken || fed == program.input.size()) close_fd(in[1]);
    }

    // True once both outputs are closed, false at the deadline.
    bool converse(ProgramResult& result) {
        std::size_t fed = 0;
        if (program.input.empty()) close_fd(in[1]);
        while (out[0] >= 0 || err[0] >= 0) {
            std::vector<pollfd> fds{{in[1], POLLOUT, 0}, {out[0], POLLIN, 0}, {err[0], POLLIN, 0}};
            if (!poll_until(fds, deadline)) return false;
            if (fds[0].revents != 0) feed(fed);
            if (fds[1].revents != 0) drain(out[0], result.out);
            if (fds[2].revents != 0) drain(err[0], result.err);
        }
        return true;
    }

    ProgramResult run() {
        for (int* pipe : {in, out, err}) checked(pipe2(pipe, O_CLOEXEC), "pipe");
        checked(fcntl(in[1], F_SETFL, O_NONBLOCK), "fcntl");
        signal(SIGPIPE, SIG_IGN);
        Child child = Child::fork([this] { return become_program(); });
        close_fd(in[0]);
        close_fd(out[1]);
        close_fd(err[1]);
        ProgramResult result;
        converse(result);
        result.end = child.wait(std::chrono::milliseconds{ms_until(deadline)});
        return result;
    }
};

ProgramResult run_program(const Program& program) {
    ProgramRunner runner{program};
    return runner.run();
}

}  // namespace mq::test
