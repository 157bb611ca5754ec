// Retention, flushes, checkpoints and compaction in the background; what a clean stop leaves.
#include "broker/housekeeping.h"

#include <filesystem>
#include <fstream>

#include "broker_fixture.h"
#include "groups/local_member.h"
#include "log/check.h"
#include "log/checkpoint_file.h"
#include "os/process.h"
#include "starved_workers.h"
#include "store/data_directory.h"
#include "support/batches.h"
#include "support/child.h"
#include "support/golden.h"

namespace mq::broker {
namespace {

namespace fs = std::filesystem;
using Chore = Housekeeping::Chore;

class HousekeepingTest : public BrokerTest {
protected:
    void SetUp() override {
        // Compactions are begun by hand.
        config.cleaner_backoff_ms = 3'600'000;
        BrokerTest::SetUp();
    }
    void make(const std::string& name, store::ConfigMap settings, std::int32_t partitions = 1) {
        const auto made =
            broker->directory().create_topic({.name = name, .partitions = partitions, .config = std::move(settings)});
        ASSERT_TRUE(made) << made.error().message();
    }
    // Records of 1970, as numbered_batch() makes them.
    void append(const std::string& topic, int first = 0, int count = 1) {
        auto writer = broker->directory().open_writer({topic, 0});
        ASSERT_TRUE(writer) << writer.error().message();
        std::string batch = test::numbered_batch(first, count);
        const auto appended = (*writer)->append(batch);
        ASSERT_TRUE(appended) << appended.error().message();
    }
    store::DataDirectory::Glance glance(const std::string& topic) {
        return broker->directory().glance(topic, 0).value();
    }
    std::string path(const std::string& name) const { return dir.path() + "/data/" + name; }
};

// A Kafka broker deletes the active segment too, once its newest record is too old; one that a command has just
// written stays until then.
TEST_F(HousekeepingTest, RetentionByTimeTakesTheActiveSegmentToo) {
    make("old", {{"retention.ms", "1000"}});
    make("kept", {{"retention.ms", "-1"}});
    append("old", 0, 3);
    append("kept", 0, 3);
    EXPECT_EQ(glance("old").log_start, Offset{0});
    broker->housekeeping().run(Chore::retention);
    EXPECT_EQ(glance("old").log_start, Offset{3});
    EXPECT_EQ(glance("old").log_end, Offset{3});
    EXPECT_FALSE(fs::exists(path("old-0/00000000000000000000.log")));
    EXPECT_TRUE(fs::exists(path("old-0/00000000000000000003.log")));
    EXPECT_EQ(glance("kept").log_start, Offset{0});
    EXPECT_NE(log.lines().find("old-0: retention has deleted 1 segment"), std::string::npos) << log.lines();
}

TEST_F(HousekeepingTest, RetentionFollowsASettingThatIsChanged) {
    make("t", {{"retention.ms", "-1"}, {"retention.bytes", "1000000"}});
    append("t");
    broker->housekeeping().run(Chore::retention);
    EXPECT_EQ(glance("t").log_start, Offset{0});
    ASSERT_TRUE(broker->directory().change_config("t", {{"retention.ms", "1000"}}));
    broker->housekeeping().run(Chore::retention);
    EXPECT_EQ(glance("t").log_start, Offset{1});
}

TEST_F(HousekeepingTest, WhatIsConsumedStaysForAMemberThatHasCommittedNothingYet) {
    make("jobs", {{"retention.ms", "-1"}, {"retention.consumed", "true"}});
    append("jobs", 0, 3);
    const offsets::Commit all{.topic = "jobs", .partition = 0, .offset = Offset{3}};
    ASSERT_TRUE(broker->offsets().commit("workers", {&all, 1}));
    groups::JoinOptions how;
    how.group = "auditors";
    const groups::SubscribedTopic subscribed{"jobs", 1};
    auto auditor = groups::LocalMember::join(broker->directory(), broker->offsets(), how, {&subscribed, 1});
    ASSERT_TRUE(auditor) << auditor.error().message();
    broker->housekeeping().run(Chore::retention);
    EXPECT_EQ(glance("jobs").log_start, Offset{0});
    ASSERT_TRUE((*auditor)->leave());
    auditor->reset();
    append("jobs", 3);
    broker->housekeeping().run(Chore::retention);
    EXPECT_EQ(glance("jobs").log_start, Offset{3});
}

TEST_F(HousekeepingTest, PartitionsWithoutRecordsAreNotOpened) {
    make("idle", {}, 20);
    for (const Chore chore : {Chore::retention, Chore::flush, Chore::checkpoint, Chore::compaction})
        broker->housekeeping().run(chore);
    for (int partition = 0; partition < 20; ++partition)
        EXPECT_FALSE(broker->directory().glance("idle", partition)) << partition;
}

TEST_F(HousekeepingTest, APartitionThatDidNotChangeIsNotOpenedAgainBeforeItsTime) {
    make("t", {{"retention.ms", "9223372036854775807"}});
    append("t");
    broker->housekeeping().run(Chore::retention);
    // Were it opened the missing directory would be told.
    fs::rename(path("t-0"), path("aside"));
    broker->housekeeping().run(Chore::retention);
    EXPECT_EQ(log.lines().find("failed"), std::string::npos) << log.lines();
    fs::rename(path("aside"), path("t-0"));
}

TEST_F(HousekeepingTest, ATopicThatIsFlushedByCountOrTimeIsFlushed) {
    stop();
    config.flush_check_ms = 1'000'000;  // rounds are begun by hand
    start();
    make("count", {{"flush.messages", "3"}, {"retention.ms", "-1"}});
    make("time", {{"flush.ms", "1"}, {"retention.ms", "-1"}});
    make("never", {{"retention.ms", "-1"}});
    for (const char* topic : {"count", "time", "never"}) append(topic, 0, 2);
    broker->housekeeping().run(Chore::flush);
    EXPECT_EQ(glance("count").flushed, Offset{0});
    EXPECT_EQ(glance("time").flushed, Offset{2});
    append("count", 2, 1);
    broker->housekeeping().run(Chore::flush);
    EXPECT_EQ(glance("count").flushed, Offset{3});
    EXPECT_EQ(glance("never").flushed, Offset{0});
}

TEST_F(HousekeepingTest, ACompactedTopicIsCompacted) {
    // Compacted only once it is full: who rolls a segment of a compacted topic compacts it as well.
    make("t", {{"retention.ms", "-1"}, {"min.cleanable.dirty.ratio", "0"}});
    auto writer = broker->directory().open_writer({"t", 0});
    ASSERT_TRUE(writer);
    for (int i = 0; i < 3; ++i) {
        std::string batch = test::encode_batch({{.key = "k", .value = std::to_string(i)}});
        ASSERT_TRUE((*writer)->append(batch));
        ASSERT_TRUE((*writer)->roll());
    }
    ASSERT_TRUE(broker->directory().change_config("t", {{"cleanup.policy", "compact"}}));
    broker->housekeeping().run(Chore::compaction);
    EXPECT_NE(log.lines().find("t-0: compaction kept 1 of 3 records"), std::string::npos) << log.lines();
}

TEST_F(HousekeepingTest, NothingIsCompactedWhereTheCleanerIsOff) {
    stop();
    config.log_cleaner = false;
    start();
    make("t", {{"cleanup.policy", "compact"}});
    append("t");
    broker->housekeeping().run(Chore::compaction);
    EXPECT_FALSE(fs::exists(path("cleaner-offset-checkpoint")));
}

TEST_F(HousekeepingTest, AnErrorIsToldOnceForEachPartition) {
    make("t", {{"retention.ms", "1000"}});
    append("t");
    const std::string segment = path("t-0/00000000000000000000.log");
    fs::rename(segment, path("aside"));
    fs::create_directory(segment);
    for (int round = 0; round < 3; ++round) broker->housekeeping().run(Chore::retention);
    const std::string lines = log.lines();
    const auto at = lines.find("t-0: retention failed");
    ASSERT_NE(at, std::string::npos) << lines;
    EXPECT_EQ(lines.find("t-0: retention failed", at + 1), std::string::npos) << lines;
    fs::remove(segment);
    fs::rename(path("aside"), segment);
}

TEST_F(HousekeepingTest, RoundsBeginByThemselves) {
    stop();
    config.retention_check_ms = 10;
    start();
    make("t", {{"retention.ms", "1000"}});
    append("t");
    const std::int64_t until = os::monotonic_ns() + 60'000'000'000;
    while (glance("t").log_start == Offset{0} && os::monotonic_ns() < until) std::this_thread::yield();
    EXPECT_EQ(glance("t").log_start, Offset{1});
}

// Whichever allocation of a round fails: a later one does what it left, and a stop waits for none.
TEST_F(HousekeepingTest, P8_AWorkersWantOfMemoryEndsNoChore) {
    stop();
    config.retention_check_ms = 10;
    start();
    make("t", {{"retention.ms", "1000"}});
    std::int64_t appended = 0;
    for (const std::uint64_t times : {1u, 3u}) {
        for (std::uint64_t nth = 1;; nth += 1 + nth / 4) {
            starve(broker->workers(), nth, times);
            append("t");
            ++appended;
            const std::int64_t until = os::monotonic_ns() + 60'000'000'000;
            while (glance("t").log_start != Offset{appended} && os::monotonic_ns() < until) std::this_thread::yield();
            ASSERT_EQ(glance("t").log_start, Offset{appended}) << times << " allocations from " << nth;
            if (starve(broker->workers(), std::nullopt) == 0) break;
        }
    }
    EXPECT_GT(appended, 10);
}

// DIR-6: as the golden directories were left by Kafka's own clean stop.
TEST_F(HousekeepingTest, DIR6_ACleanStopLeavesWhatKafkaLeaves) {
    make("t", {{"retention.ms", "-1"}}, 2);
    append("t", 0, 5);
    stop();
    EXPECT_TRUE(fs::exists(path(".kafka_cleanshutdown")));
    const auto points = log::read_offset_checkpoint(path("recovery-point-offset-checkpoint"));
    const auto marks = log::read_offset_checkpoint(path("replication-offset-checkpoint"));
    ASSERT_TRUE(points && marks);
    EXPECT_EQ(*points, (log::OffsetCheckpoint{{{"t", 0}, Offset{5}}, {{"t", 1}, Offset{0}}}));
    EXPECT_EQ(*marks, *points);
    EXPECT_TRUE(log::read_offset_checkpoint(path("log-start-offset-checkpoint"))->empty());
    EXPECT_TRUE(fs::exists(path("log-start-offset-checkpoint")));
    EXPECT_TRUE(fs::exists(path("t-0/00000000000000000005.snapshot")));
    std::string findings;
    log::Checker checker{{}, [&](const log::Finding& finding) { findings += finding.file + finding.text + "\n"; }};
    ASSERT_TRUE(checker.check_data_directory(path("")));
    EXPECT_EQ(findings, "");
    // The next change takes the mark away; the next stop brings it back, with what was left alone unchanged.
    start();
    append("t", 5, 1);
    EXPECT_FALSE(fs::exists(path(".kafka_cleanshutdown")));
    stop();
    EXPECT_TRUE(fs::exists(path(".kafka_cleanshutdown")));
    EXPECT_EQ(*log::read_offset_checkpoint(path("recovery-point-offset-checkpoint")),
              (log::OffsetCheckpoint{{{"t", 0}, Offset{6}}, {{"t", 1}, Offset{0}}}));
}

TEST_F(HousekeepingTest, DIR6_AStopWithoutAChangeKeepsTheMark) {
    make("t", {});
    stop();
    const auto before = fs::last_write_time(path(".kafka_cleanshutdown"));
    start();
    stop();
    EXPECT_EQ(fs::last_write_time(path(".kafka_cleanshutdown")), before);
}

TEST_F(HousekeepingTest, DIR6_ADirectoryThatKafkaLeftIsLeftTheSameWay) {
    stop();
    fs::remove_all(path(""));
    fs::create_directory(path(""));
    for (const char* name : {"plain-0", "plain-1", "plain-2", "meta.properties", ".kafka_cleanshutdown"})
        fs::copy(test::golden_path("plain") + "/" + name, path(name), fs::copy_options::recursive);
    const auto golden = log::read_offset_checkpoint(test::golden_path("plain/recovery-point-offset-checkpoint"));
    ASSERT_TRUE(golden);
    start();
    append("plain", 0, 1);
    EXPECT_FALSE(fs::exists(path(".kafka_cleanshutdown")));
    stop();
    EXPECT_TRUE(fs::exists(path(".kafka_cleanshutdown")));
    const auto points = log::read_offset_checkpoint(path("recovery-point-offset-checkpoint"));
    ASSERT_TRUE(points);
    EXPECT_EQ(points->at({"plain", 0}), golden->at({"plain", 0}) + 1);
}

TEST_F(HousekeepingTest, DIR6_WhereALocalProcessGoesOnItIsNoCleanStop) {
    stop();
    fs::remove(path(".kafka_cleanshutdown"));
    const test::Gate go;
    const test::Gate opened;
    const test::Gate stopped;
    // Made while no thread of the broker runs.
    test::Child other = test::Child::fork([&] {
        if (!go.wait()) return 2;
        store::OpenOptions how;
        how.access = store::Access::write;
        auto theirs = store::DataDirectory::open(path(""), how);
        if (!theirs) return 3;
        auto writer = theirs->open_writer({"t", 0});
        opened.open();
        if (!writer || !stopped.wait()) return 4;
        std::string batch = test::numbered_batch(1, 1);
        return (*writer)->append(batch) && theirs->close() ? 0 : 1;
    });
    start();
    make("t", {{"retention.ms", "-1"}});
    append("t");
    go.open();
    ASSERT_TRUE(opened.wait());
    stop();
    EXPECT_FALSE(fs::exists(path(".kafka_cleanshutdown")));
    EXPECT_NE(log.lines().find("other processes use it"), std::string::npos);
    stopped.open();
    EXPECT_EQ(other.wait(), test::exited_with(0));
    start();
    EXPECT_EQ(broker->directory().open_writer({"t", 0}).value()->bounds()->log_end, Offset{2});
}

}  // namespace
}  // namespace mq::broker
