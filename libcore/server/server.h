// The network of a broker: listeners, connections, and what each of them may cost.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "broker/answer.h"
#include "broker/call.h"
#include "broker/config.h"

namespace mq::broker {
class Broker;
class EventLog;
}  // namespace mq::broker

namespace mq::server {

// What a client may take, beside what broker::BrokerConfig says. Tests use shorter times.
struct Limits {
    std::int64_t header_ms = 10'000;  // from the first byte of a request until its header is there
    // In each span of this length a request that has begun, or an answer that is being sent, moves on by that much.
    std::int64_t progress_ms = 30'000;
    std::size_t progress_bytes = 1024;
    // Answers that wait to be sent before no more requests of the connection are handled; one may be larger.
    std::size_t unsent_bytes = 256u << 10;
    // Produce requests of one connection that may wait for their flush at once.
    std::size_t produce_requests = 8;
    std::size_t produce_bytes = 16u << 20;
    // Where there is no memory for more requests (queued.max.request.bytes), one of which nothing has come for so
    // long gives way.
    std::int64_t give_way_ms = 1000;
};

// Takes a request, as Broker::handle() does.
using Handler = std::function<void(broker::Call, std::shared_ptr<broker::Responder>, std::uint64_t ticket)>;

// Where it listens, with the real port.
struct Endpoint {
    std::string listener;  // "PLAINTEXT"
    std::string host;      // as configured; empty: every interface
    std::uint16_t port = 0;
    std::string path;  // of a Unix socket, instead of host and port
    // As clients are told (MET-5).
    std::string advertised_host;
    std::int32_t advertised_port = 0;
};

// Since the start, but for `connections`.
struct Counts {
    std::uint64_t connections = 0;  // that are open now
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;   // for being too many
    std::uint64_t idle = 0;      // closed for that
    std::uint64_t expelled = 0;  // closed for what was sent, or not read
    std::uint64_t received_bytes = 0;
    std::uint64_t sent_bytes = 0;
    std::uint64_t request_bytes = 0;       // of memory that requests take now, from their first byte to their answer
    std::uint64_t most_request_bytes = 0;  // that they may take
};

// Thread-safe, but one thread stops it. A clean stop: stop_taking(), Broker::stop(), which answers what waits, then
// stop().
class Server {
public:
    // Binds every listener of the broker's configuration, and serves nobody yet. Both must outlive it.
    // Errors: in_use (the message says what to do), not_permitted, bad_argument (a path too long), not_found (no such
    // host), io.
    [[nodiscard]] static Result<std::unique_ptr<Server>> open(broker::Broker& broker, broker::EventLog& log,
                                                              Limits limits = {});
    [[nodiscard]] static Result<std::unique_ptr<Server>> open(const broker::BrokerConfig& config, Handler handler,
                                                              broker::EventLog& log, Limits limits = {});
    // Closes everything at once, and waits for its threads.
    ~Server();

    [[nodiscard]] const std::vector<Endpoint>& endpoints() const;
    [[nodiscard]] Counts counts() const;
    // For how long the slowest of its threads has not come to look at its connections: each does so once a second.
    [[nodiscard]] std::int64_t silent_ms() const;
    // In place of what the configuration says, for connections to come.
    void limit_connections(std::int32_t most, std::int32_t most_per_host);

    // Starts the threads, and with them to accept. Errors: io (no thread).
    [[nodiscard]] Status start();
    // No connection is accepted any more, and no request taken: once this returns Broker::handle() is not called
    // again. Answers still go out; who waits for none is closed.
    void stop_taking();
    // stop_taking(), then waits until what was answered is sent, at most that long, closes all and ends the threads.
    // True: all was sent.
    bool stop(std::int64_t grace_ms);

private:
    struct Impl;
    explicit Server(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace mq::server
