// What is dropped, forgotten and resumed because of what groups have committed.

#include "support/batches.h"
#include "unit/offsets/fixture.h"

namespace mq::offsets {
namespace {

using test::FastDir;

const log::TopicPartition kJobs{"jobs", 0};

TimestampMs now_ms = 0;
TimestampMs test_clock() { return now_ms; }

// As the tools open it: the store asks the groups before it drops anything.
store::OpenOptions asking_groups(const std::string& path) {
    store::OpenOptions options = for_writing();
    options.consumed_below = [path](const log::TopicPartition& id) -> Result<std::optional<Offset>> {
        MQ_ASSIGN(auto directory, store::DataDirectory::open(path, {}));
        OffsetStore offsets{directory};
        return offsets.consumed_below(id);
    };
    return options;
}

class RetentionConsumed : public testing::Test {
protected:
    void SetUp() override {
        static_cast<void>(
            opened.directory.create_topic({"jobs", 2, 1, {{"retention.consumed", "true"}, {"retention.ms", "-1"}}})
                .value());
        writer = opened.directory.open_writer(kJobs).value();
        for (int i = 0; i < 100; i += 5) {
            std::string batch = test::numbered_batch(i, 5);
            ASSERT_TRUE(writer->append(batch));
        }
    }
    // After the next roll.
    std::int64_t log_start() {
        EXPECT_TRUE(writer->roll());
        return writer->bounds().value().log_start.value();
    }

    const FastDir dir;
    Opened opened{dir.path(), asking_groups(dir.path())};
    std::unique_ptr<store::PartitionWriter> writer;
};

TEST_F(RetentionConsumed, WithoutAGroupNothingIsDropped) {
    ASSERT_TRUE(commit_one(opened.offsets, "workers", "mail", 0, 100));
    EXPECT_EQ(log_start(), 0);
}

TEST_F(RetentionConsumed, WhatEveryGroupHasPassedIsDroppedToTheRecordAtTheNextRoll) {
    ASSERT_TRUE(commit_one(opened.offsets, "workers", "jobs", 0, 63));
    ASSERT_TRUE(commit_one(opened.offsets, "auditors", "jobs", 0, 42));
    EXPECT_EQ(writer->bounds()->log_start, Offset{0});
    EXPECT_EQ(log_start(), 42);
    // Also for the next process.
    EXPECT_EQ(log::read_offset_checkpoint(dir / log::kLogStartCheckpoint)->at(kJobs), Offset{42});
    ASSERT_TRUE(commit_one(opened.offsets, "auditors", "jobs", 0, 100));
    std::string batch = test::numbered_batch(100, 5);
    ASSERT_TRUE(writer->append(batch));
    EXPECT_EQ(log_start(), 63);
    // The segments that lie below are gone.
    ASSERT_TRUE(commit_one(opened.offsets, "workers", "jobs", 0, 105));
    ASSERT_TRUE(opened.offsets.remove_group("auditors"));
    batch = test::numbered_batch(105, 5);
    ASSERT_TRUE(writer->append(batch));
    EXPECT_EQ(log_start(), 105);
    EXPECT_FALSE(os::exists(dir / "jobs-0/00000000000000000000.log").value());
}

TEST_F(RetentionConsumed, AGroupThatReadsTheTopicButNotYetThisPartitionHoldsItBack) {
    ASSERT_TRUE(commit_one(opened.offsets, "workers", "jobs", 0, 63));
    ASSERT_TRUE(commit_one(opened.offsets, "auditors", "jobs", 1, 9));
    EXPECT_EQ(opened.offsets.consumed_below(kJobs).value(), std::nullopt);
    EXPECT_EQ(log_start(), 0);
    ASSERT_TRUE(forget_one(opened.offsets, "auditors", "jobs", 1));
    std::string batch = test::numbered_batch(100, 5);
    ASSERT_TRUE(writer->append(batch));
    EXPECT_EQ(log_start(), 63);
}

TEST_F(RetentionConsumed, ACommitBehindTheEndDropsNoMoreThanThereIs) {
    ASSERT_TRUE(commit_one(opened.offsets, "workers", "jobs", 0, 1'000'000));
    EXPECT_EQ(log_start(), 100);
}

TEST_F(RetentionConsumed, WithoutTheSettingNothingIsDropped) {
    ASSERT_TRUE(opened.directory.change_config("jobs", {{"retention.consumed", std::nullopt}}));
    ASSERT_TRUE(commit_one(opened.offsets, "workers", "jobs", 0, 63));
    EXPECT_EQ(log_start(), 0);
}

// ---- Expiry (Kafka's OFF-14, OFF-15)

class Expiry : public testing::Test {
protected:
    std::vector<std::string> expired(bool dry_run = false, const std::string& active = "active") {
        const auto all = offsets
                             .expire(
                                 1000, [&](std::string_view group) { return group == active; }, dry_run)
                             .value();
        std::vector<std::string> lines;
        for (const auto& each : all) lines.push_back(each.group + ' ' + log::partition_directory(each.id));
        return lines;
    }
    void commit_at(TimestampMs time, std::string_view group, std::optional<TimestampMs> expiry = {}) {
        const Commit one{.topic = "jobs", .partition = 0, .offset = Offset{1}, .expire_timestamp = expiry};
        now_ms = time;
        ASSERT_TRUE(offsets.commit(group, {&one, 1}));
    }

    const FastDir dir;
    store::DataDirectory directory = store::DataDirectory::open(dir.path(), for_writing()).value();
    OffsetStore offsets{directory, test_clock};
};

TEST_F(Expiry, CountsFromTheCommitOfAGroupThatWasNeverJoined) {
    commit_at(10'000, "simple");
    now_ms = 10'999;
    EXPECT_TRUE(expired().empty());
    now_ms = 11'000;
    EXPECT_EQ(expired(true), std::vector<std::string>{"simple jobs-0"});
    EXPECT_EQ(fetched(offsets, "simple", "jobs", 0), 1);
    EXPECT_EQ(expired(), std::vector<std::string>{"simple jobs-0"});
    EXPECT_EQ(fetched(offsets, "simple", "jobs", 0), -1);
    EXPECT_TRUE(expired().empty());
}

TEST_F(Expiry, CountsFromTheMomentWhenTheGroupBecameEmptyAndTakesItAwayWithItsLastOffset) {
    commit_at(10'000, "joined");
    record::GroupMetadataValue empty;
    empty.protocol_type = "consumer";
    empty.current_state_timestamp = 20'000;
    ASSERT_TRUE(offsets.put_metadata("joined", empty));
    now_ms = 20'999;
    EXPECT_TRUE(expired().empty());
    now_ms = 21'000;
    EXPECT_EQ(expired(), std::vector<std::string>{"joined jobs-0"});
    EXPECT_FALSE(offsets.group("joined").value());
    EXPECT_EQ(problems_of(offsets), "");
}

TEST_F(Expiry, SparesActiveGroupsAndHonoursAnExpiryOfTheCommitsOwn) {
    commit_at(10'000, "active");
    commit_at(10'000, "early", 10'500);
    commit_at(10'000, "late", 90'000);
    now_ms = 10'500;
    EXPECT_EQ(expired(), std::vector<std::string>{"early jobs-0"});
    now_ms = 50'000;
    EXPECT_TRUE(expired().empty());
    EXPECT_EQ(expired(true, "nobody"), std::vector<std::string>{"active jobs-0"});
    // A clock that was set back expires nothing.
    now_ms = 1;
    EXPECT_TRUE(expired(true, "nobody").empty());
}

// ---- REC-3

// What was measured without the rule: 900,000 of 1,000,000 records survived a power cut, and the commit "1,000,000";
// the next 100,000 records were never delivered.
TEST(Resume, REC3_AGroupWhoseCommitSurvivedAPowerCutButNotTheRecordsReadsAllThatCameAfter) {
    const FastDir dir;
    Opened opened{dir.path()};
    static_cast<void>(opened.directory.create_topic({"jobs", 1, 1, {{"retention.ms", "-1"}}}).value());
    const auto append = [](store::PartitionWriter& writer, int from, int end) {
        for (; from < end; from += 10'000) {
            std::string batch = test::numbered_batch(from, 10'000);
            ASSERT_TRUE(writer.append(batch));
        }
    };
    auto writer = opened.directory.open_writer(kJobs).value();
    append(*writer, 0, 1'000'000);
    const Commit last{.topic = "jobs", .partition = 0, .offset = Offset{1'000'000}, .leader_epoch = 0};
    ASSERT_TRUE(opened.offsets.commit("workers", {&last, 1}));
    ASSERT_TRUE(opened.offsets.flush("workers"));

    // The cut: the log ends at 900,000, and whoever opens it next begins another leader epoch (REC-2).
    ASSERT_TRUE(writer->truncate_to(Offset{900'000}));
    ASSERT_TRUE(writer->change([](log::Log& log) { return log.start_leader_epoch(1); }));
    append(*writer, 900'000, 1'000'000);

    const auto committed = opened.offsets.fetch("workers", kJobs).value();
    ASSERT_TRUE(committed);
    EXPECT_EQ(committed->leader_epoch, 0);
    const auto reader = opened.directory.open_reader(kJobs).value();
    const Resumption told = resume(*reader, *committed).value();
    EXPECT_EQ(told.offset, Offset{900'000});
    EXPECT_NE(told.note.find("a crash of the machine cut the log at 900000"), std::string::npos) << told.note;
    // Without the epoch it would look as if there were nothing to read.
    Committed without = *committed;
    without.leader_epoch = -1;
    EXPECT_EQ(resume(*reader, without).value().offset, Offset{1'000'000});
    EXPECT_EQ(resume(*reader, {Offset{950'000}, 1, "", 0, kNoTimestamp})->offset, Offset{950'000});
    EXPECT_EQ(resume(*reader, {Offset{950'000}, 1, "", 0, kNoTimestamp})->note, "");
}

TEST(Resume, REC3_ACommitBeforeTheStartOrBehindTheEndOfTheLogIsTold) {
    const FastDir dir;
    Opened opened{dir.path()};
    static_cast<void>(opened.directory.create_topic({"jobs", 1, 1, {{"retention.ms", "-1"}}}).value());
    const auto writer = opened.directory.open_writer(kJobs).value();
    std::string batch = test::numbered_batch(0, 50);
    ASSERT_TRUE(writer->append(batch));
    ASSERT_TRUE(writer->trim(Offset{20}));
    const auto reader = opened.directory.open_reader(kJobs).value();
    const Resumption before = resume(*reader, {Offset{5}, -1, "", 0, kNoTimestamp}).value();
    EXPECT_EQ(before.offset, Offset{20});
    EXPECT_NE(before.note.find("committed offset 5, which is gone"), std::string::npos) << before.note;
    const Resumption behind = resume(*reader, {Offset{60}, -1, "", 0, kNoTimestamp}).value();
    EXPECT_EQ(behind.offset, Offset{50});
    EXPECT_NE(behind.note.find("behind the end of the log, 50"), std::string::npos) << behind.note;
}

}  // namespace
}  // namespace mq::offsets
