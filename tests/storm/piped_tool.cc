#include "storm/piped_tool.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <stdexcept>

#include "support/golden.h"

namespace mq::test {

PipedTool::PipedTool(std::vector<std::string> argv) {
    int to[2];
    int from[2];
    if (::pipe2(to, O_CLOEXEC) != 0 || ::pipe2(from, O_CLOEXEC) != 0) throw std::runtime_error{"pipe"};
    std::signal(SIGPIPE, SIG_IGN);
    child_ = std::make_unique<Child>(Child::fork([&] {
        std::signal(SIGPIPE, SIG_DFL);
        ::dup2(to[0], STDIN_FILENO);
        ::dup2(from[1], STDOUT_FILENO);
        ::dup2(::open((dir_ / "words").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), STDERR_FILENO);
        std::vector<char*> arguments;
        for (std::string& argument : argv) arguments.push_back(argument.data());
        arguments.push_back(nullptr);
        ::execv(arguments[0], arguments.data());
        return 127;
    }));
    ::close(to[0]);
    ::close(from[1]);
    in_ = to[1];
    out_ = from[0];
}

PipedTool::~PipedTool() {
    ::close(in_);
    ::close(out_);
}

void PipedTool::write(std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(in_, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

bool PipedTool::fill(int ms) {
    pollfd event{out_, POLLIN, 0};
    if (::poll(&event, 1, ms) <= 0) return false;
    char bytes[65536];
    const ssize_t got = ::read(out_, bytes, sizeof bytes);
    if (got <= 0) {
        ended_ = true;
    } else {
        read_.erase(0, taken_);
        taken_ = 0;
        read_.append(bytes, static_cast<std::size_t>(got));
    }
    return true;
}

bool PipedTool::has_line(int ms) {
    while (!ended_ && read_.find('\n', taken_) == std::string::npos) {
        if (!fill(ms)) return false;
    }
    return true;
}

std::optional<std::string> PipedTool::read_line() {
    if (!has_line(-1)) return std::nullopt;
    const std::size_t end = read_.find('\n', taken_);
    if (end == std::string::npos) return std::nullopt;
    std::string line = read_.substr(taken_, end - taken_);
    taken_ = end + 1;
    return line;
}

void PipedTool::kill() {
    child_->send(SIGKILL);
    static_cast<void>(child_->wait());
}

std::string PipedTool::words() const { return slurp(dir_ / "words"); }

}  // namespace mq::test
