// Row 39: whatever a topic or a partition directory is called, its path lies directly inside the data directory.
// Source of the rules: org.apache.kafka.common.internals.Topic.

#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <string>

#include "log/checkpoint_file.h"
#include "os/file.h"
#include "support/scale.h"
#include "support/temp_dir.h"

namespace mq::log {
namespace {

std::string printable(std::string_view bytes) {
    return testing::PrintToString(std::string{bytes.substr(0, 60)}) + " of " + std::to_string(bytes.size()) +
           " bytes";
}

// Empty, or why a file or directory of that name is not directly inside `directory`.
std::string leaves(const std::string& directory, const std::string& name) {
    const std::string path = os::join(directory, name);
    if (os::parent_directory(path) != directory) return "the parent is " + os::parent_directory(path);
    if (os::base_name(path) != name) return "the last component is " + std::string{os::base_name(path)};
    // The same by another's rules: "." and ".." are resolved here, and a NUL would end the path for the system.
    const std::filesystem::path normal = std::filesystem::path{path}.lexically_normal();
    if (normal.parent_path() != directory || normal.filename() != name) return "it is " + normal.string();
    if (std::string{path.c_str()} != path) return "the system sees " + std::string{path.c_str()};
    return {};
}

struct TopicRow {
    std::string name;
    bool legal;
};

std::vector<TopicRow> topic_rows() {
    using namespace std::string_literals;
    std::vector<TopicRow> rows{
        {"", false},
        {".", false},
        {"..", false},
        {"...", true},
        {"..a", true},
        {"a..", true},
        {"a..b", true},
        {".hidden", true},
        {"a/b", false},
        {"/", false},
        {"/a", false},
        {"a/", false},
        {"../a", false},
        {"a/..", false},
        {"./a", false},
        {"a\\b", false},
        {"..\\a", false},
        {"~", false},
        {"~root", false},
        {"$HOME", false},
        {"a%2fb", false},
        {"%2e%2e", false},
        {"\0"s, false},
        {"a\0"s, false},
        {"\0a"s, false},
        {"a\0b"s, false},
        {"..\0"s, false},
        {"a\0/../../b"s, false},
        {" ", false},
        {" a", false},
        {"a ", false},
        {"a b", false},
        {"\t", false},
        {"a\n", false},
        {"a\r\n", false},
        {"\x01", false},
        {"\x1b[2J", false},
        {"\x7f", false},
        {"\x80", false},
        {"\xff", false},
        {"caf\u00e9", false},
        {"\u540d", false},
        {"\u2024", false},
        {"\u2024\u2024", false},  // ONE DOT LEADER, which looks like a dot
        {"\u2044", false},
        {"\uff0f", false},  // FRACTION SLASH, FULLWIDTH SOLIDUS
        {"\xc0\xaf", false},
        {"\xc0\xae\xc0\xae", false},  // overlong forms of '/' and ".."
        {"\ufeff"
         "a",
         false},
        {"a\u202e", false},
        {"A", true},
        {"a", true},
        {"aA", true},
        {"Z", true},
        {"-", true},
        {"--", true},
        {"-a", true},
        {"a-", true},
        {"x-0", true},
        {"x-0-0", true},
        {"_", true},
        {"__consumer_offsets", true},
        {"0", true},
        {"-1", true},
        {"a:b", false},
        {"a,b", false},
        {"a=b", false},
        {"a*", false},
        {"a?", false},
        {"a'b", false},
        {"a\"b", false},
        {"a@b", false},
        {"a`", false},
        {"[", false},
        {"{", false},
        {"a+b", false},
        {std::string(248, 'x'), true},
        {std::string(249, 'x'), true},
        {std::string(250, 'x'), false},
        {std::string(65'536, 'x'), false},
        {std::string(249, '.'), true},
        {std::string(249, '-'), true},
    };
    // Every single byte: legal are exactly the 65 of the alphabet, and a lone dot is not.
    for (int byte = 0; byte < 256; ++byte) {
        const auto c = static_cast<char>(byte);
        const bool letter =
            ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"s).find(c) != std::string::npos;
        rows.push_back({std::string(1, c), letter});
        rows.push_back({"a"s + c, letter || c == '.'});
    }
    return rows;
}

TEST(Row39TopicName, ExactlyTheLegalNamesAreAcceptedAndTheyStayInside) {
    for (const TopicRow& row : topic_rows()) {
        SCOPED_TRACE(printable(row.name));
        const Status checked = check_topic_name(row.name);
        EXPECT_EQ(checked.has_value(), row.legal);
        if (!checked) {
            EXPECT_EQ(checked.error().code, Errc::bad_argument);
            EXPECT_LE(checked.error().subject.size(), 249u);
            continue;
        }
        EXPECT_EQ(leaves("/data/mq", partition_directory({row.name, 0})), "");
        EXPECT_EQ(parse_partition_directory(partition_directory({row.name, 0})), (TopicPartition{row.name, 0}));
    }
}

TEST(Row39TopicName, NamesThatDifferInCaseAreTwoDirectories) {
    const test::TempDir dir;
    for (const char* topic : {"orders", "Orders", "ORDERS"}) {
        ASSERT_TRUE(check_topic_name(topic));
        EXPECT_TRUE(os::create_directory(dir / partition_directory({topic, 0}))) << topic;
    }
    const auto entries = os::list_directory(dir.path());
    ASSERT_TRUE(entries);
    EXPECT_EQ(entries->size(), 3u);
}

// Kafka leaves room for "-" and the partition beside 249 characters; a file name has 255 bytes, so five digits are
// the most that fit.
TEST(Row39TopicName, TheLongestNameFitsADirectory) {
    const test::TempDir dir;
    const std::string longest(249, 'x');
    for (const std::int32_t partition : {0, 99'999}) {
        const std::string name = partition_directory({longest, partition});
        const Status made = os::create_directory(dir / name);
        EXPECT_TRUE(made) << made.error().message();
        EXPECT_EQ(parse_partition_directory(name), (TopicPartition{longest, partition}));
    }
    const Status refused = os::create_directory(dir / partition_directory({longest, 100'000}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().sys_errno, ENAMETOOLONG);
}

struct DirectoryRow {
    std::string name;
    std::optional<TopicPartition> parsed;
};

TEST(Row39PartitionDirectory, HasOneSpellingEach) {
    using namespace std::string_literals;
    const std::string longest(249, 'x');
    const DirectoryRow rows[] = {
        {"x-0", {{"x", 0}}},
        {"x-0-0", {{"x-0", 0}}},
        {"x--0", {{"x-", 0}}},
        {"--0", {{"-", 0}}},
        {"...-0", {{"...", 0}}},
        {"X-0", {{"X", 0}}},
        {"x-2147483647", {{"x", 2147483647}}},
        {longest + "-0", {{longest, 0}}},
        {"x--1", {{"x-", 1}}},
        {"", std::nullopt},
        {"-", std::nullopt},
        {"--", std::nullopt},
        {"-0", std::nullopt},
        {"0", std::nullopt},
        {"x", std::nullopt},
        {"x-", std::nullopt},
        {"x--", std::nullopt},
        {"x-0-", std::nullopt},
        {".-0", std::nullopt},
        {"..-0", std::nullopt},
        {"../x-0", std::nullopt},
        {"/x-0", std::nullopt},
        {"x/-0", std::nullopt},
        {"x-0/", std::nullopt},
        {"x-/0", std::nullopt},
        {"x-0/..", std::nullopt},
        {"x-0\0"s, std::nullopt},
        {"x\0-0"s, std::nullopt},
        {"x-\0"
         "0"s,
         std::nullopt},
        {"x- 0", std::nullopt},
        {"x-0 ", std::nullopt},
        {"x -0", std::nullopt},
        {"x-0\n", std::nullopt},
        {"x-+0", std::nullopt},
        {"x-00", std::nullopt},
        {"x-01", std::nullopt},
        {"x-0x0", std::nullopt},
        {"x-1e3", std::nullopt},
        {"x-0.0", std::nullopt},
        {"x-2147483648", std::nullopt},
        {"x-4294967296", std::nullopt},
        {"x-18446744073709551616", std::nullopt},
        {"x-" + std::string(300, '9'), std::nullopt},
        {"x-" + std::string(300, '0'), std::nullopt},
        {"x-\u0661", std::nullopt},  // ARABIC-INDIC DIGIT ONE
        {"\u00e9-0", std::nullopt},
        {longest + "x-0", std::nullopt},
    };
    for (const DirectoryRow& row : rows) {
        SCOPED_TRACE(printable(row.name));
        const auto parsed = parse_partition_directory(row.name);
        EXPECT_EQ(parsed, row.parsed);
        if (!parsed) continue;
        EXPECT_EQ(partition_directory(*parsed), row.name);
        EXPECT_EQ(leaves("/data/mq", row.name), "");
    }
}

// Half from all bytes, half from those that paths and names are made of, so that some are accepted.
std::string random_name(std::mt19937_64& random) {
    static constexpr std::string_view kLikely{"../--ab0019_\\ \0\n", 16};
    std::string name(random() % (random() % 50 == 0 ? 300 : 12), '\0');
    const bool likely = random() % 2 == 0;
    for (char& c : name) c = likely ? kLikely[random() % kLikely.size()] : static_cast<char>(random());
    if (random() % 2 == 0) name += "-" + std::to_string(static_cast<std::int32_t>(random()) >> random() % 32);
    return name;
}

TEST(Row39TopicName, NoRandomNameLeavesTheDirectory) {
    std::mt19937_64 random{test::test_seed()};
    std::uint64_t topics = 0;
    std::uint64_t directories = 0;
    const std::uint64_t rounds = test::test_scale(100'000, 10'000'000);
    for (std::uint64_t i = 0; i < rounds; ++i) {
        const std::string name = random_name(random);
        if (check_topic_name(name)) {
            ++topics;
            ASSERT_EQ(leaves("/data/mq", partition_directory({name, 7})), "") << printable(name);
            ASSERT_EQ(leaves("/data/mq", name), "") << printable(name);
        }
        if (const auto parsed = parse_partition_directory(name)) {
            ++directories;
            ASSERT_EQ(partition_directory(*parsed), name) << printable(name);
            ASSERT_GE(parsed->partition, 0);
            ASSERT_TRUE(check_topic_name(parsed->topic)) << printable(name);
            ASSERT_EQ(leaves("/data/mq", name), "") << printable(name);
        }
    }
    // Both are met often enough to mean something.
    EXPECT_GT(topics, rounds / 100);
    EXPECT_GT(directories, rounds / 100);
}

}  // namespace
}  // namespace mq::log
