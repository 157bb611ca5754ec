// What a good client notices of hostile ones (RELIABILITY row 30):
//
//   bench_siege DIRECTORY
//
// The 99th percentile of a record's way through the broker while thousands send their requests a byte at a time,
// others come and go, and others do not read their answers; against the same with nobody there, in turn.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "bench/broker_load.h"
#include "bench/figure.h"
#include "bench/sample.h"
#include "wire/messages/versions.h"

namespace mq::bench {
namespace {

constexpr std::size_t kSlow = 5'000;
constexpr std::size_t kDeaf = 50;
constexpr std::size_t kRecords = 1'000;

int connect_to(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) ::_exit(2);
    return fd;
}

// Until it is killed, in a process of its own. Once all are connected it writes a byte to `ready`. Each of the slow
// ones sends a byte every ten seconds; each millisecond one client more comes and goes; the deaf ones ask as long as
// anybody takes what they send.
[[noreturn]] void besiege(std::uint16_t port, int ready) {
    std::vector<int> slow;
    for (std::size_t i = 0; i < kSlow; ++i) slow.push_back(connect_to(port));
    std::vector<int> deaf;
    for (std::size_t i = 0; i < kDeaf; ++i) deaf.push_back(connect_to(port));
    std::string questions;
    for (int i = 0; i < 100; ++i)
        must(wire::append_request(wire::ApiVersionsRequest{}, {{}, 0, i, "deaf"}, questions));
    if (::write(ready, "", 1) != 1) ::_exit(2);
    const Pace pace;
    for (std::size_t ms = 0;; ++ms) {
        pace.wait();
        if (ms % 2 == 0) static_cast<void>(::send(slow[ms / 2 % kSlow], "", 1, MSG_NOSIGNAL | MSG_DONTWAIT));
        static_cast<void>(::send(deaf[ms % kDeaf], questions.data(), questions.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
        ::close(connect_to(port));
    }
}

class Siege {
public:
    explicit Siege(std::uint16_t port) {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) std::exit(2);
        pid_ = ::fork();
        if (pid_ == 0) besiege(port, ends[1]);
        ::close(ends[1]);
        char byte;
        if (::read(ends[0], &byte, 1) != 1) std::exit(2);
        ::close(ends[0]);
    }
    ~Siege() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    Siege(const Siege&) = delete;
    Siege& operator=(const Siege&) = delete;

private:
    pid_t pid_ = -1;
};

bool siege(const std::string& parent) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    const Scratch scratch{parent};
    scratch.create("t", 1);
    const BrokerProcess broker{scratch.path()};
    std::int64_t first = 0;
    const auto measure = [&] {
        const Percentiles seconds = through_the_broker(broker, first, kRecords);
        first += kRecords;
        return seconds;
    };
    std::vector<Pair> medians;
    std::vector<Pair> p99s;
    for (int i = 0; i < 8; ++i) {
        const Percentiles alone = measure();
        const Siege others{broker.port()};
        const Percentiles besieged = measure();
        if (i == 0) continue;  // unmeasured
        medians.push_back({besieged.median, alone.median});
        p99s.push_back({besieged.p99, alone.p99});
    }
    const bool first_good = print_figure({"siege-p50", 2}, medians);
    const bool second_good = print_figure({"siege-p99", 2}, p99s);
    return first_good && second_good;
}

}  // namespace
}  // namespace mq::bench

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs("usage: bench_siege DIRECTORY\n", stderr);
        return 64;
    }
    std::signal(SIGPIPE, SIG_IGN);
    return mq::bench::siege(argv[1]) ? 0 : 1;
}
