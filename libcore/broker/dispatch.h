// The one table of the requests that the broker understands.
#pragma once

#include <span>

#include "broker/broker.h"

namespace mq::broker {

// Where a handler runs: on the connection's thread, or, since it may take long, on a worker.
enum class Runs : unsigned char { here, on_worker };

// What a caller must be allowed. Nobody is refused yet; every row says so already, so that none is forgotten.
enum class Needs : unsigned char {
    nothing,
    describe_cluster,
    alter_cluster,
    idempotent_write,
    each_topic,  // the handler asks for each topic
    each_group,
    cluster_action,  // only brokers among themselves
};

struct Row {
    const wire::Api* api = nullptr;
    Runs runs = Runs::here;
    Needs needs = Needs::nothing;
    // Decodes the body and answers it.
    void (*handle)(Broker& broker, Call call, ByteView body, AnyAnswer answer) = nullptr;
};

// By api key.
[[nodiscard]] std::span<const Row> rows();
// nullptr: unknown key.
[[nodiscard]] const Row* find_row(wire::ApiKey key);

}  // namespace mq::broker
