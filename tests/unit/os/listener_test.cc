#include "os/listener.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <numeric>

#include "os/fault.h"
#include "os/window.h"
#include "support/child.h"
#include "support/faults.h"
#include "support/temp_dir.h"

namespace mq::os {
namespace {

// Who connects is in the queue once connect() has returned.
Listener::Arrival arrival(const Listener& listener) {
    auto accepted = listener.accept();
    if (!accepted || !*accepted) throw std::runtime_error("nobody came");
    return std::move(**accepted);
}

std::string receive_all(const Socket& socket) {
    std::string all;
    char part[65536];
    for (;;) {
        const auto count = socket.receive_some(part, 60'000);
        if (!count) throw std::runtime_error(count.error().message());
        if (*count == 0) return all;
        all.append(part, *count);
    }
}

TEST(Listener, TakesConnectionsOverIPv4AndIPv6AndNamesWhoCame) {
    for (const std::string host : {"127.0.0.1", "::1"}) {
        const auto listeners = Listener::on(host, 0);
        ASSERT_TRUE(listeners) << listeners.error().message();
        ASSERT_EQ(listeners->size(), 1u);
        const Listener& listener = listeners->front();
        EXPECT_NE(listener.port(), 0);
        EXPECT_FALSE(listener.accept().value()) << "nobody is there yet";
        const auto client = Socket::connect(host, listener.port(), -1);
        ASSERT_TRUE(client) << client.error().message();
        const auto came = arrival(listener);
        EXPECT_EQ(came.host, host);
        ASSERT_TRUE(came.socket.send_all("hello", -1));
        char part[10];
        EXPECT_EQ(client->receive_some(part, -1).value(), 5u);
    }
}

TEST(Listener, OnEveryInterfaceIsReachedOverBothAndNamesIPv4AsIPv4) {
    const auto listeners = Listener::on("", 0);
    ASSERT_TRUE(listeners) << listeners.error().message();
    for (const std::string host : {"127.0.0.1", "::1"}) {
        const auto client = Socket::connect(host, listeners->front().port(), -1);
        ASSERT_TRUE(client) << client.error().message();
        EXPECT_EQ(arrival(listeners->front()).host, host);
    }
}

TEST(Listener, OfANameListensOnAllItsAddressesWithOnePort) {
    const auto listeners = Listener::on("localhost", 0);
    ASSERT_TRUE(listeners) << listeners.error().message();
    for (const Listener& listener : *listeners) EXPECT_EQ(listener.port(), listeners->front().port());
}

// The first address's port is somebody else's at the second, at the first attempt.
TEST(Listener, OfANameTakesAnotherPortWhereOneOfItsAddressesHasTheFirst) {
    const test::FaultInjector taken{{.nth = 4, .error = EADDRINUSE, .only = Call::listen}};
    const auto listeners = Listener::on("localhost", 0);
    ASSERT_TRUE(listeners) << listeners.error().message();
    for (const Listener& listener : *listeners) EXPECT_EQ(listener.port(), listeners->front().port());
}

TEST(Listener, APortThatIsTakenNoSuchNameAndNoSuchAddressAreToldApart) {
    const auto first = Listener::on("127.0.0.1", 0);
    const std::uint16_t port = first.value().front().port();
    const auto second = Listener::on("127.0.0.1", port);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::in_use);
    EXPECT_EQ(second.error().subject, "127.0.0.1:" + std::to_string(port));
    EXPECT_EQ(Listener::on("no-such-host.invalid", 0).error().code, Errc::not_found);
    // TEST-NET-3: no machine has it.
    EXPECT_EQ(Listener::on("203.0.113.7", 0).error().sys_errno, EADDRNOTAVAIL);
}

TEST(Listener, AtAPathGoesAwayWithItsFileAndObeysTheUmask) {
    const test::TempDir dir;
    {
        const mode_t before = ::umask(0027);
        const auto listener = Listener::at(dir / "s");
        ::umask(before);
        ASSERT_TRUE(listener) << listener.error().message();
        EXPECT_EQ(file_info(dir / "s").value().mode & 0777u, 0750u);
        const auto client = Socket::connect(dir / "s", -1);
        ASSERT_TRUE(client);
        EXPECT_EQ(arrival(*listener).host, "unix");
        EXPECT_EQ(Listener::at(dir / "s").error().code, Errc::in_use);
        EXPECT_TRUE(exists(dir / "s").value());
    }
    EXPECT_FALSE(exists(dir / "s").value());
}

TEST(Listener, AtAPathReplacesOnlyASocketThatNobodyListensAt) {
    const test::TempDir dir;
    ASSERT_EQ(test::run_in_child([&]() -> int {
                  const auto listener = Listener::at(dir / "s");
                  _exit(listener ? 0 : 1);
              }),
              test::exited_with(0));
    ASSERT_TRUE(exists(dir / "s").value()) << "what a killed process leaves";
    EXPECT_TRUE(Listener::at(dir / "s"));
    test::spill(dir / "f", "precious");
    EXPECT_EQ(Listener::at(dir / "f").error().code, Errc::already_exists);
    EXPECT_EQ(read_file(dir / "f").value(), "precious");
    EXPECT_EQ(Listener::at(dir / std::string(108, 's')).error().code, Errc::bad_argument);
}

// What a hook of the seam for faults does: once, in the place of the first unlink(2).
std::atomic<const std::function<void()>*> at_unlink{nullptr};

TEST(Listener, OfTwoThatFindASocketOfTheDeadOneGetsIt) {
    const test::TempDir dir;
    ASSERT_EQ(test::run_in_child([&]() -> int {
                  const auto listener = Listener::at(dir / "s");
                  _exit(listener ? 0 : 1);
              }),
              test::exited_with(0));
    std::future<Result<Listener>> second;
    // The first has found that nobody listens, and the second comes: it may not be there before the first is done.
    const std::function<void()> meanwhile = [&] {
        second = std::async(std::launch::async, [&] { return Listener::at(dir / "s"); });
        static_cast<void>(second.wait_for(std::chrono::milliseconds{300}));
    };
    at_unlink = &meanwhile;
    set_fault_hook([](Call call, std::string_view, std::size_t) {
        if (call != Call::unlink) return Fault{};
        if (const auto* const once = at_unlink.exchange(nullptr)) (*once)();
        return Fault{};
    });
    const auto first = Listener::at(dir / "s");
    set_fault_hook(nullptr);
    ASSERT_TRUE(first) << first.error().message();
    const auto other = second.get();
    ASSERT_FALSE(other) << "both would listen, and one would never be reached";
    EXPECT_EQ(other.error().code, Errc::in_use);
    const auto client = Socket::connect(dir / "s", 60'000);
    ASSERT_TRUE(client);
    EXPECT_EQ(arrival(*first).host, "unix");
}

TEST(Listener, AtAPathLeavesWhatAnotherHasPutThere) {
    const test::TempDir dir;
    auto first = Listener::at(dir / "s");
    ASSERT_TRUE(first);
    ASSERT_TRUE(remove_file(dir / "s"));
    const auto second = Listener::at(dir / "s");
    ASSERT_TRUE(second) << second.error().message();
    first->close();
    EXPECT_TRUE(Socket::connect(dir / "s", 60'000));
}

// RELIABILITY row 11: pieces and parts of files, whole, in parts and interrupted.
TEST(Listener, WhatIsSentInPiecesAndFromFilesArrivesWholeWhateverIsShort) {
    const test::TempDir dir;
    std::string content(300'000, '\0');
    std::iota(content.begin(), content.end(), '\0');
    test::spill(dir / "f", content);
    const File file = File::open(dir / "f", OpenMode::read).value();
    for (const test::FaultPlan& plan :
         {test::FaultPlan{}, {.nth = 1, .kind = test::FaultKind::short_transfer}, {.nth = 1, .error = EINTR}}) {
        const auto listener = Listener::at(dir / "s");
        const auto client = Socket::connect(dir / "s", -1);
        ASSERT_TRUE(client);
        auto came = std::make_optional(arrival(*listener));
        test::FaultPlan lasting = plan;
        lasting.span = test::FaultSpan::from_then_on;
        lasting.below = dir / "s";
        const test::FaultInjector injector{lasting};
        std::string arrived;
        char part[4096];
        char more[4096];
        const auto take_some = [&] {
            const auto count = client->try_receive(part, more);
            ASSERT_TRUE(count) << count.error().message();
            if (!*count) return;
            arrived.append(part, std::min(**count, sizeof part));
            if (**count > sizeof part) arrived.append(more, **count - sizeof part);
        };
        for (std::size_t sent = 0; sent < content.size();) {
            const auto moved = came->socket.try_send_file(file, FilePosition{sent}, content.size() - sent);
            ASSERT_TRUE(moved) << moved.error().message();
            sent += moved->value_or(0);
            take_some();
        }
        ByteView first = "abc";
        ByteView second = "defg";
        while (!first.empty() || !second.empty()) {
            const ByteView pieces[] = {first, second};
            const auto moved = came->socket.try_send(pieces);
            ASSERT_TRUE(moved) << moved.error().message();
            const std::size_t of_first = std::min(first.size(), moved->value_or(0));
            first.remove_prefix(of_first);
            second.remove_prefix(moved->value_or(0) - of_first);
            take_some();
        }
        came.reset();
        arrived += receive_all(*client);
        EXPECT_TRUE(arrived == content + "abcdefg");
    }
}

TEST(Window, IsAnyStretchOfAFileAndWhatIsCutOffLaterIsAnErrorAndNoSignal) {
    const test::TempDir dir;
    std::string content(100'000, '\0');
    std::iota(content.begin(), content.end(), '\0');
    test::spill(dir / "f", content);
    const File file = File::open(dir / "f", OpenMode::read_write).value();
    for (const std::uint64_t from : {0u, 1u, 4095u, 4096u, 50'000u}) {
        const auto window = Window::map(file, FilePosition{from}, 40'000);
        ASSERT_TRUE(window) << window.error().message();
        EXPECT_EQ(window->bytes(), ByteView{content}.substr(from, 40'000));
        EXPECT_EQ(window->begin(), FilePosition{from});
    }
    EXPECT_EQ(Window::map(file, FilePosition{60'001}, 40'000).error().code, Errc::truncated);

    const auto window = Window::map(file, FilePosition{0}, 100'000);
    ASSERT_TRUE(file.truncate(0));
    const auto listener = Listener::at(dir / "s");
    const auto client = Socket::connect(dir / "s", -1);
    ASSERT_TRUE(client);
    const ByteView bytes = window->bytes();
    EXPECT_EQ(arrival(*listener).socket.try_send({&bytes, 1}).error().sys_errno, EFAULT);
}

TEST(Listener, AFileThatEndsBeforeWhatIsToBeSentIsAnErrorAndNotAWait) {
    const test::TempDir dir;
    test::spill(dir / "f", "0123456789");
    const File file = File::open(dir / "f", OpenMode::read).value();
    const auto listener = Listener::at(dir / "s");
    const auto client = Socket::connect(dir / "s", -1);
    ASSERT_TRUE(client);
    const auto came = arrival(*listener);
    EXPECT_EQ(came.socket.try_send_file(file, FilePosition{4}, 100).value(), 6u);
    const auto beyond = came.socket.try_send_file(file, FilePosition{10}, 94);
    ASSERT_FALSE(beyond);
    EXPECT_EQ(beyond.error().code, Errc::truncated);
}

TEST(Listener, NothingThereIsNoErrorAndTheEndIsZero) {
    const test::TempDir dir;
    const auto listener = Listener::at(dir / "s");
    auto client = std::make_optional(Socket::connect(dir / "s", -1).value());
    const auto came = arrival(*listener);
    char part[4];
    EXPECT_EQ(came.socket.try_receive(part).value(), std::nullopt);
    client.reset();
    EXPECT_EQ(came.socket.try_receive(part).value(), 0u);
}

}  // namespace
}  // namespace mq::os
