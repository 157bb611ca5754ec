// What the broker's fetches rest on: ranges of a partition that others write, and the ends of many at once.
#include <gtest/gtest.h>

#include "store/data_directory.h"
#include "store/end_watch.h"
#include "support/batches.h"
#include "support/child.h"
#include "support/temp_dir.h"

namespace mq::store {
namespace {

const log::TopicPartition kId{"numbers", 0};

OpenOptions for_writing() {
    OpenOptions options;
    options.access = Access::write;
    return options;
}

class Ranges : public testing::Test {
protected:
    void SetUp() override { make_topic(); }
    void make_topic() {
        NewTopic wanted;
        wanted.name = kId.topic;
        wanted.config = {{"retention.ms", "-1"}, {"segment.bytes", "2000"}};
        ASSERT_TRUE(directory.create_topic(wanted));
    }
    static std::string append(DataDirectory& to, int first, int count = 1) {
        std::string batch = test::numbered_batch(first, count);
        const auto done = to.open_writer(kId).value()->append(batch);
        EXPECT_TRUE(done) << done.error().message();
        return batch;
    }
    static std::string bytes_of(const log::RecordRange& range) {
        std::string bytes(range.size_bytes, '\0');
        EXPECT_EQ(range.file->read_at(bytes, range.position).value(), bytes.size());
        return bytes;
    }

    test::TempDir dir;
    DataDirectory directory = DataDirectory::open(dir / "data", for_writing()).value();
    log::RecordRange range;
};

using log::ReadOutcome;

TEST_F(Ranges, RecordsOfOtherProcessesAreInTheRange) {
    append(directory, 0);
    const auto reader = directory.open_reader(kId).value();
    ASSERT_EQ(reader->read_range(Offset{0}, 1 << 20, true, range).value(), ReadOutcome::batch);
    EXPECT_EQ(reader->read_range(Offset{1}, 1 << 20, true, range).value(), ReadOutcome::end_of_log);
    EXPECT_EQ(test::run_in_child([&] {
                  auto other = DataDirectory::open(dir / "data", for_writing()).value();
                  for (int i = 1; i < 60; ++i) append(other, i);
                  return 0;
              }),
              test::exited_with(0));
    Offset next{1};
    while (reader->read_range(next, 1 << 20, true, range).value() == ReadOutcome::batch) {
        EXPECT_EQ(range.first_offset, next);
        next = log::RangeReader::end_of(range).value();
    }
    EXPECT_EQ(next, Offset{60});
    // The sequential reader beside it stands where it stood.
    EXPECT_EQ(reader->position(), Offset{0});
}

TEST_F(Ranges, AnEmptyPartitionHasNoneAndADeletedTopicIsNotFound) {
    const auto reader = directory.open_reader(kId).value();
    EXPECT_EQ(reader->read_range(Offset{0}, 1000, true, range).value(), ReadOutcome::end_of_log);
    const std::string stored = append(directory, 0);
    ASSERT_EQ(reader->read_range(Offset{0}, 1000, true, range).value(), ReadOutcome::batch);
    ASSERT_TRUE(directory.delete_topic(kId.topic));
    const auto gone = reader->read_range(Offset{0}, 1000, true, range);
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().code, Errc::not_found);
    EXPECT_EQ(bytes_of(range), stored);
}

TEST_F(Ranges, SegmentsAreListedWithSizesAndTimes) {
    for (int i = 0; i < 60; ++i) append(directory, i);
    const auto reader = directory.open_reader(kId).value();
    const auto segments = reader->segments().value();
    ASSERT_GE(segments.size(), 2u);
    EXPECT_EQ(segments.front().base, Offset{0});
    std::uint64_t total = 0;
    for (const SegmentInfo& segment : segments) {
        total += segment.size_bytes;
        EXPECT_GT(segment.modified_ms, 1'500'000'000'000);
    }
    EXPECT_EQ(total, reader->size_bytes().value());
    EXPECT_EQ(total, test::numbered_batch(0, 1).size() * 10 + test::numbered_batch(10, 1).size() * 50);
}

TEST_F(Ranges, TheEndOfAPartitionIsWatchedFromOutside) {
    EXPECT_FALSE(directory.watch_end({"nowhere", 0}));
    append(directory, 0, 3);
    const WatchedEnd end = directory.watch_end(kId).value();
    EXPECT_EQ(end.end(), Offset{3});
    std::atomic<std::uint32_t> word{0};
    EndSleeper sleeper{word};
    const WatchedEnd* const ends[] = {&end};
    sleeper.watch(ends);
    sleeper.raise();
    auto other = test::Child::fork([&] {
        auto theirs = DataDirectory::open(dir / "data", for_writing()).value();
        append(theirs, 3);
        return 0;
    });
    while (end.end() == Offset{3}) {
        sleeper.raise();
        if (end.end() != Offset{3}) break;
        ASSERT_TRUE(sleeper.sleep(0, 60'000));
    }
    EXPECT_EQ(end.end(), Offset{4});
    EXPECT_EQ(other.wait(), test::exited_with(0));
    EXPECT_FALSE(end.is_gone());
    ASSERT_TRUE(directory.delete_topic(kId.topic));
    EXPECT_TRUE(end.is_gone());
    make_topic();
    EXPECT_TRUE(end.is_gone());
}

}  // namespace
}  // namespace mq::store
