// What the broker is told to be, from the file of settings and the command line.
#pragma once

#include <string>
#include <vector>

#include "args.h"
#include "base/error.h"
#include "broker/config.h"

namespace mq::broker_tool {

struct Settings {
    broker::BrokerConfig config;
    std::optional<broker::ListenerConfig> metrics;
    broker::Severity log_level = broker::Severity::info;
    std::vector<std::string> warnings{};  // a line each
};

// Errors: those of reading the file; bad_configuration, naming the key.
[[nodiscard]] Result<Settings> read_settings(const Args& args);

}  // namespace mq::broker_tool
