#include "watch_page.h"

#include "metrics_page.h"

namespace mq::broker_tool {
namespace {

constexpr int kUnavailable = 503;
constexpr int kNotFound = 404;

// Many times what a thread takes to come round; a machine that swaps is slow, and not dead.
constexpr std::int64_t kLongestSilenceMs = 10'000;

}  // namespace

bool is_healthy(const server::Server& server) { return server.silent_ms() < kLongestSilenceMs; }

HttpPage watch_page(std::string_view path, broker::Broker& broker, const server::Server& server) {
    if (path == "/metrics") {
        return {.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = metrics_page(broker, server)};
    }
    if (path == "/healthz") {
        if (is_healthy(server)) return {.body = "ok\n"};
        return {.status = kUnavailable, .body = "a thread does not look after its connections\n"};
    }
    if (path == "/readyz") {
        if (broker.is_ready()) return {.body = "ready\n"};
        return {.status = kUnavailable, .body = "groups are being loaded\n"};
    }
    return {.status = kNotFound, .body = "here are /metrics, /healthz and /readyz\n"};
}

}  // namespace mq::broker_tool
