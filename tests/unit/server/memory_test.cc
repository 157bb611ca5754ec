// Memory that is short: whom it strikes loses his connection, and the others go on.
#include <fcntl.h>
#include <unistd.h>

#include <latch>
#include <thread>

#include "server/loop.h"
#include "support/alloc_faults.h"
#include "unit/server/server_fixture.h"

namespace mq::server {
namespace {

using Starved = ServerTest;

constexpr std::int16_t kArm = 2;
constexpr std::int16_t kDisarm = 3;

// Whether so many bytes come, or an end; what does neither hangs.
bool has_an_end(const Raw& client, std::size_t size) {
    std::string all(size, '\0');
    for (std::size_t at = 0; at < size;) {
        const auto count = client.socket().receive_some({all.data() + at, size - at}, kAwaitMs);
        if (!count) return count.error().code != Errc::timed_out;
        if (*count == 0) return true;
        at += *count;
    }
    return true;
}

// All that the one thread of a server allocates while it accepts, receives, answers and looks at its connections
// fails in turn: one allocation, or some of them one after another.
TEST_F(Starved, AThreadThatServesLosesAConnectionAtMost) {
    config.network_threads = 1;
    limits.header_ms = 24;
    std::atomic<std::uint64_t> failed{0};
    for (const std::uint64_t times : {1u, 4u}) {
        for (std::uint64_t nth = 1;; ++nth) {
            SCOPED_TRACE(std::to_string(times) + " allocations from " + std::to_string(nth));
            start([&](const broker::Call& call, const std::shared_ptr<broker::Responder>& responder,
                      std::uint64_t ticket) {
                const auto key = load_be<std::int16_t>(call.frame.data());
                if (key == kDisarm) failed = test::stop_failing_allocations();
                responder->respond(ticket, Desk::reply({call.frame.data(), call.frame.size()}));
                if (key == kArm) test::fail_allocations(nth, times);
            });
            const Raw first = connect();
            const Raw second = connect();
            const Raw arming = connect();
            for (const Raw* client : {&first, &second, &arming}) {
                client->send(frame_of(request_of(kApiVersions)));
                ASSERT_EQ(client->receive_payload(), request_of(kApiVersions));
            }
            const std::string frame = frame_of(request_of(kApiVersions, 300'000));
            arming.send(frame_of(request_of(kArm)));
            ASSERT_TRUE(has_an_end(arming, 12));
            second.try_to_send(ByteView{frame}.substr(0, 10));
            const Raw third = connect();
            auto sends = std::thread{[&] { first.try_to_send(frame); }};
            EXPECT_TRUE(has_an_end(first, frame.size()));
            sends.join();
            third.try_to_send(frame_of(request_of(kApiVersions)));
            EXPECT_TRUE(has_an_end(third, 12));
            EXPECT_TRUE(second.is_closed_by_server()) << "its header has not come in time";
            arming.try_to_send(frame_of(request_of(kApiVersions)));
            EXPECT_TRUE(has_an_end(arming, 12));
            failed = 0;
            // Those that were struck are gone; whoever comes now is served.
            for (bool is_served = false; !is_served && !HasFailure();) {
                const Raw later = connect();
                later.try_to_send(frame_of(request_of(kDisarm)));
                char byte[1];
                const auto count = later.socket().receive_some(byte, kAwaitMs);
                is_served = count && *count == 1;
                EXPECT_TRUE(count || count.error().code != Errc::timed_out) << "nobody is served any more";
            }
            EXPECT_TRUE(server->stop(kAwaitMs));
            EXPECT_EQ(server->counts().connections, 0u);
            server.reset();
            if (HasFailure() || failed == 0) {
                EXPECT_GT(nth, 10u) << "there is more that allocates";
                break;
            }
        }
    }
}

// What was handed over where no memory was left to call the thread is fetched by its next tick: the end of the ticks,
// as a server that stops hands it over, too.
TEST(Loop, TheTickThatFetchesItsOwnEndIsTheLast) {
    const std::uint64_t failures = test::for_each_alloc_failure([](test::AllocRun& run) {
        std::latch ended{1};
        Loop loop;
        loop.every(1, [] {});
        ASSERT_TRUE(loop.start());
        const auto end = [&] {
            loop.post([&] {
                loop.stop_timer();
                ended.count_down();
            });
        };
        if (run.starved(end)) end();
        ended.wait();
        loop.finish();
    });
    EXPECT_GT(failures, 1u);
}

TEST(Loop, ItsEndNeedsNoMemory) {
    EXPECT_EQ(test::for_each_alloc_failure([](test::AllocRun& run) {
                  Loop loop;
                  loop.every(1, [] {});
                  ASSERT_TRUE(loop.start());
                  std::latch ended{1};
                  loop.post([&] {
                      loop.stop_timer();
                      ended.count_down();
                  });
                  ended.wait();
                  EXPECT_FALSE(run.starved([&] { loop.finish(); }));
              }),
              0u);
}

// The number could be another file's by the time when whoever owns it closes it.
TEST(Loop, AWatchThatFindsNoMemoryLeavesTheDescriptorToItsOwner) {
    Loop loop;
    const std::uint64_t failures = test::for_each_alloc_failure([&](test::AllocRun& run) {
        int ends[2];
        ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
        run.starved([&] { static_cast<void>(Loop::Watch::open(loop, ends[0])); });
        EXPECT_EQ(close(ends[0]), 0);
        EXPECT_EQ(close(ends[1]), 0);
    });
    EXPECT_GT(failures, 1u);
}

// Answers come from threads that have nobody to catch what they throw.
TEST_F(Starved, AnAnswerThatFindsNoMemoryEndsTheConnection) {
    limits.header_ms = 80;
    start();
    bool fired = true;
    for (std::uint64_t nth = 1; fired; ++nth) {
        SCOPED_TRACE(nth);
        const Raw client = connect();
        client.send(frame_of(request_of(kProduce)));
        const auto request = desk.take();
        broker::Reply reply = Desk::reply("answer");
        test::fail_allocations(nth, 100);
        EXPECT_NO_THROW(request.responder->let_next_begin(request.ticket));
        EXPECT_NO_THROW(request.responder->respond(request.ticket, std::move(reply)));
        fired = test::stop_failing_allocations() > 0;
        ASSERT_TRUE(has_an_end(client, 10));
    }
    EXPECT_TRUE(is_logged("no memory"));
}

}  // namespace
}  // namespace mq::server
