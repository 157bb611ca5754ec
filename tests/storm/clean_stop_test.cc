// A clean stop (DataDirectory::close_cleanly) dies at each of its steps, with and without a power cut after it, and
// so does whoever appends once it is done: where .kafka_cleanshutdown stands, all that it vouches for is there, as a
// Kafka broker would load it. Rule DIR-6, promises P1, P2, P10; the rules are those of reference sections 10 and 12.

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "crash/workload.h"
#include "log/producer_snapshot.h"
#include "log/segment_files.h"
#include "os/kill_point.h"
#include "storm/cut_disk.h"
#include "storm/shared.h"
#include "storm/storm.h"
#include "storm/storm_client.h"

namespace mq::test {
namespace {

namespace fs = std::filesystem;

// By what has become of each before the stop: written in its life; only in an earlier life, whose process died with
// half a batch written; trimmed; checkpointed, but for the last entry of its time index; never used.
enum : std::size_t { kLoud, kQuiet, kTrimmed, kTimed, kIdle, kTopics };
const std::array<log::TopicPartition, kTopics> kPartitions{
    {{"loud", 0}, {"quiet", 0}, {"trimmed", 0}, {"timed", 0}, {"idle", 0}}};
constexpr std::int64_t kTrimmedTo = 7;
const store::ConfigMap kConfig{{"segment.bytes", "1500"}, {"retention.ms", "-1"}};

// Record n of a partition has the number n, and stands at offset n.
struct StopBoard {
    std::array<std::atomic<std::int64_t>, kTopics> end;
    std::array<char, 400> trouble;

    int fail(const std::string& what) {
        if (trouble[0] == 0) what.copy(trouble.data(), trouble.size() - 1);
        return 1;
    }
    int judge(const Status& done) { return done ? 0 : fail(done.error().message()); }
};

class StopWorld {
public:
    explicit StopWorld(std::string data) : data_(std::move(data)) {}

    [[nodiscard]] const std::string& data() const { return data_; }
    [[nodiscard]] StopBoard& board() const { return *board_; }
    [[nodiscard]] std::string path(const log::TopicPartition& id) const {
        return data_ + "/" + log::partition_directory(id);
    }
    [[nodiscard]] bool is_marked() const { return os::exists(data_ + "/.kafka_cleanshutdown").value(); }

    // At the time of the records, lest their producers are forgotten.
    [[nodiscard]] Result<store::DataDirectory> open() const {
        store::OpenOptions how;
        how.access = store::Access::write;
        how.clock = fixed_clock;
        return store::DataDirectory::open(data_, how);
    }
    Status append(store::DataDirectory& directory, std::size_t which, int batches) const {
        MQ_ASSIGN(auto writer, directory.open_writer(kPartitions.at(which)));
        for (int i = 0; i < batches; ++i) {
            record::BatchOptions options;
            options.producer_id = 1000 + static_cast<ProducerId>(which);
            options.producer_epoch = 0;
            options.base_sequence = static_cast<std::int32_t>(board_->end[which].load());
            std::string batch = batch_of(static_cast<RecordId>(board_->end[which].load()), 2, options);
            MQ_TRY(writer->append(batch));
            board_->end[which].fetch_add(2);
        }
        return {};
    }

    // Three lives: a clean one, one that is killed, and in life() the one whose stop is at stake.
    void prepare() const {
        ASSERT_EQ(run_in_child([&] {
                      return board_->judge([&]() -> Status {
                          MQ_ASSIGN(auto directory, open());
                          for (const auto& id : kPartitions)
                              MQ_TRY(directory.create_topic({id.topic, 1, 1, kConfig}));
                          for (const std::size_t which : {kLoud, kQuiet, kTrimmed, kTimed})
                              MQ_TRY(append(directory, which, 2));
                          MQ_ASSIGN(const bool alone, directory.close_cleanly());
                          if (!alone) return fail(broken("not alone"));
                          return {};
                      }());
                  }),
                  exited_with(0))
            << board_->trouble.data();
        ASSERT_TRUE(is_marked());
        ASSERT_EQ(run_in_child([&] {
                      return board_->judge([&]() -> Status {
                          MQ_ASSIGN(auto directory, open());
                          MQ_TRY(append(directory, kQuiet, 3));
                          raise(SIGKILL);
                          return {};
                      }());
                  }),
                  ended_by(SIGKILL))
            << board_->trouble.data();
        // As a write that was cut short leaves it.
        const auto file =
            os::File::open(path(kPartitions[kQuiet]) + "/00000000000000000000.log", os::OpenMode::read_write);
        ASSERT_TRUE(file);
        const std::string half = batch_of(77, 2).substr(0, 80);
        ASSERT_TRUE(file->write_at(half, FilePosition{file->size().value()}));
    }

    // In a child. `before_stop` arms, or counts.
    int life(
        const std::function<void()>& before_stop, const std::function<void()>& after_stop = [] {}) const {
        return board_->judge([&]() -> Status {
            MQ_ASSIGN(auto directory, open());
            MQ_TRY(append(directory, kLoud, 12));  // rolls
            MQ_TRY(append(directory, kTrimmed, 3));
            MQ_TRY(append(directory, kTimed, 2));
            {
                MQ_ASSIGN(auto writer, directory.open_writer(kPartitions[kTrimmed]));
                MQ_TRY(writer->trim(Offset{kTrimmedTo}));
            }
            {
                MQ_ASSIGN(auto writer, directory.open_writer(kPartitions[kTimed]));
                MQ_TRY(writer->checkpoint());
            }
            before_stop();
            MQ_ASSIGN(const bool alone, directory.close_cleanly());
            if (!alone) return fail(broken("not alone"));
            after_stop();
            return {};
        }());
    }

private:
    std::string data_;
    Shared<StopBoard> board_;
};

// What the files with that ending hold, by name.
std::map<std::string, std::string> files_of(const std::string& directory, std::string_view ending) {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator{directory}) {
        if (!entry.is_regular_file() || !entry.path().string().ends_with(ending)) continue;
        files[entry.path().string()] = os::read_file(entry.path().string(), 1 << 20).value();
    }
    return files;
}

// What a Kafka broker trusts without looking once it has seen the mark (reference 12: rules 7 and 9, section 10).
std::string judge_vouched(const StopWorld& world, std::size_t which, const std::string& scratch) {
    const log::TopicPartition& id = kPartitions.at(which);
    const Offset end{world.board().end[which].load()};
    const std::string name = log::partition_directory(id);
    const auto points = log::read_offset_checkpoint(world.data() + "/recovery-point-offset-checkpoint");
    const auto marks = log::read_offset_checkpoint(world.data() + "/replication-offset-checkpoint");
    const auto starts = log::read_offset_checkpoint(world.data() + "/log-start-offset-checkpoint");
    if (!points || !marks || !starts) return "a checkpoint file is missing";
    if (!points->contains(id) || points->at(id) != end) return name + ": the recovery point is not the end";
    if (!marks->contains(id) || marks->at(id) != end) return name + ": the high watermark is not the end";
    if (which == kTrimmed && (!starts->contains(id) || starts->at(id) != Offset{kTrimmedTo}))
        return name + ": the log start is not there";
    if (end == Offset{0}) return {};

    // Opened as after a clean stop: nothing is walked, the end is what the files say.
    fs::remove_all(scratch);
    fs::create_directories(scratch);
    copy_tree(world.path(id), scratch + "/clean");
    copy_tree(world.path(id), scratch + "/walked");
    const log::LogConfig config;
    log::PublishedState clean_state;
    const auto clean = log::Log::open(scratch + "/clean", config, clean_state, opened_with(log::Trust::clean));
    if (!clean) return name + ": " + clean.error().message();
    if (clean->log_end() != end)
        return name + " ends at " + std::to_string(clean->log_end().value()) + ", not at " +
               std::to_string(end.value());
    // And with every batch looked at, producers from the first one on.
    for (const auto& entry : fs::directory_iterator{scratch + "/walked"})
        if (entry.path().extension() == ".snapshot") fs::remove(entry.path());
    log::PublishedState walked_state;
    const auto walked = log::Log::open(scratch + "/walked", config, walked_state, opened_with());
    if (!walked) return name + ": " + walked.error().message();
    if (!walked->recovery().cuts.empty()) return name + ": " + walked->recovery().cuts.front().reason;
    if (walked->log_end() != end) return name + ": walked, it ends elsewhere";
    const auto snapshot = log::read_snapshot(os::join(world.path(id), log::file_name(log::FileKind::snapshot, end)));
    if (!snapshot) return name + ": " + snapshot.error().message();
    if (snapshot->entries().size() != 1 || walked->producers().entries().size() != 1)
        return name + ": not one producer";
    if (snapshot->entries().begin()->second.last_sequence() !=
        walked->producers().entries().begin()->second.last_sequence())
        return name + ": the snapshot tells another sequence";
    if (clean_state.read().max_timestamp != walked_state.read().max_timestamp)
        return name + ": the time index ends at " + std::to_string(clean_state.read().max_timestamp) + ", not at " +
               std::to_string(walked_state.read().max_timestamp);
    return {};
}

// Of all of them; empty if nothing is wrong.
std::string judge_mark(const StopWorld& world, const std::string& scratch) {
    std::string wrong;
    for (std::size_t which = 0; which < kTopics && wrong.empty(); ++which)
        wrong = judge_vouched(world, which, scratch);
    return wrong;
}

// The next life, in a child: everything that must be there is, and work goes on; the first change takes the mark
// away. `least`: what must be there of each partition.
int live_on(const StopWorld& world, const std::array<std::int64_t, kTopics>& least) {
    return world.board().judge([&]() -> Status {
        MQ_ASSIGN(auto directory, world.open());
        for (std::size_t which = 0; which < kTopics; ++which) {
            const std::string name = kPartitions[which].topic;
            MQ_ASSIGN(auto writer, directory.open_writer(kPartitions[which]));
            if (world.is_marked()) return fail(broken(name + ": changed under the mark"));
            MQ_ASSIGN(const auto bounds, writer->bounds());
            const std::int64_t end = bounds.log_end.value();
            if (end < least.at(which) || end > world.board().end[which].load())
                return fail(broken(name + " ends at " + std::to_string(end) + ", not from " +
                                   std::to_string(least.at(which)) + " to " +
                                   std::to_string(world.board().end[which].load())));
            MQ_ASSIGN(auto reader, directory.open_reader(kPartitions[which]));
            reader->seek(bounds.log_start);
            Content content;
            log::ScannedBatch batch;
            for (;;) {
                MQ_ASSIGN(const auto outcome, reader->next(batch));
                if (outcome != log::ReadOutcome::batch) break;
                if (auto wrong = add_records(batch, content); !wrong.empty())
                    return fail(broken(name + ": " + wrong));
            }
            for (std::int64_t offset = bounds.log_start.value(); offset < end; ++offset)
                if (!content.contains(offset) || content[offset] != static_cast<RecordId>(offset))
                    return fail(broken(name + ": not the record of offset " + std::to_string(offset)));
            world.board().end[which].store(end);
            reader.reset();
            writer.reset();
            MQ_TRY(world.append(directory, which, 1));
        }
        return directory.close();
    }());
}

std::array<std::int64_t, kTopics> ends_of(const StopWorld& world) {
    std::array<std::int64_t, kTopics> ends{};
    for (std::size_t i = 0; i < kTopics; ++i) ends.at(i) = world.board().end[i].load();
    return ends;
}

using Passes = std::map<std::string, unsigned, std::less<>>;

// Counts, in a child, how often `body` passes through each point from the moment on at which it calls its argument.
Passes count_passes(const std::function<int(const std::function<void()>&)>& body) {
    const auto points = os::kill_points();
    Shared<std::array<unsigned, 1024>> counts;
    EXPECT_EQ(run_in_child([&] {
                  const int status = body([] { os::count_kill_points(); });
                  for (std::size_t i = 0; i < points.size(); ++i) (*counts)[i] = os::kill_point_passes(points[i]);
                  return status;
              }),
              exited_with(0));
    Passes passes;
    for (std::size_t i = 0; i < points.size(); ++i)
        if ((*counts)[i] > 0) passes[std::string{points[i]}] = (*counts)[i];
    return passes;
}

Passes passes_of_stop(const StopWorld& world) {
    world.prepare();
    return count_passes([&](const auto& count) { return world.life(count); });
}

ChildEnd stop_dying_at(const StopWorld& world, const std::string& point, unsigned nth) {
    return run_in_child([&] {
        return world.life([&] {
            if (!os::arm_kill_point(point, nth)) std::abort();
        });
    });
}

unsigned deepest(unsigned passes) { return std::min(passes, is_long_run() ? 1000u : 3u); }

TEST(CleanStop, DIR6_P10_WhatTheMarkVouchesForIsThere) {
    const FastDir dir;
    const StopWorld world{dir / "data"};
    world.prepare();
    ASSERT_EQ(run_in_child([&] { return world.life([] {}); }), exited_with(0)) << world.board().trouble.data();
    EXPECT_TRUE(world.is_marked());
    EXPECT_EQ(judge_mark(world, dir / "scratch"), "");
    EXPECT_EQ(run_in_child([&] { return live_on(world, ends_of(world)); }), exited_with(0))
        << world.board().trouble.data();
}

TEST(CleanStop, DIR6_P1_DeathAtEachStepLosesNothingAndLeavesNoMarkBesideWhatItDoesNotVouchFor) {
    Passes passes;
    {
        const FastDir dir;
        passes = passes_of_stop(StopWorld{dir / "data"});
    }
    EXPECT_TRUE(passes.contains("stop.before_mark"));
    std::uint64_t marked = 0;
    for (const auto& [point, count] : passes) {
        for (unsigned nth = 1; nth <= deepest(count); ++nth) {
            SCOPED_TRACE(point + " pass " + std::to_string(nth));
            const FastDir dir;
            const StopWorld world{dir / "data"};
            ASSERT_NO_FATAL_FAILURE(world.prepare());
            ASSERT_EQ(stop_dying_at(world, point, nth), ended_by(SIGKILL)) << world.board().trouble.data();
            if (world.is_marked()) {
                ++marked;
                ASSERT_EQ(judge_mark(world, dir / "scratch"), "");
            }
            // The next stop brings to an end what this one began.
            ASSERT_EQ(run_in_child([&] { return world.life([] {}); }), exited_with(0))
                << world.board().trouble.data();
            ASSERT_TRUE(world.is_marked());
            ASSERT_EQ(judge_mark(world, dir / "scratch"), "");
            ASSERT_EQ(run_in_child([&] { return live_on(world, ends_of(world)); }), exited_with(0))
                << world.board().trouble.data();
        }
    }
    EXPECT_GT(marked, 0u);
}

// Whoever appends once a stop is done, while the process that stopped is still there.
int append_once(const StopWorld& world, const std::function<void()>& before) {
    return world.board().judge([&]() -> Status {
        MQ_ASSIGN(auto directory, world.open());
        before();
        return world.append(directory, kLoud, 1);
    }());
}

// Calls `work` while a process that has just stopped cleanly is still there.
void beside_a_stop(const StopWorld& world, const std::function<void()>& work) {
    const Gate stopped;
    const Gate leave;
    Child stopper = Child::fork([&] {
        return world.life([] {},
                          [&] {
                              stopped.open();
                              static_cast<void>(leave.wait());
                          });
    });
    ASSERT_TRUE(stopped.wait());
    ASSERT_TRUE(world.is_marked()) << world.board().trouble.data();
    work();
    leave.open();
    EXPECT_EQ(stopper.wait(), exited_with(0)) << world.board().trouble.data();
}

// `died`: after the appender's death at one of its points.
void append_after_a_stop(const StopWorld& world, const std::string& point, const std::function<void()>& died) {
    ASSERT_NO_FATAL_FAILURE(world.prepare());
    std::array<std::int64_t, kTopics> least{};
    std::map<std::string, std::string> before;
    beside_a_stop(world, [&] {
        least = ends_of(world);
        before = files_of(world.data(), ".log");
        ASSERT_EQ(run_in_child([&] {
                      return append_once(world, [&] {
                          if (!os::arm_kill_point(point)) std::abort();
                      });
                  }),
                  ended_by(SIGKILL));
        if (world.is_marked()) {
            EXPECT_EQ(files_of(world.data(), ".log"), before);
        }
    });
    died();
    if (world.is_marked()) {
        EXPECT_EQ(files_of(world.data(), ".log"), before);
    }
    // What the dead one sent may be there.
    world.board().end[kLoud].store(least[kLoud] + 2);
    EXPECT_EQ(run_in_child([&] { return live_on(world, least); }), exited_with(0)) << world.board().trouble.data();
}

// As the one who stopped is still there.
Passes passes_of_append() {
    Passes passes;
    const FastDir dir;
    const StopWorld world{dir / "data"};
    world.prepare();
    const auto append = [&] { passes = count_passes([&](const auto& count) { return append_once(world, count); }); };
    beside_a_stop(world, append);
    return passes;
}

TEST(CleanStop, DIR6_P1_WhoeverAppendsAfterItTakesTheMarkAwayFirst) {
    const Passes passes = passes_of_append();
    EXPECT_TRUE(passes.contains("begin.after_unmark"));
    for (const auto& [point, count] : passes) {
        SCOPED_TRACE(point);
        const FastDir dir;
        ASSERT_NO_FATAL_FAILURE(append_after_a_stop(StopWorld{dir / "data"}, point, [] {}));
        ASSERT_FALSE(HasFailure());
    }
}

// What the powerless disk holds is judged.
class CleanStopPowerCut : public testing::TestWithParam<std::string> {
protected:
    // Of a world of its own, on the same disk.
    [[nodiscard]] std::string next() { return disk_.path() + "/data-" + std::to_string(++number_); }
    void cut(const StopWorld& world) {
        disk_.cut();
        disk_.restart();
        forget_boot(world.data());
    }

    CutDisk disk_{GetParam()};
    int number_ = 0;
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(CleanStopPowerCut);

TEST_P(CleanStopPowerCut, DIR6_P2_WhereTheMarkIsSoIsAllThatItVouchesFor) {
    std::uint64_t marked = 0;
    for (const auto& [point, count] : passes_of_stop(StopWorld{next()})) {
        for (unsigned nth = 1; nth <= std::min(deepest(count), 2u); ++nth) {
            SCOPED_TRACE(point + " pass " + std::to_string(nth));
            const StopWorld world{next()};
            ASSERT_NO_FATAL_FAILURE(world.prepare());
            ASSERT_EQ(stop_dying_at(world, point, nth), ended_by(SIGKILL)) << world.board().trouble.data();
            cut(world);
            const FastDir dir;
            auto least = ends_of(world);
            if (world.is_marked()) {
                ++marked;
                ASSERT_EQ(judge_mark(world, dir / "scratch"), "");
            } else {
                // Of the first life, which ended cleanly; and what was checkpointed.
                for (const std::size_t which : {kLoud, kQuiet, kTrimmed}) least.at(which) = 4;
            }
            ASSERT_EQ(run_in_child([&] { return live_on(world, least); }), exited_with(0))
                << world.board().trouble.data();
            fs::remove_all(world.data());
        }
    }
    EXPECT_GT(marked, 0u);
}

TEST_P(CleanStopPowerCut, DIR6_P2_WhoeverAppendsAfterItTakesTheMarkAwayFirst) {
    for (const auto& [point, count] : passes_of_append()) {
        SCOPED_TRACE(point);
        const StopWorld world{next()};
        ASSERT_NO_FATAL_FAILURE(append_after_a_stop(world, point, [&] { cut(world); }));
        ASSERT_FALSE(HasFailure());
        fs::remove_all(world.data());
    }
}

INSTANTIATE_TEST_SUITE_P(Ext4, CleanStopPowerCut, testing::ValuesIn(cut_disk_modes()), [](const auto& mode) {
    std::string name = mode.param;
    std::replace(name.begin(), name.end(), '=', '_');
    return name;
});

}  // namespace
}  // namespace mq::test
