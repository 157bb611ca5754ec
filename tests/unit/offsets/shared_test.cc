// Many processes on the offsets of one directory: deaths at every line of a commit, tables that are stale or full,
// and looks beside commits.

#include <csignal>
#include <thread>

#include "os/kill_point.h"
#include "record/batch_builder.h"
#include "support/scale.h"
#include "unit/offsets/fixture.h"

namespace mq::offsets {
namespace {

using test::Child;
using test::ended_by;
using test::exited_with;
using test::FastDir;
using test::Gate;
using test::run_in_child;

log::TopicPartition partition_of(std::string_view group) {
    return {std::string{kOffsetsTopic}, record::partition_for_id(group, kOffsetsPartitions)};
}

// ---- Deaths

constexpr int kSteps = 6;

std::vector<std::string> points_of_ours() {
    std::vector<std::string> points;
    for (const std::string_view point : os::kill_points())
        if (point.starts_with("offsets.") || point.starts_with("offset_table.")) points.emplace_back(point);
    return points;
}

// Commits 1 to kSteps to one partition, and all else that changes offsets in between: a record that the table is to
// catch up with, a partition that comes and goes, a group metadata record, a truncation. Each commit that returned
// leaves an "x" in `told`.
int live_and_tell(const std::string& path, const std::string& told) {
    Opened opened{path};
    const auto file = os::File::open(told, os::OpenMode::create_truncate).value();
    FilePosition end{0};
    for (int i = 1; i <= kSteps; ++i) {
        if (!commit_one(opened.offsets, "workers", "jobs", 0, i)) return 1;
        if (!file.write_at("x", end)) return 9;
        end += 1;
        const auto writer = opened.directory.open_writer(partition_of("workers")).value();
        record::OffsetCommitKey key;
        key.group = "others";
        key.topic = "mail";
        record::OffsetCommitValue value;
        value.offset = i;
        record::BatchBuilder builder;
        builder.add(1, record::encode(key), record::encode(value));
        std::string batch{builder.finish().value()};
        if (!writer->append(batch)) return 2;
        if (!commit_one(opened.offsets, "workers", "gone", 0, i)) return 3;
        if (!forget_one(opened.offsets, "workers", "gone", 0)) return 4;
        if (i == 4 && !opened.offsets.put_metadata("workers", record::GroupMetadataValue{})) return 5;
        if (i == 5 && !writer->truncate_to(writer->bounds().value().log_end - 1)) return 6;
    }
    return 0;
}

void judge(const std::string& path, const std::string& told, const std::string& what) {
    SCOPED_TRACE(what);
    const auto returned = static_cast<std::int64_t>(test::slurp(told).size());
    const auto is_right = [&](std::int64_t offset) {
        return offset == (returned == 0 ? -1 : returned) || offset == returned + 1;
    };
    // Who only reads, beside shared memory as the dead one left it.
    Opened reader{path, {}};
    const std::int64_t seen = fetched(reader.offsets, "workers", "jobs", 0);
    EXPECT_TRUE(is_right(seen)) << seen << " of " << returned;
    const GroupOffsets all = reader.offsets.fetch_all("workers").value();
    const auto entry = all.find({"jobs", 0});
    EXPECT_EQ(entry == all.end() ? -1 : entry->second.offset.value(), seen);
    // Who goes on.
    Opened opened{path};
    EXPECT_EQ(fetched(opened.offsets, "workers", "jobs", 0), seen);
    EXPECT_TRUE(commit_one(opened.offsets, "workers", "jobs", 0, 1000));
    EXPECT_EQ(fetched(opened.offsets, "workers", "jobs", 0), 1000);
    EXPECT_EQ(fetched(reader.offsets, "workers", "jobs", 0), 1000);
    EXPECT_EQ(problems_of(opened.offsets), "");
}

TEST(OffsetsKillPoints, P1_P10_OFF1_WhatACommitThatReturnedSaidIsThereAfterADeathAtAnyLine) {
    const auto points = points_of_ours();
    ASSERT_GE(points.size(), 10u);
    for (const std::string& point : points) {
        int deaths = 0;
        for (const bool with_racers : {false, true}) {
            for (const unsigned nth : {1u, 2u, 5u}) {
                const FastDir dir;
                const std::string data = dir / "data";
                const std::string told = dir / "told";
                test::spill(told, "");
                const auto end = run_in_child([&] {
                    if (!os::arm_kill_point(point, nth)) return 3;
                    return live_and_tell(data, told);
                });
                if (end == exited_with(0)) continue;
                ASSERT_EQ(end, ended_by(SIGKILL)) << point;
                ++deaths;
                if (!with_racers) {
                    judge(data, told, point);
                    continue;
                }
                // All at once, each with a group of its own.
                std::vector<Child> racers;
                for (int i = 0; i < 3; ++i) {
                    racers.push_back(Child::fork([&, i] {
                        Opened opened{data};
                        const std::string topic = "racer-" + std::to_string(i);
                        for (int n = 1; n <= 20; ++n) {
                            if (!commit_one(opened.offsets, "workers", topic, 0, n)) return 1;
                            if (fetched(opened.offsets, "workers", topic, 0) != n) return 2;
                        }
                        return 0;
                    }));
                }
                for (Child& racer : racers) EXPECT_EQ(racer.wait(), exited_with(0)) << point;
                judge(data, told, point);
            }
        }
        EXPECT_GT(deaths, 0) << "nothing comes by " << point;
    }
}

// ---- Stale tables

TEST(SharedOffsets, OFF1_ATableOfATopicThatWasMadeAgainIsOfNoUse) {
    const FastDir dir;
    Opened opened{dir.path()};
    Opened other{dir.path()};
    ASSERT_TRUE(commit_one(opened.offsets, "workers", "jobs", 0, 10));
    EXPECT_EQ(fetched(other.offsets, "workers", "jobs", 0), 10);
    ASSERT_TRUE(opened.directory.delete_topic(kOffsetsTopic));
    EXPECT_EQ(fetched(other.offsets, "workers", "jobs", 0), -1);
    EXPECT_TRUE(other.offsets.groups()->empty());
    ASSERT_TRUE(commit_one(other.offsets, "workers", "jobs", 1, 3));
    EXPECT_EQ(fetched(opened.offsets, "workers", "jobs", 0), -1);
    EXPECT_EQ(fetched(opened.offsets, "workers", "jobs", 1), 3);
    ASSERT_TRUE(commit_one(opened.offsets, "workers", "jobs", 0, 11));
    EXPECT_EQ(fetched(other.offsets, "workers", "jobs", 0), 11);
    EXPECT_EQ(problems_of(other.offsets), "");
}

TEST(SharedOffsets, OFF1_ATableThatRanAheadOfATruncatedLogIsBuiltAnew) {
    const FastDir dir;
    Opened opened{dir.path()};
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(commit_one(opened.offsets, "workers", "jobs", i, i + 1));
    const auto writer = opened.directory.open_writer(partition_of("workers")).value();
    ASSERT_TRUE(writer->truncate_to(Offset{4}));
    EXPECT_EQ(fetched(opened.offsets, "workers", "jobs", 3), 4);
    EXPECT_EQ(fetched(opened.offsets, "workers", "jobs", 4), -1);
    EXPECT_EQ(opened.offsets.fetch_all("workers")->size(), 4u);
    ASSERT_TRUE(commit_one(opened.offsets, "workers", "jobs", 5, 50));
    EXPECT_EQ(opened.offsets.fetch_all("workers")->size(), 5u);
    EXPECT_EQ(opened.offsets.check()->entries, 5u);
    EXPECT_EQ(problems_of(opened.offsets), "");
}

TEST(SharedOffsets, P10_OFF1_ATableIsBuiltAnewAfterAKafkaBrokerWasHere) {
    const FastDir dir;
    const auto id = partition_of("workers");
    const std::string log = dir / (log::partition_directory(id) + "/00000000000000000000.log");
    {
        Opened opened{dir.path()};
        ASSERT_TRUE(commit_one(opened.offsets, "workers", "jobs", 0, 10));
        ASSERT_TRUE(opened.directory.close());
    }
    {
        // The broker takes the group on, and says goodbye: as a batch of another size at the end of the file.
        const std::string old = test::slurp(log);
        record::OffsetCommitKey key;
        key.group = "workers";
        key.topic = "jobs";
        record::OffsetCommitValue value;
        value.offset = 99;
        value.metadata = "by the broker";
        record::BatchOptions how;
        how.base_offset = Offset{1};
        how.leader_epoch = 0;
        record::BatchBuilder builder{how};
        builder.add(1, record::encode(key), record::encode(value));
        test::spill(log, old + std::string{builder.finish().value()});
        test::spill(dir / ".kafka_cleanshutdown", R"({"version":0,"brokerEpoch":-1})");
    }
    Opened opened{dir.path()};
    EXPECT_EQ(fetched(opened.offsets, "workers", "jobs", 0), 99);
    ASSERT_TRUE(commit_one(opened.offsets, "workers", "jobs", 1, 1));
    EXPECT_EQ(fetched(opened.offsets, "workers", "jobs", 0), 99);
    EXPECT_EQ(problems_of(opened.offsets), "");
}

TEST(SharedOffsets, OFF2_CompactionMovesRecordsAndEntriesStayTrue) {
    const FastDir dir;
    Opened opened{dir.path()};
    const auto writer = [&] { return opened.directory.open_writer(partition_of("workers")).value(); };
    for (int i = 1; i <= 500; ++i) {
        ASSERT_TRUE(commit_one(opened.offsets, "workers", "jobs", i % 3, i, std::string(i % 7, 'm')));
        const bool forgets = i % 50 == 0;
        const bool rolls = i % 200 == 0;
        ASSERT_TRUE(!forgets || forget_one(opened.offsets, "workers", "jobs", 0));
        ASSERT_TRUE(!rolls || writer()->roll());
    }
    const GroupOffsets before = opened.offsets.fetch_all("workers").value();
    const auto cleaned = writer()->compact();
    ASSERT_TRUE(cleaned) << cleaned.error().message();
    EXPECT_EQ(opened.offsets.fetch_all("workers").value(), before);
    Opened again{dir.path()};
    EXPECT_EQ(again.offsets.fetch_all("workers").value(), before);
    for (const auto& [id, committed] : before) EXPECT_EQ(again.offsets.fetch("workers", id).value(), committed);
    EXPECT_EQ(problems_of(again.offsets), "");
    ASSERT_TRUE(commit_one(again.offsets, "workers", "jobs", 9, 1));
    EXPECT_EQ(again.offsets.fetch_all("workers")->size(), before.size() + 1);
}

// ---- Full tables

TEST(SharedOffsets, OFF2_WhatDoesNotFitIsReadFromTheLog) {
    const FastDir dir;
    // A piece for entries and one for groups: 512 entries.
    constexpr std::uint32_t kPieces = 2;
    constexpr int kPartitions = 700;
    Opened opened{dir.path(), for_writing(), kPieces};
    EXPECT_FALSE(opened.offsets.take_full_note());
    for (int p = 0; p < kPartitions; ++p) ASSERT_TRUE(commit_one(opened.offsets, "workers", "jobs", p, p));
    EXPECT_TRUE(opened.offsets.take_full_note());
    EXPECT_FALSE(opened.offsets.take_full_note());
    Opened other{dir.path(), for_writing(), kPieces};
    for (const int p : {0, 511, 512, 699}) EXPECT_EQ(fetched(other.offsets, "workers", "jobs", p), p);
    EXPECT_EQ(fetched(other.offsets, "workers", "jobs", kPartitions), -1);
    EXPECT_EQ(other.offsets.fetch_all("workers")->size(), 700u);
    EXPECT_EQ(other.offsets.groups()->size(), 1u);
    ASSERT_TRUE(commit_one(other.offsets, "workers", "jobs", 699, 1000));
    EXPECT_EQ(fetched(opened.offsets, "workers", "jobs", 699), 1000);
    // Another partition of __consumer_offsets finds no piece at all.
    ASSERT_TRUE(commit_one(opened.offsets, "billing", "jobs", 0, 5));
    EXPECT_EQ(fetched(other.offsets, "billing", "jobs", 0), 5);
    EXPECT_EQ(opened.offsets.remove_group("workers").value(), 700u);
    EXPECT_EQ(fetched(other.offsets, "workers", "jobs", 0), -1);
}

TEST(SharedOffsets, OFF2_ForgottenEntriesMakeRoomForOthers) {
    const FastDir dir;
    Opened opened{dir.path(), for_writing(), 3};
    for (int round = 0; round < 10; ++round) {
        const std::string topic = "jobs-" + std::to_string(round);
        for (int p = 0; p < 300; ++p) ASSERT_TRUE(commit_one(opened.offsets, "workers", topic, p, p));
        ASSERT_EQ(opened.offsets.forget_topic(topic).value(), 300u);
    }
    EXPECT_FALSE(opened.offsets.take_full_note());
    EXPECT_TRUE(opened.offsets.groups()->empty());
    EXPECT_EQ(problems_of(opened.offsets), "");
}

// ---- Side by side

TEST(SharedOffsets, P10_OFF1_ProcessesThatCommitSideBySideLoseNothingAndLooksNeverGoBack) {
    const FastDir dir;
    constexpr int kProcesses = 3;
    const auto commits = static_cast<std::int64_t>(test::test_scale(5000, 200'000));
    {
        Opened opened{dir.path()};
        ASSERT_TRUE(commit_one(opened.offsets, "workers", "jobs", 0, 0));
    }
    std::vector<Child> children;
    for (int i = 0; i < kProcesses; ++i) {
        children.push_back(Child::fork([&, i] {
            Opened opened{dir.path()};
            for (std::int64_t n = 1; n <= commits; ++n) {
                if (!commit_one(opened.offsets, "workers", "jobs", i, n)) return 1;
                if (n % 64 == 0 && fetched(opened.offsets, "workers", "jobs", i) != n) return 2;
                if (n % 100 == 0 && !forget_one(opened.offsets, "workers", "gone-" + std::to_string(i), 0)) return 3;
                if (n % 100 == 50 && !commit_one(opened.offsets, "workers", "gone-" + std::to_string(i), 0, n))
                    return 4;
            }
            return 0;
        }));
    }
    Child reader = Child::fork([&] {
        Opened opened{dir.path(), {}};
        std::array<std::int64_t, kProcesses> last{};
        for (int rounds = 0; std::ranges::min(last) < commits; ++rounds) {
            for (int i = 0; i < kProcesses; ++i) {
                const std::int64_t now = fetched(opened.offsets, "workers", "jobs", i);
                if (now < last[i] && !(now == -1 && last[i] == 0)) return 1;
                last[i] = std::max<std::int64_t>(now, 0);
            }
            const auto all = opened.offsets.fetch_all("workers");
            if (!all) return 2;
            for (const auto& [id, committed] : *all)
                if (id.topic == "jobs" && committed.offset.value() < last[id.partition]) return 3;
            const auto groups = opened.offsets.groups();
            if (!groups || groups->size() != 1) return 4;
        }
        return 0;
    });
    for (Child& child : children) EXPECT_EQ(child.wait(), exited_with(0));
    EXPECT_EQ(reader.wait(), exited_with(0));
    Opened opened{dir.path()};
    for (int i = 0; i < kProcesses; ++i) EXPECT_EQ(fetched(opened.offsets, "workers", "jobs", i), commits);
    EXPECT_EQ(problems_of(opened.offsets), "");
}

TEST(SharedOffsets, AConditionLetsOneOfManyPass) {
    const FastDir dir;
    {
        Opened opened{dir.path()};
        ASSERT_TRUE(commit_one(opened.offsets, "workers", "jobs", 0, 0));
    }
    constexpr int kProcesses = 4;
    constexpr int kEach = 100;
    std::vector<Child> children;
    for (int i = 0; i < kProcesses; ++i) {
        children.push_back(Child::fork([&] {
            Opened opened{dir.path()};
            for (int done = 0; done < kEach;) {
                const std::int64_t now = fetched(opened.offsets, "workers", "jobs", 0);
                const std::map<log::TopicPartition, std::optional<Offset>> only_if{{{"jobs", 0}, Offset{now}}};
                CommitOptions how;
                how.only_if = &only_if;
                const Commit next{.topic = "jobs", .partition = 0, .offset = Offset{now + 1}};
                const Status made = opened.offsets.commit("workers", {&next, 1}, how);
                if (made) ++done;
                if (!made && made.error().code != Errc::out_of_order) return 1;
            }
            return 0;
        }));
    }
    for (Child& child : children) EXPECT_EQ(child.wait(), exited_with(0));
    Opened opened{dir.path()};
    EXPECT_EQ(fetched(opened.offsets, "workers", "jobs", 0), kProcesses * kEach);
}

TEST(SharedOffsets, OneStoreServesManyThreads) {
    const FastDir dir;
    Opened opened{dir.path()};
    std::vector<std::thread> threads;
    std::atomic<int> failures{0};
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            const std::string group = "group-" + std::to_string(t % 2);
            for (int n = 1; n <= 300; ++n) {
                if (!commit_one(opened.offsets, group, "jobs", t, n)) ++failures;
                const auto now = opened.offsets.fetch(group, {"jobs", t});
                if (!now || !*now || (*now)->offset != Offset{n}) ++failures;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(failures, 0);
    EXPECT_EQ(problems_of(opened.offsets), "");
}

}  // namespace
}  // namespace mq::offsets
