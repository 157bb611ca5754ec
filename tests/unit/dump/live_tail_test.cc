#include "mq-dump-segment/live_tail.h"

#include <gtest/gtest.h>

#include "support/golden.h"
#include "support/temp_dir.h"

namespace mq::dump {
namespace {

using log::TailVerdict;

// A segment of a real broker: a batch of offset 48 in bytes 0 to 93, one of 49 to 54 in the rest.
constexpr std::string_view kSegment = "00000000000000000048.log";
constexpr FilePosition kFirst{0};

class LiveTailTest : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(os::create_directories(partition_));
        test::spill(path_, bytes_.substr(0, 30));
        file_ = os::File::open(path_, os::OpenMode::read).value();
    }
    // As a process of mq does for life.
    void hold() {
        test::spill(data_ / kControlFile, "\1");
        holder_ = os::File::open(data_ / kControlFile, os::OpenMode::read_write).value();
        ASSERT_TRUE(os::try_lock(holder_, os::LockKind::shared, 0, 1).value());
    }
    TailVerdict judge() { return tail_.judge(file_, kFirst, Offset{48}).value(); }

    test::TempDir data_;
    const std::string partition_ = data_ / "t-0";
    const std::string path_ = os::join(partition_, kSegment);
    const std::string bytes_ = test::read_golden("plain/plain-0/" + std::string{kSegment});
    os::File file_;
    os::File holder_;
    LiveTail tail_{path_};
};

TEST_F(LiveTailTest, DMP1_ABatchThatBecameWholeBeforeTheNextOneCameIsReadAgain) {
    hold();
    EXPECT_EQ(judge(), TailVerdict::read_again);
    // Bytes that have been read as half a batch; the rest, and a batch more, come before they are judged.
    test::spill(path_, bytes_);
    EXPECT_EQ(judge(), TailVerdict::read_again);
    // Read again, beside what follows, and still bad.
    EXPECT_EQ(judge(), TailVerdict::damage);
}

TEST_F(LiveTailTest, DMP1_ABatchThatBecameWholeBeforeTheLogRolledIsReadAgain) {
    hold();
    EXPECT_EQ(judge(), TailVerdict::read_again);
    test::spill(path_, bytes_.substr(0, 94));
    test::spill(os::join(partition_, "00000000000000000055.log"), "");
    EXPECT_EQ(judge(), TailVerdict::read_again);
    EXPECT_EQ(judge(), TailVerdict::damage);
}

TEST_F(LiveTailTest, DMP1_HalfABatchIsInFlightWhileSomebodyHoldsTheDirectoryAndDamageAfter) {
    hold();
    for (unsigned look = 0; look < LiveTail::kMostLooks; ++look) EXPECT_EQ(judge(), TailVerdict::read_again);
    EXPECT_EQ(judge(), TailVerdict::in_flight);
    holder_ = {};
    EXPECT_EQ(judge(), TailVerdict::in_flight);  // it may have been finished after it was read
    EXPECT_EQ(judge(), TailVerdict::damage);
}

}  // namespace
}  // namespace mq::dump
