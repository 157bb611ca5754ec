// Topics of a data directory: made, changed, deleted, by many processes, and by processes that die at it.

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>

#include "os/file.h"
#include "os/kill_point.h"
#include "shm/control_file.h"
#include "store/data_directory.h"
#include "support/batches.h"
#include "support/child.h"
#include "support/faults.h"
#include "support/temp_dir.h"

namespace mq::store {
namespace {

namespace fs = std::filesystem;

DataDirectory open_directory(const std::string& path, Access access = Access::write) {
    auto directory = DataDirectory::open(path, {.access = access, .on_wait = {}});
    if (!directory) throw std::runtime_error(directory.error().message());
    return std::move(*directory);
}

std::set<std::string> directories_in(const std::string& path) {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(path)) {
        if (entry.is_directory()) names.insert(entry.path().filename());
    }
    return names;
}

std::vector<std::string> names_of(const DataDirectory& directory) {
    std::vector<std::string> names;
    const std::vector<Topic> topics = *directory.topics();
    for (const Topic& topic : topics) names.push_back(topic.name);
    return names;
}

std::string read_text(const fs::path& path) {
    std::ifstream in{path};
    return {std::istreambuf_iterator<char>{in}, {}};
}

TEST(Topics, ACreatedTopicIsInTheCatalogueAndHasItsDirectories) {
    const test::TempDir dir;
    DataDirectory directory = open_directory(dir / "data");
    const auto made = directory.create_topic({"numbers", 3, 1, {{"retention.ms", " -1 "}}});
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_EQ(made->partitions, 3);
    EXPECT_EQ(made->config, (ConfigMap{{"retention.ms", "-1"}}));
    EXPECT_EQ(directories_in(dir / "data"), (std::set<std::string>{"numbers-0", "numbers-1", "numbers-2"}));
    EXPECT_EQ(*directory.topic("numbers"), *made);
    EXPECT_EQ(directory.shape("numbers")->partitions, 3);
    EXPECT_EQ(*directory.topics(), std::vector<Topic>{*made});
    for (int partition = 0; partition < 3; ++partition) {
        EXPECT_EQ(read_text(dir / ("data/numbers-" + std::to_string(partition) + "/partition.metadata")),
                  "version: 0\ntopic_id: " + made->id);
    }
    EXPECT_EQ(read_catalogue(dir / "data/mq-topics.json")->topics.at("numbers"), *made);
}

TEST(Topics, WhatCannotBeIsRefusedAndNothingIsMade) {
    const test::TempDir dir;
    DataDirectory directory = open_directory(dir / "data");
    const auto code = [&](const NewTopic& wanted) { return directory.create_topic(wanted).error().code; };
    EXPECT_EQ(code({"a/b", 1, 1, {}}), Errc::bad_argument);
    EXPECT_EQ(code({"..", 1, 1, {}}), Errc::bad_argument);
    EXPECT_EQ(code({std::string(250, 'x'), 1, 1, {}}), Errc::bad_argument);
    EXPECT_EQ(code({std::string("a\0b", 3), 1, 1, {}}), Errc::bad_argument);
    EXPECT_EQ(code({"a", 0, 1, {}}), Errc::bad_argument);
    EXPECT_EQ(code({"a", 65'537, 1, {}}), Errc::too_many);
    EXPECT_EQ(code({"a", 1, 0, {}}), Errc::bad_argument);
    EXPECT_EQ(code({"a", 1, 1, {{"retention.ms", "x"}}}), Errc::bad_argument);
    EXPECT_EQ(code({"a", 1, 1, {{"no.such", "x"}}}), Errc::bad_argument);
    EXPECT_EQ(code({"a", 1, 1, {{"min.compaction.lag.ms", "2"}, {"max.compaction.lag.ms", "1"}}}),
              Errc::bad_argument);
    EXPECT_TRUE(directories_in(dir / "data").empty());
    ASSERT_TRUE(directory.create_topic({"a", 1, 1, {}}));
    EXPECT_EQ(code({"a", 1, 1, {}}), Errc::already_exists);
    EXPECT_EQ(directory.topic("b").error().code, Errc::not_found);
    EXPECT_EQ(directory.topic("../a").error().code, Errc::bad_argument);
    EXPECT_EQ(directory.delete_topic("b").error().code, Errc::not_found);
    EXPECT_EQ(directory.set_partitions("b", 2).error().code, Errc::not_found);
    EXPECT_EQ(directory.change_config("b", {}).error().code, Errc::not_found);
}

TEST(Topics, ANameOf249BytesHasItsDirectoryAndIsDeletedUnderANameThatFits) {
    const test::TempDir dir;
    DataDirectory directory = open_directory(dir / "data");
    const std::string name(249, 'n');
    ASSERT_TRUE(directory.create_topic({name, 2, 1, {}}));
    EXPECT_EQ(directories_in(dir / "data"), (std::set<std::string>{name + "-0", name + "-1"}));
    const Status deleted = directory.delete_topic(name);
    ASSERT_TRUE(deleted) << deleted.error().message();
    EXPECT_TRUE(directories_in(dir / "data").empty());
}

TEST(Topics, PartitionsAreAddedAndNeverTakenAway) {
    const test::TempDir dir;
    DataDirectory directory = open_directory(dir / "data");
    const Topic made = *directory.create_topic({"t", 1, 1, {{"retention.ms", "5"}}});
    const auto changed = directory.set_partitions("t", 3);
    ASSERT_TRUE(changed);
    EXPECT_EQ(changed->partitions, 3);
    EXPECT_EQ(changed->id, made.id);
    EXPECT_EQ(changed->config, made.config);
    EXPECT_EQ(directory.shape("t")->partitions, 3);
    EXPECT_EQ(directories_in(dir / "data"), (std::set<std::string>{"t-0", "t-1", "t-2"}));
    EXPECT_EQ(directory.set_partitions("t", 2).error().code, Errc::bad_argument);
    EXPECT_EQ(directory.set_partitions("t", 65'537).error().code, Errc::too_many);
    EXPECT_TRUE(directory.set_partitions("t", 3));
}

TEST(Topics, SettingsAreSetUnsetAndSeenByAWriterThatIsOpen) {
    const test::TempDir dir;
    DataDirectory directory = open_directory(dir / "data");
    ASSERT_TRUE(directory.create_topic({"t", 1, 1, {{"retention.ms", "5"}}}));
    auto writer = directory.open_writer({"t", 0});
    ASSERT_TRUE(writer) << writer.error().message();
    EXPECT_EQ((*writer)->config()->retention_ms, 5);
    DataDirectory other = open_directory(dir / "data");
    const auto changed = other.change_config("t", {{"retention.ms", std::nullopt}, {"segment.bytes", "1000"}});
    ASSERT_TRUE(changed);
    EXPECT_EQ(changed->config, (ConfigMap{{"segment.bytes", "1000"}}));
    EXPECT_EQ((*writer)->config()->retention_ms, 604800000);
    EXPECT_EQ((*writer)->config()->segment_bytes, 1000u);
    EXPECT_EQ(other.change_config("t", {{"retention.ms", "x"}}).error().code, Errc::bad_argument);
    EXPECT_EQ(other.change_config("t", {{"no.such", std::nullopt}}).error().code, Errc::bad_argument);
    EXPECT_TRUE(other.change_config("t", {{"retention.ms", std::nullopt}}));
}

TEST(Topics, DefaultsOfTheDirectoryHoldInEveryProcessForTopicsThatSayNothingThemselves) {
    const test::TempDir dir;
    DataDirectory directory = open_directory(dir / "data");
    ASSERT_TRUE(directory.create_topic({"own", 1, 1, {{"retention.ms", "5"}}}));
    ASSERT_TRUE(directory.create_topic({"plain", 1, 1, {}}));
    auto own = directory.open_writer({"own", 0});
    auto plain = directory.open_writer({"plain", 0});
    ASSERT_TRUE(own && plain);
    const auto end = test::run_in_child([&] {
        DataDirectory other = open_directory(dir / "data");
        return other.set_topic_defaults({{"retention.ms", " 77 "}, {"segment.bytes", "1000"}}) ? 0 : 1;
    });
    EXPECT_EQ(end, test::exited_with(0));
    EXPECT_EQ(directory.topic_defaults(), (ConfigMap{{"retention.ms", "77"}, {"segment.bytes", "1000"}}));
    EXPECT_EQ((*own)->config()->retention_ms, 5);
    EXPECT_EQ((*own)->config()->segment_bytes, 1000u);
    EXPECT_EQ((*plain)->config()->retention_ms, 77);
    // Also for what is made, looked up or changed later.
    ASSERT_TRUE(directory.create_topic({"later", 2, 1, {}}));
    EXPECT_EQ(directory.shape("later", 1)->log.retention_ms, 77);
    EXPECT_EQ(directory.topic("later")->config, ConfigMap{});
    const auto changed = directory.change_config("own", {{"retention.ms", std::nullopt}});
    ASSERT_TRUE(changed);
    EXPECT_EQ((*own)->config()->retention_ms, 77);
    ASSERT_TRUE(directory.set_topic_defaults({}));
    EXPECT_EQ((*plain)->config()->retention_ms, 604800000);
}

// What a broker says of all topics holds for local processes as well.
TEST(Topics, IDM11_HowLongIdleProducersAreRememberedIsSaidOfAllTopicsTogether) {
    const test::TempDir dir;
    DataDirectory directory = open_directory(dir / "data");
    ASSERT_TRUE(directory.create_topic({"numbers", 1, 1, {}}));
    auto writer = directory.open_writer({"numbers", 0});
    ASSERT_TRUE(writer);
    EXPECT_EQ((*writer)->config()->producer_id_expiration_ms, 86'400'000);
    EXPECT_EQ((*writer)->config()->producer_id_expiration_check_ms, 600'000);
    const ConfigMap wanted{{"producer.id.expiration.ms", "7"}, {"producer.id.expiration.check.interval.ms", "8"}};
    ASSERT_TRUE(directory.set_topic_defaults(wanted));
    EXPECT_EQ((*writer)->config()->producer_id_expiration_ms, 7);
    EXPECT_EQ((*writer)->config()->producer_id_expiration_check_ms, 8);
    EXPECT_EQ(open_directory(dir / "data").topic_defaults(), wanted);
    EXPECT_EQ(directory.set_topic_defaults({{"producer.id.expiration.ms", "0"}}).error().code, Errc::bad_argument);
    EXPECT_EQ(directory.create_topic({"own", 1, 1, wanted}).error().code, Errc::bad_argument);
}

TEST(Topics, DefaultsThatExcludeWhatATopicHasSetAreRefusedAndNothingIsChanged) {
    const test::TempDir dir;
    DataDirectory directory = open_directory(dir / "data");
    ASSERT_TRUE(directory.create_topic({"t", 1, 1, {{"max.compaction.lag.ms", "10"}}}));
    const auto refused = directory.set_topic_defaults({{"min.compaction.lag.ms", "11"}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::bad_argument);
    EXPECT_NE(refused.error().message().find("'t'"), std::string::npos) << refused.error().message();
    EXPECT_EQ(directory.set_topic_defaults({{"no.such", "1"}}).error().code, Errc::bad_argument);
    EXPECT_EQ(directory.topic_defaults(), ConfigMap{});
    ASSERT_TRUE(directory.set_topic_defaults({{"min.compaction.lag.ms", "10"}}));
    const auto late = directory.create_topic({"u", 1, 1, {{"max.compaction.lag.ms", "9"}}});
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, Errc::bad_argument);
    EXPECT_FALSE(directory.topic("u"));
}

TEST(Topics, EveryChangeRaisesTheGenerationThatFollowersOfPatternsWatch) {
    const test::TempDir dir;
    DataDirectory directory = open_directory(dir / "data");
    auto before = directory.catalogue_generation();
    const auto raised = [&] { return std::exchange(before, directory.catalogue_generation()) != before; };
    ASSERT_TRUE(directory.create_topic({"t", 1, 1, {}}));
    EXPECT_TRUE(raised());
    ASSERT_TRUE(directory.set_partitions("t", 2));
    EXPECT_TRUE(raised());
    ASSERT_TRUE(directory.change_config("t", {{"retention.ms", "1"}}));
    EXPECT_TRUE(raised());
    ASSERT_TRUE(directory.delete_topic("t"));
    EXPECT_TRUE(raised());
    EXPECT_FALSE(raised());
}

TEST(Topics, ADeletedTopicIsGoneForWhoHasItOpenAndComesBackEmpty) {
    const test::TempDir dir;
    DataDirectory directory = open_directory(dir / "data");
    const Topic first = *directory.create_topic({"t", 2, 1, {{"retention.ms", "5"}}});
    auto writer = directory.open_writer({"t", 0});
    ASSERT_TRUE(writer);
    std::string batch = test::numbered_batch(1, 1);
    ASSERT_TRUE((*writer)->append(batch));
    ASSERT_TRUE((*writer)->checkpoint());
    ASSERT_TRUE(directory.delete_topic("t"));
    EXPECT_TRUE(directories_in(dir / "data").empty());
    EXPECT_EQ(directory.topic("t").error().code, Errc::not_found);
    EXPECT_EQ((*writer)->append(batch).error().code, Errc::not_found);
    EXPECT_TRUE(directories_in(dir / "data").empty()) << "an append made the directory anew";
    EXPECT_EQ(read_text(dir / "data/recovery-point-offset-checkpoint").find("t 0"), std::string::npos);

    const Topic second = *directory.create_topic({"t", 1, 1, {}});
    EXPECT_NE(second.id, first.id);
    EXPECT_TRUE(second.config.empty());
    auto reader = directory.open_reader({"t", 0});
    ASSERT_TRUE(reader) << reader.error().message();
    EXPECT_EQ((*reader)->bounds()->log_end, Offset{0});
    EXPECT_EQ(directory.open_reader({"t", 1}).error().code, Errc::not_found);
}

TEST(Topics, DirectoriesThatAKafkaBrokerLeftAreTopicsThatKeepTheirRecords) {
    const test::TempDir dir;
    fs::create_directories(dir / "data/plain-0");
    fs::create_directories(dir / "data/plain-4");
    fs::create_directories(dir / "data/a-b-1");
    fs::create_directories(dir / "data/__consumer_offsets-7");
    fs::create_directories(dir / "data/gone-0.0123456789abcdef0123456789abcdef-delete");
    fs::create_directories(dir / "data/not a topic-0");
    test::spill(dir / "data/plain-4/partition.metadata", "version: 0\ntopic_id: 6RbxAY8BTsOVJ0MnbF4XLg\n");
    DataDirectory directory = open_directory(dir / "data");
    const auto topics = *directory.topics();
    ASSERT_EQ(topics.size(), 3u);
    const ConfigMap for_ever{{"retention.ms", "-1"}};
    EXPECT_EQ(topics[0], (Topic{"__consumer_offsets", "", 50, 1, for_ever}));
    EXPECT_EQ(topics[1], (Topic{"a-b", "", 2, 1, for_ever}));
    EXPECT_EQ(topics[2], (Topic{"plain", "6RbxAY8BTsOVJ0MnbF4XLg", 5, 1, for_ever}));
    EXPECT_EQ(*directory.topic("plain"), topics[2]);
    EXPECT_EQ(directory.shape("__consumer_offsets")->partitions, 50);
    EXPECT_FALSE(fs::exists(dir / "data/mq-topics.json"));

    // The first change takes them all into the catalogue, and removes what a deletion left.
    ASSERT_TRUE(directory.change_config("a-b", {{"retention.ms", "1"}}));
    const Catalogue catalogue = *read_catalogue(dir / "data/mq-topics.json");
    EXPECT_EQ(catalogue.topics.size(), 3u);
    EXPECT_EQ(catalogue.topics.at("plain"), topics[2]);
    EXPECT_EQ(catalogue.topics.at("a-b").config, (ConfigMap{{"retention.ms", "1"}}));
    EXPECT_FALSE(fs::exists(dir / "data/gone-0.0123456789abcdef0123456789abcdef-delete"));
    EXPECT_TRUE(fs::exists(dir / "data/not a topic-0"));
}

TEST(Topics, WhatAKafkaBrokerDidInBetweenCounts) {
    const test::TempDir dir;
    {
        DataDirectory directory = open_directory(dir / "data");
        ASSERT_TRUE(directory.create_topic({"grown", 1, 1, {{"retention.ms", "5"}}}));
        ASSERT_TRUE(directory.create_topic({"gone", 2, 1, {}}));
        ASSERT_TRUE(directory.create_topic({"anew", 3, 1, {{"retention.ms", "5"}}}));
        ASSERT_TRUE(directory.open_writer({"anew", 0}));
    }
    fs::create_directories(dir / "data/grown-1");
    for (const char* name : {"gone-0", "gone-1", "anew-0", "anew-1", "anew-2"})
        fs::remove_all((dir / "data/") + name);
    fs::create_directories(dir / "data/anew-0");
    test::spill(dir / "data/anew-0/partition.metadata", "version: 0\ntopic_id: 6RbxAY8BTsOVJ0MnbF4XLg\n");
    test::spill(dir / "data/.kafka_cleanshutdown", "{}");
    DataDirectory directory = open_directory(dir / "data");
    EXPECT_EQ(directory.shape("grown")->partitions, 2);
    EXPECT_EQ(directory.topic("grown")->config, (ConfigMap{{"retention.ms", "5"}}));
    EXPECT_EQ(directory.topic("gone").error().code, Errc::not_found);
    EXPECT_EQ(*directory.topic("anew"), (Topic{"anew", "6RbxAY8BTsOVJ0MnbF4XLg", 1, 1, {{"retention.ms", "-1"}}}));
    EXPECT_EQ(directory.shape("anew")->partitions, 1);
    EXPECT_TRUE(directory.create_topic({"gone", 1, 1, {}}));
}

TEST(Topics, PUB8_AnEditedCatalogueIsSeenAtOnce) {
    const test::TempDir dir;
    DataDirectory directory = open_directory(dir / "data");
    ASSERT_TRUE(directory.create_topic({"t", 1, 1, {}}));
    ASSERT_TRUE(directory.open_writer({"t", 0}));
    Catalogue catalogue = *read_catalogue(dir / "data/mq-topics.json");
    catalogue.topics.at("t").config["retention.ms"] = "77";
    ASSERT_TRUE(write_catalogue(dir / "data/mq-topics.json", catalogue));
    EXPECT_EQ(directory.topic("t")->config, (ConfigMap{{"retention.ms", "77"}}));
    EXPECT_EQ((*directory.open_writer({"t", 0}))->config()->retention_ms, 77);
}

TEST(Topics, OFF3_InternalTopicsHave50PartitionsUnlessTheCatalogueSaysOtherwise) {
    const test::TempDir dir;
    fs::create_directories(dir / "data/__transaction_state-3");
    DataDirectory directory = open_directory(dir / "data");
    EXPECT_EQ(directory.topic("__transaction_state")->partitions, 50);
    ASSERT_TRUE(directory.create_topic({"__consumer_offsets", 5, 1, {}}));
    EXPECT_EQ(directory.topic("__consumer_offsets")->partitions, 5);
}

TEST(Topics, AReaderWithoutPermissionSeesThemAsTheyAre) {
    const test::TempDir dir;
    { ASSERT_TRUE(open_directory(dir / "data").create_topic({"t", 2, 1, {{"retention.ms", "5"}}})); }
    const DataDirectory reader = open_directory(dir / "data", Access::read);
    EXPECT_EQ(names_of(reader), std::vector<std::string>{"t"});
    EXPECT_EQ(reader.topic("t")->config, (ConfigMap{{"retention.ms", "5"}}));
}

TEST(Topics, ADamagedCatalogueIsToldAndNothingIsChanged) {
    const test::TempDir dir;
    DataDirectory directory = open_directory(dir / "data");
    ASSERT_TRUE(directory.create_topic({"t", 1, 1, {}}));
    test::spill(dir / "data/mq-topics.json", "{\"version\":1");
    for (const auto& error : {directory.topics().error(), directory.topic("t").error(),
                              directory.create_topic({"u", 1, 1, {}}).error(), directory.delete_topic("t").error()}) {
        EXPECT_EQ(error.code, Errc::corrupt);
        EXPECT_EQ(error.subject, dir / "data/mq-topics.json");
    }
    EXPECT_EQ(directories_in(dir / "data"), std::set<std::string>{"t-0"});
    EXPECT_EQ(read_text(dir / "data/mq-topics.json"), "{\"version\":1");
}

// Test directories in memory: these tests make thousands, and what they look for is not what a disk forgets.
class InMemory {
public:
    InMemory() { setenv("TMPDIR", "/dev/shm", 1); }
    ~InMemory() { unsetenv("TMPDIR"); }
};

// A process that dies anywhere in a change leaves all of it or nothing; the next change and the next reader say the
// same.
struct Scene {
    std::string name;
    std::function<void(DataDirectory&)> prepare;
    std::function<Status(DataDirectory&)> change;
    // Of the topic "t" after a death in it.
    std::function<bool(const std::optional<Topic>&)> may_be;
};

const std::vector<Scene>& scenes() {
    static const auto make = [](DataDirectory& directory) {
        if (!directory.create_topic({"t", 3, 1, {{"retention.ms", "5"}}})) std::abort();
        if (!directory.open_writer({"t", 1})) std::abort();
    };
    static const ConfigMap five{{"retention.ms", "5"}};
    static const std::vector<Scene> all = {
        {"create", [](DataDirectory&) {},
         [](DataDirectory& d) {
             return d.create_topic({"t", 3, 1, five}).map([](const Topic&) {});
         },
         [](const std::optional<Topic>& t) { return !t || (t->partitions == 3 && t->config == five); }},
        {"delete", make, [](DataDirectory& d) { return d.delete_topic("t"); },
         [](const std::optional<Topic>& t) { return !t || (t->partitions == 3 && t->config == five); }},
        {"partitions", make, [](DataDirectory& d) { return d.set_partitions("t", 5).map([](const Topic&) {}); },
         [](const std::optional<Topic>& t) {
             return t && (t->partitions == 3 || t->partitions == 5) && t->config == five;
         }},
        {"defaults", make,
         [](DataDirectory& d) {
             return d.set_topic_defaults({{"segment.bytes", "1000"}});
         },
         [](const std::optional<Topic>& t) { return t && t->partitions == 3 && t->config == five; }},
        {"config", make,
         [](DataDirectory& d) {
             return d.change_config("t", {{"retention.ms", "6"}}).map([](const Topic&) {});
         },
         [](const std::optional<Topic>& t) {
             return t && t->partitions == 3 && (t->config == five || t->config == ConfigMap{{"retention.ms", "6"}});
         }},
    };
    return all;
}

std::optional<Topic> topic_t(DataDirectory& directory) {
    auto topic = directory.topic("t");
    if (!topic && topic.error().code != Errc::not_found) throw std::runtime_error(topic.error().message());
    const auto names = names_of(directory);
    const bool listed = std::ranges::find(names, "t") != names.end();
    if (listed != topic.has_value()) throw std::runtime_error("listing and look-up differ");
    return topic ? std::optional{*topic} : std::nullopt;
}

std::vector<std::string> topic_points() {
    std::vector<std::string> points;
    for (const std::string_view point : os::kill_points()) {
        if (point.starts_with("topics.")) points.emplace_back(point);
    }
    return points;
}

void judge(const Scene& scene, const std::string& path) {
    DataDirectory directory = open_directory(path);
    const std::optional<Topic> before = topic_t(directory);
    EXPECT_TRUE(scene.may_be(before));
    // Another change ends what was begun, and changes nothing of what is there.
    ASSERT_TRUE(directory.create_topic({"next", 1, 1, {}}));
    const std::optional<Topic> after = topic_t(directory);
    EXPECT_EQ(before, after);
    std::set<std::string> expected{"next-0"};
    if (after) {
        // What was not made yet is made when it is first used.
        for (int partition = 0; partition < after->partitions; ++partition) {
            EXPECT_TRUE(directory.open_writer({"t", partition}));
            expected.insert("t-" + std::to_string(partition));
        }
    }
    EXPECT_EQ(directories_in(path), expected);
    const Catalogue catalogue = *read_catalogue(path + "/mq-topics.json");
    for (const auto& [name, topic] : catalogue.topics) EXPECT_FALSE(topic.deleting) << name;
    // And the same can be tried again.
    const Status again = scene.change(directory);
    EXPECT_TRUE(again || again.error().code == Errc::already_exists || again.error().code == Errc::not_found);
    const std::optional<Topic> at_last = topic_t(directory);
    EXPECT_EQ(at_last.has_value(), scene.name != "delete");
}

TEST(Topics, P1_ADeathAtAnyPointOfAChangeLeavesTheWholeTopicOrNone) {
    const InMemory in_memory;
    std::set<std::string> passed;
    for (const Scene& scene : scenes()) {
        for (const std::string& point : topic_points()) {
            for (unsigned nth = 1;; ++nth) {
                SCOPED_TRACE(scene.name + " " + point + " " + std::to_string(nth));
                const test::TempDir dir;
                const std::string path = dir / "data";
                {
                    DataDirectory directory = open_directory(path);
                    scene.prepare(directory);
                }
                const test::ChildEnd end = test::run_in_child([&] {
                    DataDirectory directory = open_directory(path);
                    if (!os::arm_kill_point(point, nth)) return 3;
                    return scene.change(directory) ? 0 : 4;
                });
                if (end == test::exited_with(0)) break;
                ASSERT_EQ(end, test::ended_by(SIGKILL));
                passed.insert(point);
                judge(scene, path);
                if (testing::Test::HasFailure()) return;
            }
        }
    }
    const auto points = topic_points();
    EXPECT_EQ(passed, (std::set<std::string>(points.begin(), points.end()))) << "a point that no change passes";
}

// Beside a process that lives on, so that nobody gets the directory exclusively.
TEST(Topics, P5_ADeathInAChangeKeepsNobodyElseFromTopics) {
    const InMemory in_memory;
    for (const Scene& scene : scenes()) {
        for (const std::string& point : topic_points()) {
            SCOPED_TRACE(scene.name + " " + point);
            const test::TempDir dir;
            const std::string path = dir / "data";
            DataDirectory alive = open_directory(path);
            scene.prepare(alive);
            const test::ChildEnd end = test::run_in_child([&] {
                DataDirectory directory = open_directory(path);
                if (!os::arm_kill_point(point, 1)) return 3;
                return scene.change(directory) ? 0 : 4;
            });
            if (end == test::exited_with(0)) continue;
            ASSERT_EQ(end, test::ended_by(SIGKILL));
            EXPECT_TRUE(scene.may_be(topic_t(alive)));
            judge(scene, path);
        }
    }
}

TEST(Topics, P5_LCK6_AStoppedWriterHoldsUpTheDeletionOfItsTopicAndNoOtherChange) {
    const test::TempDir dir;
    const std::string path = dir / "data";
    std::string holder;
    store::OpenOptions impatient{.access = Access::write, .on_wait = {}};
    impatient.on_wait = [&holder](const shm::Holder& who, std::chrono::milliseconds) {
        holder = who.what;
        return Status{fail(Errc::timed_out, {}, {})};
    };
    auto directory = DataDirectory::open(path, impatient);
    ASSERT_TRUE(directory && directory->create_topic({"t", 2, 1, {}}));
    test::Child child = test::Child::fork([&] {
        DataDirectory mine = open_directory(path);
        auto writer = mine.open_writer({"t", 1});
        if (!writer || !os::arm_kill_point("store.append.before_unlock", 1, os::KillAction::stop)) return 3;
        std::string batch = test::numbered_batch(1, 1);
        return (*writer)->append(batch) ? 0 : 4;
    });
    ASSERT_TRUE(child.wait_until_stopped());
    EXPECT_EQ(directory->delete_topic("t").error().code, Errc::timed_out);
    EXPECT_NE(holder.find("t-1"), std::string::npos);
    EXPECT_EQ(directory->topic("t").error().code, Errc::not_found);
    holder.clear();
    EXPECT_TRUE(directory->create_topic({"u", 1, 1, {}}));
    EXPECT_TRUE(directory->set_partitions("u", 2));
    EXPECT_EQ(directory->create_topic({"t", 1, 1, {}}).error().code, Errc::timed_out);
    EXPECT_NE(holder.find("t-1"), std::string::npos);
    child.send(SIGKILL);
    EXPECT_EQ(child.wait(), test::ended_by(SIGKILL));
    EXPECT_TRUE(directory->delete_topic("t"));
    EXPECT_EQ(directories_in(path), (std::set<std::string>{"u-0", "u-1"}));
}

// LocalLog.logDeleteDirName: TOPIC-PARTITION.<UUID without dashes>-delete, the topic cut so that 255 bytes are
// enough.
TEST(Topics, ADirectoryThatIsPutAsideHasTheNameThatKafkaGivesIt) {
    const InMemory in_memory;
    for (const std::string& name : {std::string{"t"}, std::string(249, 'n')}) {
        const test::TempDir dir;
        const std::string path = dir / "data";
        ASSERT_TRUE(open_directory(path).create_topic({name, 1, 1, {}}));
        const test::ChildEnd end = test::run_in_child([&] {
            DataDirectory directory = open_directory(path);
            return os::arm_kill_point("topics.after_rename") && directory.delete_topic(name) ? 3 : 4;
        });
        ASSERT_EQ(end, test::ended_by(SIGKILL));
        const auto left = directories_in(path);
        ASSERT_EQ(left.size(), 1u);
        const std::string& aside = *left.begin();
        const std::string tail = aside.substr(aside.size() - 42);
        EXPECT_EQ(aside.size(), name == "t" ? 43u : 255u);
        EXPECT_EQ(aside.substr(0, aside.size() - 42), name.substr(0, aside.size() - 42));
        EXPECT_EQ(tail.substr(0, 3), "-0.");
        EXPECT_EQ(tail.substr(3, 32).find_first_not_of("0123456789abcdef"), std::string::npos);
        EXPECT_EQ(tail.substr(35), "-delete");
        // What is no such name stays, whatever it looks like.
        for (const char* other : {"t-0.abc-delete", "x-delete", "0123456789abcdef0123456789abcdef-delete"})
            fs::create_directories(path + "/" + other);
        ASSERT_TRUE(open_directory(path).create_topic({"next", 1, 1, {}}));
        EXPECT_EQ(directories_in(path), (std::set<std::string>{"next-0", "t-0.abc-delete", "x-delete",
                                                               "0123456789abcdef0123456789abcdef-delete"}));
    }
}

TEST(Topics, ManyProcessesMakeAndDeleteTheSameTopics) {
    const InMemory in_memory;
    const test::TempDir dir;
    const std::string path = dir / "data";
    DataDirectory directory = open_directory(path);
    std::vector<test::Child> children;
    for (int process = 0; process < 4; ++process) {
        children.push_back(test::Child::fork([&, process] {
            DataDirectory mine = open_directory(path);
            for (int i = 0; i < 25; ++i) {
                const std::string name = "t" + std::to_string((i + process) % 3);
                const auto made = mine.create_topic({name, 2, 1, {}});
                if (!made && made.error().code != Errc::already_exists) return 3;
                const Status deleted = mine.delete_topic(name);
                if (!deleted && deleted.error().code != Errc::not_found) return 4;
            }
            const auto own = mine.create_topic({"own" + std::to_string(process), 1, 1, {}});
            return own ? 0 : 5;
        }));
    }
    for (test::Child& child : children) EXPECT_EQ(child.wait(), test::exited_with(0));
    std::vector<std::string> names = names_of(directory);
    std::erase_if(names, [](const std::string& name) { return !name.starts_with("own"); });
    EXPECT_EQ(names, (std::vector<std::string>{"own0", "own1", "own2", "own3"}));
    // A last change sweeps what the races left.
    ASSERT_TRUE(directory.create_topic({"last", 1, 1, {}}));
    for (const std::string& name : directories_in(path)) EXPECT_FALSE(name.ends_with("-delete")) << name;
}

// P8: whatever fails, the topic is as before or as wanted, and the next attempt succeeds.
TEST(Topics, P8_AFailedSystemCallLeavesTheWholeTopicOrNone) {
    const InMemory in_memory;
    for (const Scene& scene : scenes()) {
        test::for_each_fault({.errors = {EIO, ENOSPC}}, [&](test::FaultRun& run) {
            const test::TempDir dir;
            const std::string path = dir / "data";
            DataDirectory directory = open_directory(path);
            scene.prepare(directory);
            const Status done = run.faulted(path, [&] { return scene.change(directory); });
            DataDirectory again = open_directory(path);
            const std::optional<Topic> found = topic_t(again);
            EXPECT_TRUE(scene.may_be(found)) << scene.name << ": " << (done ? "done" : done.error().message());
            EXPECT_TRUE(!done || found.has_value() == (scene.name != "delete"));
            const Status repeated = scene.change(again);
            EXPECT_TRUE(repeated || repeated.error().code == Errc::already_exists ||
                        repeated.error().code == Errc::not_found)
                << scene.name << ": " << repeated.error().message();
        });
    }
}

}  // namespace
}  // namespace mq::store
