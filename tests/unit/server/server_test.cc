// Listeners, and how a server stops. Over a real broker, spoken to by the client of the wire layer.
#include "server/server.h"

#include <thread>

#include "unit/server/server_fixture.h"
#include "wire/client.h"
#include "wire/messages/all.h"

namespace mq::server {
namespace {

using Stop = ServerTest;

class Listeners : public broker::BrokerTest {
protected:
    void listen(std::vector<broker::ListenerConfig> listeners) {
        stop();
        config.listeners = std::move(listeners);
        start();
        auto opened = Server::open(*broker, log);
        ASSERT_TRUE(opened) << opened.error().message();
        server = *std::move(opened);
        const Status started = server->start();
        ASSERT_TRUE(started) << started.error().message();
    }
    void TearDown() override {
        server.reset();
        stop();
    }
    // The keys that the broker announces to a client over this connection.
    static std::size_t announced(Result<os::Socket> socket) {
        if (!socket) throw std::runtime_error{socket.error().message()};
        auto client = wire::Client::open(*std::move(socket));
        if (!client) throw std::runtime_error{client.error().message()};
        return client->broker().api_keys.size();
    }
    std::unique_ptr<Server> server;
};

TEST_F(Listeners, AnswerOverIPv4IPv6AndAUnixSocketAtOnce) {
    listen({tcp("127.0.0.1"), tcp("::1"), at_path(dir / "socket"), tcp("")});
    const auto& endpoints = server->endpoints();
    ASSERT_EQ(endpoints.size(), 4u);
    EXPECT_GT(announced(os::Socket::connect("127.0.0.1", endpoints[0].port, kAwaitMs)), 0u);
    EXPECT_GT(announced(os::Socket::connect("::1", endpoints[1].port, kAwaitMs)), 0u);
    EXPECT_GT(announced(os::Socket::connect(dir / "socket", kAwaitMs)), 0u);
    EXPECT_GT(announced(os::Socket::connect("127.0.0.1", endpoints[3].port, kAwaitMs)), 0u);
    EXPECT_GT(announced(os::Socket::connect("::1", endpoints[3].port, kAwaitMs)), 0u);
    server.reset();
    EXPECT_FALSE(os::exists(dir / "socket").value());
}

TEST_F(Listeners, MET5_AreAdvertisedAsConfiguredElseAsTheyAre) {
    broker::ListenerConfig outside = tcp("127.0.0.1");
    outside.name = "OUTSIDE";
    outside.advertised_host = "broker.example";
    outside.advertised_port = 19092;
    listen({tcp("127.0.0.1"), outside, at_path(dir / "socket"), tcp("")});
    const auto& endpoints = server->endpoints();
    EXPECT_EQ(endpoints[0].advertised_host, "127.0.0.1");
    EXPECT_EQ(endpoints[0].advertised_port, endpoints[0].port);
    EXPECT_EQ(endpoints[1].listener, "OUTSIDE");
    EXPECT_EQ(endpoints[1].advertised_host, "broker.example");
    EXPECT_EQ(endpoints[1].advertised_port, 19092);
    EXPECT_EQ(endpoints[2].advertised_host, "127.0.0.1") << "a path is no address for a Kafka client";
    EXPECT_EQ(endpoints[2].advertised_port, endpoints[0].port);
    EXPECT_NE(endpoints[3].advertised_host, "");
}

TEST_F(Listeners, APortInUseIsNamedWithWhatToDo) {
    listen({tcp("127.0.0.1")});
    broker::BrokerConfig second;
    const std::uint16_t port = server->endpoints().front().port;
    second.listeners = {tcp("127.0.0.1", port)};
    const auto opened = Server::open(
        second, [](const auto&...) {}, log);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::in_use);
    EXPECT_EQ(opened.error().message(), "127.0.0.1:" + std::to_string(port) +
                                            ": listen: another program listens there: end it, or choose another "
                                            "address in listeners: Address already in use");
}

TEST_F(Listeners, OneThatCannotBeBoundLeavesNoneBehind) {
    listen({tcp("127.0.0.1")});
    broker::BrokerConfig second;
    second.listeners = {at_path(dir / "socket"), tcp("127.0.0.1", server->endpoints().front().port)};
    const auto descriptors = test::open_descriptors();
    EXPECT_FALSE(Server::open(
        second, [](const auto&...) {}, log));
    EXPECT_EQ(test::open_descriptors(), descriptors);
    EXPECT_FALSE(os::exists(dir / "socket").value());
}

TEST_F(Stop, AnswersWhatWaitsClosesWhoWaitsForNothingAndTakesNoMore) {
    start();
    const std::uint16_t port = server->endpoints().front().port;
    const Raw idle = connect();
    const Raw waiting = connect();
    waiting.send(frame_of(request_of(kFetch)) + frame_of(request_of(kFetch)));
    const auto request = desk.take();
    server->stop_taking();
    EXPECT_TRUE(idle.is_closed_by_server());
    EXPECT_FALSE(os::Socket::connect("127.0.0.1", port, kAwaitMs));
    // Larger than what the socket takes at once: it is sent to its end.
    request.answer(std::string(20'000'000, 'x'));
    auto stopped = std::thread{[this] { EXPECT_TRUE(server->stop(kAwaitMs)); }};
    EXPECT_EQ(waiting.receive_payload().size(), 20'000'000u);
    EXPECT_TRUE(waiting.is_closed_by_server());
    stopped.join();
    EXPECT_EQ(desk.waiting(), 0u) << "the second request was not begun";
    EXPECT_EQ(server->counts().connections, 0u);
}

TEST_F(Stop, DoesNotWaitLongerThanItMayForAnAnswerThatDoesNotCome) {
    start();
    const Raw waiting = connect();
    waiting.send(frame_of(request_of(kFetch)));
    const auto request = desk.take();
    EXPECT_FALSE(server->stop(1));
    EXPECT_TRUE(waiting.is_closed_by_server());
    server.reset();
    request.answer("nobody is there any more");
}

TEST_F(Stop, WithoutAStartAndTwiceIsNoMatter) {
    start();
    EXPECT_TRUE(server->stop(0));
    EXPECT_TRUE(server->stop(0));
    server = Server::open(
                 config, [](const auto&...) {}, log)
                 .value();
    server->stop_taking();
    server = Server::open(
                 config, [](const auto&...) {}, log)
                 .value();
    server.reset();
}

TEST_F(Stop, LeavesNoDescriptorNorThreadBehindUnderLoad) {
    const auto descriptors = test::open_descriptors();
    for (int round = 0; round < 20; ++round) {
        start_echo();
        std::vector<std::thread> clients;
        for (int i = 0; i < 4; ++i) {
            clients.emplace_back([socket = connect()] {
                for (;;) {
                    if (!socket.socket().send_all(frame_of(request_of(kApiVersions, 50'000)), kAwaitMs)) return;
                    char part[50'000];
                    const auto count = socket.socket().receive_some(part, kAwaitMs);
                    if (!count || *count == 0) return;
                }
            });
        }
        server->stop(round % 2);
        for (std::thread& client : clients) client.join();
        server.reset();
    }
    EXPECT_EQ(test::open_descriptors(), descriptors);
}

}  // namespace
}  // namespace mq::server
