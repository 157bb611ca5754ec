// Processes that share a directory in spite of what separates them: name spaces, boot ids, copies, stopped holders.
// The list "Faults that a test must make" of the concurrency contract, as far as it knows no groups.

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>
#include <csignal>

#include "os/kill_point.h"
#include "record/record.h"
#include "shm/control_file.h"
#include "storm/cut_disk.h"
#include "storm/own_world.h"
#include "storm/shared.h"
#include "storm/storm.h"
#include "support/fast_dir.h"

namespace mq::test {
namespace {

const log::TopicPartition kPartition{"shared", 0};
const store::ConfigMap kConfig{{"segment.bytes", "3000"}, {"retention.ms", "-1"}};

struct Note {
    std::array<char, 400> text;
    std::atomic<std::int64_t> number;
    std::atomic<std::int64_t> other;

    int fail(const std::string& what) {
        what.copy(text.data(), text.size() - 1);
        return 1;
    }
};

int make_topic(const std::string& data, Note& note) {
    auto opened = open_data(data);
    if (!opened) return note.fail(opened.error().message());
    const auto made = opened->create_topic({kPartition.topic, 1, 1, kConfig});
    return made ? 0 : note.fail(made.error().message());
}

Status append_to(store::DataDirectory& directory, std::uint64_t first, std::uint32_t count) {
    MQ_ASSIGN(auto writer, directory.open_writer(kPartition));
    std::string batch = storm_batch(kPartition, first, count);
    MQ_TRY(writer->append(batch));
    return {};
}

int append_one(const std::string& data, std::uint64_t id, Note& note) {
    auto opened = open_data(data);
    if (!opened) return note.fail("open: " + opened.error().message());
    const Status done = append_to(*opened, id, 1);
    return done ? 0 : note.fail("append: " + done.error().message());
}

// Stops with the append lock held, its batch written and not published.
int stop_inside_append(const std::string& data, std::uint64_t id, Note& note) {
    auto opened = open_data(data);
    if (!opened) return note.fail("open: " + opened.error().message());
    if (const Status first = append_to(*opened, id, 1); !first) return note.fail(first.error().message());
    if (!os::arm_kill_point("append.after_write", 1, os::KillAction::stop)) return 3;
    const Status done = append_to(*opened, id + 1, 1);
    return done ? 0 : note.fail("append: " + done.error().message());
}

TEST(Row04StoppedHolder, P5_LCK6_IsNamedAfterASecondKeepsTheLockAndFinishes) {
    const FastDir dir;
    const std::string data = dir / "data";
    Shared<Note> note;
    ASSERT_EQ(run_in_child([&] { return make_topic(data, *note); }), exited_with(0)) << note->text.data();
    Child stopped = Child::fork([&] { return stop_inside_append(data, 100, *note); });
    ASSERT_TRUE(stopped.wait_until_stopped()) << note->text.data();

    // Only its own patience ends the wait of another.
    const ChildEnd waiter = run_in_child([&] {
        store::OpenOptions options;
        options.access = store::Access::write;
        options.on_wait = [&](const shm::Holder& holder, std::chrono::milliseconds waited) -> Status {
            note->number.store(holder.pid);
            note->other.store(waited.count());
            return fail(Errc::timed_out, "wait", holder.what);
        };
        auto opened = store::DataDirectory::open(data, options);
        if (!opened) return note->fail("open: " + opened.error().message());
        const Status done = append_to(*opened, 200, 1);
        if (done || done.error().code != Errc::timed_out) return note->fail("the lock of a living holder was taken");
        return 0;
    });
    ASSERT_EQ(waiter, exited_with(0)) << note->text.data();
    EXPECT_EQ(note->number.load(), stopped.pid());
    EXPECT_GE(note->other.load(), 1000);

    stopped.send(SIGCONT);
    EXPECT_EQ(stopped.wait(), exited_with(0)) << note->text.data();
    ASSERT_EQ(run_in_child([&] { return append_one(data, 300, *note); }), exited_with(0)) << note->text.data();
    auto opened = open_data(data);
    ASSERT_TRUE(opened) << opened.error().message();
    auto reader = opened->open_reader(kPartition);
    ASSERT_TRUE(reader) << reader.error().message();
    const auto bounds = (*reader)->bounds();
    ASSERT_TRUE(bounds);
    EXPECT_EQ(bounds->log_end.value(), 3);  // 100, 101, 300
}

TEST(Row04StopStorm, P3_P4_P5_P9_LCK6_StoppedProcessesNeitherBlockReadersNorOverwriteWhenResumed) {
    const std::uint64_t stops = test_scale(1500, 20'000);
    std::mt19937_64 random{test_seed()};
    for (std::uint64_t done = 0; done < stops;) {
        SCOPED_TRACE("after " + std::to_string(done) + " stops, seed " + std::to_string(test_seed()));
        const FastDir dir;
        StormPlan plan;
        plan.producers = 4;
        plan.consumers = 2;
        plan.members = 3;
        plan.partitions = {{"storm", 0}, {"storm", 1}};
        plan.seed = test_seed() + done;
        plan.sends_a_turn = 20;
        Storm storm{dir.path(), plan};
        // Somebody lives in the directory all the time: else who is stopped may be the first to open it, and is
        // waited for by all.
        const Gate ready;
        const Child bystander = Child::fork([&] {
            const auto opened = open_data(dir.path());
            if (!opened) return 1;
            ready.open();
            for (;;) pause();
        });
        ASSERT_TRUE(ready.wait());
        storm.start();
        for (std::uint64_t i = 0; i < 500 && done < stops; ++i, ++done) {
            storm.turn();
            const auto victim = static_cast<unsigned>(random() % storm.clients());
            wait_a_while(storm.child(victim), random() % 2'000);
            storm.child(victim).send(SIGSTOP);
            ASSERT_TRUE(storm.child(victim).wait_until_stopped());
            if (i % 20 == 0) {  // a reader comes in while somebody is stopped, and reads to the end
                const ChildEnd reader = run_in_child([&] {
                    auto opened = open_data(dir.path(), store::Access::read);
                    if (!opened) return 1;
                    auto all = opened->open_reader(plan.partitions[0]);
                    if (!all) return 2;
                    log::ScannedBatch batch;
                    for (;;) {
                        const auto outcome = (*all)->next(batch);
                        if (!outcome) return 3;
                        if (*outcome != log::ReadOutcome::batch) return 0;
                    }
                });
                ASSERT_EQ(reader, exited_with(0));
            }
            storm.child(victim).send(SIGCONT);
        }
        ASSERT_EQ(storm.finish(), "");
        EXPECT_GT(storm.verdict().acknowledged, 500u);
    }
}

TEST(Namespaces, LCK2_P1_P3_P9_ProcessesOneOfManyPidNamespacesShareADirectoryAndDie) {
    EXPECT_EQ(in_own_world([] {
                  const FastDir dir;
                  StormPlan plan;
                  plan.producers = 4;
                  plan.consumers = 2;
                  plan.members = 3;
                  plan.fork = fork_as_process_one;
                  Storm storm{dir.path(), plan};
                  std::mt19937_64 random{plan.seed};
                  storm.start();
                  for (std::uint64_t kill = 0; kill < test_scale(150, 15'000); ++kill) {
                      storm.turn();
                      const auto victim = static_cast<unsigned>(random() % storm.clients());
                      wait_a_while(storm.child(victim), random() % 5'000);
                      storm.replace(victim, SIGKILL);
                  }
                  ASSERT_EQ(storm.finish(), "");
                  EXPECT_GT(storm.verdict().acknowledged, 500u);
              }),
              exited_with(0));
}

// A container may have a boot id of its own.
TEST(Namespaces, DIR3_DIR2_AFalseBootIdDoesNotResetALiveDirectory) {
    EXPECT_EQ(in_own_world([] {
                  const FastDir dir;
                  spill(dir / "boot", "11111111-2222-4333-8444-555555555555\n");
                  StormPlan plan;
                  plan.producers = 4;
                  plan.consumers = 2;
                  plan.members = 3;
                  plan.fork = fork_as_process_one;
                  plan.at_birth = [&](unsigned client) {
                      if (client % 2 == 1) bind_over(dir / "boot", "/proc/sys/kernel/random/boot_id");
                  };
                  Storm storm{dir / "data", plan};
                  std::mt19937_64 random{plan.seed};
                  storm.start();
                  for (std::uint64_t kill = 0; kill < test_scale(100, 10'000); ++kill) {
                      storm.turn();
                      const auto victim = static_cast<unsigned>(random() % storm.clients());
                      wait_a_while(storm.child(victim), random() % 5'000);
                      storm.replace(victim, SIGKILL);
                  }
                  ASSERT_EQ(storm.finish(), "");
                  EXPECT_GT(storm.verdict().acknowledged, 300u);
              }),
              exited_with(0));
}

// The directory of a process that is stopped inside an append, copied; the copy is opened by eight at once.
class Row05Copy : public testing::Test {
protected:
    void rounds(bool other_boot) {
        for (std::uint64_t round = 0; round < test_scale(25, 1000); ++round) {
            SCOPED_TRACE("round " + std::to_string(round));
            const FastDir dir;
            const std::string data = dir / "data";
            const std::string copy = dir / "copy";
            Shared<Note> note;
            ASSERT_EQ(run_in_child([&] { return make_topic(data, *note); }), exited_with(0)) << note->text.data();
            Child stopped = Child::fork([&] { return stop_inside_append(data, 100, *note); });
            ASSERT_TRUE(stopped.wait_until_stopped()) << note->text.data();
            ASSERT_EQ(run_program({{"cp", "-a", "--sparse=always", data, copy}}).end, exited_with(0));
            if (other_boot) forget_boot(copy);

            constexpr unsigned kOpeners = 8;
            Shared<std::array<std::atomic<std::uint32_t>, 2>> recoverers;
            {
                std::vector<Child> openers;
                for (unsigned i = 0; i < kOpeners; ++i) {
                    openers.push_back(Child::fork([&, i] {
                        auto opened = open_data(copy);
                        if (!opened) return note->fail("open: " + opened.error().message());
                        auto writer = opened->open_writer(kPartition);
                        if (!writer) return note->fail("open writer: " + writer.error().message());
                        std::string batch = storm_batch(kPartition, 1000 + i, 1);
                        const auto result = (*writer)->append(batch);
                        if (!result) return note->fail("append: " + result.error().message());
                        const auto report = (*writer)->take_recovery_report();
                        if (report.bytes_walked > 0) (*recoverers)[0].fetch_add(1);
                        return 0;
                    }));
                }
                for (auto& opener : openers) ASSERT_EQ(opener.wait(), exited_with(0)) << note->text.data();
            }
            EXPECT_EQ((*recoverers)[0].load(), 1u);
            {
                auto opened = open_data(copy);
                ASSERT_TRUE(opened) << opened.error().message();
                auto reader = opened->open_reader(kPartition);
                ASSERT_TRUE(reader) << reader.error().message();
                const auto bounds = (*reader)->bounds();
                ASSERT_TRUE(bounds);
                // The record that was written and not published may be adopted.
                EXPECT_GE(bounds->log_end.value(), 1 + static_cast<std::int64_t>(kOpeners));
                EXPECT_LE(bounds->log_end.value(), 2 + static_cast<std::int64_t>(kOpeners));
            }
            // The original is none the wiser.
            stopped.send(SIGCONT);
            ASSERT_EQ(stopped.wait(), exited_with(0)) << note->text.data();
        }
    }
};

TEST_F(Row05Copy, P1_P5_DIR3_ALockedDirectoryAfterARebootIsRecoveredByExactlyOne) { rounds(true); }
TEST_F(Row05Copy, P1_P5_DIR3_ALiveCopyInTheSameBootIsRecoveredByExactlyOne) { rounds(false); }

// A producer killed between publishing and waking leaves nobody asleep for ever.
TEST(Wakeup, P5_PUB5_ADeathBetweenPublishingAndWakingDelaysSleepersOnly) {
    const FastDir dir;
    const std::string data = dir / "data";
    Shared<Note> note;
    ASSERT_EQ(run_in_child([&] { return make_topic(data, *note); }), exited_with(0)) << note->text.data();
    for (int round = 0; round < 3; ++round) {
        const Gate asleep;
        Child sleeper = Child::fork([&] {
            auto opened = open_data(data, store::Access::read);
            if (!opened) return note->fail(opened.error().message());
            auto reader = opened->open_reader(kPartition);
            if (!reader) return note->fail(reader.error().message());
            (*reader)->seek(Offset{round});
            store::PartitionReader* const one[] = {reader->get()};
            store::Waiter waiter;
            asleep.open();
            for (;;) {
                const auto woken = waiter.wait(one, -1);
                if (!woken) return note->fail(woken.error().message());
                log::ScannedBatch batch;
                const auto outcome = (*reader)->next(batch);
                if (!outcome) return note->fail(outcome.error().message());
                if (*outcome == log::ReadOutcome::batch) return 0;
            }
        });
        ASSERT_TRUE(asleep.wait());
        wait_a_while(sleeper, 20'000);
        const ChildEnd died = run_in_child([&] {
            if (!os::arm_kill_point("store.append.before_wake")) return 3;
            return append_one(data, static_cast<std::uint64_t>(round), *note);
        });
        ASSERT_EQ(died, ended_by(SIGKILL)) << note->text.data();
        EXPECT_EQ(sleeper.wait(std::chrono::seconds{30}), exited_with(0)) << note->text.data();
    }
}

// A topic deleted, and deleted and made again, under an open writer, reader and sleeper.
TEST(DeletedTopic, PUB6_AnOpenReaderSaysSoAndAnOpenWriterNeverWritesIntoTheOldFiles) {
    const FastDir dir;
    auto directory = open_data(dir / "data");
    ASSERT_TRUE(directory) << directory.error().message();
    ASSERT_TRUE(directory->create_topic({kPartition.topic, 1, 1, kConfig}));
    auto writer = directory->open_writer(kPartition);
    ASSERT_TRUE(writer) << writer.error().message();
    std::string batch = storm_batch(kPartition, 1, 3);
    ASSERT_TRUE((*writer)->append(batch));
    auto reader = directory->open_reader(kPartition);
    ASSERT_TRUE(reader) << reader.error().message();
    log::ScannedBatch read;
    ASSERT_EQ((*reader)->next(read).value(), log::ReadOutcome::batch);
    store::PartitionReader* const one[] = {reader->get()};

    ASSERT_TRUE(directory->delete_topic(kPartition.topic));
    EXPECT_TRUE(store::Waiter{}.wait(one, -1).value_or(true));
    EXPECT_EQ((*reader)->bounds().error().code, Errc::not_found);
    EXPECT_EQ((*reader)->next(read).error().code, Errc::not_found);
    EXPECT_EQ((*writer)->append(batch).error().code, Errc::not_found);
    EXPECT_EQ((*writer)->flush().error().code, Errc::not_found);
    EXPECT_EQ(os::file_info(dir / "data/shared-0").error().code, Errc::not_found);

    ASSERT_TRUE(directory->create_topic({kPartition.topic, 1, 1, kConfig}));
    EXPECT_EQ((*reader)->next(read).error().code, Errc::not_found);
    // A writer goes on in the new topic, from its beginning; a reader has to say that its offsets mean nothing now.
    const auto appended = (*writer)->append(batch);
    ASSERT_TRUE(appended) << appended.error().message();
    EXPECT_EQ(appended->first_offset.value(), 0);
    auto fresh = directory->open_reader(kPartition);
    ASSERT_TRUE(fresh) << fresh.error().message();
    EXPECT_EQ((*fresh)->bounds()->log_end.value(), 3);
    EXPECT_EQ((*reader)->next(read).error().code, Errc::not_found);
    EXPECT_EQ((*reader)->bounds().error().code, Errc::not_found);
}

// The same in a storm: one process deletes and makes the topic again and again while others write and read it.
TEST(DeletedTopic, PUB6_P3_RecordsOfOneLifeOfATopicNeverShowInAnother) {
    const FastDir dir;
    const std::string data = dir / "data";
    Shared<Note> note;
    Shared<std::atomic<std::uint32_t>> life;
    Shared<std::atomic<std::uint32_t>> stop;
    constexpr std::uint64_t kMost = 1 << 20;                             // sends of one writer
    Shared<std::array<std::atomic<std::uint32_t>, 3 * kMost>> answered;  // the life that was seen after the answer
    ASSERT_EQ(run_in_child([&] { return make_topic(data, *note); }), exited_with(0)) << note->text.data();
    const auto is_expected = [](const Error& error) {
        return error.code == Errc::not_found || error.code == Errc::already_exists;
    };
    std::vector<Child> writers;
    for (unsigned number = 0; number < 3; ++number) {
        writers.push_back(Child::fork([&, number] {
            auto opened = open_data(data);
            if (!opened) return note->fail(opened.error().message());
            std::unique_ptr<store::PartitionWriter> writer;
            std::uint32_t life_seen = 0;
            for (std::uint64_t n = 0, sent = 0; stop->load() == 0 && n < kMost;) {
                const std::uint32_t life_now = life->load();
                if (std::exchange(life_seen, life_now) != life_now) sent = 0;
                if (sent == 30) {  // enough for one life
                    sched_yield();
                    continue;
                }
                if (!writer) {
                    auto made = opened->open_writer(kPartition);
                    if (!made && is_expected(made.error())) continue;
                    if (!made) return note->fail("open writer: " + made.error().message());
                    writer = *std::move(made);
                }
                std::string batch = storm_batch(kPartition, storm_record(number, n), 1);
                const auto result = writer->append(batch);
                if (!result && !is_expected(result.error())) return note->fail("append: " + result.error().message());
                if (!result) writer.reset();
                if (result) {
                    (*answered)[number * kMost + n].store(life->load());
                    ++sent;
                    note->number.fetch_add(1);
                }
                ++n;
            }
            return 0;
        }));
    }
    Child reader = Child::fork([&] {
        auto opened = open_data(data, store::Access::read);
        if (!opened) return note->fail(opened.error().message());
        std::unique_ptr<store::PartitionReader> one;
        log::ScannedBatch batch;
        record::RecordReader records;
        while (stop->load() == 0) {
            if (!one) {
                auto made = opened->open_reader(kPartition);
                if (!made && is_expected(made.error())) continue;
                if (!made) return note->fail("open reader: " + made.error().message());
                one = *std::move(made);
            }
            const std::int64_t position = one->position().value();
            const auto outcome = one->next(batch);
            if (!outcome && !is_expected(outcome.error())) return note->fail("read: " + outcome.error().message());
            if (!outcome) {
                one.reset();
                continue;
            }
            if (*outcome != log::ReadOutcome::batch) continue;
            if (batch.header.base_offset.value() != position)
                return note->fail("a hole at " + std::to_string(position));
            if (const Status opened_batch = records.open(batch.bytes); !opened_batch)
                return note->fail(opened_batch.error().message());
            for (record::RecordView record; records.next(record);)
                if (!record.value || !storm_id(kPartition, *record.value)) return note->fail("a torn record");
            note->other.fetch_add(1);
        }
        return 0;
    });
    {
        const ChildEnd maker = run_in_child(
            [&] {
                auto opened = open_data(data);
                if (!opened) return note->fail(opened.error().message());
                for (std::uint64_t i = 0; i < test_scale(150, 15'000); ++i) {
                    const std::int64_t before = note->number.load();
                    if (const auto gone = opened->delete_topic(kPartition.topic); !gone)
                        return note->fail("delete: " + gone.error().message());
                    life->fetch_add(1);
                    const auto made = opened->create_topic({kPartition.topic, 1, 1, kConfig});
                    if (!made) return note->fail("make: " + made.error().message());
                    for (int tries = 0; note->number.load() < before + 6 && tries < 20'000; ++tries) sched_yield();
                    auto check = opened->open_reader(kPartition);
                    if (!check) return note->fail("open: " + check.error().message());
                    log::ScannedBatch batch;
                    record::RecordReader records;
                    for (;;) {
                        const auto outcome = (*check)->next(batch);
                        if (!outcome) return note->fail("check: " + outcome.error().message());
                        if (*outcome != log::ReadOutcome::batch) break;
                        if (!records.open(batch.bytes)) return note->fail("check: a batch does not open");
                        for (record::RecordView record; records.next(record);) {
                            const auto id = record.value ? storm_id(kPartition, *record.value) : std::nullopt;
                            if (!id) return note->fail("check: a torn record");
                            // Answered before this life began, it stands in an earlier one.
                            const std::uint32_t seen =
                                (*answered)[(*id >> 40) * kMost + (*id & ((std::uint64_t{1} << 40) - 1))].load();
                            if (seen != 0 && seen < life->load()) return note->fail("a record of an earlier life");
                        }
                    }
                }
                return 0;
            },
            std::chrono::minutes{5});
        EXPECT_EQ(maker, exited_with(0)) << note->text.data();
    }
    stop->store(1);
    for (auto& writer : writers) EXPECT_EQ(writer.wait(), exited_with(0)) << note->text.data();
    EXPECT_EQ(reader.wait(), exited_with(0)) << note->text.data();
    EXPECT_GT(note->number.load(), 100);
    EXPECT_GT(note->other.load(), 10);
}

}  // namespace
}  // namespace mq::test
