#include "os/socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <numeric>
#include <thread>

#include "support/faults.h"
#include "support/listener.h"
#include "support/temp_dir.h"

namespace mq::os {
namespace {

using test::FaultInjector;
using test::FaultKind;
using test::FaultSpan;
using test::Listener;
using test::receive_exactly;
using test::send_to;

TEST(Socket, TalksOverTcpByAddressAndByName) {
    for (const std::string host : {"127.0.0.1", "localhost"}) {
        const Listener listener;
        const auto socket = Socket::connect(host, listener.port(), -1);
        ASSERT_TRUE(socket) << socket.error().message();
        EXPECT_EQ(socket->peer(), host + ':' + std::to_string(listener.port()));
        const File other = listener.accept();
        ASSERT_TRUE(socket->send_all("question", -1));
        EXPECT_EQ(receive_exactly(other, 8), "question");
        send_to(other, "answer");
        char part[100];
        EXPECT_EQ(socket->receive_some(part, -1).value(), 6u);
    }
}

TEST(Socket, TalksOverAUnixSocket) {
    const test::TempDir dir;
    const Listener listener{dir / "s"};
    const auto socket = Socket::connect(dir / "s", -1);
    ASSERT_TRUE(socket) << socket.error().message();
    EXPECT_EQ(socket->peer(), dir / "s");
    ASSERT_TRUE(socket->send_all("question", -1));
    EXPECT_EQ(receive_exactly(listener.accept(), 8), "question");
}

TEST(Socket, ThatTheOtherSideClosedReadsAsTheEnd) {
    const Listener listener;
    const auto socket = Socket::connect("127.0.0.1", listener.port(), -1);
    ASSERT_TRUE(socket);
    ASSERT_TRUE(listener.accept().close());
    char part[4];
    EXPECT_EQ(socket->receive_some(part, -1).value(), 0u);
}

TEST(Socket, NobodyThereNoSuchNameAndNoAnswerAreToldApart) {
    const test::ReservedPort unused;
    const auto refused = Socket::connect("127.0.0.1", unused.number(), -1);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().sys_errno, ECONNREFUSED);
    EXPECT_EQ(refused.error().subject, "127.0.0.1:" + std::to_string(unused.number()));
    EXPECT_EQ(Socket::connect("no-such-host.invalid", 9092, -1).error().code, Errc::not_found);
    const test::TempDir dir;
    EXPECT_EQ(Socket::connect(dir / "s", -1).error().code, Errc::not_found);
    EXPECT_EQ(Socket::connect(dir / std::string(200, 's'), -1).error().code, Errc::bad_argument);

    const Listener listener;
    const auto silent = Socket::connect("127.0.0.1", listener.port(), -1);
    char part[4];
    EXPECT_EQ(silent->receive_some(part, 1).error().code, Errc::timed_out);
    // More than both buffers hold, and nobody reads.
    EXPECT_EQ(silent->send_all(std::string(64 << 20, 'x'), 1).error().code, Errc::timed_out);
}

TEST(Socket, ShortAndInterruptedTransfersAreCarriedOnWithoutLossOrRepetition) {
    std::string content(1 << 20, '\0');
    std::iota(content.begin(), content.end(), '\0');
    for (const FaultKind kind : {FaultKind::short_transfer, FaultKind::error}) {
        const test::TempDir dir;
        const Listener listener{dir / "s"};
        const Socket socket = Socket::connect(dir / "s", -1).value();
        const File other = listener.accept();
        std::string arrived;
        std::thread reader{[&] { arrived = receive_exactly(other, content.size()); }};
        const FaultInjector injector{
            {.nth = 1, .kind = kind, .error = EINTR, .span = FaultSpan::from_then_on, .below = dir.path()}};
        const Status sent = socket.send_all(content, -1);
        reader.join();
        ASSERT_TRUE(sent) << sent.error().message();
        EXPECT_TRUE(arrived == content);
        EXPECT_GE(injector.fired(), 1u);
    }
}

}  // namespace
}  // namespace mq::os
