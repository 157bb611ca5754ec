// Addresses as --listen and --metrics have them.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "broker/config.h"

namespace mq::broker_tool {

// "HOST:PORT", "[::1]:9092", ":9092" (every interface), "unix:PATH". Errors: bad_argument.
[[nodiscard]] Result<broker::ListenerConfig> parse_address(std::string_view text);

}  // namespace mq::broker_tool
