// A server on a free port, over a handler of the test or over a real broker, and raw connections to it.
#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>

#include "os/process.h"
#include "os/socket.h"
#include "server/server.h"
#include "support/faults.h"
#include "unit/broker/broker_fixture.h"

namespace mq::server {

constexpr int kAwaitMs = 60'000;

// Keeps requests until the test answers them.
class Desk {
public:
    struct Request {
        broker::Call call;
        std::shared_ptr<broker::Responder> responder;
        std::uint64_t ticket = 0;

        [[nodiscard]] ByteView payload() const { return {call.frame.data(), call.frame.size()}; }
        void answer(ByteView payload) const { responder->respond(ticket, reply(payload)); }
        void close() const { responder->respond(ticket, {.kind = broker::Reply::Kind::close}); }
        void nothing() const { responder->respond(ticket, {.kind = broker::Reply::Kind::nothing}); }
    };
    static broker::Reply reply(ByteView payload) {
        std::string bytes(wire::kLengthBytes, '\0');
        store_be(bytes.data(), static_cast<std::int32_t>(payload.size()));
        return {.bytes = bytes.append(payload)};
    }
    void put(Request request) {
        {
            const std::lock_guard lock{mutex_};
            requests_.push_back(std::move(request));
        }
        came_.notify_all();
    }
    Request take() {
        std::unique_lock lock{mutex_};
        if (!came_.wait_for(lock, std::chrono::milliseconds{kAwaitMs}, [this] { return !requests_.empty(); }))
            throw std::runtime_error{"no request"};
        Request request = std::move(requests_.front());
        requests_.pop_front();
        return request;
    }
    std::size_t waiting() {
        const std::lock_guard lock{mutex_};
        return requests_.size();
    }

private:
    std::mutex mutex_;
    std::condition_variable came_;
    std::list<Request> requests_;
};

inline std::string frame_of(ByteView payload) { return Desk::reply(payload).bytes; }
// What begins like a request with that key, version 0, of that many bytes.
inline std::string request_of(std::int16_t key, std::size_t bytes = 8, char fill = 'x') {
    std::string payload(std::max<std::size_t>(bytes, 8), fill);
    store_be(payload.data(), key);
    store_be(payload.data() + 2, std::int16_t{0});
    return payload;
}
constexpr std::int16_t kProduce = 0;
constexpr std::int16_t kFetch = 1;
constexpr std::int16_t kApiVersions = 18;

// Throws where the server is not as expected.
class Raw {
public:
    explicit Raw(os::Socket socket) : socket_(std::move(socket)) {}

    void send(ByteView bytes) const {
        if (const auto sent = socket_.send_all(bytes, kAwaitMs); !sent)
            throw std::runtime_error{sent.error().message()};
    }
    // Also where the server closes meanwhile.
    void try_to_send(ByteView bytes) const { static_cast<void>(socket_.send_all(bytes, kAwaitMs)); }
    [[nodiscard]] std::string receive(std::size_t size) const {
        std::string all(size, '\0');
        for (std::size_t at = 0; at < size;) {
            const auto count = socket_.receive_some({all.data() + at, size - at}, kAwaitMs);
            if (!count) throw std::runtime_error{count.error().message()};
            if (*count == 0) throw std::runtime_error{"closed after " + std::to_string(at) + " bytes"};
            at += *count;
        }
        return all;
    }
    [[nodiscard]] std::string receive_payload() const {
        return receive(static_cast<std::size_t>(load_be<std::int32_t>(receive(wire::kLengthBytes).data())));
    }
    // Whether the server closes it, having sent nothing more.
    [[nodiscard]] bool is_closed_by_server() const {
        char byte[1];
        const auto count = socket_.receive_some(byte, kAwaitMs);
        return count ? *count == 0 : count.error().sys_errno == ECONNRESET;
    }
    [[nodiscard]] const os::Socket& socket() const { return socket_; }

private:
    os::Socket socket_;
};

// 0 under a sanitizer, which takes memory of its own for all that happens.
inline std::size_t resident_bytes() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return 0;
#else
    std::ifstream file{"/proc/self/statm"};
    std::size_t pages = 0;
    file >> pages >> pages;
    return pages * 4096;
#endif
}

// Since it was `before`; where the system has taken more back, nothing.
inline std::size_t grown_since(std::size_t before) { return std::max(resident_bytes(), before) - before; }

// As many descriptors as the machine lets it have.
inline void raise_descriptor_limit() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

// Port 0: a free one.
inline broker::ListenerConfig tcp(const std::string& host, std::uint16_t port = 0) {
    broker::ListenerConfig listener;
    listener.host = host;
    listener.port = port;
    return listener;
}
inline broker::ListenerConfig at_path(const std::string& path) {
    broker::ListenerConfig listener;
    listener.path = path;
    return listener;
}

// The handler keeps the requests on the desk.
class ServerTest : public ::testing::Test {
protected:
    ServerTest() {
        raise_descriptor_limit();
        config.listeners = {tcp("127.0.0.1")};
        config.network_threads = 2;
    }
    // Clients can connect, and are accepted once it is started.
    void open(Handler handler) {
        auto opened = Server::open(config, std::move(handler), log, limits);
        ASSERT_TRUE(opened) << opened.error().message();
        server = *std::move(opened);
    }
    void start(Handler handler) {
        ASSERT_NO_FATAL_FAILURE(open(std::move(handler)));
        const Status started = server->start();
        ASSERT_TRUE(started) << started.error().message();
    }
    [[nodiscard]] Handler to_the_desk() {
        return [this](broker::Call call, std::shared_ptr<broker::Responder> responder, std::uint64_t ticket) {
            desk.put({std::move(call), std::move(responder), ticket});
        };
    }
    void start() { start(to_the_desk()); }
    // Every request is answered at once, by itself.
    void start_echo() {
        start(
            [](const broker::Call& call, const std::shared_ptr<broker::Responder>& responder, std::uint64_t ticket) {
                responder->respond(ticket, Desk::reply({call.frame.data(), call.frame.size()}));
            });
    }
    [[nodiscard]] Raw connect() const {
        auto socket = os::Socket::connect("127.0.0.1", server->endpoints().front().port, kAwaitMs);
        if (!socket) throw std::runtime_error{socket.error().message()};
        return Raw{*std::move(socket)};
    }
    [[nodiscard]] bool is_logged(std::string_view text) { return log.lines().find(text) != std::string::npos; }

    broker::Memory log;
    broker::BrokerConfig config;
    Limits limits;
    Desk desk;
    std::unique_ptr<Server> server;
};

}  // namespace mq::server
