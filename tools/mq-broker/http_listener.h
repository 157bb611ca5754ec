// A very small HTTP/1.1 server for those who watch the broker: GET and HEAD of a few pages, one request a connection,
// on a thread of its own. What a client can cost is bounded: connections, bytes, time.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "broker/config.h"

namespace mq::broker_tool {

struct HttpPage {
    int status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body{};
};

class HttpListener {
public:
    // By the path without its query. Called on the listener's thread, one at a time.
    using Pages = std::function<HttpPage(std::string_view path)>;

    // Errors: in_use, not_permitted, not_found (no such host), io.
    [[nodiscard]] static Result<std::unique_ptr<HttpListener>> open(const broker::ListenerConfig& address,
                                                                    Pages pages);
    // Ends its thread.
    ~HttpListener();

    // "127.0.0.1:9093", with the real port.
    [[nodiscard]] const std::string& address() const;

private:
    struct Impl;
    explicit HttpListener(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace mq::broker_tool
