#include "server/server.h"
#include "broker/quiet_log.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <latch>
#include <map>
#include <mutex>
#include <new>
#include <thread>
#include <unordered_set>

#include "broker/broker.h"
#include "broker/descriptors.h"
#include "broker/event_log.h"
#include "broker/listeners.h"
#include "os/listener.h"
#include "os/process.h"
#include "server/acceptor.h"
#include "server/connection.h"
#include "server/loop.h"

namespace mq::server {
namespace {

// How often connections are looked at: often enough for the shortest of the limits.
constexpr std::int64_t kMostTickMs = 1000;
constexpr std::int64_t kTicksInLimit = 8;
// Where requests find no room, so much of it is freed at once, by closing those that take this much and more.
constexpr std::size_t kShareToFree = 8;
constexpr std::size_t kLeastInTheWay = 16u << 10;
// So many times longer the last one of a thread waits: those of other threads may be what it waits for.
constexpr std::int64_t kLastOnesPatience = 4;
// Requests may take so many times the largest at least.
constexpr std::uint64_t kLargestRequests = 2;

// A loop, and who is in it.
struct Hall final : Waiter {
    std::shared_ptr<Loop> loop;
    std::unique_ptr<Surroundings> around;
    std::unordered_set<std::shared_ptr<Connection>> connections;  // for the loop's thread
    std::size_t count = 0;                                        // with those on their way; under Impl::mutex
    bool is_running = false;
    std::atomic<std::int64_t> looked_ms{0};

    // Whoever is called may leave, by itself.
    template <typename Call>
    void each(Call&& call) {
        for (auto at = connections.begin(); at != connections.end();) {
            const std::shared_ptr<Connection> connection = *at++;
            call(*connection);
        }
    }

    // There is room again.
    void on_woken() override {
        auto& waiting = around->waiting;
        while (!waiting.empty() && !around->room->is_full()) {
            const auto connection = std::move(waiting.front());
            waiting.pop_front();
            connection->go_on();
        }
    }
    void on_ready(Side) override {}

    void make_room(std::int64_t now);
};

// While requests find no room, and it is not the broker that holds them up, some that have not come to their end give
// way: first those whose clients send nothing, longest first, then those that wait, latest first. But of these the
// one that has waited longest stays, or nobody might come to an end.
void Hall::make_room(std::int64_t now) {
    const Room& room = *around->room;
    if (!room.is_full() || !room.is_waited_for()) return;
    struct Candidate {
        Connection::Unfinished request;
        std::shared_ptr<Connection> connection;
    };
    std::vector<Candidate> candidates;
    for (const auto& connection : connections) {
        const Connection::Unfinished request = connection->unfinished();
        if (request.bytes >= kLeastInTheWay && now - request.since_ms >= around->limits.give_way_ms)
            candidates.push_back({request, connection});
    }
    std::ranges::sort(candidates, [](const Candidate& a, const Candidate& b) {
        if (a.request.waits != b.request.waits) return b.request.waits;
        return a.request.waits ? a.request.since_ms > b.request.since_ms : a.request.since_ms < b.request.since_ms;
    });
    for (const auto& [request, connection] : candidates) {
        if (room.used() < room.most() - room.most() / kShareToFree) return;
        const bool is_last = connection == candidates.back().connection;
        if (request.waits && room.handled() >= room.most() / 2) return;
        if (request.waits && is_last && now - request.since_ms < kLastOnesPatience * around->limits.give_way_ms)
            return;
        connection->give_way();
    }
}

Error explained(Error error) {
    if (error.code == Errc::in_use)
        error.detail = "another program listens there: end it, or choose another address in listeners";
    return error;
}

}  // namespace

struct Server::Impl {
    const broker::BrokerConfig config;
    const Handler handler;
    broker::EventLog& log;
    const Limits limits;
    broker::QuietLog quiet{log};
    Tally tally{};
    std::size_t most_connections = 0;  // under the mutex, as the next
    std::size_t most_per_host = 0;
    std::vector<Endpoint> endpoints{};
    std::vector<std::shared_ptr<Acceptor>> acceptors{};  // for the thread of the first loop, once that runs
    std::vector<std::shared_ptr<Hall>> halls{};
    std::shared_ptr<Room> room{};

    std::mutex mutex{};
    std::condition_variable left{};
    std::size_t open = 0;
    std::map<std::string, std::size_t, std::less<>> hosts{};

    Status listen_all();
    void make_halls();
    void limit_connections(std::int32_t most, std::int32_t per_host);
    void admit(os::Listener::Arrival arrival, const std::shared_ptr<const broker::Endpoint>& endpoint);
    bool is_refused(const os::Socket& socket, const std::string& host, bool is_local);
    void enter(Hall& hall, const std::shared_ptr<Connection>& connection);
    void forget(Hall& hall, Connection& connection);
    void uncount(Hall& hall, const std::string& host);
    void tick(Hall& hall);
    void run_in(Hall& hall, const std::function<void()>& work);
    bool wait_until_empty(std::int64_t grace_ms);
};

Status Server::Impl::listen_all() {
    struct Bound {
        std::vector<os::Listener> listeners;
        const broker::ListenerConfig* config;
    };
    std::vector<Bound> all;
    for (const broker::ListenerConfig& listener : config.listeners) {
        Result<std::vector<os::Listener>> bound;
        if (listener.path.empty()) {
            bound = os::Listener::on(listener.host, listener.port);
        } else if (auto at = os::Listener::at(listener.path)) {
            bound->push_back(*std::move(at));
        } else {
            bound = fail(at.error());
        }
        if (!bound) return fail(explained(std::move(bound).error()));
        const std::uint16_t port = bound->front().port();
        endpoints.push_back({listener.name, listener.host, port, listener.path,
                             listener.advertised_host.value_or(broker::host_for_clients(listener)),
                             listener.advertised_port.value_or(port)});
        all.push_back({*std::move(bound), &listener});
    }
    // Over a Unix socket clients are told an address that they can use.
    const auto tcp = std::ranges::find_if(endpoints, [](const Endpoint& endpoint) { return endpoint.path.empty(); });
    for (std::size_t i = 0; i < all.size(); ++i) {
        Endpoint& endpoint = endpoints[i];
        if (!endpoint.path.empty() && tcp != endpoints.end()) {
            if (!all[i].config->advertised_host) endpoint.advertised_host = tcp->advertised_host;
            if (!all[i].config->advertised_port) endpoint.advertised_port = tcp->advertised_port;
        }
        const auto told = std::make_shared<const broker::Endpoint>(
            broker::Endpoint{endpoint.listener, endpoint.advertised_host, endpoint.advertised_port});
        for (os::Listener& one : all[i].listeners)
            acceptors.push_back(std::make_shared<Acceptor>(
                std::move(one), [this, told](os::Listener::Arrival arrival) { admit(std::move(arrival), told); }, log,
                quiet));
    }
    return {};
}

void Server::Impl::limit_connections(std::int32_t most, std::int32_t per_host) {
    const std::size_t possible = broker::share_out(os::descriptor_limit()).connections;
    const std::lock_guard lock{mutex};
    most_connections = std::min(static_cast<std::size_t>(most), possible);
    most_per_host = static_cast<std::size_t>(per_host);
}

void Server::Impl::make_halls() {
    limit_connections(config.max_connections, config.max_connections_per_host);
    const std::size_t threads = config.network_threads > 0 ? static_cast<std::size_t>(config.network_threads)
                                                           : std::max(1u, std::thread::hardware_concurrency());
    const auto largest = static_cast<std::uint64_t>(config.request_max_bytes);
    room = std::make_shared<Room>(std::max(broker::memory_for_requests(config), kLargestRequests * largest), [this] {
        for (const auto& hall : halls) hall->loop->wake(hall);
    });
    for (std::size_t i = 0; i < threads; ++i) {
        auto hall = std::make_shared<Hall>();
        hall->loop = std::make_shared<Loop>();
        hall->around = std::make_unique<Surroundings>(
            Surroundings{handler, quiet, tally, limits, static_cast<std::size_t>(config.request_max_bytes),
                         config.idle_connection_ms,
                         [this, hall = hall.get()](Connection& connection) { forget(*hall, connection); }, room});
        halls.push_back(std::move(hall));
    }
}

bool Server::Impl::is_refused(const os::Socket& socket, const std::string& host, bool is_local) {
    const std::lock_guard lock{mutex};
    std::string why;
    std::size_t& of_host = hosts[host];
    if (open >= most_connections) {
        why = "there are " + std::to_string(open) + " connections already";
    } else if (!is_local && of_host >= most_per_host) {
        why = "there are " + std::to_string(of_host) + " connections of " + host + " already";
    } else {
        ++open;
        ++of_host;
        return false;
    }
    if (of_host == 0) hosts.erase(host);
    ++tally.refused;
    quiet.tell(broker::QuietLog::Kind::refused, os::monotonic_ms(),
               [&] { return "refused " + socket.peer() + ": " + why; });
    return true;
}

void Server::Impl::admit(os::Listener::Arrival arrival, const std::shared_ptr<const broker::Endpoint>& endpoint) {
    const auto client = std::make_shared<const broker::Client>(broker::Client{std::move(arrival.host), endpoint});
    if (is_refused(arrival.socket, client->host, client->host == "unix")) return;
    ++tally.accepted;
    Hall* hall = nullptr;
    {
        const std::lock_guard lock{mutex};
        hall = std::ranges::min_element(halls, {}, [](const auto& one) { return one->count; })->get();
        ++hall->count;
    }
    try {
        const auto connection =
            std::make_shared<Connection>(hall->loop, *hall->around, std::move(arrival.socket), client);
        if (hall->loop->is_this_thread()) return enter(*hall, connection);
        hall->loop->post([this, hall, connection] {
            try {
                enter(*hall, connection);
            } catch (const std::bad_alloc&) {
                uncount(*hall, connection->client().host);
            }
        });
    } catch (const std::bad_alloc&) {
        uncount(*hall, client->host);
        throw;
    }
}

void Server::Impl::enter(Hall& hall, const std::shared_ptr<Connection>& connection) {
    hall.connections.insert(connection);
    connection->begin();
}

void Server::Impl::forget(Hall& hall, Connection& connection) {
    hall.connections.erase(connection.shared_from_this());
    uncount(hall, connection.client().host);
}

void Server::Impl::uncount(Hall& hall, const std::string& host) {
    const std::lock_guard lock{mutex};
    --hall.count;
    --open;
    const auto found = hosts.find(host);
    if (--found->second == 0) hosts.erase(found);
    if (open == 0) left.notify_all();
}

void Server::Impl::tick(Hall& hall) {
    const std::int64_t now = os::monotonic_ms();
    hall.looked_ms.store(now, std::memory_order_relaxed);
    quiet.settle(now);
    if (&hall == halls.front().get()) {
        for (const auto& acceptor : acceptors) acceptor->on_tick();
    }
    hall.each([&](Connection& connection) { connection.check(now); });
    try {
        hall.make_room(now);
    } catch (const std::bad_alloc&) {
        // The next time.
    }
    hall.on_woken();
}

// Waits until it is done.
void Server::Impl::run_in(Hall& hall, const std::function<void()>& work) {
    if (!hall.is_running) return work();
    std::latch done{1};
    hall.loop->post([&] {
        const auto told =
            std::unique_ptr<std::latch, void (*)(std::latch*)>{&done, [](std::latch* it) { it->count_down(); }};
        work();
    });
    done.wait();
}

bool Server::Impl::wait_until_empty(std::int64_t grace_ms) {
    std::unique_lock lock{mutex};
    return left.wait_for(lock, std::chrono::milliseconds{grace_ms}, [this] { return open == 0; });
}

Result<std::unique_ptr<Server>> Server::open(broker::Broker& broker, broker::EventLog& log, Limits limits) {
    const auto handler = [&broker](broker::Call call, std::shared_ptr<broker::Responder> responder,
                                   std::uint64_t ticket) {
        broker.handle(std::move(call), std::move(responder), ticket);
    };
    return open(broker.config(), handler, log, limits);
}

Result<std::unique_ptr<Server>> Server::open(const broker::BrokerConfig& config, Handler handler,
                                             broker::EventLog& log, Limits limits) {
    auto impl = std::unique_ptr<Impl>{new Impl{config, std::move(handler), log, limits}};
    MQ_TRY(impl->listen_all());
    impl->make_halls();
    return std::unique_ptr<Server>{new Server{std::move(impl)}};
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() { stop(0); }

const std::vector<Endpoint>& Server::endpoints() const { return impl_->endpoints; }

Counts Server::counts() const {
    const Tally& tally = impl_->tally;
    const std::lock_guard lock{impl_->mutex};
    return {impl_->open,          tally.accepted,   tally.refused,       tally.idle,         tally.expelled,
            tally.received_bytes, tally.sent_bytes, impl_->room->used(), impl_->room->most()};
}

std::int64_t Server::silent_ms() const {
    std::int64_t last = os::monotonic_ms();
    for (const auto& hall : impl_->halls) last = std::min(last, hall->looked_ms.load(std::memory_order_relaxed));
    return os::monotonic_ms() - last;
}

void Server::limit_connections(std::int32_t most, std::int32_t most_per_host) {
    impl_->limit_connections(most, most_per_host);
}

Status Server::start() {
    const Limits& limits = impl_->limits;
    const std::int64_t shortest = std::min({limits.header_ms, limits.progress_ms, impl_->config.idle_connection_ms});
    const std::int64_t period_ms = std::clamp<std::int64_t>(shortest / kTicksInLimit, 1, kMostTickMs);
    for (const auto& acceptor : impl_->acceptors) MQ_TRY(acceptor->begin(*impl_->halls.front()->loop));
    for (const auto& hall : impl_->halls) {
        hall->looked_ms.store(os::monotonic_ms(), std::memory_order_relaxed);
        hall->loop->every(period_ms, [impl = impl_.get(), hall = hall.get()] { impl->tick(*hall); });
        MQ_TRY(hall->loop->start());
        hall->is_running = true;
    }
    return {};
}

void Server::stop_taking() {
    // The first loop first: it hands connections to the others.
    for (const auto& hall : impl_->halls) {
        impl_->run_in(*hall, [&] {
            if (hall == impl_->halls.front()) {
                for (const auto& acceptor : impl_->acceptors) acceptor->stop();
                impl_->acceptors.clear();
            }
            hall->each([](Connection& connection) { connection.stop_taking(); });
        });
    }
}

bool Server::stop(std::int64_t grace_ms) {
    stop_taking();
    const bool all_sent = impl_->wait_until_empty(grace_ms);
    for (const auto& hall : impl_->halls) {
        impl_->run_in(*hall, [&] {
            hall->each([](Connection& connection) { connection.close(); });
            hall->around->waiting.clear();
            hall->loop->stop_timer();
        });
        hall->loop->finish();
        hall->is_running = false;
    }
    impl_->room->close();
    return all_sent;
}

}  // namespace mq::server
