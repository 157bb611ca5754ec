#include "support/chaos_proxy.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <random>
#include <stdexcept>
#include <utility>

namespace mq::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostHeldBytes = 64u << 10;
constexpr int kMostDelayMs = 20;
// Some troubles strike within the first request, some after many.
constexpr int kMostAfterBits = 18;

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

int checked(int result, const char* what) {
    if (result < 0) throw std::runtime_error(std::string{what} + ": " + std::strerror(errno));
    return result;
}

void close_with_reset(int& fd) {
    if (fd < 0) return;
    const linger at_once{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(std::exchange(fd, -1));
}

}  // namespace

Schedule draw_schedule(std::uint64_t seed, std::uint64_t connection, const std::vector<Trouble>& among) {
    std::seed_seq seeds{static_cast<unsigned>(seed), static_cast<unsigned>(seed >> 32),
                        static_cast<unsigned>(connection)};
    std::mt19937 random{seeds};
    Schedule schedule;
    schedule.trouble = among.empty() ? static_cast<Trouble>(random() % kTroubles) : among[random() % among.size()];
    schedule.after_bytes = random() % (std::uint64_t{1} << random() % (kMostAfterBits + 1));
    schedule.delay_ms = 1 + static_cast<int>(random() % kMostDelayMs);
    return schedule;
}

// Two sockets, and what goes from one to the other.
class ChaosProxy::Link {
public:
    // `troubled` counts it, once, when its trouble strikes.
    Link(int client, int server, Schedule schedule, std::atomic<std::uint64_t>& troubled)
        : fds_{client, server}, schedule_(schedule), troubled_(troubled) {}
    ~Link() { reset(); }

    [[nodiscard]] bool is_over() const { return fds_[0] < 0; }
    void reset() {
        for (int& fd : fds_) close_with_reset(fd);
    }
    // Of what it was to suffer, nothing more.
    void calm() {
        if (is_held(kToServer) || is_held(kToClient)) return reset();
        schedule_ = {};
    }
    // What it waits for, by client and server; and until when at most.
    void wait_for(pollfd* waited, Clock::time_point& until) const {
        const auto now = Clock::now();
        for (const int way : {kToServer, kToClient}) {
            waited[way] = {fds_[way], 0, 0};
        }
        for (const int way : {kToServer, kToClient}) {
            const Way& one = ways_[way];
            if (is_held(way)) continue;
            if (!one.has_ended && one.held.size() < kMostHeldBytes) waited[way].events |= POLLIN;
            if (one.held.empty()) continue;
            const auto ready = ready_at(one, now);
            if (ready <= now) {
                waited[1 - way].events |= POLLOUT;
            } else {
                until = std::min(until, ready);
            }
        }
        // Else poll(2) would tell again and again of an end that nobody waits for.
        for (const int way : {kToServer, kToClient})
            if (waited[way].events == 0) waited[way].fd = -1;
    }
    void go_on(const pollfd* waited) {
        for (const int way : {kToServer, kToClient}) {
            if (!is_over() && (waited[way].revents & (POLLIN | POLLHUP | POLLERR)) != 0) take(way);
            if (!is_over()) pass(way);
        }
        if (!is_over() && ways_[0].was_ended && ways_[1].was_ended) {
            for (int& fd : fds_) ::close(std::exchange(fd, -1));
        }
    }

private:
    static constexpr int kToServer = 0;  // from fds_[0] to fds_[1]
    static constexpr int kToClient = 1;
    struct Way {
        std::string held;
        std::uint64_t taken_bytes = 0;
        Clock::time_point came{};
        bool has_ended = false;  // the sender says no more
        bool was_ended = false;  // and the receiver knows
    };

    [[nodiscard]] bool is_due() const {
        return schedule_.trouble >= Trouble::reset && ways_[kToServer].taken_bytes > schedule_.after_bytes;
    }
    // Nothing passes this way any more.
    [[nodiscard]] bool is_held(int way) const {
        if (!is_due()) return false;
        return schedule_.trouble == Trouble::blackhole ||
               schedule_.trouble == (way == kToServer ? Trouble::deaf_server : Trouble::deaf_client);
    }
    [[nodiscard]] Clock::time_point ready_at(const Way& way, Clock::time_point now) const {
        const std::chrono::milliseconds delay{schedule_.delay_ms};
        if (schedule_.trouble == Trouble::delay) return way.came + delay;
        if (schedule_.trouble != Trouble::flap) return now;
        const auto phase = now.time_since_epoch() / delay;
        return phase % 2 == 0 ? now : Clock::time_point{(phase + 1) * delay};
    }
    void take(int way) {
        Way& one = ways_[way];
        if (one.has_ended || is_held(way) || one.held.size() >= kMostHeldBytes) return;
        std::array<char, kMostHeldBytes> bytes;
        const ssize_t count = ::recv(fds_[way], bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (count < 0) return errno == EAGAIN || errno == EINTR ? void() : reset();
        if (count == 0) {
            one.has_ended = true;
            return;
        }
        if (one.held.empty()) one.came = Clock::now();
        one.held.append(bytes.data(), static_cast<std::size_t>(count));
        one.taken_bytes += static_cast<std::uint64_t>(count);
        const bool strikes = schedule_.trouble != Trouble::none && (schedule_.trouble < Trouble::reset || is_due());
        if (strikes && !std::exchange(was_troubled_, true)) ++troubled_;
        if (schedule_.trouble == Trouble::reset && is_due()) return reset();
        if (schedule_.trouble == Trouble::lose_answer && is_due() && way == kToClient) return reset();
        if (schedule_.trouble == Trouble::half_close && is_due()) ways_[kToServer].has_ended = true;
    }
    void pass(int way) {
        Way& one = ways_[way];
        if (is_held(way)) return;
        const auto now = Clock::now();
        if (!one.held.empty() && ready_at(one, now) <= now) {
            const std::size_t most = schedule_.trouble == Trouble::drip ? 1 : one.held.size();
            const ssize_t count = ::send(fds_[1 - way], one.held.data(), most, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (count < 0 && errno != EAGAIN && errno != EINTR) return reset();
            if (count > 0) one.held.erase(0, static_cast<std::size_t>(count));
        }
        if (one.has_ended && one.held.empty() && !std::exchange(one.was_ended, true))
            ::shutdown(fds_[1 - way], SHUT_WR);
    }

    std::array<int, 2> fds_;
    std::array<Way, 2> ways_;
    Schedule schedule_;
    std::atomic<std::uint64_t>& troubled_;
    bool was_troubled_ = false;
};

ChaosProxy::ChaosProxy(std::uint16_t port, std::uint64_t seed, std::vector<Trouble> among)
    : target_(port), seed_(seed), among_(std::move(among)) {
    listener_ = checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket");
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    checked(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size), "bind");
    checked(::listen(listener_, SOMAXCONN), "listen");
    checked(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
    port_ = ntohs(address.sin_port);
    waker_ = checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
    thread_ = std::thread{[this] { run(); }};
}

ChaosProxy::~ChaosProxy() {
    is_stopping_ = true;
    wake();
    thread_.join();
    ::close(listener_);
    ::close(waker_);
}

std::string ChaosProxy::describe() const {
    return "chaos seed " + std::to_string(seed_) + ", " + std::to_string(connections_) + " connections";
}

void ChaosProxy::calm() {
    is_calm_ = true;
    wake();
}

void ChaosProxy::cut_all() {
    cuts_all_ = true;
    wake();
}

void ChaosProxy::wake() const {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(waker_, &one, sizeof one));
}

void ChaosProxy::accept_all() {
    for (;;) {
        const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0) return;
        const std::uint64_t number = connections_++;
        const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const sockaddr_in address = loopback(target_);
        const Schedule schedule = is_calm_ ? Schedule{} : draw_schedule(seed_, number, among_);
        links_.push_back(std::make_unique<Link>(client, server, schedule, troubled_));
        // Over the loopback interface this is done at once, or refused.
        if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            links_.back()->reset();
    }
}

void ChaosProxy::run() {
    std::vector<pollfd> waited;
    while (!is_stopping_) {
        waited.assign({{listener_, POLLIN, 0}, {waker_, POLLIN, 0}});
        auto until = Clock::now() + std::chrono::hours{1};
        for (const auto& link : links_) {
            waited.resize(waited.size() + 2);
            link->wait_for(&waited[waited.size() - 2], until);
        }
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
        ::poll(waited.data(), waited.size(), static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
        std::uint64_t ignored = 0;
        static_cast<void>(!::read(waker_, &ignored, sizeof ignored));
        const bool cuts = cuts_all_.exchange(false);
        for (std::size_t i = 0; i < links_.size(); ++i) {
            if (cuts) links_[i]->reset();
            if (is_calm_) links_[i]->calm();
            if (!links_[i]->is_over()) links_[i]->go_on(&waited[2 + 2 * i]);
        }
        std::erase_if(links_, [](const auto& link) { return link->is_over(); });
        if ((waited[0].revents & POLLIN) != 0) accept_all();
    }
    links_.clear();
}

}  // namespace mq::test
