// mq-topics.json: what is written is read back, and nothing else is believed.

#include "store/catalogue.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <set>
#include <string>

#include "os/file.h"
#include "support/temp_dir.h"

namespace mq::store {
namespace {

constexpr std::string_view kId = "6RbxAY8BTsOVJ0MnbF4XLg";

std::string topic_text(std::string_view fields) {
    return "{\"version\":1,\"next_producer_id\":0,\"topics\":[{" + std::string{fields} + "}]}";
}

std::string good_topic(std::string_view name = "numbers") {
    return "{\"name\":\"" + std::string{name} + "\",\"id\":\"" + std::string{kId} +
           "\",\"partitions\":3,\"replicas\":1,\"config\":{\"retention.ms\":\"-1\"}}";
}

TEST(Catalogue, ReadsTheDocumentOfTheHeader) {
    const auto catalogue = parse_catalogue(
        "{\"version\":1,\"next_producer_id\":2000,\"topics\":[{\"name\":\"numbers\",\"id\":"
        "\"6RbxAY8BTsOVJ0MnbF4XLg\","
        "\"partitions\":1,\n \"replicas\":1,\"config\":{\"retention.ms\":\"-1\"}}]}");
    ASSERT_TRUE(catalogue) << catalogue.error().message();
    EXPECT_EQ(catalogue->next_producer_id, 2000);
    ASSERT_EQ(catalogue->topics.size(), 1u);
    EXPECT_EQ(catalogue->topics.at("numbers"),
              (Topic{"numbers", std::string{kId}, 1, 1, ConfigMap{{"retention.ms", "-1"}}}));
}

TEST(Catalogue, IsWrittenATopicALineSoThatDifferencesCanBeRead) {
    Catalogue catalogue;
    catalogue.next_producer_id = 5;
    catalogue.topics["a"] = {"a", std::string{kId}, 2, 1, {{"cleanup.policy", "compact"}, {"retention.ms", "1"}}};
    catalogue.topics["b"] = {"b", std::string{kId}, 1, 3, {}};
    EXPECT_EQ(format_catalogue(catalogue),
              "{\"version\":1,\"next_producer_id\":5,\"topics\":[\n"
              "{\"name\":\"a\",\"id\":\"6RbxAY8BTsOVJ0MnbF4XLg\",\"partitions\":2,\"replicas\":1,"
              "\"config\":{\"cleanup.policy\":\"compact\",\"retention.ms\":\"1\"}},\n"
              "{\"name\":\"b\",\"id\":\"6RbxAY8BTsOVJ0MnbF4XLg\",\"partitions\":1,\"replicas\":3,\"config\":{}}\n"
              "]}\n");
    EXPECT_EQ(*parse_catalogue(format_catalogue(catalogue)), catalogue);
    EXPECT_EQ(*parse_catalogue(format_catalogue({})), Catalogue{});
}

TEST(Catalogue, DefaultsOfAllTopicsStandBeforeThem) {
    Catalogue catalogue;
    catalogue.defaults = {{"retention.ms", "3600000"}, {"segment.bytes", "1048576"}};
    catalogue.topics["a"] = {"a", std::string{kId}, 1, 1, {}};
    const std::string text = format_catalogue(catalogue);
    EXPECT_EQ(text,
              "{\"version\":1,\"next_producer_id\":0,"
              "\"defaults\":{\"retention.ms\":\"3600000\",\"segment.bytes\":\"1048576\"},\"topics\":[\n"
              "{\"name\":\"a\",\"id\":\"6RbxAY8BTsOVJ0MnbF4XLg\",\"partitions\":1,\"replicas\":1,\"config\":{}}\n"
              "]}\n");
    EXPECT_EQ(*parse_catalogue(text), catalogue);
    const std::string top = "{\"version\":1,\"next_producer_id\":0,\"topics\":[" + good_topic() + "],";
    const auto behind = parse_catalogue(top + "\"defaults\":{\"retention.ms\":\"7\"}}");
    ASSERT_TRUE(behind) << behind.error().message();
    EXPECT_EQ(behind->defaults.at("retention.ms"), "7");
    for (const std::string_view bad :
         {"\"defaults\":{\"retention.ms\":\"soon\"}}", "\"defaults\":{\"retention.ms\":7}}", "\"defaults\":[]}",
          "\"defaults\":7}", "\"defaults\":{},\"defaults\":{}}", "\"defaults\":{\"a\":\"1\",\"a\":\"1\"}}",
          "\"defaults\":{\"a\":{}}}"}) {
        EXPECT_FALSE(parse_catalogue(top + std::string{bad})) << bad;
    }
}

TEST(Catalogue, KeepsSettingsOfANewerVersionWhateverTheyHold) {
    const auto catalogue = parse_catalogue(
        "{\"version\":1,\"next_producer_id\":0,\"topics\":[{\"name\":\"t\",\"id\":\"6RbxAY8BTsOVJ0MnbF4XLg\","
        "\"partitions\":1,\"replicas\":1,\"config\":{\"of.the.future\":\"a\\\"\\\\\\u0000\\n\\u00e9\xc3\xa9\"}}]}");
    ASSERT_TRUE(catalogue) << catalogue.error().message();
    using namespace std::string_literals;
    EXPECT_EQ(catalogue->topics.at("t").config.at("of.the.future"), "a\"\\\0\n\xc3\xa9\xc3\xa9"s);
    EXPECT_EQ(*parse_catalogue(format_catalogue(*catalogue)), *catalogue);
}

struct Damage {
    std::string text;
    std::string said;
};

TEST(Catalogue, DamageIsToldWithItsLine) {
    const std::string good = good_topic();
    const auto with = [&](std::string_view from, std::string_view to) {
        std::string text = "{\"version\":1,\"next_producer_id\":0,\"topics\":[" + good + "]}";
        const std::size_t at = text.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        return text.replace(at, from.size(), to);
    };
    ASSERT_TRUE(parse_catalogue(with("numbers", "numbers")));
    const std::vector<Damage> table = {
        {"", "line 1: there is no JSON"},
        {"[]", "a list has no place here"},
        {"5", "a number has no place here"},
        {"null", "null has no place here"},
        {"{}", "version, next_producer_id or topics is missing"},
        {"{\"version\":1}", "is missing"},
        {with("\"version\":1", "\"version\":2"), "version 2 is not known"},
        {with("\"version\":1", "\"version\":\"1\""), "version: a string has no place here"},
        {with("\"version\":1", "\"version\":1,\"version\":1"), "version: it is there twice"},
        {with("\"version\":1", "\"version\":1,\"other\":1"), "other: unknown"},
        {with("id\":0", "id\":-1"), "next_producer_id: the number is out of range"},
        {with("id\":0", "id\":1.5"), "a whole number is needed"},
        {with("id\":0", "id\":18446744073709551615"), "out of range"},
        {with("id\":0", "id\":1e999"), "a number is out of range"},
        {with("\"partitions\":3", "\"partitions\":0"), "partitions: the number is out of range"},
        {with("\"partitions\":3", "\"partitions\":65537"), "partitions: the number is out of range"},
        {with("\"partitions\":3", "\"partitions\":-3"), "out of range"},
        {with("\"partitions\":3", "\"partitions\":null"), "null has no place here"},
        {with("\"partitions\":3,", ""), "a topic lacks its name, id, partitions, replicas or config"},
        {with("\"replicas\":1", "\"replicas\":40000"), "replicas: the number is out of range"},
        {with("\"name\":\"numbers\"", "\"name\":7"), "name: a number has no place here"},
        {with("numbers", "../numbers"), "line 1"},
        {with("numbers", ".."), "line 1"},
        {with("numbers", ""), "line 1"},
        {with("numbers", "a\\u0000b"), "line 1"},
        {with(kId, "6RbxAY8BTsOVJ0MnbF4XL"), "id: no topic id"},
        {with(kId, "AAAAAAAAAAAAAAAAAAAAAA"), "id: no topic id"},
        {with(kId, "6RbxAY8BTsOVJ0MnbF4XL+"), "id: no topic id"},
        {with("\"config\":{", "\"config\":[{"), "config: a list has no place here"},
        {with("\"-1\"", "-1"), "retention.ms: a number has no place here"},
        {with("\"-1\"", "\"-2\""), "retention.ms: '-2' is not a number from -1 on"},
        {with("\"-1\"", "\"-1\",\"retention.ms\":\"5\""), "retention.ms: the setting is there twice"},
        {with("\"-1\"", "{}"), "an object has no place here"},
        {with("]}", "," + good + "]}"), "a topic is there twice"},
        {with("]}", "]}x"), "more follows the document"},
        {with("]}", "]}") + std::string(1, '\0') + "x", "more follows the document"},
        {with("]}", "]"), "no valid JSON"},
        {with("]}", "],}"), "no valid JSON"},
        {with("{\"version", "{'version"), "no valid JSON"},
        {with("\"-1\"}}]}", "\"-1"), "a string does not end"},
        {with("-1", "\xff"), "a string is no UTF-8"},
        {with("-1", "\\ud800"), "a string is no UTF-8"},
        {std::string(1'000'000, '['), "a list has no place here"},
        {"\n\n" + with("\"partitions\":3", "\n\"partitions\":0"), "line 4: partitions"},
    };
    for (const Damage& damage : table) {
        const auto refused = parse_catalogue(damage.text);
        ASSERT_FALSE(refused) << damage.text.substr(0, 300);
        EXPECT_EQ(refused.error().code, Errc::corrupt);
        EXPECT_TRUE(refused.error().position.has_value());
        EXPECT_NE(refused.error().message().find(damage.said), std::string::npos)
            << refused.error().message() << "\nin " << damage.text.substr(0, 300);
    }
}

TEST(Catalogue, EveryBeginningOfItIsDamage) {
    const std::string text =
        format_catalogue(*parse_catalogue(topic_text(good_topic().substr(1, good_topic().size() - 2))));
    for (std::size_t size = 0; size + 1 < text.size(); ++size) {
        const auto cut = parse_catalogue(text.substr(0, size));
        ASSERT_FALSE(cut) << size;
        EXPECT_EQ(cut.error().code, Errc::corrupt);
    }
}

TEST(Catalogue, TheByteOfTheDamageLiesInsideTheFile) {
    const std::string text = topic_text("\"name\":\"a\",\n\"id\":5");
    const auto refused = parse_catalogue(text);
    ASSERT_FALSE(refused);
    const auto at = *refused.error().position;
    EXPECT_GT(at, text.find("\"id\""));
    EXPECT_LE(at, text.size());
    EXPECT_NE(refused.error().message().find("line 2"), std::string::npos);
}

TEST(Catalogue, AFileComesBackAndAMissingOneIsEmpty) {
    const test::TempDir dir;
    const std::string path = dir / kCatalogueFile;
    EXPECT_EQ(*read_catalogue(path), Catalogue{});
    const auto catalogue = *parse_catalogue(topic_text(good_topic().substr(1, good_topic().size() - 2)));
    ASSERT_TRUE(write_catalogue(path, catalogue));
    EXPECT_EQ(*read_catalogue(path), catalogue);
    std::ofstream{path} << "{";
    const auto damaged = read_catalogue(path);
    ASSERT_FALSE(damaged);
    EXPECT_EQ(damaged.error().subject, path);
}

TEST(Catalogue, OverItsLimitItIsNotRead) {
    const test::TempDir dir;
    const std::string path = dir / kCatalogueFile;
    const auto file = os::File::open(path, os::OpenMode::create);
    ASSERT_TRUE(file && file->truncate(kMaxCatalogueBytes + 1));
    const auto refused = read_catalogue(path);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::too_large);
}

TEST(Catalogue, TenThousandTopicsComeBackWhole) {
    Catalogue catalogue;
    for (int i = 0; i < 10'000; ++i) {
        Topic topic{"topic-" + std::to_string(i), random_id(), 1 + i % 7, 1, {{"retention.ms", std::to_string(i)}}};
        catalogue.topics.emplace(topic.name, topic);
    }
    const std::string text = format_catalogue(catalogue);
    const auto begin = std::chrono::steady_clock::now();
    const auto parsed = parse_catalogue(text);
    const auto took = std::chrono::steady_clock::now() - begin;
    RecordProperty("parse_microseconds",
                   std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed, catalogue);
}

TEST(Catalogue, RandomIdsAreTopicIdsAndDiffer) {
    std::set<std::string> seen;
    for (int i = 0; i < 10'000; ++i) {
        const std::string id = random_id();
        EXPECT_EQ(id.size(), 22u);
        EXPECT_NE(id.front(), '-');
        // 128 bits: the last character holds two of them, so it is one of four.
        EXPECT_NE(std::string_view{"AQgw"}.find(id.back()), std::string_view::npos) << id;
        seen.insert(id);
    }
    EXPECT_EQ(seen.size(), 10'000u);
}

TEST(Catalogue, InternalTopicsAreThoseOfKafkasOwnRecords) {
    EXPECT_TRUE(is_internal_topic("__consumer_offsets"));
    EXPECT_TRUE(is_internal_topic("__transaction_state"));
    EXPECT_FALSE(is_internal_topic("__other"));
    EXPECT_FALSE(is_internal_topic("consumer_offsets"));
}

}  // namespace
}  // namespace mq::store
