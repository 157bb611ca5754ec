// The client against a thread that plays a broker: what a real one was recorded to answer, and what none should.
#include "wire/client.h"

#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "hex.h"
#include "support/listener.h"
#include "wire/messages/groups.h"
#include "wire/messages/produce.h"

namespace mq::wire::test {
namespace {

// The answers of a Kafka 2.4 that knows ApiVersions up to version 3, Heartbeat up to 4, and Produce from 3 to 8.
constexpr auto kVersionsOf24 = "0000 04 0012 0000 0003 00 000c 0000 0004 00 0000 0003 0008 00 00000000 00";

using Answer = std::function<std::string(const RequestFrame&)>;  // the frame to send, "" to hang up

// Serves one connection until the client leaves.
class PlayedBroker {
public:
    explicit PlayedBroker(Answer answer) : thread_{[this, answer = std::move(answer)] { serve(answer); }} {}
    ~PlayedBroker() { thread_.join(); }

    [[nodiscard]] Result<Client> connect(ClientOptions options = {}) {
        MQ_ASSIGN(os::Socket socket, os::Socket::connect("127.0.0.1", listener_.port(), options.timeout_ms));
        return Client::open(std::move(socket), std::move(options));
    }

private:
    void serve(const Answer& answer) {
        const os::File connection = listener_.accept();
        std::string received;
        char part[4096];
        for (;;) {
            const auto got = connection.read_some(part);
            if (!got || *got == 0) return;
            received.append(part, *got);
            for (;;) {
                const auto payload = first_frame(received, kDefaultMaxFrameBytes).value();
                if (!payload) break;
                const std::string reply = answer(parse_request(*payload).value());
                if (reply.empty()) return;
                mq::test::send_to(connection, reply);
                received.erase(0, kLengthBytes + payload->size());
            }
        }
    }

    mq::test::Listener listener_;
    std::thread thread_;
};

std::string frame_of(std::int32_t correlation_id, std::string_view rest_in_hex) {
    const std::string rest = from_hex(rest_in_hex);
    std::string frame;
    append_be(frame, static_cast<std::int32_t>(rest.size() + sizeof correlation_id));
    append_be(frame, correlation_id);
    return frame + rest;
}

// ApiVersions as Kafka 2.4 answers it, also to a version that it does not know; the rest as `other` says.
Answer kafka_24(Answer other) {
    return [other = std::move(other)](const RequestFrame& request) {
        const RequestHeader& header = request.header;
        if (header.api_key != ApiKey::api_versions) return other(request);
        if (header.api_version > 3) return frame_of(header.correlation_id, "0023 00000001 0012 0000 0003");
        return frame_of(header.correlation_id, kVersionsOf24);
    };
}
std::string heartbeat_answer(const RequestFrame& request) {
    EXPECT_EQ(request.header.client_id, "tester");
    return frame_of(request.header.correlation_id, "00 00000000 001b 00");
}

TEST(Client, AgreesOnVersionsWithABrokerThatIsOlder) {
    PlayedBroker broker{kafka_24(&heartbeat_answer)};
    auto client = broker.connect({.client_id = "tester"});
    ASSERT_TRUE(client) << client.error().message();
    EXPECT_EQ(client->broker().api_keys.size(), 3);
    EXPECT_EQ(client->version_of(ApiKey::produce).value(), 8);
    EXPECT_EQ(client->version_of(ApiKey::heartbeat).value(), 4);
    EXPECT_EQ(client->version_of(ApiKey::fetch).error().code, Errc::unsupported);
    const auto response = client->call(HeartbeatRequest{});
    ASSERT_TRUE(response) << response.error().message();
    EXPECT_EQ(response->error_code, ErrorCode::rebalance_in_progress);
}

// A broker before 2.4, and the mock cluster of librdkafka 2.0.2 byte for byte.
TEST(Client, GoesDownToVersionZeroWhereTheBrokerNamesNoVersionThatCanBeRead) {
    for (const char* refusal : {"0023 00000000", "0023 01 0012 0000 0002 00000000"}) {
        std::vector<int> asked;
        PlayedBroker broker{[&](const RequestFrame& request) {
            asked.push_back(request.header.api_version);
            const bool known = request.header.api_version == 0;
            return frame_of(request.header.correlation_id, known ? "0000 00000001 0012 0000 0000" : refusal);
        }};
        {
            const auto client = broker.connect();
            ASSERT_TRUE(client) << client.error().message();
        }
        EXPECT_EQ(asked, (std::vector{4, 0}));
    }
}

TEST(Client, SendsWithoutWaitingAndReceivesInOrder) {
    PlayedBroker broker{kafka_24(&heartbeat_answer)};
    auto client = broker.connect({.client_id = "tester"});
    ASSERT_TRUE(client);
    const auto first = client->send(HeartbeatRequest{}, 4);
    const auto second = client->send(HeartbeatRequest{}, 4);
    ASSERT_TRUE(first && second);
    ASSERT_TRUE(client->receive(ApiKey::heartbeat, 4, *first));
    ASSERT_TRUE(client->receive(ApiKey::heartbeat, 4, *second));
}

TEST(Client, RefusesAnAnswerToAnotherRequest) {
    PlayedBroker broker{kafka_24([](const RequestFrame& request) {
        return frame_of(request.header.correlation_id + 1, "00 00000000 001b 00");
    })};
    auto client = broker.connect();
    ASSERT_TRUE(client);
    EXPECT_EQ(client->call(HeartbeatRequest{}).error().code, Errc::corrupt);
}

TEST(Client, TellsABrokerThatHangsUpFromOneThatIsSilentOrTooLoud) {
    {
        PlayedBroker broker{kafka_24([](const RequestFrame&) { return std::string{}; })};
        auto client = broker.connect();
        ASSERT_TRUE(client);
        const auto response = client->call(HeartbeatRequest{});
        ASSERT_FALSE(response);
        EXPECT_EQ(response.error().code, Errc::io);
        EXPECT_EQ(response.error().detail, "the other side hung up");
    }
    // Where the machine is slow the agreement on versions may take too long already.
    for (bool has_called = false; !has_called;) {
        PlayedBroker broker{kafka_24([](const RequestFrame&) { return from_hex("00000008 0000"); })};
        auto client = broker.connect({.timeout_ms = 500});
        has_called = client.has_value();
        ASSERT_EQ(client ? client->call(HeartbeatRequest{}).error().code : client.error().code, Errc::timed_out);
    }
    {
        PlayedBroker broker{kafka_24([](const RequestFrame&) { return from_hex("7fffffff"); })};
        auto client = broker.connect();
        ASSERT_TRUE(client);
        EXPECT_EQ(client->call(HeartbeatRequest{}).error().code, Errc::too_large);
    }
}

TEST(Client, RefusesABrokerThatDoesNotSpeakKafka) {
    PlayedBroker broker{[](const RequestFrame&) { return std::string{"HTTP/1.1 400 Bad Request\r\n\r\n"}; }};
    EXPECT_EQ(broker.connect().error().code, Errc::too_large);
}

}  // namespace
}  // namespace mq::wire::test
