#include "log/checkpoint_file.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <random>

#include "support/faults.h"
#include "support/golden.h"
#include "support/scale.h"
#include "support/temp_dir.h"

namespace mq::log {
namespace {

using test::TempDir;

std::vector<std::string> sorted_lines(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        lines.push_back(text.substr(at, end - at));
        at = end == text.npos ? text.size() : end + 1;
    }
    std::sort(lines.begin(), lines.end());
    return lines;
}

TEST(OffsetCheckpoint, EveryOneThatKafkaWroteHasTheSameLinesAgain) {
    std::size_t files = 0;
    std::size_t entries = 0;
    for (const auto& set : test::golden_sets()) {
        for (const auto name :
             {kRecoveryPointCheckpoint, kLogStartCheckpoint, kHighWatermarkCheckpoint, kCleanerCheckpoint}) {
            const std::string relative = set + '/' + std::string{name};
            if (!test::has_golden(relative)) continue;
            SCOPED_TRACE(relative);
            const std::string text = test::read_golden(relative);
            const auto parsed = parse_offset_checkpoint(text);
            ASSERT_TRUE(parsed.has_value()) << parsed.error().message();
            // Kafka's order is that of its hash map; the lines themselves are the same bytes.
            const std::string again = format_offset_checkpoint(*parsed);
            EXPECT_EQ(again.size(), text.size());
            EXPECT_EQ(sorted_lines(again), sorted_lines(text));
            ++files;
            entries += parsed->size();
        }
    }
    EXPECT_GE(files, 20u);
    EXPECT_GT(entries, 1000u);
}

TEST(OffsetCheckpoint, ValuesAreThoseOfTheLines) {
    const auto start = parse_offset_checkpoint(test::read_golden("segmented/log-start-offset-checkpoint"));
    EXPECT_EQ(*start, (OffsetCheckpoint{{{"segmented-trimmed", 0}, Offset{333}}}));
    const auto points = parse_offset_checkpoint(test::read_golden("txn/recovery-point-offset-checkpoint"));
    EXPECT_EQ(points->at({"__consumer_offsets", 30}), Offset{123});
    EXPECT_EQ(points->at({"segmented-gzip", 0}), Offset{2000});
}

TEST(OffsetCheckpoint, AnyWhiteSpaceAndLineEndIsRead) {
    const OffsetCheckpoint expected{{{"a", 1}, Offset{2}}, {{"b-c", 0}, Offset{9223372036854775807}}};
    for (const char* text :
         {"0\n2\na 1 2\nb-c 0 9223372036854775807\n", "0\r\n2\r\na 1 2\r\nb-c 0 9223372036854775807\r\n",
          "0\n2\na\t1  \t2\nb-c 0 9223372036854775807"}) {
        const auto parsed = parse_offset_checkpoint(text);
        ASSERT_TRUE(parsed.has_value()) << parsed.error().message();
        EXPECT_EQ(*parsed, expected);
    }
}

TEST(OffsetCheckpoint, EmptyFileHasNoEntries) {
    EXPECT_TRUE(parse_offset_checkpoint("")->empty());
    EXPECT_TRUE(parse_offset_checkpoint("0\n0\n")->empty());
    EXPECT_EQ(format_offset_checkpoint({}), "0\n0\n");
    const TempDir dir;
    EXPECT_TRUE(read_offset_checkpoint(dir / "none")->empty());
}

TEST(OffsetCheckpoint, MalformedLinesAreCorruptAndNumbered) {
    struct Row {
        const char* text;
        const char* detail;
    };
    for (const Row& row : {
             Row{"1\n0\n", "line 1: "},
             Row{"x\n0\n", "line 1: "},
             Row{"\n", "line 1: "},
             Row{"0 0\n", "line 1: "},
             Row{"0\n", "line 1: "},
             Row{"0\n-1\n", "line 2: "},
             Row{"0\nmany\n", "line 2: "},
             Row{"0\n99999999999\n", "line 2: "},
             Row{"0\n1\na 1\n", "line 3: "},
             Row{"0\n1\na 1 2 3\n", "line 3: "},
             Row{"0\n1\na x 2\n", "line 3: not a partition"},
             Row{"0\n1\na 1 2x\n", "line 3: not an offset"},
             Row{"0\n1\na -1 2\n", "line 3: not a partition"},
             Row{"0\n1\na 1 -2\n", "line 3: not an offset"},
             Row{"0\n1\na 2147483648 2\n", "line 3: not a partition"},
             Row{"0\n1\na 1 9223372036854775808\n", "line 3: not an offset"},
             Row{"0\n2\na 1 2\n", "line 3: "},
             Row{"0\n1\na 1 2\nb 1 2\n", "line 4: "},
             Row{"0\n1\na 1 2\n\n", "line 4: "},
             Row{"0\n2\na 1 2\na 1 3\n", "line 4: a-1 is there twice"},
         }) {
        const auto parsed = parse_offset_checkpoint(row.text);
        ASSERT_FALSE(parsed.has_value()) << row.text;
        EXPECT_EQ(parsed.error().code, Errc::corrupt);
        EXPECT_NE(parsed.error().detail.find(row.detail), std::string::npos) << parsed.error().message();
    }
}

TEST(OffsetCheckpoint, EveryTruncationIsAnErrorUnlessItTellsTheSame) {
    const std::string text = "0\n2\nalpha 1 25\nbeta 0 7\n";
    const auto whole = parse_offset_checkpoint(text);
    for (std::size_t size = 1; size < text.size(); ++size) {
        const auto parsed = parse_offset_checkpoint(text.substr(0, size));
        EXPECT_TRUE(!parsed || *parsed == *whole) << size;
    }
}

TEST(OffsetCheckpoint, ErrorsOfAFileNameIt) {
    const TempDir dir;
    test::spill(dir / "checkpoint", "0\n1\n");
    const auto parsed = read_offset_checkpoint(dir / "checkpoint");
    ASSERT_FALSE(parsed.has_value());
    EXPECT_EQ(parsed.error().subject, dir / "checkpoint");
}

TEST(OffsetCheckpoint, FailedWriteLeavesTheOldFileOrTheNew) {
    const OffsetCheckpoint old_entries{{{"a", 0}, Offset{1}}};
    const OffsetCheckpoint new_entries{{{"a", 0}, Offset{2}}, {{"b", 0}, Offset{3}}};
    const auto fired = test::for_each_fault({}, [&](test::FaultRun& run) {
        SCOPED_TRACE(run.describe());
        const TempDir dir;
        const std::string path = dir / kRecoveryPointCheckpoint;
        ASSERT_TRUE(write_offset_checkpoint(path, old_entries).has_value());
        const Status saved = run.faulted(dir.path(), [&] { return write_offset_checkpoint(path, new_entries); });
        const auto found = read_offset_checkpoint(path);
        ASSERT_TRUE(found.has_value()) << found.error().message();
        EXPECT_TRUE(*found == new_entries || (!saved && *found == old_entries));
    });
    EXPECT_GT(fired, 0u);
}

TEST(LeaderEpochCheckpoint, EveryOneThatKafkaWroteHasTheSameBytesAgain) {
    std::size_t files = 0;
    for (const auto& set : test::golden_sets()) {
        for (const auto& partition : test::partitions_of(set)) {
            for (const auto& path : test::partition_files(set, partition, "leader-epoch-checkpoint")) {
                SCOPED_TRACE(path);
                const auto parsed = read_leader_epoch_checkpoint(path);
                ASSERT_TRUE(parsed.has_value()) << parsed.error().message();
                EXPECT_EQ(format_leader_epoch_checkpoint(*parsed), test::slurp(path));
                ++files;
            }
        }
    }
    EXPECT_GT(files, 40u);
    EXPECT_EQ(parse_leader_epoch_checkpoint("0\n2\n0 0\n3 40\n").value(),
              (std::vector<EpochStart>{{0, Offset{0}}, {3, Offset{40}}}));
}

TEST(LeaderEpochCheckpoint, EpochsThatDoNotAscendAreCorrupt) {
    for (const char* text : {"0\n2\n1 0\n1 5\n", "0\n2\n1 5\n2 5\n", "0\n2\n2 0\n1 5\n", "0\n2\n1 5\n2 4\n",
                             "0\n1\n-1 0\n", "0\n1\n0 -1\n", "0\n1\n0 0 0\n"}) {
        const auto parsed = parse_leader_epoch_checkpoint(text);
        ASSERT_FALSE(parsed.has_value()) << text;
        EXPECT_EQ(parsed.error().code, Errc::corrupt);
        EXPECT_NE(parsed.error().detail.find("line "), std::string::npos);
    }
}

TEST(LeaderEpochCheckpoint, WrittenFileIsReadBack) {
    const TempDir dir;
    const std::vector<EpochStart> epochs{{0, Offset{0}}, {7, Offset{12345678901}}};
    ASSERT_TRUE(write_leader_epoch_checkpoint(dir / "leader-epoch-checkpoint", epochs).has_value());
    EXPECT_EQ(test::slurp(dir / "leader-epoch-checkpoint"), "0\n2\n0 0\n7 12345678901\n");
    EXPECT_EQ(read_leader_epoch_checkpoint(dir / "leader-epoch-checkpoint").value(), epochs);
}

TEST(Checkpoints, RandomTextGivesEntriesOrCorruptAndNoHarm) {
    std::mt19937_64 random{test::test_seed()};
    constexpr std::string_view kLetters = "0012\n\n a-\t\r:=\\u#x9";
    for (std::uint64_t i = 0; i < test::test_scale(50'000, 5'000'000); ++i) {
        std::string text(random() % 40, '0');
        for (char& c : text) c = kLetters[random() % kLetters.size()];
        if (random() % 2 == 0) text.insert(0, "0\n1\n");
        if (const auto offsets = parse_offset_checkpoint(text)) {
            EXPECT_EQ(*offsets, parse_offset_checkpoint(format_offset_checkpoint(*offsets)).value());
        } else {
            EXPECT_EQ(offsets.error().code, Errc::corrupt);
        }
        if (const auto epochs = parse_leader_epoch_checkpoint(text)) {
            EXPECT_EQ(*epochs, parse_leader_epoch_checkpoint(format_leader_epoch_checkpoint(*epochs)).value());
        } else {
            EXPECT_EQ(epochs.error().code, Errc::corrupt);
        }
        if (const auto properties = parse_properties(text); !properties) {
            EXPECT_EQ(properties.error().code, Errc::corrupt);
        }
        EXPECT_FALSE(parse_partition_metadata(text).has_value());
    }
}

TEST(PartitionDirectory, NameIsSplitAtTheLastDash) {
    EXPECT_EQ(parse_partition_directory("a-b-3"), (TopicPartition{"a-b", 3}));
    EXPECT_EQ(parse_partition_directory("__consumer_offsets-49"), (TopicPartition{"__consumer_offsets", 49}));
    EXPECT_EQ(parse_partition_directory("a--2147483647"), (TopicPartition{"a-", 2147483647}));
    EXPECT_EQ(partition_directory({"a-b", 3}), "a-b-3");
}

TEST(PartitionDirectory, OtherNamesAreNone) {
    for (const char* name :
         {"", "-", "-0", "a", "a-", "a-x", "a-0x", "a-00", "a-01", "a-+1", "a-2147483648", "..-0", "a b-0", "a/b-0",
          "a-0.0123456789abcdef0123456789abcdef-delete", "a-0.0123456789abcdef0123456789abcdef-stray",
          "a-0.0123456789abcdef0123456789abcdef-future", "remote-log-index-cache", "meta.properties"}) {
        EXPECT_EQ(parse_partition_directory(name), std::nullopt) << name;
    }
}

TEST(PartitionDirectory, EveryDirectoryThatKafkaMadeIsOne) {
    for (const auto& set : test::golden_sets()) {
        for (const auto& name : test::partitions_of(set)) {
            const auto parsed = parse_partition_directory(name);
            ASSERT_TRUE(parsed.has_value()) << name;
            EXPECT_EQ(partition_directory(*parsed), name);
        }
    }
}

TEST(TopicName, RuleThatIsBrokenIsNamed) {
    EXPECT_TRUE(check_topic_name("a").has_value());
    EXPECT_TRUE(check_topic_name("Az09._-").has_value());
    EXPECT_TRUE(check_topic_name("...").has_value());
    EXPECT_TRUE(check_topic_name(std::string(249, 'x')).has_value());
    struct Row {
        std::string topic;
        const char* why;
    };
    for (const Row& row : {Row{"", "empty"}, Row{".", "\".\""}, Row{"..", "\"..\""},
                           Row{std::string(250, 'x'), "250 characters, at most 249"}, Row{"a b", "a-z"},
                           Row{"caf\xc3\xa9", "a-z"}, Row{"a/b", "a-z"}, Row{std::string{"a\0b", 3}, "a-z"}}) {
        const Status checked = check_topic_name(row.topic);
        ASSERT_FALSE(checked.has_value()) << row.topic;
        EXPECT_EQ(checked.error().code, Errc::bad_argument);
        EXPECT_NE(checked.error().detail.find(row.why), std::string::npos) << checked.error().message();
    }
}

// As Kafka 3.9 writes it: no line feed after the second line.
constexpr std::string_view kMetadata = "version: 0\ntopic_id: P5fv685NSxqNNjAL3iLf5w";

TEST(PartitionMetadata, ReadsAndWritesKafkasTwoLines) {
    const auto metadata = parse_partition_metadata(kMetadata);
    ASSERT_TRUE(metadata.has_value()) << metadata.error().message();
    EXPECT_EQ(metadata->version, 0);
    EXPECT_EQ(metadata->topic_id, "P5fv685NSxqNNjAL3iLf5w");
    EXPECT_EQ(format_partition_metadata(*metadata), kMetadata);
    EXPECT_EQ(parse_partition_metadata("version:\t1\r\ntopic_id:   __fv685NSxqNNjAL3iLf5-\r\n")->topic_id,
              "__fv685NSxqNNjAL3iLf5-");
}

TEST(PartitionMetadata, EveryTruncationAndWrongValueIsCorrupt) {
    for (std::size_t size = 0; size < kMetadata.size(); ++size)
        EXPECT_EQ(parse_partition_metadata(kMetadata.substr(0, size)).error().code, Errc::corrupt) << size;
    for (const char* text :
         {"version: -1\ntopic_id: P5fv685NSxqNNjAL3iLf5w", "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA",
          "version: 0\ntopic_id: P5fv685NSxqNNjAL3iLf5w=", "version: 0\ntopic_id: P5fv685NSxqNNjAL3iLf+w",
          "version: x\ntopic_id: P5fv685NSxqNNjAL3iLf5w", "topic_id: P5fv685NSxqNNjAL3iLf5w\nversion: 0"}) {
        EXPECT_EQ(parse_partition_metadata(text).error().code, Errc::corrupt) << text;
    }
}

TEST(Properties, ReadsEveryMetaPropertiesThatKafkaWrote) {
    std::size_t files = 0;
    for (const auto& set : test::golden_sets()) {
        const std::string relative = set + '/' + std::string{kMetaProperties};
        if (!test::has_golden(relative)) continue;
        const auto properties = parse_properties(test::read_golden(relative));
        ASSERT_TRUE(properties.has_value()) << properties.error().message();
        EXPECT_EQ(properties->size(), 3u);
        EXPECT_EQ(properties->at("version"), "0");
        EXPECT_EQ(properties->at("broker.id"), "0");
        EXPECT_EQ(properties->at("cluster.id").size(), 22u);
        ++files;
    }
    EXPECT_GT(files, 5u);
}

TEST(Properties, FollowJavasRules) {
    using Map = std::map<std::string, std::string>;
    struct Row {
        const char* text;
        Map expected;
    };
    // From the specification of java.util.Properties.load.
    for (const Row& row : {
             Row{"Truth = Beauty\n", {{"Truth", "Beauty"}}},
             Row{" Truth:Beauty", {{"Truth", "Beauty"}}},
             Row{"Truth                    :Beauty", {{"Truth", "Beauty"}}},
             Row{"fruits    apple, banana, pear, \\\n          cantaloupe, watermelon, \\\n    kiwi, mango",
                 {{"fruits", "apple, banana, pear, cantaloupe, watermelon, kiwi, mango"}}},
             Row{"cheeses\n", {{"cheeses", ""}}},
             Row{"# a=b\n!c=d\n\n  \n", {}},
             Row{"a\\=b\\:c=d\\:e", {{"a=b:c", "d:e"}}},
             Row{"k=\\t\\n\\r\\f\\\\\\z", {{"k", "\t\n\r\f\\z"}}},
             Row{"k=\\u00e9\\u20ac\\ud83d\\ude00A",
                 {{"k",
                   "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"
                   "A"}}},
             Row{"k=1\r\nk=2\r\n", {{"k", "2"}}},
             Row{"k= v \n", {{"k", "v "}}},
             Row{"k=a\\\\\nl=b", {{"k", "a\\"}, {"l", "b"}}},
         }) {
        const auto parsed = parse_properties(row.text);
        ASSERT_TRUE(parsed.has_value()) << row.text << ": " << parsed.error().message();
        EXPECT_EQ(*parsed, row.expected) << row.text;
    }
    for (const char* text : {"k=\\u12", "k=\\u12g4", "\\u-123=1", "k=\\ud800", "a=b\nk=\\ude00x"})
        EXPECT_EQ(parse_properties(text).error().code, Errc::corrupt) << text;
    EXPECT_NE(parse_properties("a=b\nk=\\u").error().detail.find("line 2"), std::string::npos);
}

}  // namespace
}  // namespace mq::log
