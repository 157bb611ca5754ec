#include "mq-broker/http_listener.h"

#include <gtest/gtest.h>

#include <new>

#include "os/socket.h"

namespace mq::broker_tool {
namespace {

constexpr int kAwaitMs = 60'000;

// All that comes until the other side has closed.
std::string get(const HttpListener& listener, const std::string& path) {
    const std::string& address = listener.address();
    const auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
    const auto socket = os::Socket::connect("127.0.0.1", port, kAwaitMs);
    if (!socket || !socket->send_all("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n", kAwaitMs))
        return "no connection";
    std::string all;
    char part[4096];
    for (;;) {
        const auto count = socket->receive_some(part, kAwaitMs);
        if (!count) return count.error().code == Errc::timed_out ? "hangs" : all;
        if (*count == 0) return all;
        all.append(part, *count);
    }
}

TEST(HttpListener, APageThatFindsNoMemoryCostsItsReaderTheConnectionAndNobodyElse) {
    broker::ListenerConfig at;
    at.host = "127.0.0.1";
    at.port = 0;
    const auto listener = HttpListener::open(at, [](std::string_view path) -> HttpPage {
        if (path == "/large") throw std::bad_alloc{};
        return {.body = "page"};
    });
    ASSERT_TRUE(listener) << listener.error().message();
    EXPECT_EQ(get(**listener, "/large"), "");
    const std::string answer = get(**listener, "/small");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\npage")) << answer;
}

}  // namespace
}  // namespace mq::broker_tool
