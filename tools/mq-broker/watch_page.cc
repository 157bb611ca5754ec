#include "watch_page.h"

#include "metrics_page.h"

namespace mq::broker_tool {
namespace {

constexpr int kUnavailable = 503;
constexpr int kNotFound = 404;

}  // namespace

HttpPage watch_page(std::string_view path, broker::Broker& broker, server::Server& server) {
    if (path == "/metrics") {
        return {.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = metrics_page(broker, server)};
    }
    if (path == "/healthz") return {.body = "ok\n"};
    if (path == "/readyz") {
        if (broker.is_ready()) return {.body = "ready\n"};
        return {.status = kUnavailable, .body = "groups are being loaded\n"};
    }
    return {.status = kNotFound, .body = "here are /metrics, /healthz and /readyz\n"};
}

}  // namespace mq::broker_tool
