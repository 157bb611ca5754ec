#include "mq-consume/checkpoint.h"

#include <gtest/gtest.h>

#include "os/file.h"
#include "support/temp_dir.h"

namespace mq::consume {
namespace {

TEST(ConsumeCheckpoint, IsWrittenAsItsHeaderShows) {
    Checkpoint checkpoint;
    checkpoint[{"numbers", 0}] = {"6RbxAY8BTsOVJ0MnbF4XLg", Offset{1000}, 3};
    checkpoint[{"numbers", 10}] = {"", Offset{0}, -1};
    EXPECT_EQ(format_checkpoint(checkpoint),
              "mq-consume-checkpoint 1\n"
              "numbers 6RbxAY8BTsOVJ0MnbF4XLg 0 1000 3\n"
              "numbers - 10 0 -1\n");
}

TEST(ConsumeCheckpoint, IsReadBackAsItWasWritten) {
    Checkpoint checkpoint;
    checkpoint[{"a.b-c_d", 0}] = {"-", Offset{INT64_MAX}, INT32_MAX};
    checkpoint[{"z", 7}] = {"id", Offset{0}, 0};
    const auto read = parse_checkpoint(format_checkpoint(checkpoint));
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, checkpoint);
}

TEST(ConsumeCheckpoint, WhatIsNoCheckpointIsRefusedWithItsLine) {
    const std::string first = "mq-consume-checkpoint 1\n";
    for (const auto& [text, line] : std::vector<std::pair<std::string, std::string>>{
             {"", "line 1"},
             {"0\n1\nt 0 5\n", "line 1"},
             {"mq-consume-checkpoint 2\n", "line 1"},
             {first + "t id 0 5\n", "line 2"},
             {first + "t id 0 5 0 0\n", "line 2"},
             {first + "t id 0 5 0 \n", "line 2"},
             {first + "t  0 5 0\n", "line 2"},
             {first + "../t id 0 5 0\n", "line 2"},
             {first + "t id -1 5 0\n", "line 2"},
             {first + "t id 0 -5 0\n", "line 2"},
             {first + "t id 0 9223372036854775808 0\n", "line 2"},
             {first + "t id 0 5 -2\n", "line 2"},
             {first + "t id 0 5 0\nt id 0 6 0\n", "line 3"},
             {first + "t id 0 5 0\n\n", "line 3"},
         }) {
        const auto read = parse_checkpoint(text);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().code, Errc::corrupt);
        EXPECT_TRUE(read.error().detail.starts_with(line)) << read.error().detail;
    }
}

TEST(ConsumeCheckpoint, AMissingFileIsEmptyAndABrokenOneIsNamed) {
    const test::TempDir directory;
    const std::string path = os::join(directory.path(), "place");
    const auto none = read_checkpoint(path);
    ASSERT_TRUE(none);
    EXPECT_TRUE(none->empty());
    ASSERT_TRUE(os::replace_file(path, "rubbish"));
    const auto broken = read_checkpoint(path);
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error().subject, path);
}

}  // namespace
}  // namespace mq::consume
