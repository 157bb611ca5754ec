// The process of --decode-with.
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "mq-dump-segment/decoder.h"

namespace mq::dump {
namespace {

constexpr std::int32_t kNull = -1;
constexpr std::int32_t kAnswerLimitBytes = 16 << 20;

tl::unexpected<Error> broken(const std::string& command, std::string detail) {
    return fail(Errc::io, "decode with", command, std::move(detail));
}

Status set_non_blocking(int fd) {
    if (::fcntl(fd, F_SETFL, O_NONBLOCK) == 0) return {};
    return fail(system_error(errno, "fcntl", {}));
}

}  // namespace

CoProcess::~CoProcess() {
    static_cast<void>(to_.close());
    static_cast<void>(from_.close());
    if (pid_ > 0) {
        while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
}

Result<std::unique_ptr<CoProcess>> CoProcess::start(const std::string& command) {
    std::array<int, 2> question{};
    std::array<int, 2> answer{};
    // A socket, since a send to a process that is gone can be told not to raise SIGPIPE, which is for stdout's
    // reader.
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, question.data()) != 0) {
        return fail(system_error(errno, "socketpair", command));
    }
    std::unique_ptr<CoProcess> process{new CoProcess};
    process->command_ = command;
    process->to_ = os::File::adopt(question[1], command, false);
    const os::File child_in = os::File::adopt(question[0], command, false);
    if (::pipe2(answer.data(), O_CLOEXEC) != 0) return fail(system_error(errno, "pipe", command));
    process->from_ = os::File::adopt(answer[0], command, false);
    const os::File child_out = os::File::adopt(answer[1], command, false);
    MQ_TRY(set_non_blocking(question[1]));
    MQ_TRY(set_non_blocking(answer[0]));

    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, question[0], 0);
    ::posix_spawn_file_actions_adddup2(&actions, answer[1], 1);
    std::string shell = "sh";
    std::string flag = "-c";
    std::string script = command;
    std::array<char*, 4> argv{shell.data(), flag.data(), script.data(), nullptr};
    const int error = ::posix_spawnp(&process->pid_, "/bin/sh", &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) return fail(system_error(error, "start", command));
    return process;
}

// Writes and reads at once: a program may answer before it has read all, and a pipe holds only so much.
Result<std::optional<std::string>> CoProcess::ask(const NullableBytes& bytes) {
    std::string question;
    append_be(question, bytes ? static_cast<std::int32_t>(bytes->size()) : kNull);
    if (bytes) question += *bytes;
    std::string answer;
    std::size_t written = 0;
    std::array<char, 65536> piece;
    while (true) {
        if (answer.size() >= 4) {
            const auto size = load_be<std::int32_t>(answer.data());
            if (size < kNull || size > kAnswerLimitBytes)
                return broken(command_, "answered with length " + std::to_string(size));
            const std::size_t whole = 4 + static_cast<std::size_t>(std::max(size, 0));
            if (answer.size() > whole) return broken(command_, "answered more than it was asked");
            if (answer.size() == whole && written == question.size()) {
                return size == kNull ? std::nullopt : std::optional{answer.substr(4)};
            }
        }
        std::array<pollfd, 2> wait{pollfd{from_.fd(), POLLIN, 0},
                                   pollfd{written < question.size() ? to_.fd() : -1, POLLOUT, 0}};
        if (::poll(wait.data(), wait.size(), -1) < 0 && errno != EINTR)
            return fail(system_error(errno, "poll", command_));
        if (wait[1].revents != 0) {
            const ssize_t n = ::send(to_.fd(), question.data() + written, question.size() - written, MSG_NOSIGNAL);
            if (n < 0 && errno != EAGAIN && errno != EINTR) return fail(system_error(errno, "write to", command_));
            if (n > 0) written += static_cast<std::size_t>(n);
        }
        if (wait[0].revents != 0) {
            const ssize_t n = ::read(from_.fd(), piece.data(), piece.size());
            if (n == 0) return broken(command_, "ended without an answer");
            if (n < 0 && errno != EAGAIN && errno != EINTR) return fail(system_error(errno, "read from", command_));
            if (n > 0) answer.append(piece.data(), static_cast<std::size_t>(n));
        }
    }
}

}  // namespace mq::dump
