#include "listen_address.h"

#include "cli/values.h"

namespace mq::broker_tool {

Result<broker::ListenerConfig> parse_address(std::string_view text) {
    constexpr std::string_view kUnix = "unix:";
    broker::ListenerConfig address;
    if (text.starts_with(kUnix)) {
        address.name = "UNIX";
        address.path = text.substr(kUnix.size());
        if (address.path.empty()) return cli::bad_value(text, "is not unix:PATH");
        return address;
    }
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return cli::bad_value(text, "is not HOST:PORT");
    std::string_view host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    } else if (host.find(':') != std::string_view::npos) {
        return cli::bad_value(text, "is not [ADDRESS]:PORT");
    }
    address.host = host;
    const auto port = cli::parse_integer<std::uint16_t>(text.substr(colon + 1));
    if (!port) return cli::bad_value(text, "is not HOST:PORT");
    address.port = *port;
    return address;
}

}  // namespace mq::broker_tool
