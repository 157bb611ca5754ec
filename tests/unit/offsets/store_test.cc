// What a group has committed is what every process sees: commits, looks, groups, and what they refuse.

#include <unistd.h>

#include <filesystem>
#include <set>

#include "record/batch_builder.h"
#include "unit/offsets/fixture.h"

namespace mq::offsets {
namespace {

using test::FastDir;

std::vector<std::string> names_of(OffsetStore& offsets) {
    std::vector<std::string> names;
    const auto groups = offsets.groups().value();
    for (const Group& group : groups) names.push_back(group.name);
    return names;
}

TEST(OffsetStore, GivesBackWhatWasCommitted) {
    const FastDir dir;
    Opened opened{dir.path()};
    const Commit commits[] = {
        {.topic = "jobs", .partition = 3, .offset = Offset{42}, .leader_epoch = 5, .metadata = "żółw"},
        {.topic = "jobs", .partition = 0, .offset = Offset{7}},
        {.topic = "mail", .partition = 0, .offset = Offset{0}, .leader_epoch = 1, .expire_timestamp = 99}};
    CommitOptions how;
    how.commit_timestamp = 1'000'000;
    ASSERT_TRUE(opened.offsets.commit("workers", commits, how));

    const GroupOffsets expected{{{"jobs", 0}, {Offset{7}, -1, "", 1'000'000, kNoTimestamp}},
                                {{"jobs", 3}, {Offset{42}, 5, "żółw", 1'000'000, kNoTimestamp}},
                                // Kafka's schema for an explicit expiry has no leader epoch.
                                {{"mail", 0}, {Offset{0}, -1, "", 1'000'000, 99}}};
    EXPECT_EQ(opened.offsets.fetch_all("workers").value(), expected);
    for (const auto& [id, committed] : expected) EXPECT_EQ(opened.offsets.fetch("workers", id).value(), committed);
    EXPECT_FALSE(opened.offsets.fetch("workers", {"jobs", 1}).value());
    EXPECT_FALSE(opened.offsets.fetch("others", {"jobs", 0}).value());
    EXPECT_TRUE(opened.offsets.fetch_all("others")->empty());

    // Another object, one that only reads, and one without shared memory see the same.
    Opened again{dir.path()};
    EXPECT_EQ(again.offsets.fetch_all("workers").value(), expected);
    Opened reader{dir.path(), {}};
    EXPECT_EQ(reader.offsets.fetch_all("workers").value(), expected);
    EXPECT_EQ(problems_of(reader.offsets), "");
    EXPECT_EQ(reader.offsets.check()->entries, 3u);
}

TEST(OffsetStore, KeepsOnlyTheFilesOfSoManyPartitionsOpen) {
    const FastDir dir;
    Opened opened{dir.path()};
    OffsetStore offsets{opened.directory, wall_clock_ms, 0, {}, 2};
    const auto open_partitions = [&] {
        std::set<std::string> found;
        for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"}) {
            std::error_code gone;
            const auto target = std::filesystem::read_symlink(entry.path(), gone);
            const std::string partition = target.parent_path().filename().string();
            if (!gone && partition.starts_with("__consumer_offsets-")) found.insert(partition);
        }
        return found;
    };
    for (int round = 1; round <= 2; ++round) {
        for (int i = 0; i < 20; ++i) {
            const std::string group = "g" + std::to_string(i);
            ASSERT_TRUE(commit_one(offsets, group, "jobs", 0, 100 * round + i));
            EXPECT_LE(open_partitions().size(), 2u);
        }
        for (int i = 0; i < 20; ++i) {
            EXPECT_EQ(fetched(offsets, "g" + std::to_string(i), "jobs", 0), 100 * round + i);
            EXPECT_LE(open_partitions().size(), 2u);
        }
    }
    EXPECT_EQ(names_of(offsets).size(), 20u);
    ASSERT_TRUE(offsets.flush());
    EXPECT_LE(open_partitions().size(), 2u);
    EXPECT_GE(open_partitions().size(), 1u);
    EXPECT_EQ(problems_of(offsets), "");
}

TEST(OffsetStore, WhoMayOnlyReadWithoutSharedMemorySeesEveryCommit) {
    const FastDir dir;
    {
        Opened opened{dir.path()};
        for (int i = 0; i < 5; ++i) ASSERT_TRUE(commit_one(opened.offsets, "workers", "jobs", i % 2, i));
    }
    ASSERT_TRUE(os::remove_file(dir / ".mq-control"));
    Opened reader{dir.path(), {}};
    ASSERT_EQ(reader.directory.control(), nullptr);
    EXPECT_EQ(fetched(reader.offsets, "workers", "jobs", 0), 4);
    EXPECT_EQ(fetched(reader.offsets, "workers", "jobs", 1), 3);
    EXPECT_EQ(names_of(reader.offsets), std::vector<std::string>{"workers"});
    // Somebody comes to life, and goes on.
    Opened opened{dir.path()};
    ASSERT_TRUE(commit_one(opened.offsets, "workers", "jobs", 0, 10));
    EXPECT_EQ(fetched(reader.offsets, "workers", "jobs", 0), 10);
}

TEST(OffsetStore, OFF3_ADirectoryIsMadeForTheOnePartitionThatIsNeeded) {
    const FastDir dir;
    Opened opened{dir.path()};
    EXPECT_EQ(fetched(opened.offsets, "my-group", "jobs", 0), -1);
    EXPECT_FALSE(std::filesystem::exists(dir / "mq-topics.json"));
    ASSERT_TRUE(commit_one(opened.offsets, "my-group", "jobs", 0, 1));
    ASSERT_TRUE(commit_one(opened.offsets, "billing", "jobs", 0, 1));
    // "my-group" belongs to 12 of 50, "billing" to 9: Kafka's hash of their names.
    std::vector<std::string> directories;
    for (const auto& entry : std::filesystem::directory_iterator{dir.path()})
        if (entry.is_directory()) directories.push_back(entry.path().filename());
    std::ranges::sort(directories);
    EXPECT_EQ(directories, (std::vector<std::string>{"__consumer_offsets-12", "__consumer_offsets-9"}));
    EXPECT_TRUE(std::filesystem::exists(dir / "__consumer_offsets-12/partition.metadata"));

    const store::Topic topic = opened.directory.topic(kOffsetsTopic).value();
    EXPECT_EQ(topic.partitions, 50);
    EXPECT_EQ(topic.config,
              (store::ConfigMap{
                  {"cleanup.policy", "compact"}, {"compression.type", "producer"}, {"segment.bytes", "104857600"}}));
}

TEST(OffsetStore, OFF3_TheCatalogueSaysHowManyPartitionsThereAre) {
    const FastDir dir;
    Opened opened{dir.path()};
    static_cast<void>(opened.directory.create_topic({std::string{kOffsetsTopic}, 7, 1, {}}).value());
    ASSERT_TRUE(commit_one(opened.offsets, "my-group", "jobs", 0, 1));
    // 1906497762 mod 7.
    EXPECT_TRUE(std::filesystem::exists(dir / "__consumer_offsets-1"));
    Opened reader{dir.path(), {}};
    EXPECT_EQ(fetched(reader.offsets, "my-group", "jobs", 0), 1);
}

TEST(OffsetStore, OFF3_DirectoriesAloneAreReadAsOfFiftyPartitions) {
    const FastDir dir;
    {
        Opened opened{dir.path()};
        ASSERT_TRUE(commit_one(opened.offsets, "my-group", "jobs", 0, 5));
    }
    // As a Kafka broker leaves it: no mq-topics.json.
    ASSERT_TRUE(os::remove_file(dir / "mq-topics.json"));
    Opened opened{dir.path()};
    EXPECT_EQ(fetched(opened.offsets, "my-group", "jobs", 0), 5);
    ASSERT_TRUE(commit_one(opened.offsets, "billing", "jobs", 0, 6));
    EXPECT_EQ(fetched(opened.offsets, "billing", "jobs", 0), 6);
    EXPECT_TRUE(std::filesystem::exists(dir / "__consumer_offsets-9"));
}

TEST(OffsetStore, ForgetsAPartitionAndAGroup) {
    const FastDir dir;
    Opened opened{dir.path()};
    for (int p = 0; p < 3; ++p) ASSERT_TRUE(commit_one(opened.offsets, "workers", "jobs", p, p));
    ASSERT_TRUE(commit_one(opened.offsets, "others", "jobs", 0, 9));
    ASSERT_TRUE(forget_one(opened.offsets, "workers", "jobs", 1));
    EXPECT_EQ(fetched(opened.offsets, "workers", "jobs", 1), -1);
    EXPECT_EQ(opened.offsets.fetch_all("workers")->size(), 2u);
    EXPECT_EQ(opened.offsets.group("workers").value()->partitions, 2u);
    EXPECT_EQ(opened.offsets.remove_group("workers").value(), 2u);
    EXPECT_FALSE(opened.offsets.group("workers").value());
    EXPECT_EQ(opened.offsets.remove_group("workers").error().code, Errc::not_found);
    EXPECT_EQ(names_of(opened.offsets), std::vector<std::string>{"others"});
    // It may come back.
    ASSERT_TRUE(commit_one(opened.offsets, "workers", "jobs", 1, 77));
    EXPECT_EQ(opened.offsets.fetch_all("workers")->size(), 1u);
    EXPECT_EQ(fetched(opened.offsets, "workers", "jobs", 1), 77);
    EXPECT_EQ(problems_of(opened.offsets), "");
}

TEST(OffsetStore, ForgetsATopicInAllGroups) {
    const FastDir dir;
    Opened opened{dir.path()};
    record::GroupMetadataValue empty;
    empty.protocol_type = "consumer";
    for (int g = 0; g < 40; ++g) {
        const std::string group = "group-" + std::to_string(g);
        ASSERT_TRUE(commit_one(opened.offsets, group, "jobs", g, 1));
        if (g % 2 == 0) {
            ASSERT_TRUE(commit_one(opened.offsets, group, "jobs-2", 0, 1));
        }
        ASSERT_TRUE(opened.offsets.put_metadata(group, empty));
    }
    EXPECT_EQ(opened.offsets.forget_topic("mail").value(), 0u);
    EXPECT_EQ(opened.offsets.forget_topic("jobs").value(), 40u);
    // Of those that are left without offsets and members nothing is left (Kafka's OFF-15).
    const auto groups = opened.offsets.groups().value();
    EXPECT_EQ(groups.size(), 20u);
    for (const Group& group : groups) {
        EXPECT_EQ(group.partitions, 1u);
        EXPECT_TRUE(group.metadata);
        EXPECT_EQ(fetched(opened.offsets, group.name, "jobs-2", 0), 1);
    }
    EXPECT_EQ(problems_of(opened.offsets), "");
}

TEST(OffsetStore, ACommitUnderAConditionIsMadeOnlyIfItHolds) {
    const FastDir dir;
    Opened opened{dir.path()};
    ASSERT_TRUE(commit_one(opened.offsets, "workers", "jobs", 0, 10));
    std::map<log::TopicPartition, std::optional<Offset>> only_if{{{"jobs", 0}, Offset{10}},
                                                                 {{"jobs", 1}, std::nullopt}};
    CommitOptions how;
    how.only_if = &only_if;
    const Commit reset[] = {{.topic = "jobs", .partition = 0, .offset = Offset{3}},
                            {.topic = "jobs", .partition = 1, .offset = Offset{4}}};
    ASSERT_TRUE(opened.offsets.commit("workers", reset, how));
    EXPECT_EQ(fetched(opened.offsets, "workers", "jobs", 0), 3);
    const Status again = opened.offsets.commit("workers", reset, how);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Errc::out_of_order);
    EXPECT_NE(again.error().message().find("offset 3, not offset 10"), std::string::npos) << again.error().message();
    only_if = {{{"jobs", 5}, Offset{0}}};
    EXPECT_EQ(opened.offsets.commit("workers", reset, how).error().code, Errc::out_of_order);
    EXPECT_EQ(fetched(opened.offsets, "workers", "jobs", 1), 4);
}

TEST(OffsetStore, RefusesWhatCannotBe) {
    const FastDir dir;
    Opened opened{dir.path()};
    const auto refused = [&](std::string_view group, const Commit& commit) {
        const Status done = opened.offsets.commit(group, {&commit, 1});
        return !done && done.error().code == Errc::bad_argument;
    };
    const Commit good{.topic = "jobs", .partition = 0, .offset = Offset{1}};
    EXPECT_TRUE(refused("", good));
    EXPECT_TRUE(refused(std::string(256, 'g'), good));
    EXPECT_TRUE(refused("\xff", good));
    EXPECT_TRUE(refused("\xed\xa0\x80", good));  // a surrogate
    EXPECT_TRUE(refused("g", {.topic = "no/topic", .partition = 0, .offset = Offset{1}}));
    EXPECT_TRUE(refused("g", {.topic = "jobs", .partition = -1, .offset = Offset{1}}));
    EXPECT_TRUE(refused("g", {.topic = "jobs", .partition = 0, .offset = Offset{-1}}));
    const std::string longest(4096, 'm');
    EXPECT_TRUE(refused("g", {.topic = "jobs", .partition = 0, .offset = Offset{1}, .metadata = longest + 'm'}));
    EXPECT_TRUE(names_of(opened.offsets).empty());

    const std::string name(255, 'g');
    const Commit large{.topic = "jobs", .partition = 0, .offset = Offset{INT64_MAX}, .metadata = longest};
    ASSERT_TRUE(opened.offsets.commit(name, {&large, 1}));
    EXPECT_EQ(opened.offsets.fetch(name, {"jobs", 0}).value()->metadata, longest);
    EXPECT_EQ(fetched(opened.offsets, name, "jobs", 0), INT64_MAX);
    Opened reader{dir.path(), {}};
    EXPECT_EQ(commit_one(reader.offsets, "g", "jobs", 0, 1).error().code, Errc::not_permitted);
}

TEST(OffsetStore, ALargeCommitIsOneForAllWhoLook) {
    const FastDir dir;
    Opened opened{dir.path()};
    constexpr int kPartitions = 16'384;
    std::vector<Commit> commits;
    for (int p = 0; p < kPartitions; ++p) commits.push_back({.topic = "jobs", .partition = p, .offset = Offset{p}});
    ASSERT_TRUE(opened.offsets.commit("workers", commits));
    EXPECT_EQ(opened.offsets.fetch_all("workers")->size(), commits.size());
    EXPECT_EQ(fetched(opened.offsets, "workers", "jobs", 12'345), 12'345);
    EXPECT_EQ(problems_of(opened.offsets), "");
    EXPECT_EQ(opened.offsets.remove_group("workers").value(), commits.size());
    EXPECT_EQ(fetched(opened.offsets, "workers", "jobs", 12'345), -1);
    EXPECT_EQ(problems_of(opened.offsets), "");
}

TEST(OffsetStore, GroupMetadataComesAndGoes) {
    const FastDir dir;
    Opened opened{dir.path()};
    record::GroupMetadataValue empty;
    empty.protocol_type = "consumer";
    empty.generation = 3;
    empty.current_state_timestamp = 1234;
    ASSERT_TRUE(opened.offsets.put_metadata("workers", empty));
    const auto group = opened.offsets.group("workers").value();
    ASSERT_TRUE(group);
    EXPECT_EQ(group->metadata, empty);
    EXPECT_EQ(group->partitions, 0u);
    EXPECT_EQ(names_of(opened.offsets), std::vector<std::string>{"workers"});
    ASSERT_TRUE(opened.offsets.put_metadata("workers", std::nullopt));
    EXPECT_FALSE(opened.offsets.group("workers").value());
    EXPECT_TRUE(names_of(opened.offsets).empty());
    EXPECT_EQ(problems_of(opened.offsets), "");
}

TEST(OffsetStore, NamesThatOnlyKafkaWouldMakeAreRead) {
    const FastDir dir;
    const std::string group(1000, 'k');
    Opened opened{dir.path()};
    // To the partition of the group, as a broker would write it.
    ASSERT_TRUE(commit_one(opened.offsets, "k", "jobs", 0, 1));
    const std::int32_t partition = record::partition_for_id(group, kOffsetsPartitions);
    const auto writer = opened.directory.open_writer({std::string{kOffsetsTopic}, partition}).value();
    record::OffsetCommitKey key;
    key.group = group;
    key.topic = "jobs";
    record::OffsetCommitValue value;
    value.offset = 5;
    record::BatchBuilder builder;
    builder.add(1, record::encode(key), record::encode(value));
    std::string batch{builder.finish().value()};
    ASSERT_TRUE(writer->append(batch));
    EXPECT_EQ(fetched(opened.offsets, group, "jobs", 0), 5);
    EXPECT_EQ(names_of(opened.offsets), (std::vector<std::string>{"k", group}));
    // The same once the table knows it.
    std::string other;
    for (int i = 0; record::partition_for_id(other = "g" + std::to_string(i), kOffsetsPartitions) != partition;) ++i;
    ASSERT_TRUE(commit_one(opened.offsets, other, "jobs", 0, 6));
    EXPECT_EQ(fetched(opened.offsets, group, "jobs", 0), 5);
    EXPECT_EQ(names_of(opened.offsets), (std::vector<std::string>{other, "k", group}));
    EXPECT_EQ(opened.offsets.remove_group(group).value(), 1u);
    EXPECT_EQ(problems_of(opened.offsets), "");
}

}  // namespace
}  // namespace mq::offsets
