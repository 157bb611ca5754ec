// What a Kafka broker wrote into __consumer_offsets is read as its own tools tell of it.

#include <regex>
#include <sstream>

#include "unit/offsets/fixture.h"

namespace mq::offsets {
namespace {

using test::FastDir;
using test::golden_path;

struct Told {
    std::int64_t offset = 0;
    std::string metadata;
    bool operator==(const Told&) const = default;
};
using ToldOffsets = std::map<std::string, std::map<std::string, Told>>;  // by group and partition

std::ostream& operator<<(std::ostream& out, const Told& told) {
    return out << told.offset << " '" << told.metadata << '\'';
}

// The last line of each key of kafka-dump-log --offsets-decoder; of transactions what is committed in the end.
ToldOffsets offsets_of_dumps() {
    const std::regex line_of_offset{
        R"(.*key: offset_commit::group=(.*),partition=(\S+) payload: (?:<DELETE>|offset=(\d+)(?:,metadata=(.*))?))"};
    ToldOffsets all;
    for (const std::string& partition : test::partitions_of("offsets")) {
        if (!partition.starts_with(kOffsetsTopic)) continue;
        std::istringstream dump{test::read_golden("offsets/" + partition + ".log.offsets-decoder.dump.txt")};
        ToldOffsets pending;
        bool transactional = false;
        for (std::string line; std::getline(dump, line);) {
            if (line.starts_with("baseOffset:")) transactional = line.find("isTransactional: true") != line.npos;
            if (line.find("endTxnMarker: COMMIT") != line.npos) {
                for (const auto& [group, offsets] : pending)
                    for (const auto& [id, told] : offsets) all[group].insert_or_assign(id, told);
            }
            if (line.find("endTxnMarker:") != line.npos) pending.clear();
            std::smatch part;
            if (!std::regex_match(line, part, line_of_offset)) continue;
            ToldOffsets& to = transactional ? pending : all;
            if (part[3].matched)
                to[part[1]].insert_or_assign(part[2], Told{std::stoll(part[3]), part[4]});
            else
                to[part[1]].erase(part[2]);
        }
    }
    std::erase_if(all, [](const auto& group) { return group.second.empty(); });
    return all;
}

ToldOffsets offsets_of_store(OffsetStore& store) {
    ToldOffsets all;
    const auto groups = store.groups().value();
    for (const Group& group : groups) {
        const GroupOffsets offsets = store.fetch_all(group.name).value();
        EXPECT_EQ(offsets.size(), group.partitions) << group.name;
        for (const auto& [id, committed] : offsets)
            all[group.name].emplace(log::partition_directory(id), Told{committed.offset.value(), committed.metadata});
    }
    return all;
}

class GoldenOffsets : public testing::Test {
protected:
    GoldenOffsets() { test::copy_tree(golden_path("offsets"), path); }
    const FastDir dir;
    const std::string path = dir / "data";
};

TEST_F(GoldenOffsets, AreReadAsKafkasDecoderTellsThemByWhoMayOnlyRead) {
    const ToldOffsets expected = offsets_of_dumps();
    ASSERT_EQ(expected.size(), 10u);
    Opened reader{path, {}};
    EXPECT_EQ(reader.directory.control(), nullptr);
    EXPECT_EQ(offsets_of_store(reader.offsets), expected);
}

TEST_F(GoldenOffsets, OFF1_AreReadTheSameFromTheSharedTable) {
    const ToldOffsets expected = offsets_of_dumps();
    Opened writer{path};
    // Each partition is brought into the table by whoever commits to it first.
    const auto groups = writer.offsets.groups().value();
    for (const Group& group : groups) {
        ASSERT_TRUE(commit_one(writer.offsets, group.name, "new", 0, 1));
        ASSERT_TRUE(forget_one(writer.offsets, group.name, "new", 0));
    }
    EXPECT_EQ(offsets_of_store(writer.offsets), expected);
    EXPECT_EQ(problems_of(writer.offsets), "");
    EXPECT_GT(writer.offsets.check()->entries, expected.size());
    Opened reader{path, {}};
    EXPECT_EQ(offsets_of_store(reader.offsets), expected);
}

TEST_F(GoldenOffsets, OfATransactionCountOnceItHasCommittedAndNeverIfItWasAborted) {
    Opened reader{path, {}};
    const auto committed = reader.offsets.fetch("txn-group", {"plain", 0}).value();
    ASSERT_TRUE(committed);
    EXPECT_EQ(committed->offset, Offset{7});
    EXPECT_EQ(committed->metadata, "txn offset");
}

TEST_F(GoldenOffsets, HaveWhatTheLastGroupMetadataRecordSays) {
    Opened reader{path, {}};
    const auto group = reader.offsets.group("managed-StickyAssignor").value();
    ASSERT_TRUE(group && group->metadata);
    EXPECT_EQ(group->partitions, 4u);
    EXPECT_EQ(group->metadata->protocol_type, "consumer");
    EXPECT_EQ(group->metadata->generation, 4);
    EXPECT_TRUE(group->metadata->members.empty());
    EXPECT_FALSE(reader.offsets.group("doomed-group").value());
    EXPECT_FALSE(reader.offsets.group("no such group").value());
    EXPECT_FALSE(reader.offsets.fetch("no such group", {"grp", 0}).value());
}

}  // namespace
}  // namespace mq::offsets
