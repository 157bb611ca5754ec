// listeners, advertised.listeners, listener.security.protocol.map: where clients connect.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "broker/config.h"

namespace mq::broker {

// The keys as they were given; empty: not at all.
struct ListenerTexts {
    std::string_view listeners;
    std::string_view advertised;
    std::string_view protocol_map;
    std::string_view controllers;  // controller.listener.names
};

// A key's value is wrong.
struct BadListeners {
    std::string_view key;
    std::string text;  // what is wrong with it
};

// Those of controllers are left out, by name in `left_out`. A name that the map does not have is PLAINTEXT.
[[nodiscard]] tl::expected<std::vector<ListenerConfig>, BadListeners> read_listeners(
    const ListenerTexts& texts, std::vector<std::string>& left_out);

// What clients are told where advertised.listeners says nothing: what is listened on, or, where that is every
// interface, the name of this machine.
[[nodiscard]] std::string host_for_clients(const ListenerConfig& listener);

}  // namespace mq::broker
