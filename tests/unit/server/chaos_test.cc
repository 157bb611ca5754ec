// RELIABILITY row 23 as the server sees it: whatever the network does to some, answers are right or do not come, and
// nobody else notices.
#include <thread>

#include "support/chaos_proxy.h"
#include "support/scale.h"
#include "unit/server/server_fixture.h"

namespace mq::server {
namespace {

using Chaos = ServerTest;

// How far one client comes: every answer that arrives is that of its request, whole and in its order.
void converse(std::uint16_t port, std::size_t client) {
    const auto socket = os::Socket::connect("127.0.0.1", port, kAwaitMs);
    if (!socket) return;
    for (std::size_t i = 0; i < 20; ++i) {
        // Larger and larger, three of each at once.
        std::string sent;
        for (int k = 0; k < 3; ++k) {
            const std::string mark = std::to_string(client) + '/' + std::to_string(i) + '/' + std::to_string(k);
            sent += frame_of(request_of(kApiVersions, 8 + i * i) + mark);
        }
        if (!socket->send_all(sent, 200)) return;
        for (std::size_t at = 0; at < sent.size();) {
            std::string part(sent.size() - at, '\0');
            const auto count = socket->receive_some(part, 200);
            if (!count || *count == 0) return;
            ASSERT_TRUE(ByteView{sent}.substr(at).starts_with(ByteView{part}.substr(0, *count)));
            at += *count;
        }
    }
}

TEST_F(Chaos, Row23AnswersAreRightOrDoNotComeAndOthersAreServed) {
    // None for who is idle: that may be the good client, where its thread has to wait for its turn.
    limits.header_ms = limits.progress_ms = 500;
    start_echo();
    const auto schedules = test::test_scale(100, 10'000);
    constexpr std::size_t kAtOnce = 10;
    test::ChaosProxy proxy{server->endpoints().front().port, test::test_seed()};
    SCOPED_TRACE("seed " + std::to_string(test::test_seed()));
    std::cout << "chaos seed " << test::test_seed() << '\n';
    std::vector<std::thread> clients;
    for (std::size_t i = 0; i < kAtOnce; ++i) {
        clients.emplace_back([&, i] {
            for (std::size_t k = i; k < schedules; k += kAtOnce) converse(proxy.port(), k);
        });
    }
    const Raw good = connect();
    for (int i = 0; i < 1000; ++i) {
        good.send(frame_of(request_of(kApiVersions, 100)));
        ASSERT_EQ(good.receive_payload(), request_of(kApiVersions, 100));
    }
    for (std::thread& client : clients) client.join();
    // A client may have been and gone before the proxy has accepted it.
    const std::int64_t until_ms = os::monotonic_ms() + kAwaitMs;
    while (proxy.connections() < schedules && os::monotonic_ms() < until_ms) std::this_thread::yield();
    EXPECT_EQ(proxy.connections(), schedules);
    EXPECT_GT(proxy.troubled(), 0u);
    // Those whose clients never learned of the end are found by the limits.
    proxy.calm();
    EXPECT_TRUE(server->stop(kAwaitMs));
    EXPECT_EQ(server->counts().connections, 0u);
}

}  // namespace
}  // namespace mq::server
