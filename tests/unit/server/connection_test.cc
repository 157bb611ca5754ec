// The order of requests and answers on one connection, and how answers are sent.
#include <sys/socket.h>

#include <algorithm>
#include <future>
#include <numeric>
#include <thread>

#include "unit/server/server_fixture.h"

namespace mq::server {
namespace {

using Order = ServerTest;
using Answers = ServerTest;

// Long enough for a request that must not be handled yet to be handled if it were: a whole round trip of another.
void round_trip(const Raw& other, Desk& desk) {
    other.send(frame_of(request_of(kApiVersions)));
    const auto request = desk.take();
    ASSERT_EQ(load_be<std::int16_t>(request.payload().data()), kApiVersions);
    request.answer("there");
    ASSERT_EQ(other.receive_payload(), "there");
}

TEST_F(Order, OneRequestAtATimeAndAnswersInTheirOrder) {
    start();
    const Raw client = connect();
    const Raw other = connect();
    std::string three;
    for (const char mark : {'a', 'b', 'c'}) three += frame_of(request_of(kFetch, 20, mark));
    client.send(three);
    for (const char mark : {'a', 'b', 'c'}) {
        const auto request = desk.take();
        EXPECT_EQ(request.payload(), request_of(kFetch, 20, mark));
        round_trip(other, desk);
        EXPECT_EQ(desk.waiting(), 0u) << "the next waits for its turn";
        request.answer(std::string(3, mark));
        EXPECT_EQ(client.receive_payload(), std::string(3, mark));
    }
}

TEST_F(Order, ProduceRequestsThatAreDoneWaitForTheirFlushTogether) {
    start();
    const Raw client = connect();
    const Raw other = connect();
    std::string many;
    for (int i = 0; i < 12; ++i) many += frame_of(request_of(kProduce, 20, static_cast<char>('a' + i)));
    client.send(many);
    std::vector<Desk::Request> waiting;
    for (std::size_t i = 0; i < limits.produce_requests; ++i) {
        waiting.push_back(desk.take());
        EXPECT_EQ(waiting.back().payload().back(), static_cast<char>('a' + i));
        round_trip(other, desk);
        EXPECT_EQ(desk.waiting(), 0u) << "nobody knows yet whether it is done";
        waiting.back().responder->let_next_begin(waiting.back().ticket);
    }
    round_trip(other, desk);
    EXPECT_EQ(desk.waiting(), 0u) << "there are as many as may be";
    for (auto request = waiting.rbegin(); request != waiting.rend(); ++request)
        request->answer(std::string(1, request->payload().back()));
    for (std::size_t i = 0; i < 12; ++i) {
        if (i >= limits.produce_requests) {
            const auto request = desk.take();
            request.answer(std::string(1, request.payload().back()));
        }
        EXPECT_EQ(client.receive_payload(), std::string(1, static_cast<char>('a' + i)));
    }
}

TEST_F(Order, WhatIsNoProduceWaitsForTheProduceBeforeIt) {
    start();
    const Raw client = connect();
    const Raw other = connect();
    client.send(frame_of(request_of(kProduce)) + frame_of(request_of(kFetch)));
    const auto produce = desk.take();
    produce.responder->let_next_begin(produce.ticket);
    round_trip(other, desk);
    EXPECT_EQ(desk.waiting(), 0u);
    produce.answer("1");
    desk.take().answer("2");
    EXPECT_EQ(client.receive_payload(), "1");
    EXPECT_EQ(client.receive_payload(), "2");
}

// The loop's thread is kept busy by another connection, until the answer has come.
TEST_F(Answers, ASmallOneIsSentByTheThreadThatGivesIt) {
    config.network_threads = 1;
    std::promise<void> begins;
    std::promise<void> may_end;
    start([&, end = may_end.get_future().share()](broker::Call call, std::shared_ptr<broker::Responder> responder,
                                                  std::uint64_t ticket) {
        if (load_be<std::int16_t>(call.frame.data()) == kApiVersions) {
            begins.set_value();
            end.wait();
        }
        desk.put({std::move(call), std::move(responder), ticket});
    });
    const Raw client = connect();
    const Raw other = connect();
    client.send(frame_of(request_of(kFetch)));
    const auto request = desk.take();
    other.send(frame_of(request_of(kApiVersions)));
    begins.get_future().wait();
    request.answer("now");
    EXPECT_EQ(client.receive_payload(), "now");
    client.send(frame_of(request_of(kFetch)));
    may_end.set_value();
    for (int i = 0; i < 2; ++i) desk.take().answer("then");
    EXPECT_EQ(client.receive_payload(), "then") << "what it asks next is heard as ever";
    EXPECT_EQ(other.receive_payload(), "then");
}

TEST_F(Order, ARequestThatIsNeverAnsweredHoldsNobodyUp) {
    start();
    const Raw client = connect();
    client.send(frame_of(request_of(kProduce)) + frame_of(request_of(kApiVersions)));
    desk.take().nothing();
    desk.take().answer("2");
    EXPECT_EQ(client.receive_payload(), "2");
}

TEST_F(Order, WhatWasAnsweredBeforeGoesOutBeforeTheConnectionIsClosed) {
    start();
    const Raw client = connect();
    client.send(frame_of(request_of(kApiVersions)) + frame_of(request_of(kFetch)) + frame_of(request_of(kFetch)));
    desk.take().answer("1");
    desk.take().close();
    EXPECT_EQ(client.receive_payload(), "1");
    EXPECT_TRUE(client.is_closed_by_server());
    EXPECT_EQ(desk.waiting(), 0u);
}

TEST_F(Order, OneThatSaysNoMoreStillGetsItsAnswers) {
    start();
    const Raw client = connect();
    client.send(frame_of(request_of(kFetch, 20, 'a')) + frame_of(request_of(kFetch, 20, 'b')));
    ASSERT_EQ(::shutdown(client.socket().fd(), SHUT_WR), 0);
    desk.take().answer("1");
    desk.take().answer("2");
    EXPECT_EQ(client.receive_payload(), "1");
    EXPECT_EQ(client.receive_payload(), "2");
    EXPECT_TRUE(client.is_closed_by_server());
}

// Requests that are answered at once, and of which the next is there already.
TEST_F(Order, OneThatAsksForMuchLeavesOthersTheirTurn) {
    config.network_threads = 1;
    std::promise<void> begun;
    std::promise<void> all_asked;
    std::vector<std::int16_t> keys;  // in the order in which they are handled, in one thread
    start([&](const broker::Call& call, const std::shared_ptr<broker::Responder>& responder, std::uint64_t ticket) {
        if (keys.empty()) {
            begun.set_value();
            all_asked.get_future().wait();
        }
        keys.push_back(load_be<std::int16_t>(call.frame.data()));
        responder->respond(ticket, Desk::reply("x"));
    });
    const Raw greedy = connect();
    const Raw modest = connect();
    constexpr std::size_t kMany = 4000;
    std::string many;
    for (std::size_t i = 0; i < kMany; ++i) many += frame_of(request_of(kFetch));
    greedy.send(many);
    begun.get_future().wait();
    modest.send(frame_of(request_of(kApiVersions)));
    all_asked.set_value();
    EXPECT_EQ(modest.receive_payload(), "x");
    EXPECT_EQ(greedy.receive(5 * kMany).size(), 5 * kMany);
    EXPECT_TRUE(server->stop(kAwaitMs));
    EXPECT_LT(std::ranges::find(keys, kApiVersions) - keys.begin(), 200);
}

TEST_F(Answers, OfManyRequestsInOnePieceArriveTogetherAndWhole) {
    start_echo();
    const Raw client = connect();
    std::string all;
    for (std::size_t i = 0; i < 5000; ++i)
        all += frame_of(request_of(kApiVersions, 8 + i % 300, static_cast<char>(i)));
    auto sent = std::async(std::launch::async, [&] { client.send(all); });
    EXPECT_TRUE(client.receive(all.size()) == all);
    sent.get();
}

TEST_F(Answers, ComeToRequestsOfEverySizeAndInEveryPiece) {
    start_echo();
    for (const std::size_t piece : {1u, 7u, 1000u, 100'000u}) {
        const Raw client = connect();
        std::string all;
        for (const std::size_t size : {8u, 16'383u, 16'384u, 65'532u, 65'536u, 70'000u, 9u, 400'000u})
            if (piece > 1 || size < 100'000) all += frame_of(request_of(kApiVersions, size, static_cast<char>(size)));
        auto sent = std::async(std::launch::async, [&] {
            for (std::size_t at = 0; at < all.size(); at += piece) client.send(ByteView{all}.substr(at, piece));
        });
        EXPECT_TRUE(client.receive(all.size()) == all) << piece;
        sent.get();
    }
}

// The pieces of an answer in their places: memory that others hold, and parts of files, larger than what a socket
// takes.
TEST_F(Answers, ArePutTogetherFromMemoryAndFiles) {
    start();
    const test::TempDir dir;
    std::string content(5'000'000, '\0');
    std::iota(content.begin(), content.end(), '\0');
    test::spill(dir / "f", content);
    const auto file = std::make_shared<os::File>(os::File::open(dir / "f", os::OpenMode::read).value());
    const auto held = std::make_shared<std::string>(300'000, 'm');
    broker::Reply reply;
    reply.bytes = std::string(4, '\0') + "headmiddletail";
    store_be(reply.bytes.data(), static_cast<std::int32_t>(14 + 3'000'000 + held->size() + 1'000'000));
    reply.splices = {{.position = 8, .external = {.index = 0, .bytes = 3'000'000}},
                     {.position = 8, .bytes = *held},
                     {.position = 14, .external = {.index = 1, .bytes = 1'000'000}}};
    reply.files = {{file, FilePosition{1000}}, {file, FilePosition{4'000'000}}};
    reply.keeps = {held};
    const std::string expected =
        "head" + content.substr(1000, 3'000'000) + *held + "middle" + content.substr(4'000'000) + "tail";
    for (int i = 0; i < 3; ++i) {
        const Raw client = connect();
        client.send(frame_of(request_of(kFetch)) + frame_of(request_of(kFetch)));
        const auto request = desk.take();
        request.responder->respond(request.ticket, reply);
        EXPECT_TRUE(client.receive_payload() == expected);
        desk.take().answer("next");
        EXPECT_EQ(client.receive_payload(), "next");
    }
    reply = {};
    EXPECT_EQ(file.use_count(), 1) << "what was sent is let go";
    EXPECT_EQ(held.use_count(), 1);
}

TEST_F(Answers, OfAFileThatHasBecomeShorterCloseTheConnectionInsteadOfWaiting) {
    start();
    const test::TempDir dir;
    test::spill(dir / "f", std::string(1000, 'x'));
    const auto file = std::make_shared<os::File>(os::File::open(dir / "f", os::OpenMode::read).value());
    const Raw client = connect();
    client.send(frame_of(request_of(kFetch)));
    const auto request = desk.take();
    broker::Reply reply{.bytes = std::string(4, '\0')};
    reply.splices = {{.position = 4, .external = {.index = 0, .bytes = 5000}}};
    reply.files = {{file, FilePosition{0}}};
    request.responder->respond(request.ticket, std::move(reply));
    EXPECT_EQ(client.receive(1004).size(), 1004u);
    EXPECT_TRUE(client.is_closed_by_server());
}

TEST_F(Answers, ToOneThatHasGoneAreDroppedAndOthersAreServed) {
    start();
    auto gone = std::make_optional(connect());
    gone->send(frame_of(request_of(kFetch)));
    const auto request = desk.take();
    gone.reset();
    request.answer(std::string(10'000'000, 'x'));
    const Raw other = connect();
    round_trip(other, desk);
}

// From many threads at once, while requests come in on many connections.
TEST_F(Answers, FromManyThreadsReachWhomTheyAreFor) {
    start();
    constexpr int kClients = 8;
    constexpr int kRequests = 500;
    std::vector<std::thread> workers;
    for (int i = 0; i < 3; ++i) {
        workers.emplace_back([this] {
            for (;;) {
                const auto request = desk.take();
                if (request.call.frame.empty()) return;
                request.answer(request.payload());
            }
        });
    }
    std::vector<std::thread> clients;
    for (int i = 0; i < kClients; ++i) {
        clients.emplace_back([this, i] {
            const Raw client = connect();
            for (int k = 0; k < kRequests; ++k) {
                const std::string payload = request_of(kFetch, 20, static_cast<char>(i)) + std::to_string(k);
                client.send(frame_of(payload));
                EXPECT_EQ(client.receive_payload(), payload);
            }
        });
    }
    for (std::thread& client : clients) client.join();
    for (std::size_t i = 0; i < workers.size(); ++i) desk.put({});
    for (std::thread& worker : workers) worker.join();
}

}  // namespace
}  // namespace mq::server
