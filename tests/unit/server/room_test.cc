// What the requests of all clients together may take of memory, and that whoever is honest gets through all the same.
#include <deque>
#include <thread>

#include "support/scale.h"
#include "unit/server/server_fixture.h"

namespace mq::server {
namespace {

constexpr std::size_t kMiB = 1u << 20;

class Rooms : public ServerTest {
protected:
    Rooms() {
        config.request_max_bytes = 1 * kMiB + 100;
        config.request_memory_bytes = 8 * kMiB;
        limits.header_ms = 200;  // a tick each 25 ms
        limits.give_way_ms = 100;
    }
    // Over and over on new connections, until it is answered.
    void ask_until_answered(ByteView frame) {
        for (;;) {
            const Raw client = connect();
            client.try_to_send(frame);
            std::string answer(frame.size(), '\0');
            std::size_t at = 0;
            while (at < answer.size()) {
                const auto count = client.socket().receive_some({answer.data() + at, answer.size() - at}, kAwaitMs);
                ASSERT_TRUE(count || count.error().code != Errc::timed_out);
                if (!count || *count == 0) break;
                at += *count;
            }
            if (at < answer.size()) continue;
            EXPECT_TRUE(answer == frame);
            return;
        }
    }
};

// RELIABILITY row 30: of each a whole megabyte would be kept, while it never comes to its end.
TEST_F(Rooms, Row30RequestsThatDoNotComeToTheirEndTakeNoMoreThanTheyMayTogether) {
    start_echo();
    const std::string frame = frame_of(request_of(kProduce, kMiB));
    const std::size_t before = resident_bytes();
    std::deque<Raw> slow;
    std::uint64_t most = 0;
    const auto count = test::test_scale(200, 5'000);
    for (std::uint64_t i = 0; i < count; ++i) {
        slow.push_back(connect());
        slow.back().try_to_send(ByteView{frame}.substr(0, kMiB - 10));
        most = std::max(most, server->counts().request_bytes);
        if (i % 20 == 19) ask_until_answered(frame);
    }
    EXPECT_EQ(server->counts().most_request_bytes, 8 * kMiB);
    EXPECT_GE(most, 7 * kMiB);
    // Beyond it goes the last step of one of each thread, and the first 16 KiB of each of the others.
    EXPECT_LT(most, 8 * kMiB + 2 * kMiB + count * 17 * 1024);
    EXPECT_LT(grown_since(before), 48 * kMiB);
    EXPECT_TRUE(is_logged(" bytes (queued.max.request.bytes), and "));
    slow.clear();
}

// All of them send as much as they can; none of them would come to an end if each got a part.
TEST_F(Rooms, ManyWhoseRequestsDoNotFitTogetherAllComeToTheirEnd) {
    config.request_memory_bytes = 2 * kMiB;
    start_echo();
    const std::string frame = frame_of(request_of(kProduce, kMiB));
    std::vector<std::thread> clients;
    for (int i = 0; i < 6; ++i) clients.emplace_back([&] { ask_until_answered(frame); });
    for (std::thread& client : clients) client.join();
    EXPECT_TRUE(server->stop(kAwaitMs));
    EXPECT_EQ(server->counts().request_bytes, 0u);
}

// What the broker itself holds up costs nobody his connection.
TEST_F(Rooms, WhileRequestsAreHandledOthersWaitAndSmallOnesDoNot) {
    start();
    const std::string frame = frame_of(request_of(kProduce, kMiB));
    std::deque<Raw> clients;
    std::deque<Desk::Request> requests;
    for (int i = 0; i < 8; ++i) {
        clients.push_back(connect());
        clients.back().send(frame);
        requests.push_back(desk.take());
    }
    EXPECT_GE(server->counts().request_bytes, 8 * kMiB);
    const Raw waiting = connect();
    auto sends = std::thread{[&] { waiting.send(frame); }};
    const Raw small = connect();
    // For many times longer than one that is in the way may take.
    const auto until = os::monotonic_ms() + 10 * limits.give_way_ms;
    while (os::monotonic_ms() < until) {
        small.send(frame_of(request_of(kApiVersions)));
        const auto request = desk.take();
        ASSERT_EQ(request.payload(), request_of(kApiVersions));
        request.answer("x");
        EXPECT_EQ(small.receive_payload(), "x");
    }
    requests.front().answer("done");
    requests.pop_front();
    EXPECT_EQ(clients.front().receive_payload(), "done");
    const auto late = desk.take();
    EXPECT_EQ(late.payload().size(), kMiB);
    late.answer("late");
    EXPECT_EQ(waiting.receive_payload(), "late");
    sends.join();
    EXPECT_EQ(server->counts().expelled, 0u);
}

// It takes no more memory to receive what there is memory for already.
TEST_F(Rooms, TheRequestThatFillsItStillComesToItsEnd) {
    start();
    const std::string frame = frame_of(request_of(kProduce, kMiB));
    std::deque<Raw> clients;
    std::deque<Desk::Request> requests;
    for (int i = 0; i < 7; ++i) {
        clients.push_back(connect());
        clients.back().send(frame);
        requests.push_back(desk.take());
    }
    const Raw last = connect();
    const Raw small = connect();
    last.send(ByteView{frame}.substr(0, kMiB - 100));
    // The rest is reserved by now.
    while (server->counts().request_bytes < 8 * kMiB) {
        small.send(frame_of(request_of(kApiVersions)));
        desk.take().answer("x");
        EXPECT_EQ(small.receive_payload(), "x");
    }
    last.send(ByteView{frame}.substr(kMiB - 100));
    EXPECT_EQ(desk.take().payload().size(), kMiB);
}

TEST_F(Rooms, ByDefaultItIsAShareOfTheMemoryAndAlwaysEnoughForTwo) {
    config.request_memory_bytes = -1;
    start();
    EXPECT_EQ(server->counts().most_request_bytes, os::memory_limit() / 4);
    config.request_memory_bytes = 1;
    start();
    EXPECT_EQ(server->counts().most_request_bytes, 2 * static_cast<std::uint64_t>(config.request_max_bytes));
}

}  // namespace
}  // namespace mq::server
