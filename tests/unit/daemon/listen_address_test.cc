#include "mq-broker/listen_address.h"

#include <gtest/gtest.h>

namespace mq::broker_tool {
namespace {

TEST(ListenAddress, HostsPortsAndPaths) {
    const auto plain = parse_address("127.0.0.1:9092");
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->host, "127.0.0.1");
    EXPECT_EQ(plain->port, 9092);
    EXPECT_EQ(parse_address(":0")->host, "");
    EXPECT_EQ(parse_address(":0")->port, 0);
    EXPECT_EQ(parse_address("[::1]:65535")->host, "::1");
    EXPECT_EQ(parse_address("[::1]:65535")->port, 65535);
    EXPECT_EQ(parse_address("kafka.example.com:1")->host, "kafka.example.com");
    EXPECT_EQ(parse_address("unix:/run/a:b")->path, "/run/a:b");
}

TEST(ListenAddress, WhatIsNoneIsRefusedByName) {
    for (const char* bad :
         {"", "9092", "host", "host:", "host:x", "host:65536", "host:-1", "::1:9092", "unix:", "a:1:2"}) {
        const auto got = parse_address(bad);
        ASSERT_FALSE(got) << bad;
        EXPECT_EQ(got.error().code, Errc::bad_argument);
        EXPECT_NE(got.error().message().find(std::string{"'"} + bad + "'"), std::string::npos)
            << got.error().message();
    }
}

}  // namespace
}  // namespace mq::broker_tool
