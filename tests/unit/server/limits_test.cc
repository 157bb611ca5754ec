// RELIABILITY rows 29 and 30: what a hostile client may cost, and that the others do not notice.
#include <sys/socket.h>

#include <deque>
#include <random>
#include <thread>

#include "broker/quiet_log.h"
#include "support/scale.h"
#include "unit/server/server_fixture.h"

namespace mq::server {
namespace {

using Hostile = ServerTest;
using Slow = ServerTest;
using Crowds = ServerTest;

constexpr std::size_t kMiB = 1u << 20;

std::string length_of(std::int32_t length) {
    std::string bytes(4, '\0');
    store_be(bytes.data(), length);
    return bytes;
}

std::size_t count_of(std::string_view lines, std::string_view text) {
    std::size_t count = 0;
    for (std::size_t at = lines.find(text); at != std::string_view::npos; at = lines.find(text, at + 1)) ++count;
    return count;
}

// Spans of the quiet log that can have begun since then.
std::size_t spans_since(std::int64_t begin_ms) {
    return 1 + static_cast<std::size_t>((os::monotonic_ms() - begin_ms) / broker::QuietLog::kSpanMs);
}

// Asks again and again until it is told to stop; every answer must come.
class GoodClient {
public:
    explicit GoodClient(Raw raw) : raw_(std::move(raw)), thread_([this] { run(); }) {}
    ~GoodClient() {
        if (thread_.joinable()) thread_.join();
    }
    std::size_t stop() {
        stopping_ = true;
        thread_.join();
        return answers_;
    }

private:
    void run() {
        do {
            raw_.send(frame_of(request_of(kApiVersions, 100)));
            ASSERT_EQ(raw_.receive_payload(), request_of(kApiVersions, 100));
            ++answers_;
        } while (!stopping_);
    }
    Raw raw_;
    std::atomic<bool> stopping_{false};
    std::size_t answers_ = 0;
    std::thread thread_;
};

// Row 29: 10,000 connections. A length that is allowed costs no memory either, as long as its bytes do not come.
TEST_F(Hostile, Row29LengthsThatLieCostNothingAndEndTheConnection) {
    limits.header_ms = 500;
    const std::int64_t begin_ms = os::monotonic_ms();
    start_echo();
    GoodClient good{connect()};
    const std::int32_t most = config.request_max_bytes;
    const std::size_t before = resident_bytes();
    constexpr int kRounds = 4;
    constexpr int kOfEach = 500;
    for (int round = 0; round < kRounds; ++round) {
        std::deque<Raw> clients;
        for (int i = 0; i < kOfEach; ++i) {
            for (const std::int32_t length : {-1, 0, most, most + 1, std::numeric_limits<std::int32_t>::max()}) {
                clients.push_back(connect());
                clients.back().send(length_of(length));
                // An empty frame is none that a request is in; the echo returns it.
                if (length == 0) {
                    EXPECT_EQ(clients.back().receive_payload(), "");
                    clients.pop_back();
                }
            }
        }
        for (const Raw& client : clients) EXPECT_TRUE(client.is_closed_by_server());
    }
    EXPECT_LT(grown_since(before), 32 * kMiB);
    EXPECT_GT(good.stop(), 0u);
    EXPECT_EQ(server->counts().expelled, static_cast<std::uint64_t>(kRounds * kOfEach * 4));
    EXPECT_TRUE(is_logged("2147483647 bytes, at most 104857600 are taken"));
    EXPECT_TRUE(is_logged("length -1"));
    EXPECT_LT(count_of(log.lines(), "\n"), 100 * spans_since(begin_ms)) << "a line for each would fill the disk";
}

TEST_F(Hostile, AnotherProtocolIsNamedTogetherWithWhoSpeaksIt) {
    start_echo();
    const Raw http = connect();
    http.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_TRUE(http.is_closed_by_server());
    EXPECT_TRUE(is_logged("closed 127.0.0.1:"));
    EXPECT_TRUE(is_logged("looks like HTTP on a plain Kafka listener"));
    const Raw tls = connect();
    tls.send(ByteView{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11});
    EXPECT_TRUE(tls.is_closed_by_server());
    EXPECT_TRUE(is_logged("looks like TLS on a plain Kafka listener"));
}

TEST_F(Hostile, GarbageEndsItsOwnConnectionOnly) {
    limits.header_ms = limits.progress_ms = 500;
    const std::int64_t begin_ms = os::monotonic_ms();
    broker::BrokerConfig of_broker;
    const test::TempDir dir;
    of_broker.log_dir = dir / "data";
    const auto broker = broker::Broker::open(of_broker, log).value();
    start([&](broker::Call call, std::shared_ptr<broker::Responder> responder, std::uint64_t ticket) {
        broker->handle(std::move(call), std::move(responder), ticket);
    });
    {
        // The first line: in what order those of the others come, and which are told, nobody knows.
        const Raw client = connect();
        client.send(frame_of(request_of(kFetch)));
        EXPECT_TRUE(client.is_closed_by_server());
        EXPECT_TRUE(is_logged("cannot answer 127.0.0.1:"));
    }
    std::mt19937 random{static_cast<unsigned>(test::test_seed())};
    const std::size_t before = resident_bytes();
    for (std::uint64_t i = 0; i < test::test_scale(2'000, 100'000); ++i) {
        const Raw client = connect();
        std::string bytes(random() % 300, '\0');
        for (char& byte : bytes) byte = static_cast<char>(random());
        // Every other one looks like a frame, every fourth like a request.
        if (i % 2 == 0 && bytes.size() >= 16) {
            store_be(bytes.data(), static_cast<std::int32_t>(bytes.size() - 4));
            if (i % 4 == 0) {
                store_be(bytes.data() + 4, static_cast<std::int16_t>(random() % 80));
                store_be(bytes.data() + 6, static_cast<std::int16_t>(random() % 16));
            }
        }
        client.try_to_send(bytes);
    }
    EXPECT_LT(grown_since(before), 32 * kMiB);
    const Raw good = connect();
    good.send(frame_of(request_of(kApiVersions) + std::string{"\0\1x", 3}));
    EXPECT_GT(good.receive_payload().size(), 8u) << "seed " << test::test_seed();
    EXPECT_LT(count_of(log.lines(), "\n"), 100 * spans_since(begin_ms)) << "a line for each would fill the disk";
    server.reset();
    EXPECT_TRUE(broker->stop());
}

// Row 30: 5,000 of them, while a good client works.
TEST_F(Slow, Row30WhoseHeadersDoNotComeAreClosedAndOthersDoNotNotice) {
    limits.header_ms = 1'000;
    start_echo();
    GoodClient good{connect()};
    const std::size_t before = resident_bytes();
    std::deque<Raw> slow;
    for (int i = 0; i < 5'000; ++i) {
        slow.push_back(connect());
        slow.back().send(ByteView{"\0", 1});
    }
    // The second of their bytes, for those that still may send it.
    for (const Raw& client : slow) client.try_to_send(ByteView{"\0", 1});
    EXPECT_LT(grown_since(before), 32 * kMiB);
    for (const Raw& client : slow) ASSERT_TRUE(client.is_closed_by_server());
    EXPECT_GT(good.stop(), 0u);
    EXPECT_EQ(server->counts().expelled, 5'000u);
    EXPECT_TRUE(is_logged("no request header within 1000 ms of its first byte"));
}

TEST_F(Slow, WhoseRequestsDoNotComeOnAreClosed) {
    limits.progress_ms = 300;
    start_echo();
    const Raw client = connect();
    client.send(frame_of(request_of(kProduce, 1'000'000)).substr(0, 100'000));
    EXPECT_TRUE(client.is_closed_by_server());
    EXPECT_TRUE(is_logged("a request does not come on: 900004 of its bytes are missing"));
}

TEST_F(Slow, OneByteAtATimeIsTakenAsLongAsItComes) {
    start_echo();
    const Raw client = connect();
    const std::string frame = frame_of(request_of(kApiVersions, 300));
    for (const char byte : frame) client.send({&byte, 1});
    EXPECT_EQ(client.receive(frame.size()), frame);
}

TEST_F(Slow, IdleOnesAreClosedWithoutAWordAndThoseThatWaitForAnAnswerAreNot) {
    config.idle_connection_ms = 300;
    open(to_the_desk());
    // Its request is there when it is accepted: it is never idle, however slow this thread is.
    const Raw waiting = connect();
    waiting.send(frame_of(request_of(kFetch)));
    ASSERT_TRUE(server->start());
    const auto request = desk.take();
    const Raw idle = connect();
    const Raw begun = connect();
    EXPECT_TRUE(idle.is_closed_by_server());
    EXPECT_TRUE(begun.is_closed_by_server());
    EXPECT_EQ(server->counts().idle, 2u);
    EXPECT_EQ(log.lines(), "");
    request.answer("late");
    EXPECT_EQ(waiting.receive_payload(), "late");
    EXPECT_TRUE(waiting.is_closed_by_server());
}

// Row 30: the server's side of a client that sends, and never reads.
TEST_F(Slow, WhoseAnswersAreNotReadCostLittleAndAreClosed) {
    limits.progress_ms = 1'000;
    start_echo();
    const std::size_t before = resident_bytes();
    std::vector<std::thread> deaf;
    const std::string frame = frame_of(request_of(kApiVersions, 30'000));
    for (int i = 0; i < 20; ++i) {
        deaf.emplace_back([&] {
            const Raw client = connect();
            for (;;) {
                const Status sent = client.socket().send_all(frame, kAwaitMs);
                if (sent) continue;
                EXPECT_NE(sent.error().code, Errc::timed_out);
                return;
            }
        });
    }
    GoodClient good{connect()};
    for (std::thread& thread : deaf) thread.join();
    EXPECT_GT(good.stop(), 0u);
    // Of each 256 KiB of answers, one frame more, and what the threads of this test take.
    EXPECT_LT(grown_since(before), 32 * kMiB);
    EXPECT_TRUE(is_logged("its answers are not read"));
}

TEST_F(Crowds, MoreThanMayBeAreRefusedAndThereIsRoomAgainOnceSomeLeave) {
    config.max_connections = 50;
    start_echo();
    std::deque<Raw> inside;
    for (int i = 0; i < 50; ++i) {
        inside.push_back(connect());
        inside.back().send(frame_of(request_of(kApiVersions)));
        EXPECT_EQ(inside.back().receive_payload(), request_of(kApiVersions));
    }
    const std::int64_t begin_ms = os::monotonic_ms();
    for (int i = 0; i < 500; ++i) EXPECT_TRUE(connect().is_closed_by_server());
    EXPECT_EQ(server->counts().refused, 500u);
    EXPECT_EQ(server->counts().connections, 50u);
    const std::size_t told = count_of(log.lines(), "refused 127.0.0.1:");
    EXPECT_GE(told, 10u) << log.lines();
    EXPECT_LE(told, 10 * spans_since(begin_ms)) << log.lines();
    for (const Raw& client : inside) {
        client.send(frame_of(request_of(kApiVersions)));
        EXPECT_EQ(client.receive_payload(), request_of(kApiVersions));
    }
    inside.pop_back();
    // Its end is seen at some time after now.
    for (;;) {
        const Raw client = connect();
        client.try_to_send(frame_of(request_of(kApiVersions)));
        char byte[1];
        if (client.socket().receive_some(byte, kAwaitMs).value_or(0) == 1) break;
    }
}

TEST_F(Crowds, OfOneHostAreRefusedAndLocalOnesAreNot) {
    const test::TempDir dir;
    config.max_connections_per_host = 3;
    config.listeners.push_back(at_path(dir / "s"));
    start_echo();
    std::deque<Raw> inside;
    for (int i = 0; i < 3; ++i) {
        inside.push_back(connect());
        inside.back().send(frame_of(request_of(kApiVersions)));
        EXPECT_EQ(inside.back().receive_payload(), request_of(kApiVersions));
    }
    EXPECT_TRUE(connect().is_closed_by_server());
    EXPECT_TRUE(is_logged("there are 3 connections of 127.0.0.1 already"));
    for (int i = 0; i < 6; ++i) {
        inside.push_back(Raw{os::Socket::connect(dir / "s", kAwaitMs).value()});
        inside.back().send(frame_of(request_of(kApiVersions)));
        EXPECT_EQ(inside.back().receive_payload(), request_of(kApiVersions));
    }
}

TEST_F(Crowds, NoDescriptorForAnotherIsToldAndWaitedOut) {
    limits.header_ms = 200;
    start_echo();
    const std::string listener = "127.0.0.1:" + std::to_string(server->endpoints().front().port);
    const test::FaultInjector injector{{.nth = 1, .error = EMFILE, .below = listener, .only = os::Call::accept}};
    const Raw client = connect();
    client.send(frame_of(request_of(kApiVersions)));
    EXPECT_EQ(client.receive_payload(), request_of(kApiVersions));
    EXPECT_EQ(injector.fired(), 1u);
    EXPECT_TRUE(is_logged(listener + ": accept: Too many open files: new clients wait until others leave"));
    EXPECT_TRUE(is_logged("accepted again"));
}

// The bound is for 1,000 connections in all, of which this process has both ends.
TEST_F(Crowds, AThousandIdleConnectionsTakeUnder64MiB) {
    start_echo();
    std::deque<Raw> idle;
    const std::string frame = frame_of(request_of(kApiVersions, 100'000));
    for (int i = 0; i < 1'000; ++i) {
        idle.push_back(connect());
        idle.back().send(frame);
        ASSERT_EQ(idle.back().receive(frame.size()).size(), frame.size());
    }
    EXPECT_LT(resident_bytes(), 64 * kMiB);
    EXPECT_EQ(server->counts().connections, 1'000u);
    // What is counted is counted after it was sent.
    EXPECT_TRUE(server->stop(kAwaitMs));
    EXPECT_EQ(server->counts().received_bytes, 1'000 * frame.size());
    EXPECT_EQ(server->counts().sent_bytes, 1'000 * frame.size());
}

}  // namespace
}  // namespace mq::server
