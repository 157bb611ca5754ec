#include "mq-consume/delivery.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <thread>

#include "support/temp_dir.h"

namespace mq::consume {
namespace {

struct Ends {
    std::array<int, 2> fds{-1, -1};
    int& reader = fds[0];
    int& writer = fds[1];
    ~Ends() {
        for (const int fd : fds) {
            if (fd >= 0) ::close(fd);
        }
    }
    void close_reader() { ::close(std::exchange(reader, -1)); }
};

std::string take(int fd, std::size_t size) {
    std::string bytes(size, '\0');
    std::size_t at = 0;
    while (at < size) {
        const auto count = ::read(fd, bytes.data() + at, size - at);
        if (count <= 0) break;
        at += static_cast<std::size_t>(count);
    }
    bytes.resize(at);
    return bytes;
}

TEST(Delivery, WhatLiesInThePipeIsNotTaken) {
    Ends pipe;
    ASSERT_EQ(::pipe(pipe.fds.data()), 0);
    Delivery delivery{pipe.writer, "stdout"};
    EXPECT_FALSE(delivery.is_immediate());
    ASSERT_TRUE(delivery.write("0123456789"));
    EXPECT_EQ(delivery.taken(), 0u);
    EXPECT_EQ(take(pipe.reader, 4), "0123");
    EXPECT_EQ(delivery.taken(), 4u);
    EXPECT_EQ(take(pipe.reader, 6), "456789");
    EXPECT_EQ(delivery.taken(), 10u);
}

TEST(Delivery, WhatOthersWriteToThePipeMakesItSayTooLittleNeverTooMuch) {
    Ends pipe;
    ASSERT_EQ(::pipe(pipe.fds.data()), 0);
    ASSERT_EQ(::write(pipe.writer, "before", 6), 6);
    Delivery delivery{pipe.writer, "stdout"};
    ASSERT_TRUE(delivery.write("ours"));
    EXPECT_EQ(take(pipe.reader, 6), "before");
    EXPECT_EQ(delivery.taken(), 0u);
    ASSERT_EQ(::write(pipe.writer, "after", 5), 5);
    EXPECT_EQ(take(pipe.reader, 4), "ours");
    EXPECT_EQ(delivery.taken(), 0u);
    EXPECT_EQ(take(pipe.reader, 5), "after");
    EXPECT_EQ(delivery.taken(), 4u);
}

TEST(Delivery, AWriteLargerThanThePipeCountsAsItIsTaken) {
    Ends pipe;
    ASSERT_EQ(::pipe(pipe.fds.data()), 0);
    Delivery delivery{pipe.writer, "stdout"};
    const std::string bytes(1 << 20, 'x');
    std::thread writer{[&] { EXPECT_TRUE(delivery.write(bytes)); }};
    EXPECT_EQ(take(pipe.reader, 300'000).size(), 300'000u);
    // The writer may not have counted yet what it has just written.
    while (delivery.taken() < 200'000) std::this_thread::yield();
    EXPECT_LE(delivery.taken(), 300'000u);
    EXPECT_EQ(take(pipe.reader, bytes.size() - 300'000).size(), bytes.size() - 300'000);
    writer.join();
    EXPECT_EQ(delivery.taken(), bytes.size());
}

TEST(Delivery, TheReaderThatGoesIsAnErrorAndWhatItLeftIsNotTaken) {
    Ends pipe;
    ASSERT_EQ(::pipe(pipe.fds.data()), 0);
    Delivery delivery{pipe.writer, "stdout"};
    ASSERT_TRUE(delivery.write("0123456789"));
    EXPECT_EQ(take(pipe.reader, 4), "0123");
    EXPECT_FALSE(delivery.reader_gone());
    pipe.close_reader();
    EXPECT_TRUE(delivery.reader_gone());
    const Status written = delivery.write("more");
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().sys_errno, EPIPE);
    EXPECT_EQ(delivery.taken(), 4u);
    EXPECT_FALSE(delivery.wait_until_taken(10, [] { return false; }));
}

TEST(Delivery, AWriteThatIsGivenUpEnds) {
    Ends pipe;
    ASSERT_EQ(::pipe(pipe.fds.data()), 0);
    Delivery delivery{pipe.writer, "stdout"};
    std::thread writer{[&] {
        const Status written = delivery.write(std::string(1 << 20, 'x'));
        ASSERT_FALSE(written);
        EXPECT_EQ(written.error().code, Errc::interrupted);
    }};
    delivery.abandon();
    writer.join();
    EXPECT_EQ(delivery.taken(), 0u);
}

TEST(Delivery, OnASocketWhatTheOtherEndHasNotReadIsNotTaken) {
    Ends pair;
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.fds.data()), 0);
    Delivery delivery{pair.writer, "stdout"};
    ASSERT_TRUE(delivery.write("0123456789"));
    EXPECT_EQ(delivery.taken(), 0u);
    EXPECT_EQ(take(pair.reader, 10), "0123456789");
    EXPECT_EQ(delivery.taken(), 10u);
    pair.close_reader();
    const Status written = delivery.write("more");
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().sys_errno, EPIPE);
}

TEST(Delivery, InAFileEverythingHasArrived) {
    const test::TempDir directory;
    const int fd = ::open((directory.path() + "/out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ASSERT_GE(fd, 0);
    Delivery delivery{fd, "stdout"};
    EXPECT_TRUE(delivery.is_immediate());
    ASSERT_TRUE(delivery.write("0123456789"));
    EXPECT_EQ(delivery.taken(), 10u);
    EXPECT_TRUE(delivery.wait_until_taken(10, [] { return false; }));
    ::close(fd);
}

TEST(Delivery, WaitsUntilTheReaderHasTakenIt) {
    Ends pipe;
    ASSERT_EQ(::pipe(pipe.fds.data()), 0);
    Delivery delivery{pipe.writer, "stdout"};
    ASSERT_TRUE(delivery.write("0123456789"));
    int looks = 0;
    EXPECT_TRUE(delivery.wait_until_taken(10, [&] {
        if (++looks == 3) take(pipe.reader, 10);
        return false;
    }));
    EXPECT_EQ(looks, 3);
}

}  // namespace
}  // namespace mq::consume
