// What /metrics shows: the names are those that Prometheus' JMX exporter gives Kafka's metrics with the rules that it
// comes with (lower case), so that dashboards and alerts made for Kafka go on.
#pragma once

#include <string>

#include "broker/broker.h"
#include "server/server.h"

namespace mq::broker_tool {

// Thread-safe.
[[nodiscard]] std::string metrics_page(broker::Broker& broker, const server::Server& server);

}  // namespace mq::broker_tool
