#include "wire/messages/versions.h"

#include <algorithm>
#include <cctype>

#include "broker/dispatch.h"
#include "broker/handlers.h"

namespace mq::broker {
namespace {

// Letters, digits, '.' and '-', the first and the last a letter or a digit.
bool is_software_name(std::string_view text) {
    const auto is_plain = [](unsigned char c) { return std::isalnum(c) != 0; };
    return !text.empty() && is_plain(static_cast<unsigned char>(text.front())) &&
           is_plain(static_cast<unsigned char>(text.back())) &&
           std::ranges::all_of(text, [&](unsigned char c) { return is_plain(c) || c == '.' || c == '-'; });
}

wire::ApiVersionsResponse::ApiVersion range_of(const wire::Api& api) {
    return {static_cast<std::int16_t>(api.key), api.lowest, api.highest_stable()};
}

}  // namespace

wire::ApiVersionsResponse api_versions(Broker&, const Call& call, const wire::ApiVersionsRequest& request) {
    wire::ApiVersionsResponse response;
    if (!wire::api_of(wire::ApiKey::api_versions).has(call.version())) {
        response.error_code = wire::ErrorCode::unsupported_version;
        response.api_keys = {range_of(wire::api_of(wire::ApiKey::api_versions))};
        return response;
    }
    if (call.version() >= 3 &&
        !(is_software_name(request.client_software_name) && is_software_name(request.client_software_version))) {
        response.error_code = wire::ErrorCode::invalid_request;
        return response;
    }
    for (const Row& row : rows()) response.api_keys.push_back(range_of(*row.api));
    return response;
}

}  // namespace mq::broker
