// A Kafka broker uses the directory between two lives of ours, simulated: it takes .lock as Java does, appends
// batches by a log opened alone, and leaves the root's files as a broker would. DIR-1, DIR-6, DIR-7; promise P1.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <csignal>

#include "log/log.h"
#include "os/kill_point.h"
#include "record/record.h"
#include "storm/shared.h"
#include "storm/storm.h"
#include "support/fast_dir.h"

namespace mq::test {
namespace {

const log::TopicPartition kPartition{"taken", 0};
constexpr std::uint64_t kKafkas = 5'000;  // ids of the broker's records

// What the broker does before it ends, and how it ends.
struct Visit {
    const char* name;
    bool our_tail;     // we died with a batch written and not published
    bool clean;        // it shut down in order: .kafka_cleanshutdown
    bool checkpoints;  // it had time to write its checkpoints
    bool rolls;        // it went on in a new segment
    bool truncates;    // it cut our tail off and went on from there
};
const std::array kVisits{
    Visit{"clean", false, true, true, false, false},
    Visit{"clean_and_rolled", false, true, true, true, false},
    Visit{"killed", false, false, true, false, false},
    Visit{"killed_before_a_checkpoint", false, false, false, false, false},
    Visit{"killed_before_a_checkpoint_and_rolled", false, false, false, true, false},
    Visit{"our_tail_adopted", true, true, true, false, false},
    Visit{"our_tail_adopted_then_killed", true, false, false, false, false},
    Visit{"our_tail_adopted_and_rolled", true, false, true, true, false},
    Visit{"our_tail_cut", true, true, true, false, true},
    Visit{"our_tail_cut_then_killed", true, false, false, false, true},
};

struct Said {
    std::array<char, 400> text;
    std::atomic<std::int64_t> end;
    std::atomic<std::int32_t> epoch;
    int fail(const std::string& what) {
        what.copy(text.data(), text.size() - 1);
        return 1;
    }
};

bool take_java_lock(const std::string& data, int& fd) {
    fd = open((data + "/.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    struct flock whole {};
    whole.l_type = F_WRLCK;
    return fcntl(fd, F_SETLK, &whole) == 0;
}

// The broker's life.
int be_kafka(const std::string& data, const Visit& visit, Said& said) {
    int lock = -1;
    if (!take_java_lock(data, lock)) return said.fail("the lock is taken");
    (void)os::remove_file(data + "/.kafka_cleanshutdown");
    log::PublishedState state;
    log::LogConfig config;
    config.retention_ms = log::kNoLimit;
    log::OpenOptions how;
    how.trust = log::Trust::segments;
    auto points = log::read_offset_checkpoint(data + "/recovery-point-offset-checkpoint");
    if (points && points->contains(kPartition)) how.recovery_point = (*points)[kPartition];
    auto taken = log::Log::open(data + "/" + log::partition_directory(kPartition), config, state, how);
    if (!taken) return said.fail("kafka opens: " + taken.error().message());
    if (visit.truncates) {
        if (const auto cut = taken->truncate_to(taken->log_end() - 1); !cut) return said.fail(cut.error().message());
    }
    if (visit.rolls) {
        if (const auto rolled = taken->roll(); !rolled) return said.fail(rolled.error().message());
    }
    const auto epoch = static_cast<LeaderEpoch>(taken->leader_epochs().latest().value_or(0) + 1);
    if (const auto begun = taken->start_leader_epoch(epoch); !begun) return said.fail(begun.error().message());
    log::AppendOptions options;
    options.leader_epoch = epoch;
    for (std::uint64_t i = 0; i < 5; ++i) {
        std::string batch = storm_batch(kPartition, kKafkas + 2 * i, 2);
        if (const auto done = taken->append(batch, options); !done) return said.fail(done.error().message());
    }
    said.end.store(taken->log_end().value());
    said.epoch.store(epoch);
    if (visit.clean) {
        if (const auto closed = taken->close(); !closed) return said.fail(closed.error().message());
    }
    if (visit.checkpoints) {
        const log::OffsetCheckpoint at_end{{kPartition, Offset{said.end.load()}}};
        for (const auto name : {log::kRecoveryPointCheckpoint, log::kHighWatermarkCheckpoint}) {
            const auto written = log::write_offset_checkpoint(data + "/" + std::string{name}, at_end);
            if (!written) return said.fail(written.error().message());
        }
    }
    if (visit.clean) spill(data + "/.kafka_cleanshutdown", "{\"version\":0,\"brokerEpoch\":1}");
    return 0;
}

int be_us(const std::string& data, std::uint64_t first, bool die_dirty, Said& said) {
    auto opened = open_data(data);
    if (!opened) return said.fail("open: " + opened.error().message());
    if (!opened->topic(kPartition.topic)) {
        const auto made = opened->create_topic({kPartition.topic, 1, 1, {{"retention.ms", "-1"}}});
        if (!made) return said.fail(made.error().message());
    }
    auto writer = opened->open_writer(kPartition);
    if (!writer) return said.fail(writer.error().message());
    for (std::uint64_t i = 0; i < 5; ++i) {
        std::string batch = storm_batch(kPartition, first + i, 1);
        if (const auto done = (*writer)->append(batch); !done) return said.fail(done.error().message());
    }
    if (die_dirty) {
        if (!os::arm_kill_point("append.after_write")) return 3;
        std::string batch = storm_batch(kPartition, first + 5, 1);
        (void)(*writer)->append(batch);
    }
    const Status closed = opened->close();
    return closed ? 0 : said.fail(closed.error().message());
}

// Ids in order of offset.
Result<std::vector<std::uint64_t>> read_ids(const std::string& data) {
    MQ_ASSIGN(auto directory, open_data(data, store::Access::read));
    MQ_ASSIGN(auto reader, directory.open_reader(kPartition));
    std::vector<std::uint64_t> ids;
    log::ScannedBatch batch;
    record::RecordReader records;
    for (;;) {
        MQ_ASSIGN(const auto outcome, reader->next(batch));
        if (outcome != log::ReadOutcome::batch) return ids;
        MQ_TRY(records.open(batch.bytes));
        for (record::RecordView record; records.next(record);) {
            const auto id = record.value ? storm_id(kPartition, *record.value) : std::nullopt;
            if (!id || record.offset.value() != static_cast<std::int64_t>(ids.size()))
                return fail(Errc::corrupt, "read", {}, "record " + std::to_string(ids.size()));
            ids.push_back(*id);
        }
    }
}

class KafkaInBetween : public testing::TestWithParam<Visit> {};

TEST_P(KafkaInBetween, P1_DIR6_DIR7_WhatTheBrokerLeftIsAdoptedWhole) {
    const Visit& visit = GetParam();
    const FastDir dir;
    const std::string data = dir / "data";
    Shared<Said> said;
    for (std::uint64_t round = 0; round < 3; ++round) {
        SCOPED_TRACE("round " + std::to_string(round));
        std::vector<std::uint64_t> expected;
        if (round > 0) {
            const auto before = read_ids(data);
            ASSERT_TRUE(before) << before.error().message();
            expected = *before;
        }
        const std::uint64_t first = 100 + round * 10;
        const ChildEnd we = run_in_child([&] { return be_us(data, first, visit.our_tail, *said); });
        ASSERT_EQ(we, visit.our_tail ? ended_by(SIGKILL) : exited_with(0)) << said->text.data();
        for (std::uint64_t i = 0; i < 5; ++i) expected.push_back(first + i);
        if (visit.our_tail && !visit.truncates) expected.push_back(first + 5);
        ASSERT_EQ(run_in_child([&] { return be_kafka(data, visit, *said); }), exited_with(0)) << said->text.data();
        for (std::uint64_t i = 0; i < 10; ++i) expected.push_back(kKafkas + i);
        ASSERT_EQ(said->end.load(), static_cast<std::int64_t>(expected.size()));

        // A writer comes next in one round, a reader in another.
        if (round % 2 == 0) {
            ASSERT_EQ(run_in_child([&] { return be_us(data, 7000 + round * 10, false, *said); }), exited_with(0))
                << said->text.data();
            for (std::uint64_t i = 0; i < 5; ++i) expected.push_back(7000 + round * 10 + i);
            EXPECT_FALSE(os::exists(data + "/.kafka_cleanshutdown").value());
        }
        const auto found = read_ids(data);
        ASSERT_TRUE(found) << found.error().message();
        ASSERT_EQ(*found, expected);
        // Epochs never go back: what we append bears at least the broker's.
        auto directory = open_data(data, store::Access::read);
        auto reader = directory->open_reader(kPartition);
        ASSERT_TRUE(reader);
        const auto epochs = (*reader)->leader_epochs();
        ASSERT_TRUE(epochs);
        EXPECT_GE(epochs->latest().value_or(-1), said->epoch.load());
    }
}

INSTANTIATE_TEST_SUITE_P(Visits, KafkaInBetween, testing::ValuesIn(kVisits),
                         [](const auto& visit) { return std::string{visit.param.name}; });

TEST(KafkaBeside, DIR1_NeitherWaysIsTheDirectoryShared) {
    const FastDir dir;
    const std::string data = dir / "data";
    Shared<Said> said;
    const Gate locked;
    const Gate done;
    ASSERT_EQ(run_in_child([&] { return be_us(data, 1, false, *said); }), exited_with(0)) << said->text.data();
    {
        Child broker = Child::fork([&] {
            int fd = -1;
            if (!take_java_lock(data, fd)) return 1;
            locked.open();
            return done.wait() ? 0 : 2;
        });
        ASSERT_TRUE(locked.wait());
        for (const auto access : {store::Access::read, store::Access::write}) {
            const auto refused = open_data(data, access);
            ASSERT_FALSE(refused);
            EXPECT_EQ(refused.error().code, Errc::in_use);
            EXPECT_NE(refused.error().message().find(std::to_string(broker.pid())), std::string::npos)
                << refused.error().message();
        }
        done.open();
        EXPECT_EQ(broker.wait(), exited_with(0));
    }
    {
        const Gate ours;
        Child we = Child::fork([&] {
            auto opened = open_data(data, store::Access::read);
            if (!opened) return 1;
            ours.open();
            return done.wait() ? 0 : 2;
        });
        ASSERT_TRUE(ours.wait());
        EXPECT_EQ(run_in_child([&] {
                      int fd = -1;
                      return take_java_lock(data, fd) ? 1 : 0;
                  }),
                  exited_with(0));
        done.open();
        EXPECT_EQ(we.wait(), exited_with(0));
    }
}

// A topic that the broker made: its directory is all there is of it.
TEST(KafkaInBetweenTopics, DIR6_ATopicOfTheBrokersIsListedWrittenAndRead) {
    const FastDir dir;
    const std::string data = dir / "data";
    Shared<Said> said;
    ASSERT_EQ(run_in_child([&] { return be_us(data, 1, false, *said); }), exited_with(0)) << said->text.data();
    const std::string partition = data + "/broker.made-0";
    ASSERT_EQ(run_in_child([&] {
                  log::PublishedState state;
                  auto made = log::Log::open(partition, {}, state, {});
                  if (!made) return said->fail(made.error().message());
                  std::string batch = storm_batch({"broker.made", 0}, 5, 3);
                  if (const auto appended = made->append(batch); !appended)
                      return said->fail(appended.error().message());
                  return made->close() ? 0 : 2;
              }),
              exited_with(0))
        << said->text.data();
    spill(partition + "/partition.metadata", "version: 0\ntopic_id: 6RbxAY8BTsOVJ0MnbF4XLg");
    spill(data + "/.kafka_cleanshutdown", "{\"version\":0,\"brokerEpoch\":1}");

    auto directory = open_data(data);
    ASSERT_TRUE(directory) << directory.error().message();
    const auto topic = directory->topic("broker.made");
    ASSERT_TRUE(topic) << topic.error().message();
    EXPECT_EQ(topic->id, "6RbxAY8BTsOVJ0MnbF4XLg");
    EXPECT_EQ(topic->partitions, 1);
    auto reader = directory->open_reader({"broker.made", 0});
    ASSERT_TRUE(reader) << reader.error().message();
    EXPECT_EQ((*reader)->bounds()->log_end.value(), 3);
    auto writer = directory->open_writer({"broker.made", 0});
    ASSERT_TRUE(writer) << writer.error().message();
    std::string batch = storm_batch({"broker.made", 0}, 8, 1);
    const auto appended = (*writer)->append(batch);
    ASSERT_TRUE(appended) << appended.error().message();
    EXPECT_EQ(appended->first_offset.value(), 3);
}

}  // namespace
}  // namespace mq::test
