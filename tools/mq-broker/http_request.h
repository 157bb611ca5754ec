// The part of HTTP/1.1 that is understood of a request. Source: RFC 9110, RFC 9112.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http_listener.h"

namespace mq::broker_tool {

inline constexpr std::size_t kMostRequestBytes = 8192;

struct HttpRequest {
    std::string_view method;
    std::string_view path;  // without the query
};

// Nothing: the head of the request is not all there yet. A request that cannot be read has an empty method.
[[nodiscard]] std::optional<HttpRequest> parse_http_request(std::string_view received);

// The whole answer to a request.
[[nodiscard]] std::string answer_http(const HttpRequest& request, const HttpListener::Pages& pages);

}  // namespace mq::broker_tool
