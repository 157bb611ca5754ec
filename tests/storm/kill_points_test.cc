// RELIABILITY rows 2 and 3: a process dies at each named line of store, shared memory and log, of commits and
// membership, and while it mends what a dead one left; then three others race to recover. Promises P1, P3, P5, P9.
// Row 4: one is stopped there instead, and everybody else goes on as far as the lock that it holds allows.

#include <gtest/gtest.h>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

#include "os/kill_point.h"
#include "storm/life.h"

namespace mq::test {
namespace {

constexpr unsigned kRacers = 3;
using Passes = std::map<std::string, unsigned, std::less<>>;

// Counts, in a child, how often `body` passes through each point.
Passes count_passes(const std::function<int()>& body) {
    const auto points = os::kill_points();
    Shared<std::array<unsigned, 1024>> counts;
    const ChildEnd end = run_in_child([&] {
        os::count_kill_points();
        const int status = body();
        for (std::size_t i = 0; i < points.size(); ++i) (*counts)[i] = os::kill_point_passes(points[i]);
        return status;
    });
    EXPECT_EQ(end, exited_with(0));
    Passes passes;
    for (std::size_t i = 0; i < points.size(); ++i)
        if ((*counts)[i] > 0) passes[std::string{points[i]}] = (*counts)[i];
    return passes;
}

ChildEnd die_at(const std::string& point, unsigned nth, const std::function<int()>& body) {
    return run_in_child([&] {
        if (!os::arm_kill_point(point, nth)) return 3;
        return body();
    });
}

// Somebody who lives in the directory all the time: then the incarnation goes on, and repair is by the published
// state.
class Bystander {
public:
    explicit Bystander(const Life& life)
        : child_(Child::fork([&] {
              auto directory = open_data(life.data());
              if (!directory) return 1;
              ready_.open();
              return leave_.wait() ? 0 : 2;
          })) {
        EXPECT_TRUE(ready_.wait());
    }
    void leave() {
        leave_.open();
        EXPECT_EQ(child_.wait(), exited_with(0));
    }

private:
    Gate ready_;
    Gate leave_;
    Child child_;
};

void race_and_judge(const Life& life) {
    {
        std::vector<Child> racers;
        for (unsigned i = 1; i <= kRacers; ++i) racers.push_back(Child::fork([&, i] { return life.race(i); }));
        for (auto& racer : racers) ASSERT_EQ(racer.wait(), exited_with(0)) << life.trouble();
    }
    ASSERT_EQ(life.judge(kRacers), "");
}

// The names of the kill points in a folder of libcore.
std::set<std::string> points_in(const std::string& folder) {
    const std::regex point_name{R"re(MQ_KILLPOINT\("([^"]+)"\))re"};
    std::set<std::string> points;
    for (const auto& file : std::filesystem::directory_iterator{MQ_SOURCE_DIR "/libcore/" + folder}) {
        if (file.path().extension() != ".cc") continue;
        std::ifstream in{file.path()};
        const std::string text{std::istreambuf_iterator<char>{in}, {}};
        for (std::sregex_iterator at{text.begin(), text.end(), point_name}, end; at != end; ++at)
            points.insert((*at)[1].str());
    }
    return points;
}

struct Start {
    LifeKind kind;
    LifeStart at;
    [[nodiscard]] std::unique_ptr<Life> life() const { return make_life(kind, at); }
};

// Of a life of groups those that no other life comes by, and those of an append: commits are appends.
Passes passes_of_life(const Start& start) {
    const auto life = start.life();
    EXPECT_EQ(run_in_child([&] { return life->prepare(); }), exited_with(0)) << life->trouble();
    Passes passes = count_passes([&] { return life->live(); });
    EXPECT_EQ(life->trouble(), "");
    if (start.kind == LifeKind::groups && !is_long_run()) {
        std::set<std::string> own = points_in("offsets");
        own.merge(points_in("groups"));
        std::erase_if(passes, [&](const auto& pass) {
            return !own.contains(pass.first) && pass.first.find("append") == std::string::npos;
        });
    }
    return passes;
}

class Row02StoreKillPoints : public testing::TestWithParam<Start> {};

TEST_P(Row02StoreKillPoints, ALifeWithoutDeathEndsInOrder) {
    const auto owned_life = GetParam().life();
    const Life& life = *owned_life;
    ASSERT_EQ(run_in_child([&] { return life.prepare(); }), exited_with(0)) << life.trouble();
    ASSERT_EQ(run_in_child([&] { return life.live(); }), exited_with(0)) << life.trouble();
    EXPECT_EQ(life.judge(0), "");
}

TEST_P(Row02StoreKillPoints, P1_P3_LCK4_DIR7_AfterADeathAloneThreeRaceToRecover) {
    const unsigned deepest = is_long_run() ? 1000 : 1;
    std::uint64_t deaths = 0;
    const Passes all = passes_of_life(GetParam());
    for (const auto& [point, passes] : all) {
        for (unsigned nth = 1; nth <= std::min(passes, deepest); ++nth) {
            SCOPED_TRACE(point + " pass " + std::to_string(nth));
            const auto owned_life = GetParam().life();
            const Life& life = *owned_life;
            ASSERT_EQ(run_in_child([&] { return life.prepare(); }), exited_with(0)) << life.trouble();
            const ChildEnd end = die_at(point, nth, [&] { return life.live(); });
            if (end == exited_with(0)) continue;  // a thread in the background passes its points as it comes
            ASSERT_EQ(end, ended_by(SIGKILL)) << life.trouble();
            ++deaths;
            ASSERT_NO_FATAL_FAILURE(race_and_judge(life));
        }
    }
    EXPECT_GT(deaths, all.size() * 9 / 10);
}

TEST_P(Row02StoreKillPoints, P1_P3_P5_LCK5_AfterADeathBesideOthersThreeRaceToRepair) {
    const unsigned deepest = is_long_run() ? 1000 : 2;
    for (const auto& [point, passes] : passes_of_life(GetParam())) {
        for (unsigned nth = 1; nth <= std::min(passes, deepest); ++nth) {
            SCOPED_TRACE(point + " pass " + std::to_string(nth));
            const auto owned_life = GetParam().life();
            const Life& life = *owned_life;
            ASSERT_EQ(run_in_child([&] { return life.prepare(); }), exited_with(0)) << life.trouble();
            Bystander bystander{life};
            const ChildEnd end = die_at(point, nth, [&] { return life.live(); });
            // Laying the directory out was the bystander's work; a thread in the background may not come by.
            if (end == exited_with(0)) continue;
            ASSERT_EQ(end, ended_by(SIGKILL)) << life.trouble();
            ASSERT_EQ(run_in_child([&] { return life.read(); }), exited_with(0)) << life.trouble();
            ASSERT_NO_FATAL_FAILURE(race_and_judge(life));
            bystander.leave();
            ASSERT_EQ(life.judge(kRacers), "");
        }
    }
}

TEST_P(Row02StoreKillPoints, Row03_P1_P3_ADeathDuringRecoveryIsRecoveredFrom) {
    // First deaths that leave something to do, and then every point of whoever comes next.
    const Passes passes = passes_of_life(GetParam());
    std::vector<std::string> firsts;
    for (const auto& [point, count] : passes) firsts.push_back(point);
    const std::uint64_t step = is_long_run() ? 1 : GetParam().kind == LifeKind::groups ? 10 : 5;
    std::uint64_t deaths = 0;
    for (std::size_t i = static_cast<std::size_t>(GetParam().at) % step; i < firsts.size(); i += step) {
        const auto begin = [&](const Life& life) {
            ASSERT_EQ(run_in_child([&] { return life.prepare(); }), exited_with(0)) << life.trouble();
            const ChildEnd end = die_at(firsts[i], passes.at(firsts[i]), [&] { return life.live(); });
            ASSERT_TRUE(end == ended_by(SIGKILL) || end == exited_with(0)) << end << ": " << life.trouble();
        };
        Passes second;
        {
            const auto owned_life = GetParam().life();
            const Life& life = *owned_life;
            ASSERT_NO_FATAL_FAILURE(begin(life));
            second = count_passes([&] { return life.race(1); });
            ASSERT_EQ(life.trouble(), "");
        }
        std::size_t number = 0;
        for (const auto& [point, count] : second) {
            if (!is_long_run() && ++number % 3 != i % 3) continue;
            SCOPED_TRACE(firsts[i] + ", then " + point);
            const auto owned_life = GetParam().life();
            const Life& life = *owned_life;
            ASSERT_NO_FATAL_FAILURE(begin(life));
            const ChildEnd end = die_at(point, 1, [&] { return life.race(4); });
            ASSERT_TRUE(end == ended_by(SIGKILL) || end == exited_with(0)) << end << ": " << life.trouble();
            if (end == ended_by(SIGKILL)) ++deaths;
            ASSERT_NO_FATAL_FAILURE(race_and_judge(life));
        }
    }
    EXPECT_GT(deaths, 0u);
}

TEST_P(Row02StoreKillPoints, Row04_P5_LCK6_PUB3_AStoppedHolderKeepsNoReaderWaitingAndFinishesWhenResumed) {
    const unsigned deepest = is_long_run() ? 1000 : GetParam().kind == LifeKind::groups ? 1 : 2;
    std::uint64_t stops = 0;
    const Passes passes = passes_of_life(GetParam());
    for (const auto& [point, count] : passes) {
        for (unsigned nth = 1; nth <= std::min(count, deepest); ++nth) {
            SCOPED_TRACE(point + " pass " + std::to_string(nth));
            const auto owned_life = GetParam().life();
            const Life& life = *owned_life;
            ASSERT_EQ(run_in_child([&] { return life.prepare(); }), exited_with(0)) << life.trouble();
            // Brought up before, so that readers depend on nobody.
            if (GetParam().at != LifeStart::fresh) {
                ASSERT_EQ(run_in_child([&] { return life.read(); }), exited_with(0));
            }
            Bystander bystander{life};
            Child stopped = Child::fork([&] {
                if (!os::arm_kill_point(point, nth, os::KillAction::stop)) return 3;
                return life.live();
            });
            if (!stopped.wait_until_stopped()) continue;  // the bystander's work, or a thread's in the background
            ++stops;
            ASSERT_EQ(run_in_child([&] { return life.read(); }), exited_with(0)) << life.trouble();
            Child racer = Child::fork([&] { return life.race(1, false); });
            stopped.send(SIGCONT);
            ASSERT_EQ(stopped.wait(), exited_with(0)) << life.trouble();
            ASSERT_EQ(racer.wait(), exited_with(0)) << life.trouble();
            ASSERT_EQ(life.judge(0), "");
            bystander.leave();
        }
    }
    EXPECT_GT(stops, passes.size() / 2);
}

std::vector<Start> all_starts() {
    std::vector<Start> starts;
    for (const LifeKind kind : {LifeKind::store, LifeKind::groups})
        for (const LifeStart at : kLifeStarts) starts.push_back({kind, at});
    return starts;
}

TEST(Row02StoreKillPoints, EveryPointOfStoreAndSharedMemoryOffsetsAndGroupsIsMet) {
    Passes met;
    for (const Start& start : all_starts()) {
        const auto life = start.life();
        ASSERT_EQ(run_in_child([&] { return life->prepare(); }), exited_with(0)) << life->trouble();
        met.merge(count_passes([&] { return life->live(); }));
        ASSERT_EQ(life->trouble(), "");
        const auto other = start.life();
        ASSERT_EQ(run_in_child([&] { return other->prepare(); }), exited_with(0)) << other->trouble();
        met.merge(count_passes([&] { return other->race(1); }));
    }
    for (const std::string folder : {"store", "shm", "offsets", "groups"}) {
        const auto points = points_in(folder);
        EXPECT_FALSE(points.empty()) << folder;
        for (const auto& point : points) EXPECT_TRUE(met.contains(point)) << point << " was never reached";
    }
}

INSTANTIATE_TEST_SUITE_P(States, Row02StoreKillPoints, testing::ValuesIn(all_starts()), [](const auto& start) {
    return (start.param.kind == LifeKind::groups ? "groups_" : "") + std::string{to_string(start.param.at)};
});

}  // namespace
}  // namespace mq::test
