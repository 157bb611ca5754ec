#include "http_request.h"

#include <algorithm>

#include "cli/text.h"

namespace mq::broker_tool {
namespace {

std::string_view reason(int status) {
    switch (status) {
        case 200:
            return "OK";
        case 400:
            return "Bad Request";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 503:
            return "Service Unavailable";
        default:
            return "Error";
    }
}

HttpPage page_for(const HttpRequest& request, const HttpListener::Pages& pages) {
    if (request.method.empty()) return {.status = 400, .body = "this is no HTTP request\n"};
    if (request.method != "GET" && request.method != "HEAD") return {.status = 405, .body = "GET and HEAD only\n"};
    return pages(request.path);
}

}  // namespace

std::optional<HttpRequest> parse_http_request(std::string_view received) {
    const std::size_t line_end = received.find('\n');
    // Whatever comes first that no request begins with is not waited out.
    const auto is_text = [](char c) { return c == '\r' || c == '\n' || (c >= ' ' && c <= '~'); };
    if (!std::ranges::all_of(received.substr(0, line_end), is_text)) return HttpRequest{};
    const bool ended =
        received.find("\r\n\r\n") != std::string_view::npos || received.find("\n\n") != std::string_view::npos;
    if (!ended) return received.size() < kMostRequestBytes ? std::nullopt : std::optional{HttpRequest{}};

    // GET /metrics?x=y HTTP/1.1
    std::string_view line = received.substr(0, line_end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || last == first || !line.substr(last + 1).starts_with("HTTP/1."))
        return HttpRequest{};
    std::string_view path = line.substr(first + 1, last - first - 1);
    path = path.substr(0, path.find('?'));
    return HttpRequest{line.substr(0, first), path};
}

std::string answer_http(const HttpRequest& request, const HttpListener::Pages& pages) {
    const HttpPage page = page_for(request, pages);
    std::string answer =
        cli::cat("HTTP/1.1 ", page.status, ' ', reason(page.status), "\r\nContent-Type: ", page.content_type,
                 "\r\nContent-Length: ", page.body.size(), "\r\nCache-Control: no-store\r\nConnection: close\r\n",
                 page.status == 405 ? "Allow: GET, HEAD\r\n" : "", "\r\n");
    if (request.method != "HEAD") answer += page.body;
    return answer;
}

}  // namespace mq::broker_tool
