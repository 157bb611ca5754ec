// What a clean stop does with many partitions, and with one that it cannot close. Its deaths: tests/storm.
#include <gtest/gtest.h>

#include <filesystem>

#include "log/checkpoint_file.h"
#include "store/data_directory.h"
#include "support/batches.h"
#include "support/temp_dir.h"

namespace mq::store {
namespace {

namespace fs = std::filesystem;

class CleanStopTest : public ::testing::Test {
protected:
    static constexpr std::int32_t kPartitions = 100;

    DataDirectory open() {
        OpenOptions how;
        how.access = Access::write;
        return DataDirectory::open(path(""), how).value();
    }
    void append(DataDirectory& directory, std::int32_t partition) {
        std::string batch = test::numbered_batch(0, 3);
        ASSERT_TRUE(directory.open_writer({"t", partition}).value()->append(batch));
    }
    // Of every third partition of the topic a record is not flushed, nor known to the memory that is shared.
    void leave_records() {
        DataDirectory directory = open();
        ASSERT_TRUE(directory.create_topic({"t", kPartitions, 1, {{"retention.ms", "-1"}}}));
        for (std::int32_t partition = 0; partition < kPartitions; partition += 3) append(directory, partition);
    }
    void forget_memory() { fs::remove(path(".mq-control")); }
    log::OffsetCheckpoint points() {
        return log::read_offset_checkpoint(path("recovery-point-offset-checkpoint")).value();
    }
    std::string path(const std::string& name) const { return dir.path() + "/data/" + name; }

    test::TempDir dir;
};

TEST_F(CleanStopTest, DIR6_OfManyPartitionsEachIsClosedAndThoseNeverWrittenAreNotOpened) {
    leave_records();
    forget_memory();
    {
        DataDirectory directory = open();
        EXPECT_EQ(directory.close_cleanly().value(), true);
    }
    EXPECT_TRUE(fs::exists(path(".kafka_cleanshutdown")));
    log::OffsetCheckpoint expected;
    for (std::int32_t partition = 0; partition < kPartitions; ++partition)
        expected[{"t", partition}] = Offset{partition % 3 == 0 ? 3 : 0};
    EXPECT_EQ(points(), expected);
    EXPECT_EQ(log::read_offset_checkpoint(path("replication-offset-checkpoint")).value(), expected);
    for (std::int32_t partition = 0; partition < kPartitions; ++partition) {
        const std::string place = path("t-" + std::to_string(partition) + "/0000000000000000000");
        EXPECT_EQ(fs::exists(place + "3.snapshot"), partition % 3 == 0) << partition;
        EXPECT_EQ(fs::exists(place + "0.log"), partition % 3 == 0) << partition;
    }
}

TEST_F(CleanStopTest, DIR6_WhereOnePartitionCannotBeClosedTheOthersAreAndThereIsNoMark) {
    leave_records();
    forget_memory();
    const std::string log = path("t-30/00000000000000000000.log");
    fs::rename(log, path("aside"));
    fs::create_directory(log);
    {
        DataDirectory directory = open();
        const auto closed = directory.close_cleanly();
        ASSERT_FALSE(closed);
        EXPECT_NE(closed.error().message().find("t-30"), std::string::npos) << closed.error().message();
    }
    EXPECT_FALSE(fs::exists(path(".kafka_cleanshutdown")));
    EXPECT_EQ(points().at({"t", 99}), Offset{3});
    EXPECT_FALSE(points().contains({"t", 30}));
    fs::remove(log);
    fs::rename(path("aside"), log);
    DataDirectory directory = open();
    EXPECT_EQ(directory.close_cleanly().value(), true);
    EXPECT_EQ(points().at({"t", 30}), Offset{3});
}

}  // namespace
}  // namespace mq::store
