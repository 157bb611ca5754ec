// The pages for those who watch the broker: /metrics, /healthz, /readyz.
#pragma once

#include <string_view>

#include "broker/broker.h"
#include "http_listener.h"
#include "server/server.h"

namespace mq::broker_tool {

// Thread-safe.
[[nodiscard]] HttpPage watch_page(std::string_view path, broker::Broker& broker, const server::Server& server);

// Whether the threads that serve connections do so: what /healthz and the watchdog want to know.
[[nodiscard]] bool is_healthy(const server::Server& server);

}  // namespace mq::broker_tool
