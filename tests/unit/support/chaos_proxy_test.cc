#include "support/chaos_proxy.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <algorithm>
#include <thread>

#include "os/socket.h"
#include "support/listener.h"

namespace mq::test {
namespace {

constexpr int kAwaitMs = 60'000;

// Sends back what it receives, on one connection; `received` has it all once it has ended.
class Echo {
public:
    Echo() : thread_([this] { run(); }) {}
    ~Echo() { thread_.join(); }
    [[nodiscard]] std::uint16_t port() const { return listener_.port(); }
    [[nodiscard]] std::string received() {
        while (!has_ended_) has_ended_.wait(false);
        return received_;
    }

private:
    void run() {
        const os::File connection = listener_.accept();
        char part[4096];
        for (;;) {
            const ssize_t count = ::recv(connection.fd(), part, sizeof part, 0);
            if (count <= 0) break;
            received_.append(part, static_cast<std::size_t>(count));
            if (::send(connection.fd(), part, static_cast<std::size_t>(count), MSG_NOSIGNAL) != count) break;
        }
        // What the end was told over the other way is there first.
        ::shutdown(connection.fd(), SHUT_WR);
        has_ended_ = true;
        has_ended_.notify_all();
    }
    Listener listener_;
    std::string received_;
    std::atomic<bool> has_ended_{false};
    std::thread thread_;
};

std::string numbers(std::size_t bytes) {
    std::string text;
    for (int i = 0; text.size() < bytes; ++i) text += std::to_string(i) + ' ';
    return text.substr(0, bytes);
}

// A seed whose first connection meets that trouble after fewer than so many bytes.
std::uint64_t seed_for(Trouble trouble, std::uint64_t most_bytes) {
    for (std::uint64_t seed = 0;; ++seed)
        if (draw_schedule(seed, 0, {trouble}).after_bytes < most_bytes) return seed;
}

// What comes back until the end, whichever it is.
struct Return {
    std::string bytes;
    bool was_reset = false;
};
Return receive_all(const os::Socket& socket) {
    Return all;
    char part[4096];
    for (;;) {
        const auto count = socket.receive_some(part, kAwaitMs);
        if (!count) all.was_reset = true;
        if (!count || *count == 0) return all;
        all.bytes.append(part, *count);
    }
}

TEST(ChaosProxy, TheSameSeedDrawsTheSameTroubles) {
    bool differs = false;
    for (std::uint64_t i = 0; i < 100; ++i) {
        EXPECT_EQ(draw_schedule(7, i), draw_schedule(7, i));
        differs = differs || draw_schedule(7, i) != draw_schedule(8, i);
    }
    EXPECT_TRUE(differs);
    std::vector<bool> drawn(kTroubles);
    for (std::uint64_t i = 0; i < 1000; ++i) drawn[static_cast<std::size_t>(draw_schedule(1, i).trouble)] = true;
    EXPECT_TRUE(std::ranges::all_of(drawn, [](bool was) { return was; }));
}

TEST(ChaosProxy, SlowConnectionsDeliverEverythingInItsOrder) {
    for (const Trouble trouble : {Trouble::none, Trouble::delay, Trouble::drip, Trouble::flap}) {
        Echo echo;
        const ChaosProxy proxy{echo.port(), 1, {trouble}};
        const auto socket = os::Socket::connect("127.0.0.1", proxy.port(), kAwaitMs);
        ASSERT_TRUE(socket) << socket.error().message();
        const std::string sent = numbers(3'000);
        ASSERT_TRUE(socket->send_all(sent, kAwaitMs));
        ::shutdown(socket->fd(), SHUT_WR);
        const Return back = receive_all(*socket);
        EXPECT_EQ(back.bytes, sent) << static_cast<int>(trouble);
        EXPECT_FALSE(back.was_reset);
    }
}

TEST(ChaosProxy, AResetReachesBoth) {
    Echo echo;
    const ChaosProxy proxy{echo.port(), seed_for(Trouble::reset, 1000), {Trouble::reset}};
    const auto socket = os::Socket::connect("127.0.0.1", proxy.port(), kAwaitMs);
    ASSERT_TRUE(socket && socket->send_all(numbers(1000), kAwaitMs));
    EXPECT_TRUE(receive_all(*socket).was_reset);
    EXPECT_LT(echo.received().size(), 1000u);
}

TEST(ChaosProxy, ALostAnswerIsOneToARequestThatArrived) {
    Echo echo;
    const ChaosProxy proxy{echo.port(), seed_for(Trouble::lose_answer, 1000), {Trouble::lose_answer}};
    const auto socket = os::Socket::connect("127.0.0.1", proxy.port(), kAwaitMs);
    ASSERT_TRUE(socket && socket->send_all(numbers(1000), kAwaitMs));
    const Return back = receive_all(*socket);
    EXPECT_TRUE(back.was_reset);
    EXPECT_EQ(back.bytes, "");
    EXPECT_EQ(echo.received(), numbers(1000));
}

TEST(ChaosProxy, AHalfClosedConnectionStillAnswers) {
    Echo echo;
    const ChaosProxy proxy{echo.port(), seed_for(Trouble::half_close, 1000), {Trouble::half_close}};
    const auto socket = os::Socket::connect("127.0.0.1", proxy.port(), kAwaitMs);
    ASSERT_TRUE(socket && socket->send_all(numbers(1000), kAwaitMs));
    EXPECT_EQ(echo.received(), numbers(1000));
    char part[1000];
    std::size_t back = 0;
    while (back < sizeof part) {
        const auto count = socket->receive_some(part, kAwaitMs);
        ASSERT_TRUE(count && *count > 0);
        back += *count;
    }
}

TEST(ChaosProxy, WhatHangsHangsUntilTheNetworkIsWellAgain) {
    for (const Trouble trouble : {Trouble::deaf_server, Trouble::deaf_client, Trouble::blackhole}) {
        Echo echo;
        ChaosProxy proxy{echo.port(), seed_for(trouble, 1), {trouble}};
        const auto socket = os::Socket::connect("127.0.0.1", proxy.port(), kAwaitMs);
        ASSERT_TRUE(socket && socket->send_all(numbers(1000), kAwaitMs));
        char part[10];
        while (proxy.troubled() == 0) std::this_thread::yield();
        EXPECT_EQ(socket->receive_some(part, 20).error().code, Errc::timed_out) << static_cast<int>(trouble);
        proxy.calm();
        EXPECT_TRUE(receive_all(*socket).was_reset);
        EXPECT_EQ(echo.received().size(), trouble == Trouble::deaf_client ? 1000u : 0u);
        EXPECT_EQ(proxy.connections(), 1u);
    }
}

TEST(ChaosProxy, CutAllResetsWhatThereIs) {
    Echo echo;
    ChaosProxy proxy{echo.port(), 1, {Trouble::none}};
    const auto socket = os::Socket::connect("127.0.0.1", proxy.port(), kAwaitMs);
    ASSERT_TRUE(socket && socket->send_all("x", kAwaitMs));
    char part[1];
    EXPECT_EQ(socket->receive_some(part, kAwaitMs).value(), 1u);
    proxy.cut_all();
    EXPECT_TRUE(receive_all(*socket).was_reset);
    EXPECT_EQ(proxy.describe(), "chaos seed 1, 1 connections");
}

}  // namespace
}  // namespace mq::test
