// Parts of several messages.
#pragma once

#include <optional>
#include <string>

#include "wire/message.h"

namespace mq::wire {

struct LeaderIdAndEpoch {
    std::int32_t leader_id = -1;
    std::int32_t leader_epoch = -1;

    static void fields(auto& io, auto& m) {
        io("LeaderId", m.leader_id);
        io("LeaderEpoch", m.leader_epoch);
    }
    bool operator==(const LeaderIdAndEpoch&) const = default;
};

// Where a client finds a leader that a response names.
struct NodeEndpoint {
    std::int32_t node_id = 0;
    std::string host{};
    std::int32_t port = 0;
    std::optional<std::string> rack{};

    static void fields(auto& io, auto& m) {
        io("NodeId", m.node_id);
        io("Host", m.host);
        io("Port", m.port);
        io("Rack", m.rack);
    }
    bool operator==(const NodeEndpoint&) const = default;
};

}  // namespace mq::wire
