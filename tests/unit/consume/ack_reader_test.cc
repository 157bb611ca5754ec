#include "mq-consume/ack_reader.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <array>

#include "mq-consume/exec_command.h"
#include "os/futex.h"

namespace mq::consume {
namespace {

class AckReaderTest : public testing::Test {
protected:
    void SetUp() override {
        pipe_ = *make_pipe();
        auto started = AckReader::start(pipe_.read_end.fd());
        ASSERT_TRUE(started);
        reader_ = *std::move(started);
    }
    void send(ByteView text) { ASSERT_TRUE(pipe_.write_end.write_all(text)); }
    // Gathers what comes until `is_enough`.
    template <typename Condition>
    void gather_until(const Condition& is_enough) {
        for (;;) {
            const std::uint32_t seen = reader_->word().load();
            auto taken = reader_->take();
            if (!taken) {
                error_ = std::move(taken).error();
            } else {
                come_.insert(come_.end(), taken->begin(), taken->end());
            }
            if (is_enough() || error_) return;
            const os::FutexWord word{&reader_->word(), seen};
            static_cast<void>(os::futex_wait({&word, 1}, 60'000));
        }
    }

    ExecPipe pipe_;
    std::unique_ptr<AckReader> reader_;
    std::vector<Ack> come_;
    std::optional<Error> error_;
};

TEST_F(AckReaderTest, TellsWhatComesUntilTheOtherEndIsClosed) {
    send("t 0 1\nt 0 ");
    gather_until([&] { return come_.size() == 1; });
    EXPECT_FALSE(reader_->at_end());
    send("2\n");
    gather_until([&] { return come_.size() == 2; });
    ASSERT_TRUE(pipe_.write_end.close());
    gather_until([&] { return reader_->at_end(); });
    EXPECT_EQ(come_, (std::vector<Ack>{{{"t", 0}, Offset{1}, 1}, {{"t", 0}, Offset{2}, 2}}));
    EXPECT_FALSE(error_);
}

TEST_F(AckReaderTest, WhatStandsBeforeAMalformedLineCountsAndThenTheErrorStays) {
    send("t 0 1\nnonsense\nt 0 2\n");
    gather_until([&] { return false; });
    EXPECT_EQ(come_.size(), 1u);
    ASSERT_TRUE(error_);
    EXPECT_EQ(error_->code, Errc::corrupt);
    EXPECT_NE(error_->message().find("line 2"), std::string::npos);
    EXPECT_FALSE(reader_->take());
    EXPECT_FALSE(reader_->at_end());
}

TEST_F(AckReaderTest, ManyThatNobodyTakesAreLeftInThePipe) {
    std::string text;
    for (int i = 0; i < 100; ++i) text += "t 0 1\n";
    ASSERT_EQ(::fcntl(pipe_.write_end.fd(), F_SETFL, O_NONBLOCK), 0);
    // Until there has been no room for half a second: nobody reads any more.
    std::size_t sent = 0;
    for (pollfd room{pipe_.write_end.fd(), POLLOUT, 0}; sent < 100'000'000 && ::poll(&room, 1, 500) > 0;) {
        const ssize_t n = ::write(pipe_.write_end.fd(), text.data(), text.size());
        if (n > 0) sent += static_cast<std::size_t>(n);
    }
    EXPECT_LT(sent, 2'000'000u);
}

TEST(AckReader, ADescriptorThatCannotBeReadIsRefused) {
    auto pipe = *make_pipe();
    EXPECT_EQ(AckReader::start(pipe.write_end.fd()).error().code, Errc::bad_argument);
    EXPECT_EQ(AckReader::start(987).error().code, Errc::bad_argument);
}

}  // namespace
}  // namespace mq::consume
