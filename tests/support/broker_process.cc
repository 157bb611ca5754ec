#include "support/broker_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "support/golden.h"

namespace mq::test {
namespace {

constexpr int kStartDeadlineMs = 60'000;

// Where the broker says that it is ready, as sd_notify(3) does.
class ReadySocket {
public:
    ReadySocket() : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        // Without a path: the kernel finds a name in the abstract space.
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        socklen_t size = sizeof address.sun_family;
        auto* const generic = reinterpret_cast<sockaddr*>(&address);
        if (::bind(fd_, generic, size) != 0) throw std::runtime_error{"bind"};
        size = sizeof address;
        if (::getsockname(fd_, generic, &size) != 0) throw std::runtime_error{"getsockname"};
        name_.assign(address.sun_path + 1, size - offsetof(sockaddr_un, sun_path) - 1);
    }
    ~ReadySocket() { ::close(fd_); }
    ReadySocket(const ReadySocket&) = delete;
    ReadySocket& operator=(const ReadySocket&) = delete;

    // As NOTIFY_SOCKET says it.
    [[nodiscard]] std::string name() const { return '@' + name_; }
    // False: the process of that descriptor ended, or nothing came.
    [[nodiscard]] bool wait(int ended) const {
        pollfd events[] = {{fd_, POLLIN, 0}, {ended, POLLIN, 0}};
        while (::poll(events, 2, kStartDeadlineMs) > 0 || errno == EINTR) {
            if (events[0].revents == 0) {
                if (events[1].revents != 0) return false;
                continue;
            }
            char text[1024];
            const ssize_t got = ::recv(fd_, text, sizeof text, 0);
            if (got > 0 && std::string_view{text, static_cast<std::size_t>(got)}.find("READY=1") != std::string::npos)
                return true;
        }
        return false;
    }

private:
    int fd_;
    std::string name_;
};

void send_output_to(int descriptor, const std::string& path) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    ::dup2(file, descriptor);
    ::close(file);
}

}  // namespace

BrokerProcess::BrokerProcess(BrokerPlan plan) : plan_(std::move(plan)) {
    // Known before the broker is: it keeps it over its lives.
    port_ = plan_.port != 0 ? plan_.port : reserved_.number();
    start();
}

void BrokerProcess::start() {
    const ReadySocket ready;
    std::vector<std::string> arguments{MQ_BIN_DIR "/mq-broker", "--listen", address()};
    if (plan_.data_directory.empty()) {
        arguments.emplace_back("--dev");
    } else {
        arguments.insert(arguments.end(), {"--data-dir", plan_.data_directory});
    }
    arguments.insert(arguments.end(), plan_.arguments.begin(), plan_.arguments.end());
    int ended[2];
    if (::pipe2(ended, O_CLOEXEC) != 0) throw std::runtime_error{"pipe"};
    child_ = std::make_unique<Child>(Child::fork([&] {
        // Open as long as the broker lives.
        ::fcntl(ended[1], F_SETFD, 0);
        ::setenv("NOTIFY_SOCKET", ready.name().c_str(), 1);
        ::setenv("TMPDIR", dir_.path().c_str(), 1);
        send_output_to(STDOUT_FILENO, dir_ / "out");
        send_output_to(STDERR_FILENO, dir_ / "log");
        std::vector<char*> argv;
        for (std::string& argument : arguments) argv.push_back(argument.data());
        argv.push_back(nullptr);
        ::execv(argv[0], argv.data());
        return 127;
    }));
    ::close(ended[1]);
    const bool answers = ready.wait(ended[0]);
    ::close(ended[0]);
    if (!answers) throw std::runtime_error{"mq-broker does not start: " + log()};
}

void BrokerProcess::kill() {
    child_->send(SIGKILL);
    static_cast<void>(child_->wait());
}

ChildEnd BrokerProcess::stop() {
    child_->send(SIGTERM);
    return child_->wait();
}

std::string BrokerProcess::data_directory() const {
    if (!plan_.data_directory.empty()) return plan_.data_directory;
    for (const auto& entry : std::filesystem::directory_iterator{dir_.path()}) {
        if (entry.path().filename().string().starts_with("mq-dev-")) return entry.path() / "data";
    }
    throw std::runtime_error{"mq-broker --dev has no directory"};
}

std::string BrokerProcess::log() const { return slurp(dir_ / "log"); }

}  // namespace mq::test
