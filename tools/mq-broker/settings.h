// What the broker is told to be, from the file of settings and the command line.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "args.h"
#include "base/error.h"
#include "broker/config.h"
#include "broker/event_log.h"

namespace mq::broker_tool {

struct Settings {
    broker::BrokerConfig config;
    std::optional<broker::ListenerConfig> metrics;
    broker::Severity log_level = broker::Severity::info;
    std::vector<std::string> warnings;  // a line each
    std::string without_effect;         // keys that tune what is not there; empty if there are none
};

// The file anew each time, the command line over it. Errors: bad_configuration, naming file, line and key; those of
// reading the file.
[[nodiscard]] Result<Settings> read_settings(const Args& args);

// Keys whose values differ, by name: those that can change while the broker runs, and those that cannot.
struct Differences {
    std::vector<std::string> at_once;
    std::vector<std::string> at_next_start;
};
[[nodiscard]] Differences compare(const broker::BrokerConfig& before, const broker::BrokerConfig& after);

}  // namespace mq::broker_tool
