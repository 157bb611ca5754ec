// What the requests share that make topics: Metadata on its way, CreateTopics on purpose.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "broker/broker.h"
#include "broker/topics.h"

namespace mq::broker {

// Why a request is refused, or a part of it.
struct Refusal {
    wire::ErrorCode code = wire::ErrorCode::unknown_server_error;
    std::string text;
};

// CRE-1, but for whether it exists: an illegal name, or one that differs from an existing one in '.' and '_' only.
[[nodiscard]] std::optional<Refusal> refuse_name(const TopicPicture& picture, std::string_view name);

// A topic that nobody described: as the broker's settings have it; Kafka's own topics as they are there.
[[nodiscard]] store::NewTopic default_topic(const BrokerConfig& config, std::string_view name);

// CRE-3: of replicas that a request assigns to `where`. There is one broker.
[[nodiscard]] std::optional<Refusal> refuse_replicas(const Broker& broker, std::string_view where,
                                                     std::span<const std::int32_t> broker_ids);

// How long a change may wait for each lock that another process holds: as long as the client waits, but not for ever,
// and not so short that a busy directory changes nothing.
[[nodiscard]] int patience_of(std::int32_t timeout_ms);

// What a failed change of a topic is called on the wire.
[[nodiscard]] Refusal refusal_of(const Error& error);

}  // namespace mq::broker
