// Rows 2 and 3 of the reliability contract: a process dies at each named line of the log, and while it mends what a
// dead one left.

#include <fcntl.h>
#include <csignal>

#include "crash/scenario.h"
#include "os/kill_point.h"
#include "support/child.h"
#include "support/scale.h"

namespace mq::test {
namespace {

constexpr RecordId kRacerIds = 1'000'000;
constexpr int kRacers = 3;

using Passes = std::map<std::string, unsigned, std::less<>>;

// Counts, in a child, how often `body` passes through each point.
Passes count_passes(const std::function<void()>& body) {
    const auto points = os::kill_points();
    void* memory =
        mmap(nullptr, points.size() * sizeof(unsigned), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc{};
    auto* counts = static_cast<unsigned*>(memory);
    const ChildEnd end = run_in_child([&] {
        os::count_kill_points();
        body();
        for (std::size_t i = 0; i < points.size(); ++i) counts[i] = os::kill_point_passes(points[i]);
        return 0;
    });
    EXPECT_EQ(end, exited_with(0));
    Passes passes;
    for (std::size_t i = 0; i < points.size(); ++i)
        if (counts[i] > 0) passes[std::string{points[i]}] = counts[i];
    munmap(memory, points.size() * sizeof(unsigned));
    return passes;
}

ChildEnd die_at(const std::string& point, unsigned nth, const std::function<void()>& body) {
    return run_in_child([&] {
        if (!os::arm_kill_point(point, nth)) return 3;
        body();
        return 0;
    });
}

// Opens, repairs, appends one record and closes, one process at a time as the tools do it.
int race(const std::string& directory, int racer) {
    const auto lock = os::File::open(directory + "/lock", os::OpenMode::create);
    struct flock whole {};
    whole.l_type = F_WRLCK;
    if (!lock || fcntl(lock->fd(), F_OFD_SETLKW, &whole) != 0) return 3;
    log::PublishedState state;
    auto log = open_partition(directory, state, log::Trust::recovery_point);
    if (!log) {
        std::fprintf(stderr, "racer: %s\n", log.error().message().c_str());
        return 4;
    }
    std::string batch = batch_of(kRacerIds + static_cast<RecordId>(racer), 1);
    if (!log->append(batch) || !log->close()) return 5;
    return 0;
}

void take_away_racers(ReadBack& found, std::int64_t& end) {
    for (int i = 0; i < kRacers && !found.content.empty(); ++i) {
        const auto last = std::prev(found.content.end());
        if (!last->second || *last->second < kRacerIds) {
            found.trouble = "a racer's record is missing";
            return;
        }
        found.content.erase(last);
        --end;
    }
}

std::string judge_directory(const std::string& directory, const Journal& journal, log::Trust trust, bool raced) {
    log::PublishedState state;
    auto log = open_partition(directory, state, trust);
    if (!log) return "open: " + log.error().message();
    ReadBack found = read_back(partition_of(directory), state);
    std::int64_t end = log->log_end().value();
    if (raced) take_away_racers(found, end);
    Allowed allowed = allowed_by(journal);
    if (raced) {
        // The racers appended to whatever was left.
        allowed.end_at_least += kRacers;
        for (int i = 0; i < kRacers; ++i) found.content[end + i] = allowed.content[end + i] = kRacerIds;
        if (allowed.may_be_empty && found.content.size() == kRacers && found.trouble.empty()) return {};
    }
    if (auto trouble = judge(allowed, *log, found); !trouble.empty()) return trouble;
    if (auto trouble = check_indexes(partition_of(directory), log->log_start()); !trouble.empty()) return trouble;
    // Work goes on.
    std::string batch = batch_of(2 * kRacerIds, 2);
    const auto appended = log->append(batch);
    if (!appended) return "append: " + appended.error().message();
    if (const auto closed = log->close(); !closed) return "close: " + closed.error().message();
    found = read_back(partition_of(directory), state);
    if (!found.trouble.empty()) return "after one more append: " + found.trouble;
    if (found.content[appended->last_offset.value()] != 2 * kRacerIds + 1) return "the next append is not there";
    return check_indexes(partition_of(directory), log->log_start());
}

// Passes through the points in the order life -> points, for each start state.
Passes passes_of_life(StartState start) {
    const FastDir dir;
    SharedJournal journal;
    prepare(start, dir.path(), *journal);
    return count_passes([&] { live(dir.path(), *journal); });
}

class Row02KillPointsOf : public testing::TestWithParam<StartState> {};

TEST_P(Row02KillPointsOf, ALifeWithoutDeathEndsInOrder) {
    const FastDir dir;
    SharedJournal journal;
    prepare(GetParam(), dir.path(), *journal);
    live(dir.path(), *journal);
    EXPECT_EQ(judge_directory(dir.path(), *journal, log::Trust::clean, false), "");
    EXPECT_EQ(judge_directory(dir.path(), *journal, log::Trust::segments, false).substr(0, 8), "invented");
}

TEST_P(Row02KillPointsOf, DeathAtEachStepLosesNothingAcknowledgedAndInventsNothing) {
    const unsigned deepest = is_long_run() ? 1000 : 3;
    for (const auto& [point, passes] : passes_of_life(GetParam())) {
        for (unsigned nth = 1; nth <= std::min(passes, deepest); ++nth) {
            SCOPED_TRACE(std::string{to_string(GetParam())} + ", " + point + " pass " + std::to_string(nth));
            const FastDir dir;
            SharedJournal journal;
            prepare(GetParam(), dir.path(), *journal);
            ASSERT_EQ(die_at(point, nth, [&] { live(dir.path(), *journal); }), ended_by(SIGKILL));
            const bool raced = nth == 1;
            if (raced) {
                std::vector<Child> racers;
                for (int i = 0; i < kRacers; ++i)
                    racers.push_back(Child::fork([&, i] { return race(dir.path(), i); }));
                for (auto& racer : racers) ASSERT_EQ(racer.wait(), exited_with(0));
            }
            ASSERT_EQ(judge_directory(dir.path(), *journal,
                                      nth % 2 == 0 ? log::Trust::segments : log::Trust::recovery_point, raced),
                      "");
        }
    }
}

// The state outlives the process, as in a control file: whoever comes next believes it, and cuts the files back to
// it.
std::string judge_shared(const std::string& directory, Journal& journal) {
    const PointFile point{directory + "/point"};
    log::OpenOptions options;
    options.recovery_point = point.read();
    options.persist_recovery_point = point.writer();
    options.clock = fixed_clock;
    const log::Published published = journal.state.read();
    // Before anything is repaired a reader sees what is published.
    ReadBack seen = read_back(partition_of(directory), journal.state);
    if (!seen.trouble.empty()) return "beside the dead: " + seen.trouble;
    auto log = log::Log::attach(partition_of(directory), scenario_config(), journal.state, options);
    if (!log) return "attach: " + log.error().message();
    if (journal.state.poison.load() != 0) {
        if (const auto cleared = log->clear_poison(); !cleared) return "clear poison: " + cleared.error().message();
    }
    if (log->log_end() != published.log_end) return "repair moved the published end";
    ReadBack found = read_back(partition_of(directory), journal.state);
    if (found.content != seen.content) return "repair changed what readers saw";
    if (auto trouble = judge(allowed_by(journal), *log, found); !trouble.empty()) return trouble;
    std::string batch = batch_of(2 * kRacerIds, 2);
    const auto appended = log->append(batch);
    if (!appended) return "append: " + appended.error().message();
    if (const auto rolled = log->roll(); !rolled) return "roll: " + rolled.error().message();
    if (const auto closed = log->close(); !closed) return "close: " + closed.error().message();
    found = read_back(partition_of(directory), journal.state);
    if (!found.trouble.empty()) return "after one more append: " + found.trouble;
    if (found.content[appended->last_offset.value()] != 2 * kRacerIds + 1) return "the next append is not there";
    return check_indexes(partition_of(directory), log->log_start());
}

TEST_P(Row02KillPointsOf, DeathInOneIncarnationIsRepairedFromThePublishedState) {
    const unsigned deepest = is_long_run() ? 1000 : 3;
    for (const auto& [point, passes] : passes_of_life(GetParam())) {
        for (unsigned nth = 1; nth <= std::min(passes, deepest); ++nth) {
            SCOPED_TRACE(std::string{to_string(GetParam())} + ", " + point + " pass " + std::to_string(nth));
            const FastDir dir;
            SharedJournal journal;
            prepare(GetParam(), dir.path(), *journal);
            ASSERT_EQ(die_at(point, nth, [&] { live(dir.path(), *journal); }), ended_by(SIGKILL));
            // Death while the state was being loaded is the next opener's affair, by the files.
            if (journal->steps.load() == 0 || journal->live.load() == 0) continue;
            ASSERT_EQ(judge_shared(dir.path(), *journal), "");
        }
    }
}

// What recovery finds to do: torn and damaged tails, segments to set aside, replacements to finish.
struct Wreck {
    const char* name;
    const char* point;
    unsigned nth;
    std::function<void(const std::string& partition)> damage;
};

void write_at_end(const std::string& path, std::string_view bytes) {
    const auto file = os::File::open(path, os::OpenMode::read_write).value();
    ASSERT_TRUE(file.write_at(bytes, FilePosition{file.size().value()}));
}

std::vector<std::string> logs_of(const std::string& partition) {
    std::vector<std::string> logs;
    const auto listed = log::list_segments(partition).value();
    for (const auto& segment : listed)
        logs.push_back(log::segment_paths(partition, segment.base, segment.suffix).log);
    return logs;
}

const std::vector<Wreck>& wrecks() {
    static const std::vector<Wreck> all{
        {"torn tail", "append.before_publish", 20,
         [](const std::string& partition) {
             write_at_end(logs_of(partition).back(), batch_of(5'000, 3).substr(0, 100));
         }},
        {"damage before whole batches", "append.after_write", 26,
         [](const std::string& partition) {
             const auto file = os::File::open(logs_of(partition).back(), os::OpenMode::read_write).value();
             ASSERT_TRUE(file.write_at("!", FilePosition{file.size().value() - 330}));
         }},
        {"damage before whole segments", "truncate.after_copy", 1,
         [](const std::string& partition) {
             const auto logs = logs_of(partition);
             const auto file = os::File::open(logs.at(logs.size() - 2), os::OpenMode::read_write).value();
             ASSERT_TRUE(file.write_at("!", FilePosition{file.size().value() - 5}));
         }},
        {"half a truncation", "truncate.after_copy", 1, [](const std::string&) {}},
        {"half a replacement", "replace.after_swap", 1, [](const std::string&) {}},
        {"an index is gone", "append.after_time_index", 5,
         [](const std::string& partition) {
             const auto first = log::list_segments(partition).value().front().base;
             const auto paths = log::segment_paths(partition, first);
             ASSERT_TRUE(os::remove_file(paths.offset_index));
         }},
    };
    return all;
}

void recover(const std::string& directory) {
    log::PublishedState state;
    if (!open_partition(directory, state, log::Trust::recovery_point)) std::abort();
}

// The records that an undisturbed recovery leaves.
Content recovered_content(const std::string& directory, std::string& trouble) {
    log::PublishedState state;
    const auto log = open_partition(directory, state, log::Trust::recovery_point);
    if (!log) {
        trouble = log.error().message();
        return {};
    }
    ReadBack found = read_back(partition_of(directory), state);
    trouble = found.trouble;
    if (trouble.empty()) trouble = check_indexes(partition_of(directory), log->log_start());
    return found.content;
}

// Kills the recoverer of `image` at each of its points, `depth` times one after another; what is left must recover to
// `expected`.
std::uint64_t recover_dying(const std::string& image, const Content& expected, unsigned depth, Passes* met) {
    std::uint64_t deaths = 0;
    Passes passes;
    {
        const FastDir counted;
        copy_tree(image, counted / "d");
        passes = count_passes([&] { recover(counted / "d"); });
    }
    const unsigned deepest = is_long_run() ? 3 : 2;
    for (const auto& [point, count] : passes) {
        for (unsigned nth = 1; nth <= std::min(count, deepest); ++nth) {
            SCOPED_TRACE(point + " pass " + std::to_string(nth));
            const FastDir dir;
            const std::string wreck = dir / "d";
            copy_tree(image, wreck);
            EXPECT_EQ(die_at(point, nth, [&] { recover(wreck); }), ended_by(SIGKILL));
            ++deaths;
            if (met != nullptr) ++(*met)[point];
            if (depth > 1) {
                deaths += recover_dying(wreck, expected, depth - 1, met);
            } else {
                std::string trouble;
                EXPECT_EQ(recovered_content(wreck, trouble), expected);
                EXPECT_EQ(trouble, "");
            }
            if (testing::Test::HasFailure()) return deaths;
        }
    }
    return deaths;
}

void make_wreck(const Wreck& wreck, StartState start, const std::string& directory, Journal& journal) {
    prepare(start, directory, journal);
    ASSERT_EQ(die_at(wreck.point, wreck.nth, [&] { live(directory, journal); }), ended_by(SIGKILL));
    wreck.damage(partition_of(directory));
}

TEST(Row03DeathDuringRecovery, TheNextRecoveryFindsTheSameRecords) {
    const unsigned depth = is_long_run() ? 3 : 2;
    std::uint64_t deaths = 0;
    for (const Wreck& wreck : wrecks()) {
        SCOPED_TRACE(wreck.name);
        const FastDir dir;
        SharedJournal journal;
        const std::string image = dir / "image";
        ASSERT_TRUE(os::create_directory(image));
        make_wreck(wreck, StartState::mid_segment, image, *journal);
        copy_tree(image, dir / "calm");
        std::string trouble;
        const Content expected = recovered_content(dir / "calm", trouble);
        ASSERT_EQ(trouble, "");
        ASSERT_FALSE(expected.empty());
        deaths += recover_dying(image, expected, depth, nullptr);
        if (HasFailure()) return;
    }
    EXPECT_GT(deaths, 1000u);
}

TEST(Row02KillPoints, EveryPointOfTheLogIsMetByALifeOrByARecovery) {
    Passes met;
    for (const StartState start : kStartStates) met.merge(passes_of_life(start));
    for (const Wreck& wreck : wrecks()) {
        const FastDir dir;
        SharedJournal journal;
        make_wreck(wreck, StartState::mid_segment, dir.path(), *journal);
        met.merge(count_passes([&] { recover(dir.path()); }));
    }
    for (const auto point : os::kill_points()) EXPECT_TRUE(met.contains(point)) << point << " was never reached";
}

INSTANTIATE_TEST_SUITE_P(States, Row02KillPointsOf, testing::ValuesIn(kStartStates), [](const auto& state) {
    std::string name{to_string(state.param)};
    std::replace(name.begin(), name.end(), ' ', '_');
    return name;
});

}  // namespace
}  // namespace mq::test
