// A broker without a network: requests are handed to it as frames, and their replies awaited.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <list>
#include <map>
#include <mutex>
#include <new>
#include <optional>

#include "broker/broker.h"
#include "broker/event_log.h"
#include "support/temp_dir.h"
#include "wire/frame.h"

namespace mq::broker {

// Keeps what was said.
class Memory final : public EventLog {
public:
    [[nodiscard]] bool wants(Severity) const override { return true; }
    void event(Severity, const std::string& text) override {
        const std::lock_guard lock{mutex_};
        try {
            lines_ += text + '\n';
        } catch (const std::bad_alloc&) {
            // It never throws.
        }
    }
    [[nodiscard]] std::string lines() {
        const std::lock_guard lock{mutex_};
        return lines_;
    }

private:
    std::mutex mutex_;
    std::string lines_;
};

// The other end of every request; replies wait here until they are taken.
class Mailbox final : public Responder {
public:
    void respond(std::uint64_t ticket, Reply reply) override {
        {
            const std::lock_guard lock{mutex_};
            replies_.emplace(ticket, std::move(reply));
        }
        came_.notify_all();
    }
    [[nodiscard]] bool has(std::uint64_t ticket) {
        const std::lock_guard lock{mutex_};
        return replies_.contains(ticket);
    }
    [[nodiscard]] Reply take(std::uint64_t ticket) {
        std::unique_lock lock{mutex_};
        if (!came_.wait_for(lock, std::chrono::seconds{60}, [&] { return replies_.contains(ticket); }))
            throw std::runtime_error{"no reply"};
        return std::move(replies_.extract(ticket).mapped());
    }

private:
    std::mutex mutex_;
    std::condition_variable came_;
    std::map<std::uint64_t, Reply> replies_;
};

// The bytes of a reply as they would arrive, length first.
[[nodiscard]] inline std::string bytes_of(const Reply& reply) {
    std::string bytes;
    std::size_t at = 0;
    for (const wire::Splice& splice : reply.splices) {
        bytes.append(reply.bytes, at, splice.position - at);
        at = splice.position;
        if (splice.external.bytes == 0) {
            bytes += splice.bytes;
            continue;
        }
        const FilePiece& piece = reply.files.at(splice.external.index);
        std::string content(splice.external.bytes, '\0');
        const auto count = piece.file->read_at(content, piece.position);
        if (!count || *count != content.size()) throw std::runtime_error{"a reply's file is short"};
        bytes += content;
    }
    return bytes.append(reply.bytes, at);
}

class BrokerTest : public ::testing::Test {
protected:
    void SetUp() override {
        config.log_dir = dir.path() + "/data";
        start();
    }
    void start() {
        auto opened = Broker::open(config, log);
        ASSERT_TRUE(opened) << opened.error().message();
        broker = *std::move(opened);
    }
    void stop() {
        const Status stopped = broker->stop();
        EXPECT_TRUE(stopped) << stopped.error().message();
        broker.reset();
    }

    // Hands a whole payload over (header and body, without the length); the ticket to take the reply by.
    std::uint64_t send_payload(std::string payload) {
        auto bytes = std::make_shared<std::string>(std::move(payload));
        broker->handle({client, {}, {bytes->data(), bytes->size()}, bytes}, mailbox, ++last_ticket);
        return last_ticket;
    }
    template <wire::Request Q>
    std::uint64_t send(const Q& request, std::int16_t version = wire::api_of(Q::kApi).highest) {
        std::string frame;
        const Status made = wire::append_request(request, {{}, version, 7, "test"}, frame);
        EXPECT_TRUE(made) << made.error().message();
        return send_payload(frame.substr(wire::kLengthBytes));
    }
    template <wire::Request Q>
    typename Q::Response take(std::uint64_t ticket, std::int16_t version = wire::api_of(Q::kApi).highest) {
        const Reply reply = mailbox->take(ticket);
        if (reply.kind != Reply::Kind::frame) throw std::runtime_error{"the connection was closed"};
        taken.push_back(bytes_of(reply));
        const ByteView frame = taken.back();
        const auto parsed = wire::parse_response(frame.substr(wire::kLengthBytes), Q::kApi, version);
        if (!parsed) throw std::runtime_error{parsed.error().message()};
        EXPECT_EQ(parsed->header.correlation_id, 7);
        auto response = wire::decode<typename Q::Response>(parsed->body, version);
        if (!response) throw std::runtime_error{response.error().message()};
        return *std::move(response);
    }
    // Views of the response are good as long as the test.
    template <wire::Request Q>
    typename Q::Response call(const Q& request, std::int16_t version = wire::api_of(Q::kApi).highest) {
        return take<Q>(send(request, version), version);
    }

    test::TempDir dir;
    Memory log;
    BrokerConfig config;
    std::unique_ptr<Broker> broker;
    std::shared_ptr<const Client> client = std::make_shared<Client>(
        Client{"127.0.0.1", std::make_shared<Endpoint>(Endpoint{"PLAINTEXT", "localhost", 9092})});
    std::shared_ptr<Mailbox> mailbox = std::make_shared<Mailbox>();
    std::uint64_t last_ticket = 0;
    std::list<std::string> taken;
};

}  // namespace mq::broker
