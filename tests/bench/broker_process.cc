#include "bench/broker_process.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "bench/figure.h"
#include "bench/sample.h"

namespace mq::bench {

std::uint16_t free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(fd, generic, size) != 0 || ::getsockname(fd, generic, &size) != 0) std::exit(2);
    ::close(fd);
    return ntohs(address.sin_port);
}

BrokerProcess::BrokerProcess(const std::string& data_directory) : port_(free_port()) {
    const char* const bin = std::getenv("MQ_BIN");
    const std::string program = std::string{bin != nullptr ? bin : "build/release/bin"} + "/mq-broker";
    const std::string address = "127.0.0.1:" + std::to_string(port_);
    const auto start = std::chrono::steady_clock::now();
    pid_ = ::fork();
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::execl(program.c_str(), program.c_str(), "--log-level", "error", "-D", data_directory.c_str(), "-l",
                address.c_str(), nullptr);
        std::perror(program.c_str());
        ::_exit(127);
    }
    pollfd end{static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)), POLLIN, 0};
    for (;;) {
        auto socket = os::Socket::connect("127.0.0.1", port_, 1000);
        if (socket) {
            const auto client = must(wire::Client::open(*std::move(socket)));
            ::close(end.fd);
            start_seconds_ = Seconds{std::chrono::steady_clock::now() - start}.count();
            return;
        }
        constexpr timespec kSoon{0, 100'000};
        if (::ppoll(&end, 1, &kSoon, nullptr) > 0) {
            std::fprintf(stderr, "bench: mq-broker ended at its start\n");
            std::exit(2);
        }
    }
}

BrokerProcess::~BrokerProcess() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
}

wire::Client BrokerProcess::connect() const {
    return must(wire::Client::open(must(os::Socket::connect("127.0.0.1", port_, 10'000))));
}

double BrokerProcess::resident_bytes() const {
    std::ifstream status{"/proc/" + std::to_string(pid_) + "/status"};
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmRSS:")) return std::strtod(line.c_str() + 6, nullptr) * 1024;
    return 0;
}

double BrokerProcess::cpu_seconds() const {
    std::ifstream file{"/proc/" + std::to_string(pid_) + "/stat"};
    std::string line;
    std::getline(file, line);
    // After the name, which may hold anything, the 12th and 13th field are the ticks spent in user and system mode.
    std::istringstream fields{line.substr(line.rfind(')') + 2)};
    std::string skipped;
    for (int i = 0; i < 11; ++i) fields >> skipped;
    double user = 0;
    double system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace mq::bench
