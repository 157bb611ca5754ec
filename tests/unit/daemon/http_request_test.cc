#include "mq-broker/http_request.h"

#include <gtest/gtest.h>

namespace mq::broker_tool {
namespace {

HttpPage page_of(std::string_view path) {
    return path == "/x" ? HttpPage{.body = "hello\n"} : HttpPage{.status = 404, .body = "no\n"};
}

std::string answer_to(std::string_view received) {
    const auto request = parse_http_request(received);
    return request ? answer_http(*request, page_of) : "waits";
}

TEST(HttpRequest, AGetIsAnsweredAndAHeadWithoutItsBody) {
    const std::string got = answer_to("GET /x?y=z HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(got.starts_with("HTTP/1.1 200 OK\r\n")) << got;
    EXPECT_TRUE(got.ends_with("\r\nContent-Length: 6\r\nCache-Control: no-store\r\nConnection: close\r\n\r\nhello\n"))
        << got;
    const std::string head = answer_to("HEAD /x HTTP/1.0\n\n");
    EXPECT_TRUE(head.ends_with("Content-Length: 6\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n")) << head;
}

TEST(HttpRequest, ThePageDecidesTheStatus) {
    EXPECT_TRUE(answer_to("GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404 Not Found\r\n"));
    EXPECT_TRUE(answer_to("POST /x HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
}

TEST(HttpRequest, OneThatIsNotAllThereIsWaitedFor) {
    const std::string_view whole = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_EQ(answer_to(whole.substr(0, size)), "waits") << size;
}

TEST(HttpRequest, WhatIsNoHttpIsRefusedAtOnce) {
    using namespace std::string_view_literals;
    for (const auto bytes : {"\x16\x03\x01\x02\x00"sv, "\0\0\0\x12\0\x12\0\0"sv, "GET\r\n\r\n"sv, "GET /x\r\n\r\n"sv,
                             "GET /x SIP/2.0\r\n\r\n"sv, " \r\n\r\n"sv, "\r\n\r\n"sv}) {
        EXPECT_TRUE(answer_to(bytes).starts_with("HTTP/1.1 400 ")) << bytes;
    }
    EXPECT_TRUE(answer_to("GET /x HTTP/1.1\r\n" + std::string(kMostRequestBytes, 'a')).starts_with("HTTP/1.1 400 "));
}

}  // namespace
}  // namespace mq::broker_tool
