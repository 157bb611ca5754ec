// Partitions shared by processes: PartitionWriter, PartitionReader and Waiter through the control file.

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <latch>
#include <thread>

#include "log/segment_list.h"
#include "os/fault.h"
#include "os/futex.h"
#include "os/kill_point.h"
#include "record/record.h"
#include "shm/control_file.h"
#include "store/data_directory.h"
#include "support/batches.h"
#include "support/child.h"
#include "support/faults.h"
#include "support/temp_dir.h"

namespace mq::store {
namespace {

using log::ReadOutcome;
using test::Child;
using test::ended_by;
using test::exited_with;
using test::Gate;
using test::run_in_child;
using test::TempDir;

const log::TopicPartition kId{"numbers", 0};

OpenOptions for_writing() {
    OpenOptions options;
    options.access = Access::write;
    return options;
}

void make_topic(const std::string& path, const ConfigMap& config = {}, std::int32_t partitions = 1) {
    auto directory = DataDirectory::open(path, for_writing()).value();
    NewTopic wanted;
    wanted.name = kId.topic;
    wanted.partitions = partitions;
    wanted.config = config;
    wanted.config.try_emplace("retention.ms", "-1");  // the records are of 1970
    directory.create_topic(wanted).value();
}

// Appends records "v<first>"... as one batch.
Result<log::AppendResult> append(PartitionWriter& writer, int first, int count = 1) {
    std::string batch = test::numbered_batch(first, count);
    return writer.append(batch);
}

// The values from `from` up to the end.
std::vector<std::string> read_values(PartitionReader& reader, Offset from = Offset{0}) {
    std::vector<std::string> values;
    reader.seek(from);
    log::ScannedBatch batch;
    record::RecordReader records;
    for (;;) {
        const auto outcome = reader.next(batch);
        if (!outcome) {
            ADD_FAILURE() << outcome.error().message();
            return values;
        }
        if (*outcome != ReadOutcome::batch) return values;
        if (!records.open(batch.bytes)) ADD_FAILURE();
        for (record::RecordView record; records.next(record);)
            if (record.offset >= from) values.emplace_back(*record.value);
    }
}

std::vector<std::string> values_of(const std::string& path) {
    auto directory = DataDirectory::open(path, {}).value();
    const auto reader = directory.open_reader(kId).value();
    return read_values(*reader);
}

std::vector<std::string> numbered(int first, int end) {
    std::vector<std::string> values;
    for (int i = first; i < end; ++i) values.push_back("v" + std::to_string(i));
    return values;
}

TEST(Partition, P4_FourProcessesAppendToOneLogAndEachKeepsItsOrder) {
    const TempDir dir;
    make_topic(dir.path(), {{"segment.bytes", "20000"}});
    constexpr int kProcesses = 4;
    constexpr int kRecords = 1000;
    std::vector<Child> children;
    for (int process = 0; process < kProcesses; ++process) {
        children.push_back(Child::fork([&, process] {
            auto directory = DataDirectory::open(dir.path(), for_writing()).value();
            const auto writer = directory.open_writer(kId).value();
            Offset last{-1};
            for (int i = 0; i < kRecords; ++i) {
                const auto done = append(*writer, process * kRecords + i);
                if (!done || done->first_offset <= last) return 1;
                last = done->last_offset;
            }
            return 0;
        }));
    }
    for (auto& child : children) EXPECT_EQ(child.wait(), exited_with(0));
    const auto values = values_of(dir.path());
    ASSERT_EQ(values.size(), std::size_t{kProcesses * kRecords});
    std::vector<int> next(kProcesses, 0);
    for (const std::string& value : values) {
        const int number = std::stoi(value.substr(1));
        EXPECT_EQ(number % kRecords, next[static_cast<std::size_t>(number / kRecords)]++);
    }
}

TEST(Partition, P6_DIR7_NothingIsWalkedAfterAProcessDeath) {
    const TempDir dir;
    make_topic(dir.path());
    EXPECT_EQ(run_in_child([&] {
                  auto directory = DataDirectory::open(dir.path(), for_writing()).value();
                  const auto writer = directory.open_writer(kId).value();
                  for (int i = 0; i < 100; ++i)
                      if (!append(*writer, i)) return 1;
                  raise(SIGKILL);
                  return 0;
              }),
              ended_by(SIGKILL));
    auto directory = DataDirectory::open(dir.path(), for_writing()).value();
    const auto writer = directory.open_writer(kId).value();
    EXPECT_EQ(append(*writer, 100)->first_offset, Offset{100});
    const auto report = writer->take_recovery_report();
    EXPECT_EQ(report.bytes_walked, 0u);
    EXPECT_EQ(report.segments_recovered, 0u);
    EXPECT_EQ(values_of(dir.path()), numbered(0, 101));
}

TEST(Partition, DIR7_ValidBatchesThatAnotherProgramAddedAreAdopted) {
    const TempDir dir;
    make_topic(dir.path());
    const std::string file = dir.path() + "/numbers-0/00000000000000000000.log";
    ASSERT_EQ(run_in_child([&] {
                  auto directory = DataDirectory::open(dir.path(), for_writing()).value();
                  const auto writer = directory.open_writer(kId).value();
                  return append(*writer, 0, 10) ? 0 : 1;
              }),
              exited_with(0));
    std::string more = test::numbered_batch(10, 5);
    record::stamp_batch(more.data(), Offset{10}, 0);
    const auto log = os::File::open(file, os::OpenMode::read_write).value();
    const std::uint64_t size = log.size().value();
    ASSERT_TRUE(log.write_at(more + "torn", FilePosition{size}));

    // Who only reads leaves the files as they are; who writes cuts what is torn.
    EXPECT_EQ(values_of(dir.path()), numbered(0, 15));
    EXPECT_EQ(os::file_info(file)->size_bytes, size + more.size() + 4);
    auto directory = DataDirectory::open(dir.path(), for_writing()).value();
    const auto writer = directory.open_writer(kId).value();
    EXPECT_EQ(append(*writer, 15)->first_offset, Offset{15});
    EXPECT_EQ(writer->take_recovery_report().bytes_walked, more.size());
    EXPECT_EQ(values_of(dir.path()), numbered(0, 16));
}

TEST(Partition, LCK5_WhatADeadWriterDidNotPublishIsCutWhileOthersLive) {
    const TempDir dir;
    make_topic(dir.path());
    auto directory = DataDirectory::open(dir.path(), for_writing()).value();
    const auto writer = directory.open_writer(kId).value();
    ASSERT_TRUE(append(*writer, 0));
    for (const char* point : {"append.after_write", "append.before_publish", "append.after_publish"}) {
        EXPECT_EQ(run_in_child([&] {
                      auto own = DataDirectory::open(dir.path(), for_writing()).value();
                      const auto dying = own.open_writer(kId).value();
                      if (!os::arm_kill_point(point)) return 1;
                      static_cast<void>(append(*dying, 1000));
                      return 2;
                  }),
                  ended_by(SIGKILL))
            << point;
    }
    // Only the last one had published.
    EXPECT_EQ(append(*writer, 2)->first_offset, Offset{2});
    const auto reader = directory.open_reader(kId).value();
    EXPECT_EQ(read_values(*reader), (std::vector<std::string>{"v0", "v1000", "v2"}));
}

TEST(Partition, PUB6_TopicDeletedAndMadeAgainUnderAnOpenWriterAndReader) {
    const TempDir dir;
    make_topic(dir.path());
    auto directory = DataDirectory::open(dir.path(), for_writing()).value();
    const auto writer = directory.open_writer(kId).value();
    const auto reader = directory.open_reader(kId).value();
    ASSERT_TRUE(append(*writer, 0, 3));
    EXPECT_EQ(read_values(*reader), numbered(0, 3));
    EXPECT_EQ(run_in_child([&] {
                  auto own = DataDirectory::open(dir.path(), for_writing()).value();
                  return own.delete_topic("numbers") ? 0 : 1;
              }),
              exited_with(0));
    EXPECT_EQ(append(*writer, 3).error().code, Errc::not_found);
    log::ScannedBatch batch;
    EXPECT_EQ(reader->next(batch).error().code, Errc::not_found);
    EXPECT_EQ(run_in_child([&] {
                  make_topic(dir.path());
                  return 0;
              }),
              exited_with(0));
    EXPECT_EQ(append(*writer, 7)->first_offset, Offset{0});
    const auto error = reader->next(batch).error();
    EXPECT_EQ(error.code, Errc::not_found);
    EXPECT_EQ(error.detail, "the topic was deleted and made again");
    EXPECT_EQ(values_of(dir.path()), numbered(7, 8));
}

TEST(Partition, APP6_OneFlushServesAllThatWait) {
    const TempDir dir;
    make_topic(dir.path());
    auto directory = DataDirectory::open(dir.path(), for_writing()).value();
    const auto first = directory.open_writer(kId).value();
    const auto second = directory.open_writer(kId).value();
    ASSERT_TRUE(append(*first, 0));
    ASSERT_TRUE(append(*second, 1));
    ASSERT_TRUE(second->flush());
    int syncs = 0;
    static int* counted = nullptr;
    counted = &syncs;
    os::set_fault_hook([](os::Call call, std::string_view, std::size_t) {
        if (call == os::Call::sync) ++*counted;
        return os::Fault{};
    });
    EXPECT_TRUE(first->flush());
    EXPECT_EQ(syncs, 0);
    ASSERT_TRUE(append(*first, 2));
    EXPECT_TRUE(first->flush());
    os::set_fault_hook(nullptr);
    EXPECT_EQ(syncs, 1);
}

TEST(Partition, PUB4_AnAppendOfAnotherProcessWakesAWaitingReader) {
    const TempDir dir;
    make_topic(dir.path());
    auto directory = DataDirectory::open(dir.path(), {}).value();
    const auto reader = directory.open_reader(kId).value();
    const Gate go;
    Child child = Child::fork([&] {
        auto own = DataDirectory::open(dir.path(), for_writing()).value();
        const auto writer = own.open_writer(kId).value();
        if (!go.wait()) return 1;
        for (int i = 0; i < 200; ++i)
            if (!append(*writer, i)) return 2;
        return 0;
    });
    go.open();
    Waiter waiter;
    PartitionReader* const readers[] = {reader.get()};
    std::size_t seen = 0;
    log::ScannedBatch batch;
    while (seen < 200) {
        ASSERT_TRUE(waiter.wait(readers, 30'000).value());
        while (reader->next(batch).value() == ReadOutcome::batch) ++seen;
    }
    EXPECT_EQ(child.wait(), exited_with(0));
    EXPECT_FALSE(waiter.wait(readers, 0).value());
}

TEST(Partition, GRP_L1_AWaitEndsWithTheWordThatIsWatchedAsWell) {
    const TempDir dir;
    make_topic(dir.path());
    auto directory = DataDirectory::open(dir.path(), for_writing()).value();
    const auto reader = directory.open_reader(kId).value();
    PartitionReader* const readers[] = {reader.get()};
    std::atomic<std::uint32_t> word{7};
    Waiter waiter;
    waiter.watch(&word, 6);
    EXPECT_TRUE(waiter.wait(readers, -1).value()) << "it has changed already";
    waiter.watch(&word, 7);
    EXPECT_FALSE(waiter.wait(readers, 0).value());
    std::thread changes{[&] {
        word.store(8);
        os::futex_wake_all(word);
    }};
    EXPECT_TRUE(waiter.wait(readers, -1).value());
    changes.join();
    waiter.watch(nullptr, 0);
    EXPECT_FALSE(waiter.wait(readers, 0).value());
}

TEST(Partition, DIR9_AReaderWithoutPermissionToWriteReadsAndFollows) {
    if (geteuid() != 0) GTEST_FAIL() << "needs root: setuid";
    const TempDir dir;
    ASSERT_EQ(chmod(dir.path().c_str(), 0755), 0);
    make_topic(dir.path());
    EXPECT_EQ(run_in_child([&] {
                  auto own = DataDirectory::open(dir.path(), for_writing()).value();
                  const auto writer = own.open_writer(kId).value();
                  return append(*writer, 0, 5) ? 0 : 1;
              }),
              exited_with(0));
    for (const std::string name : {"", "/numbers-0"}) ASSERT_EQ(chmod((dir.path() + name).c_str(), 0755), 0);
    for (const std::string name :
         {"/numbers-0/00000000000000000000.log", "/numbers-0/00000000000000000000.index",
          "/numbers-0/00000000000000000000.timeindex", "/.mq-control", "/.lock", "/mq-topics.json",
          "/meta.properties", "/numbers-0/leader-epoch-checkpoint", "/numbers-0/partition.metadata"})
        static_cast<void>(chmod((dir.path() + name).c_str(), 0644));
    const Gate read_five;
    Child child = Child::fork([&] {
        if (setuid(65534) != 0) return 1;
        auto directory = DataDirectory::open(dir.path(), {}).value();
        const auto reader = directory.open_reader(kId).value();
        if (read_values(*reader) != numbered(0, 5)) return 2;
        read_five.open();
        // Nobody lived in the directory when it was opened; a writer comes now.
        Waiter waiter;
        PartitionReader* const readers[] = {reader.get()};
        log::ScannedBatch batch;
        for (int next = 5; next < 8;) {
            if (!waiter.wait(readers, 30'000).value()) return 3;
            while (reader->next(batch).value() == ReadOutcome::batch)
                if (batch.header.base_offset != Offset{next++}) return 4;
        }
        return 0;
    });
    ASSERT_TRUE(read_five.wait());
    auto directory = DataDirectory::open(dir.path(), for_writing()).value();
    const auto writer = directory.open_writer(kId).value();
    for (int i = 5; i < 8; ++i) ASSERT_TRUE(append(*writer, i));
    EXPECT_EQ(child.wait(), exited_with(0));
}

// Who read the files by itself takes part in what is shared as soon as there is that, in any call.
TEST(Partition, DIR9_ABatchThatWasReadStaysWhenAnotherProcessBringsThePartitionUp) {
    const TempDir dir;
    make_topic(dir.path());
    EXPECT_EQ(run_in_child([&] {
                  auto own = DataDirectory::open(dir.path(), for_writing()).value();
                  return append(*own.open_writer(kId).value(), 0, 5) ? 0 : 1;
              }),
              exited_with(0));
    ASSERT_EQ(unlink((dir / ".mq-control").c_str()), 0);
    auto directory = DataDirectory::open(dir.path(), {}).value();
    const auto reader = directory.open_reader(kId).value();
    log::ScannedBatch batch;
    ASSERT_EQ(reader->next(batch).value(), ReadOutcome::batch);
    const std::string bytes{batch.bytes};
    auto writing = DataDirectory::open(dir.path(), for_writing()).value();
    ASSERT_TRUE(append(*writing.open_writer(kId).value(), 5));
    ASSERT_EQ(reader->life().use, 0U);
    ASSERT_EQ(reader->bounds().value().log_end, Offset{6});
    ASSERT_NE(reader->life().use, 0U) << "it takes part now";
    EXPECT_TRUE(batch.bytes == bytes);
    ASSERT_EQ(reader->next(batch).value(), ReadOutcome::batch);
    EXPECT_EQ(batch.header.base_offset, Offset{5});
}

TEST(Partition, APP8_TheLastOneToCloseLeavesRecoveryPointsAtTheEndOfWhatIsWorthIt) {
    const TempDir dir;
    make_topic(dir.path(), {}, 3);
    auto directory = DataDirectory::open(dir.path(), for_writing()).value();
    for (int partition = 0; partition < 3; ++partition) {
        const auto writer = directory.open_writer({"numbers", partition}).value();
        ASSERT_TRUE(append(*writer, 0, partition + 1));
        for (int i = 0; i < partition; ++i) ASSERT_TRUE(append(*writer, 100'000, 40'000));
    }
    const std::string points = dir.path() + "/recovery-point-offset-checkpoint";
    const Gate opened;
    const Gate close;
    Child other = Child::fork([&] {
        auto own = DataDirectory::open(dir.path(), for_writing()).value();
        opened.open();
        return close.wait() ? 0 : 1;
    });
    ASSERT_TRUE(opened.wait());
    ASSERT_TRUE(directory.close());
    EXPECT_FALSE(os::exists(points).value());
    close.open();
    EXPECT_EQ(other.wait(), exited_with(0));
    // 40,000 records of "k<n>" and "v<n>" are 0.9 MiB: less than a mebibyte is left to a later one.
    ASSERT_TRUE(directory.close());
    EXPECT_EQ(os::read_file(points).value(), "0\n1\nnumbers 2 80003\n");
    EXPECT_EQ(os::read_file(dir.path() + "/replication-offset-checkpoint").value(), "0\n1\nnumbers 2 80003\n");
}

TEST(Partition, APP10_WhoRollsAppliesRetention) {
    const TempDir dir;
    make_topic(dir.path(), {{"segment.bytes", "200"}, {"retention.bytes", "300"}});
    auto directory = DataDirectory::open(dir.path(), for_writing()).value();
    const auto writer = directory.open_writer(kId).value();
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(append(*writer, i));
    const Bounds bounds = writer->bounds().value();
    EXPECT_EQ(bounds.log_end, Offset{50});
    EXPECT_GT(bounds.log_start, Offset{40});
    EXPECT_LE(log::list_segments(dir.path() + "/numbers-0")->size(), 4u);
}

TEST(Partition, APP10_ARetentionThatFailsDoesNotFailTheAppendThatRolled) {
    const TempDir dir;
    make_topic(dir.path(), {{"segment.bytes", "200"}, {"retention.bytes", "300"}});
    auto directory = DataDirectory::open(dir.path(), for_writing()).value();
    const auto writer = directory.open_writer(kId).value();
    {
        const test::FaultInjector disk{{.nth = 1,
                                        .span = test::FaultSpan::from_then_on,
                                        .below = dir.path() + "/numbers-0/00000000000000000000.log",
                                        .only = os::Call::unlink}};
        for (int i = 0; i < 50; ++i) ASSERT_TRUE(append(*writer, i));
        EXPECT_EQ(disk.fired(), 1u);
    }
    const std::string trouble = writer->take_recovery_report().trouble;
    EXPECT_TRUE(trouble.starts_with("retention failed: ")) << trouble;
    EXPECT_EQ(writer->bounds()->log_end, Offset{50});
    EXPECT_GT(writer->bounds()->log_start, Offset{40}) << "the next one went well";
    EXPECT_EQ(writer->take_recovery_report().trouble, "");
}

TEST(Partition, APP10_WhoRollsACompactedTopicCleansItBesideItsAppends) {
    const TempDir dir;
    make_topic(dir.path(),
               {{"cleanup.policy", "compact"}, {"segment.bytes", "2000"}, {"min.cleanable.dirty.ratio", "0.1"}});
    auto directory = DataDirectory::open(dir.path(), for_writing()).value();
    const auto writer = directory.open_writer(kId).value();
    const auto first_segment_is_whole = [&] {
        const auto first = directory.open_reader(kId).value();
        log::ScannedBatch batch;
        return first->next(batch).value() == ReadOutcome::batch && batch.header.base_offset == Offset{0};
    };
    // Always the same 10 keys: all that is old goes, as soon as a cleaning has come to its end.
    int appended = 0;
    do {
        std::string batch = test::numbered_batch(0, 10);
        ASSERT_TRUE(writer->append(batch));
        appended += 10;
    } while (appended < 200'000 && first_segment_is_whole());
    EXPECT_FALSE(first_segment_is_whole());
    const auto reader = directory.open_reader(kId).value();
    const auto values = read_values(*reader);
    EXPECT_LT(values.size(), static_cast<std::size_t>(appended));
    EXPECT_EQ(std::vector<std::string>(values.end() - 10, values.end()), numbered(0, 10));
}

TEST(Partition, APP10_WhoAsksForACompactionWaitsForWhoeverIsAtIt) {
    const TempDir dir;
    make_topic(dir.path());
    std::latch is_at_it{1};
    std::latch is_waited_for{1};
    std::string awaited;
    OpenOptions options = for_writing();
    options.on_wait = [&](const shm::Holder& holder, std::chrono::milliseconds) -> Status {
        if (std::exchange(awaited, holder.what).empty()) is_waited_for.count_down();
        return {};
    };
    auto directory = DataDirectory::open(dir.path(), options).value();
    const auto writer = directory.open_writer(kId).value();
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(append(*writer, 0, 10));
    ASSERT_TRUE(writer->roll());
    ASSERT_TRUE(append(*writer, 0, 10));
    // Only now: the compactor of a process that rolls would be at it.
    ASSERT_TRUE(directory.change_config(kId.topic, {{"cleanup.policy", "compact"}}));
    std::thread other{[&] {
        auto own = DataDirectory::open(dir.path(), for_writing()).value();
        const auto cleaned = own.open_writer(kId).value()->compact_if_due([&, told = false]() mutable {
            if (!std::exchange(told, true)) is_at_it.count_down();
            is_waited_for.wait();
            return false;
        });
        EXPECT_TRUE(cleaned && *cleaned);
    }};
    is_at_it.wait();
    EXPECT_FALSE(writer->compact_if_due().value());
    EXPECT_TRUE(writer->compact());
    other.join();
    EXPECT_EQ(awaited, "the cleaner lock");
    const auto reader = directory.open_reader(kId).value();
    EXPECT_EQ(read_values(*reader), numbered(0, 10));
}

TEST(Partition, APP10_ACompactionThatIsAskedForIsNotLeftToTheCompactorThatItsRollBegins) {
    const TempDir dir;
    make_topic(dir.path(), {{"cleanup.policy", "compact"}});
    auto directory = DataDirectory::open(dir.path(), for_writing()).value();
    const auto writer = directory.open_writer(kId).value();
    for (int round = 0; round < 100; ++round) {
        for (int i = 0; i < 2; ++i) ASSERT_TRUE(append(*writer, 0, 10));
        const auto cleaned = writer->compact();
        ASSERT_TRUE(cleaned) << cleaned.error().message();
        ASSERT_EQ(cleaned->records_read, round == 0 ? 20u : 30u);
        ASSERT_EQ(cleaned->records_kept, 10u);
    }
    const TempDir other;
    make_topic(other.path());
    auto plain = DataDirectory::open(other.path(), for_writing()).value();
    EXPECT_EQ(plain.open_writer(kId).value()->compact().error().code, Errc::bad_argument);
}

TEST(Partition, ChangedSettingsHoldForOpenWritersOfOtherProcesses) {
    const TempDir dir;
    make_topic(dir.path());
    auto directory = DataDirectory::open(dir.path(), for_writing()).value();
    const auto writer = directory.open_writer(kId).value();
    ASSERT_TRUE(append(*writer, 0));
    EXPECT_EQ(run_in_child([&] {
                  auto own = DataDirectory::open(dir.path(), for_writing()).value();
                  return own.change_config("numbers", {{"max.message.bytes", "60"}}) ? 0 : 1;
              }),
              exited_with(0));
    EXPECT_EQ(append(*writer, 1).error().code, Errc::too_large);
}

}  // namespace
}  // namespace mq::store
