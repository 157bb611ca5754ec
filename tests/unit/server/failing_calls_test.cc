// Every call on a connection's socket fails once, in every way it may, wherever the connection is with its requests.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <thread>

#include "unit/server/server_fixture.h"

namespace mq::server {
namespace {

using FailingCalls = ServerTest;

// As the server names the other side of it.
std::string name_of(const Raw& client) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(client.socket().fd(), reinterpret_cast<sockaddr*>(&address), &size);
    return "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

TEST_F(FailingCalls, CostTheConnectionAtMostAndLeaveNothingBehind) {
    const test::TempDir dir;
    test::spill(dir / "f", std::string(400'000, 'f'));
    const auto file = std::make_shared<os::File>(os::File::open(dir / "f", os::OpenMode::read).value());
    const auto held = std::make_shared<std::string>(100'000, 'm');
    // Large requests are answered out of memory and of a file, in parts of both kinds; small ones by themselves.
    start([&](const broker::Call& call, const std::shared_ptr<broker::Responder>& responder, std::uint64_t ticket) {
        broker::Reply reply = Desk::reply({call.frame.data(), call.frame.size()});
        if (call.frame.size() > 100) {
            const std::size_t whole = 8 + held->size() + 350'000;
            reply.bytes = std::string(4, '\0') + "headtail";
            store_be(reply.bytes.data(), static_cast<std::int32_t>(whole));
            reply.splices = {{.position = 8, .bytes = *held},
                             {.position = 8, .external = {.index = 0, .bytes = 300'000}},
                             {.position = 12, .external = {.index = 1, .bytes = 50'000}}};
            reply.files = {{file, FilePosition{1000}}, {file, FilePosition{2000}}};
            reply.keeps = {held};
        }
        responder->respond(ticket, std::move(reply));
    });
    const Raw good = connect();
    const std::string small = frame_of(request_of(kApiVersions));
    const std::string sent = small + frame_of(request_of(kFetch, 100'000)) + small;
    const std::size_t answered = 2 * small.size() + 4 + 8 + held->size() + 350'000;
    std::uint64_t met = 0;
    const auto sweep = [&](os::Call call, test::FaultPlan plan) {
        for (unsigned nth = 1;; ++nth) {
            SCOPED_TRACE(std::string{call == os::Call::read ? "read " : "write "} + std::to_string(nth) + ", error " +
                         std::to_string(plan.error));
            const Raw client = connect();
            plan.nth = nth;
            plan.only = call;
            plan.below = name_of(client);
            const test::FaultInjector injector{plan};
            auto sends = std::thread{[&] { client.try_to_send(sent); }};
            std::size_t came = 0;
            char part[65536];
            while (came < answered) {
                const auto count = client.socket().receive_some(part, kAwaitMs);
                ASSERT_TRUE(count || count.error().code != Errc::timed_out) << "neither answered nor closed";
                if (!count || *count == 0) break;
                came += *count;
            }
            sends.join();
            const bool is_over = plan.kind == test::FaultKind::error && plan.error != EINTR && plan.error != EAGAIN;
            ASSERT_TRUE(came == answered || (injector.fired() > 0 && is_over)) << came;
            good.send(small);
            ASSERT_EQ(good.receive_payload(), request_of(kApiVersions));
            if (injector.fired() == 0) return;
            ++met;
            if (plan.span == test::FaultSpan::from_then_on) return;
        }
    };
    for (const os::Call call : {os::Call::read, os::Call::write}) {
        for (const int error : {ECONNRESET, EPIPE, ETIMEDOUT, ENOBUFS, EIO, EINTR, EAGAIN})
            sweep(call, {.error = error});
        sweep(call, {.kind = test::FaultKind::short_transfer});
        sweep(call, {.kind = test::FaultKind::short_transfer, .span = test::FaultSpan::from_then_on});
    }
    EXPECT_GT(met, 50u);
    EXPECT_TRUE(server->stop(kAwaitMs));
    EXPECT_EQ(server->counts().connections, 0u);
    EXPECT_EQ(server->counts().request_bytes, 0u);
    server.reset();
    EXPECT_EQ(file.use_count(), 1);
    EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace mq::server
