// The disk is full, files vanish under readers, clocks jump, names and shared memory lie. RELIABILITY rows 13, 14,
// 19, 37, 39.

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <csignal>
#include <cstring>

#include "log/segment_files.h"
#include "os/file.h"
#include "record/batch_builder.h"
#include "record/record.h"
#include "shm/layout.h"
#include "storm/own_world.h"
#include "storm/shared.h"
#include "storm/storm.h"
#include "support/fast_dir.h"

namespace mq::test {
namespace {

const log::TopicPartition kPartition{"faulty", 0};

struct Said {
    std::array<char, 400> text;
    int fail(const std::string& what) {
        what.copy(text.data(), text.size() - 1);
        return 1;
    }
};

std::vector<os::DirectoryEntry> entries_of(const std::string& path) { return os::list_directory(path).value(); }

// ---- Row 13

struct DiskBoard {
    std::atomic<std::uint32_t> round;
    std::atomic<std::uint32_t> stop;
    std::array<std::atomic<std::uint32_t>, 3> full_in_round;
    std::array<std::atomic<std::uint32_t>, 3> wrote_in_round;
    std::array<std::atomic<std::uint64_t>, 3> next_record;
};

void fill_disk(const std::string& filler, std::uint64_t leave_bytes) {
    const int fd = open(filler.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    off_t at = lseek(fd, 0, SEEK_END);
    while (fallocate(fd, 0, at, 1 << 16) == 0) at += 1 << 16;
    while (fallocate(fd, 0, at, 4096) == 0) at += 4096;
    if (ftruncate(fd, std::max<off_t>(0, at - static_cast<off_t>(leave_bytes))) != 0) ADD_FAILURE() << "filler";
    close(fd);
}

// In even rounds there is space: it appends a little. In odd ones it appends until there is none, and tries again in
// the next round by itself.
int fill_with_records(const std::string& data, History& history, DiskBoard& board, unsigned number, Said& said) {
    ClientLog log = history.client(number);
    auto opened = open_data(data);
    if (!opened) return said.fail("open: " + opened.error().message());
    auto writer = opened->open_writer(kPartition);
    if (!writer) return said.fail("open writer: " + writer.error().message());
    while (board.stop.load() == 0) {
        const std::uint32_t round = board.round.load();
        const bool done = round % 2 == 0 ? board.wrote_in_round[number].load() == round
                                         : board.full_in_round[number].load() == round;
        if (done) {
            sched_yield();
            continue;
        }
        if (log.full()) return said.fail("the history is full");
        const std::uint32_t count = 20;
        const std::uint64_t first = storm_record(number, board.next_record[number].fetch_add(count));
        const auto step = log.begin_send(0, first, count);
        std::string batch = storm_batch(kPartition, first, count);
        const auto result = (*writer)->append(batch);
        if (result) {
            log.acknowledge(step, result->first_offset.value(), result->last_offset.value());
            if (round % 2 == 0) board.wrote_in_round[number].store(round);
            if (const auto flushed = (*writer)->flush(); !flushed && flushed.error().code != Errc::no_space)
                return said.fail("flush: " + flushed.error().message());
        } else if (result.error().code == Errc::no_space) {
            log.fail(step);
            if (round % 2 == 1) board.full_in_round[number].store(round);
        } else {
            return said.fail("append: " + result.error().message());
        }
    }
    return 0;
}

TEST(Row13DiskFull, P8_P1_ThreeProducersMeetAFullDiskAgainAndAgainAndGoOnByThemselves) {
    EXPECT_EQ(in_own_world([] {
                  const std::uint64_t rounds = test_scale(120, 1000);
                  for (std::uint64_t done = 0; done < rounds;) {
                      const FastDir dir;
                      const std::string disk = dir / "disk";
                      ASSERT_TRUE(os::create_directory(disk));
                      mount_small_disk(disk, 16 << 10);
                      const std::string data = disk + "/data";
                      const std::string filler = disk + "/filler";
                      History history{5, 50'000};
                      Shared<DiskBoard> board;
                      Shared<Said> said;
                      ASSERT_EQ(
                          run_in_child([&] {
                              auto opened = open_data(data);
                              if (!opened) return said->fail(opened.error().message());
                              const auto made = opened->create_topic(
                                  {kPartition.topic, 1, 1, {{"segment.bytes", "100000"}, {"retention.ms", "-1"}}});
                              return made ? 0 : said->fail(made.error().message());
                          }),
                          exited_with(0))
                          << said->text.data();
                      std::vector<Child> producers;
                      for (unsigned i = 0; i < 3; ++i)
                          producers.push_back(
                              Child::fork([&, i] { return fill_with_records(data, history, *board, i, *said); }));
                      for (int i = 0; i < 60 && done < rounds; ++i, ++done) {
                          const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{60};
                          const auto await = [&](const auto& rounds_of, std::uint32_t round) {
                              for (unsigned p = 0; p < 3; ++p) {
                                  while (rounds_of[p].load() != round) {
                                      ASSERT_EQ(said->text[0], 0) << said->text.data();
                                      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "a producer hangs";
                                      wait_a_while(producers[p], 200);
                                  }
                              }
                          };
                          fill_disk(filler, 100'000);
                          ASSERT_NO_FATAL_FAILURE(await(board->full_in_round, board->round.fetch_add(1) + 1));
                          ASSERT_EQ(truncate(filler.c_str(), 0), 0);
                          ASSERT_NO_FATAL_FAILURE(await(board->wrote_in_round, board->round.fetch_add(1) + 1));
                      }
                      board->stop.store(1);
                      for (auto& producer : producers)
                          ASSERT_EQ(producer.wait(), exited_with(0)) << said->text.data();
                      auto opened = open_data(data, store::Access::read);
                      ASSERT_TRUE(opened) << opened.error().message();
                      auto reader = opened->open_reader(kPartition);
                      ASSERT_TRUE(reader) << reader.error().message();
                      ClientLog log = history.client(4);
                      log.seek(0, 0);
                      log.begin_poll();
                      log::ScannedBatch batch;
                      record::RecordReader records;
                      for (;;) {
                          const auto outcome = (*reader)->next(batch);
                          ASSERT_TRUE(outcome) << outcome.error().message();
                          if (*outcome != log::ReadOutcome::batch) break;
                          ASSERT_TRUE(records.open(batch.bytes));
                          std::uint64_t first = 0;
                          std::uint32_t count = 0;
                          for (record::RecordView record; records.next(record); ++count) {
                              const auto id = storm_id(kPartition, record.value.value_or(ByteView{}));
                              ASSERT_TRUE(id);
                              if (count == 0) first = *id;
                              ASSERT_EQ(*id, first + count);
                          }
                          log.read(0, batch.header.base_offset.value(), first, count);
                      }
                      const Verdict verdict = judge(history);
                      ASSERT_EQ(verdict.text(), "");
                      ASSERT_FALSE(history.overflowed());
                      EXPECT_GT(verdict.failed, 0u);
                      EXPECT_GT(verdict.acknowledged, 0u);
                  }
              }),
              exited_with(0));
}

// With 0, 1, 2, ... free pages: every allocation of opening, of making topics and of appending is met.
TEST(Row13DiskFull, P8_PUB7_EveryAllocationMayFailAndNoneIsASignal) {
    EXPECT_EQ(in_own_world([] {
                  bool whole = false;
                  unsigned refused = 0;
                  for (unsigned pages = 0; !whole && pages < 2000; ++pages) {
                      SCOPED_TRACE(std::to_string(pages) + " pages");
                      const FastDir dir;
                      const std::string disk = dir / "disk";
                      ASSERT_TRUE(os::create_directory(disk));
                      mount_small_disk(disk, 4 << 10);
                      const std::string data = disk + "/data";
                      fill_disk(disk + "/filler", pages * 4096);
                      Shared<Said> said;
                      const auto work = [&]() -> Status {
                          MQ_ASSIGN(auto opened, open_data(data));
                          if (!opened.topic(kPartition.topic))
                              MQ_TRY(opened.create_topic({kPartition.topic, 1, 1, {{"segment.bytes", "3000"}}}));
                          MQ_ASSIGN(auto writer, opened.open_writer(kPartition));
                          for (std::uint64_t i = 0; i < 12; ++i) {
                              std::string batch = storm_batch(kPartition, 10 * i, 10);
                              MQ_TRY(writer->append(batch));
                          }
                          MQ_TRY(writer->checkpoint());
                          return opened.close();
                      };
                      const ChildEnd end = run_in_child([&] {
                          const Status done = work();
                          if (done) return 0;
                          if (done.error().code == Errc::no_space) return 74;
                          return said->fail(done.error().message());
                      });
                      ASSERT_TRUE(end == exited_with(0) || end == exited_with(74))
                          << end << ": " << said->text.data();
                      whole = end == exited_with(0);
                      refused += whole ? 0 : 1;
                      // With space everything goes on, and what could be read before is there.
                      ASSERT_EQ(truncate((disk + "/filler").c_str(), 0), 0);
                      ASSERT_EQ(run_in_child([&] {
                                    const Status done = work();
                                    return done ? 0 : said->fail(done.error().message());
                                }),
                                exited_with(0))
                          << said->text.data();
                  }
                  EXPECT_TRUE(whole);
                  EXPECT_GT(refused, 10u);
              }),
              exited_with(0));
}

// ---- Row 14

TEST(Row14VanishingFiles, P7_ATruncatedOrDeletedSegmentUnderAReaderIsAnErrorAndNeverASignal) {
    const FastDir dir;
    const std::string data = dir / "data";
    std::mt19937_64 random{test_seed()};
    std::map<Errc, std::uint64_t> said;
    for (std::uint64_t round = 0; round < test_scale(600, 10'000); ++round) {
        SCOPED_TRACE("round " + std::to_string(round));
        auto directory = open_data(data);
        ASSERT_TRUE(directory) << directory.error().message();
        ASSERT_TRUE(directory->create_topic({kPartition.topic, 1, 1, {{"segment.bytes", "4000"}}}));
        auto writer = directory->open_writer(kPartition);
        ASSERT_TRUE(writer) << writer.error().message();
        for (std::uint64_t i = 0; i < 20; ++i) {
            std::string batch = storm_batch(kPartition, 10 * i, 10);
            ASSERT_TRUE((*writer)->append(batch));
        }
        auto reader = directory->open_reader(kPartition);
        ASSERT_TRUE(reader) << reader.error().message();
        log::ScannedBatch batch;
        const std::uint64_t before = random() % 20;
        for (std::uint64_t i = 0; i < before; ++i) ASSERT_EQ((*reader)->next(batch).value(), log::ReadOutcome::batch);
        std::vector<std::string> files;
        const std::string partition = data + "/" + log::partition_directory(kPartition);
        for (const auto& entry : entries_of(partition))
            if (entry.name.ends_with(".log")) files.push_back(partition + "/" + entry.name);
        const std::string& victim = files[random() % files.size()];
        const auto kind = random() % 3;
        if (kind == 0)
            ASSERT_TRUE(os::remove_file(victim));
        else
            ASSERT_EQ(truncate(victim.c_str(), kind == 1 ? 0 : static_cast<off_t>(random() % 4000)), 0);
        std::int64_t next = (*reader)->position().value();
        for (int reads = 0; reads < 100; ++reads) {
            const auto outcome = (*reader)->next(batch);
            if (!outcome) {
                ++said[outcome.error().code];
                ASSERT_FALSE(outcome.error().subject.empty()) << outcome.error().message();
                break;
            }
            if (*outcome != log::ReadOutcome::batch) {
                ASSERT_EQ(next, 200) << "ended before the end without a word";
                break;
            }
            ASSERT_EQ(batch.header.base_offset.value(), next);
            next = batch.header.next_offset().value();
        }
        writer->reset();
        ASSERT_TRUE(directory->delete_topic(kPartition.topic));
    }
    EXPECT_GT(said[Errc::truncated], 0u);
    for (const auto& [code, count] : said)
        EXPECT_TRUE(code == Errc::truncated || code == Errc::corrupt || code == Errc::not_found) << to_string(code);
}

// ---- Row 19

std::atomic<TimestampMs> clock_now{0};
std::atomic<TimestampMs> clock_step{0};
TimestampMs jumping_clock() { return clock_now.fetch_add(clock_step.load()); }

TEST(Row19ClockJumps, NoRecordIsDeletedBeforeItsTimeByTheTrueClock) {
    constexpr TimestampMs kHour = 3'600'000;
    constexpr TimestampMs kYear = 365 * 24 * kHour;
    const TimestampMs truth = 1'700'000'000'000;
    const FastDir dir;
    std::mt19937_64 random{test_seed()};
    store::OpenOptions how;
    how.access = store::Access::write;
    how.clock = jumping_clock;
    clock_now = truth;
    auto directory = store::DataDirectory::open(dir / "data", how);
    ASSERT_TRUE(directory) << directory.error().message();
    ASSERT_TRUE(directory->create_topic({kPartition.topic,
                                         1,
                                         1,
                                         {{"segment.bytes", "2000"},
                                          {"retention.ms", std::to_string(20 * kYear)},
                                          {"segment.ms", std::to_string(kHour)}}}));
    auto writer = directory->open_writer(kPartition);
    ASSERT_TRUE(writer) << writer.error().message();
    std::int64_t end = 0;
    for (std::uint64_t i = 0; i < test_scale(10'000, 100'000); ++i) {
        // An hour back, ten years on, a day back at every look; and home again.
        switch (random() % 4) {
            case 0:
                clock_now = truth - kHour;
                break;
            case 1:
                clock_now = truth + 10 * kYear;
                break;
            case 2:
                clock_step = -24 * kHour;
                break;
            default:
                clock_now = truth;
                clock_step = 0;
        }
        if (i % 4 == 0) {
            std::string batch;
            {
                record::BatchBuilder builder;
                const std::string value = storm_value(kPartition, i);
                builder.add(clock_now.load(), ByteView{"k", 1}, ByteView{value});
                batch = std::string{builder.finish().value()};
            }
            const auto appended = (*writer)->append(batch);
            ASSERT_TRUE(appended) << appended.error().message();
            ASSERT_EQ(appended->first_offset.value(), end++);
        }
        const auto deleted = (*writer)->apply_retention();
        ASSERT_TRUE(deleted) << deleted.error().message();
        ASSERT_EQ(*deleted, 0u) << "jump " << i;
    }
    EXPECT_EQ((*writer)->bounds()->log_start.value(), 0);
}

// ---- Row 37

TEST(Row37StrayWrites, P11_AReaderOfARandomControlFileNeitherCrashesNorLoopsNorInventsRecords) {
    const FastDir dir;
    const std::string data = dir / "data";
    Shared<Said> said;
    Shared<std::array<std::atomic<std::uint64_t>, 2>> counts;
    ASSERT_EQ(run_in_child([&] {
                  auto directory = open_data(data);
                  if (!directory) return said->fail(directory.error().message());
                  if (!directory->create_topic({kPartition.topic, 1, 1, {{"segment.bytes", "4000"}}})) return 2;
                  auto writer = directory->open_writer(kPartition);
                  if (!writer) return said->fail(writer.error().message());
                  for (std::uint64_t i = 0; i < 40; ++i) {
                      std::string batch = storm_batch(kPartition, 10 * i, 10);
                      if (!(*writer)->append(batch)) return 3;
                  }
                  return 0;
              }),
              exited_with(0))
        << said->text.data();
    ASSERT_EQ(run_program({{"chmod", "-R", "a+rX", dir.path()}}).end, exited_with(0));
    // The directory lives, and the reader may not write: locks are no part of what it believes.
    const Gate ready;
    const Gate leave;
    Child owner = Child::fork([&] {
        auto directory = open_data(data);
        if (!directory || !directory->open_writer(kPartition)) return 1;
        ready.open();
        return leave.wait(std::chrono::hours{24}) ? 0 : 2;
    });
    ASSERT_TRUE(ready.wait());
    const int fd = open((data + "/.mq-control").c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_GE(fd, 0);
    const std::size_t slot_end = shm::kSlotsAt + 4 * shm::kSlotBytes;
    void* const memory = mmap(nullptr, slot_end, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ASSERT_NE(memory, MAP_FAILED);
    auto* const bytes = static_cast<unsigned char*>(memory);

    Child reader = Child::fork([&] {
        if (geteuid() == 0 && (setgroups(0, nullptr) != 0 || setgid(65534) != 0 || setuid(65534) != 0)) return 9;
        for (;;) {
            (*counts)[0].fetch_add(1);
            auto directory = open_data(data, store::Access::read);
            if (!directory) continue;
            auto one = directory->open_reader(kPartition);
            if (!one) continue;
            (void)(*one)->bounds();
            log::ScannedBatch batch;
            record::RecordReader records;
            for (int reads = 0; reads < 200; ++reads) {
                const auto outcome = (*one)->next(batch);
                if (!outcome || *outcome != log::ReadOutcome::batch) break;
                if (!records.open(batch.bytes)) return said->fail("a batch that does not open");
                for (record::RecordView record; records.next(record);)
                    if (!record.value || !storm_id(kPartition, *record.value))
                        return said->fail("an invented record");
                (*counts)[1].fetch_add(1);
            }
        }
    });
    const std::vector<unsigned char> good{bytes, bytes + slot_end};
    std::mt19937_64 random{test_seed()};
    const std::uint64_t mutations = test_scale(100'000, 1'000'000);
    const auto mutate = [&] {
        // Anywhere in the header or in the first slots, a bit, a byte or a word.
        const bool in_header = random() % 2 == 0;
        const std::size_t at = in_header ? random() % 4088 : shm::kSlotsAt + random() % (4 * shm::kSlotBytes - 8);
        const std::uint64_t value = random() % 4 == 0 ? random() % 3 : random();
        const std::size_t size = std::size_t{1} << random() % 4;
        std::memcpy(bytes + at / size * size, &value, size);
    };
    std::uint64_t turns = (*counts)[0].load();
    for (std::uint64_t i = 0; i < mutations; ++i) {
        mutate();
        if (i % 20 == 19) std::memcpy(bytes, good.data(), slot_end);
        if (i % 1000 == 999) {
            // The reader still comes to an end of every turn.
            const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{60};
            while ((*counts)[0].load() == turns) {
                ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "the reader loops";
                wait_a_while(reader, 500);
            }
            turns = (*counts)[0].load();
        }
    }
    reader.send(SIGKILL);
    EXPECT_EQ(reader.wait(), ended_by(SIGKILL)) << said->text.data();
    EXPECT_GT((*counts)[1].load(), 0u) << "nothing was ever read";
    std::memcpy(bytes, good.data(), slot_end);
    munmap(memory, slot_end);
    close(fd);
    leave.open();
    EXPECT_EQ(owner.wait(), exited_with(0));
}

// ---- Row 39

TEST(Row39PathTricks, NoNameLeadsOutOfTheDataDirectory) {
    const FastDir dir;
    auto directory = open_data(dir / "in/data");
    ASSERT_TRUE(directory) << directory.error().message();
    ASSERT_TRUE(os::create_directory(dir / "in/victim-0"));
    const auto listing = [&] {
        std::string all;
        for (const auto& where : {dir.path(), dir / "in", dir / "in/data"})
            for (const auto& entry : entries_of(where)) all += where + "/" + entry.name + "\n";
        return all;
    };
    const std::string before = listing();
    const std::vector<std::string> illegal{"",
                                           ".",
                                           "..",
                                           "/",
                                           "../victim",
                                           "../../x",
                                           "a/b",
                                           "a\\b",
                                           "/etc",
                                           std::string("a\0b", 3),
                                           std::string(1, '\0'),
                                           std::string(250, 'a'),
                                           "ä",
                                           "a b",
                                           "a\n",
                                           "\xff\xfe",
                                           "*",
                                           "a:b",
                                           "~",
                                           "-/../victim",
                                           "%2e%2e"};
    for (const auto& name : illegal) {
        SCOPED_TRACE(name);
        EXPECT_EQ(directory->create_topic({name, 1, 1, {}}).error().code, Errc::bad_argument);
        EXPECT_FALSE(directory->topic(name));
        EXPECT_FALSE(directory->delete_topic(name));
        EXPECT_FALSE(directory->set_partitions(name, 2));
        EXPECT_FALSE(directory->change_config(name, {{"retention.ms", "1"}}));
        EXPECT_FALSE(directory->open_writer({name, 0}));
        EXPECT_FALSE(directory->open_reader({name, 0}));
    }
    EXPECT_FALSE(directory->open_writer({"victim", -1}));
    EXPECT_FALSE(directory->open_reader({"victim", 1'000'000}));
    // Opening a writer may leave meta.properties and the like: nothing else, and nothing outside.
    const std::string after = listing();
    EXPECT_EQ(before.substr(0, before.find("/data/")), after.substr(0, after.find("/data/")));
    EXPECT_TRUE(os::exists(dir / "in/victim-0").value());
    for (const auto& entry : entries_of(dir / "in/data")) EXPECT_FALSE(entry.is_directory) << entry.name;

    const std::string longest(249, 'a');
    for (const auto& name :
         {longest, std::string{"a.b_c-1"}, std::string{"A"}, std::string{"a"}, std::string{"..."}}) {
        SCOPED_TRACE(name);
        const auto made = directory->create_topic({name, 1, 1, {}});
        ASSERT_TRUE(made) << made.error().message();
        auto writer = directory->open_writer({name, 0});
        ASSERT_TRUE(writer) << writer.error().message();
        std::string batch = storm_batch({name, 0}, 1, 1);
        EXPECT_TRUE((*writer)->append(batch));
        EXPECT_TRUE(os::exists(dir / ("in/data/" + name + "-0")).value());
    }
}

}  // namespace
}  // namespace mq::test
