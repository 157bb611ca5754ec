// One connection to a broker, one request at a time: for the tools' admin work, and for tests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "os/socket.h"
#include "wire/frame.h"
#include "wire/messages/versions.h"

namespace mq::wire {

struct ClientOptions {
    std::string client_id = "mq";
    int timeout_ms = 30'000;  // how long the broker may be silent, or not take what is sent; -1: for ever
    std::size_t max_response_bytes = kDefaultMaxFrameBytes;
};

// Not thread-safe. After an error of io, timed_out, corrupt or too_large the connection is of no more use.
class Client {
public:
    // Takes over a connection and asks the broker what it understands, downwards until both understand each other.
    // Errors: io (also: the broker hung up), timed_out, corrupt.
    [[nodiscard]] static Result<Client> open(os::Socket socket, ClientOptions options = {});

    // What the broker said of itself.
    [[nodiscard]] const ApiVersionsResponse& broker() const { return broker_; }
    // The highest version that both understand. Errors: unsupported.
    [[nodiscard]] Result<std::int16_t> version_of(ApiKey key) const;

    // Sends a request and waits for its response, whose views are good until the next call. Without a version in the
    // highest that both understand. Errors: those of version_of(), encode() and decode(), and of the connection.
    template <Request T>
    [[nodiscard]] Result<typename T::Response> call(const T& request) {
        MQ_ASSIGN(const std::int16_t version, version_of(T::kApi));
        return call(request, version);
    }
    template <Request T>
    [[nodiscard]] Result<typename T::Response> call(const T& request, std::int16_t version) {
        MQ_ASSIGN(const std::int32_t correlation_id, send(request, version));
        MQ_ASSIGN(const ByteView body, receive(T::kApi, version, correlation_id));
        return decode<typename T::Response>(body, version);
    }

    // The halves of call(), for a request that is never answered (Produce with acks 0) and for several at once, which
    // are answered in their order. send() returns the correlation id.
    template <Request T>
    [[nodiscard]] Result<std::int32_t> send(const T& request, std::int16_t version) {
        const RequestHeader header{{}, version, ++last_correlation_id_, options_.client_id};
        out_.clear();
        MQ_TRY(append_request(request, header, out_));
        MQ_TRY(send_bytes(out_));
        return header.correlation_id;
    }
    // The body of the next response. Errors also: corrupt (it answers another request).
    [[nodiscard]] Result<ByteView> receive(ApiKey key, std::int16_t version, std::int32_t correlation_id);

    // Any bytes, and the payload of the next frame.
    [[nodiscard]] Status send_bytes(ByteView bytes) { return socket_.send_all(bytes, options_.timeout_ms); }
    [[nodiscard]] Result<ByteView> receive_payload();

private:
    Client(os::Socket socket, ClientOptions options) : socket_(std::move(socket)), options_(std::move(options)) {}

    [[nodiscard]] Status ask_versions();

    os::Socket socket_;
    ClientOptions options_;
    ApiVersionsResponse broker_;
    std::int32_t last_correlation_id_ = 0;
    std::string out_;
    std::string in_;         // what has arrived
    std::size_t taken_ = 0;  // of that, the frame that was given out
};

}  // namespace mq::wire
