// Files of offsets: the two shapes of kafka-consumer-groups, tabs, JSON.

#include <gtest/gtest.h>

#include "cli/offset_file.h"

namespace mq::cli {
namespace {

std::string line_of(const GroupOffset& row, OffsetFormat format, bool with_group) {
    std::string line;
    append_offset(line, row, format, with_group);
    return line;
}

std::string problem_of(std::string_view text) {
    const auto rows = parse_offset_file(text);
    if (rows) return "none";
    EXPECT_EQ(rows.error().code, Errc::corrupt);
    return rows.error().message();
}

// What Kafka's tool writes was worked out from the rules of Jackson's CsvEncoder: quotes around what is longer than
// 24 characters, or has a character up to the comma.
TEST(OffsetFile, BothShapesOfCsvAreKafkasByteForByte) {
    GroupOffset row{"billing", {"numbers", 3}, Offset{42}, -1, {}, {}};
    EXPECT_EQ(line_of(row, OffsetFormat::csv, false), "numbers,3,42\n");
    EXPECT_EQ(line_of(row, OffsetFormat::csv, true), "billing,numbers,3,42\n");
    row.group = "managed-StickyAssignor-xx";  // 25
    EXPECT_EQ(line_of(row, OffsetFormat::csv, true), "\"managed-StickyAssignor-xx\",numbers,3,42\n");
    row.group = "managed-StickyAssignor-x";  // 24
    EXPECT_EQ(line_of(row, OffsetFormat::csv, true), "managed-StickyAssignor-x,numbers,3,42\n");
    row.group = "two words";
    EXPECT_EQ(line_of(row, OffsetFormat::csv, true), "\"two words\",numbers,3,42\n");
    row.group = "say \"hi\", all";
    EXPECT_EQ(line_of(row, OffsetFormat::csv, true), "\"say \"\"hi\"\", all\",numbers,3,42\n");
    row.group = "żółw-żółw-żółw-żółw-żół";  // 23 characters, more bytes
    EXPECT_EQ(line_of(row, OffsetFormat::csv, true), row.group + ",numbers,3,42\n");
    row.group = "a+b";
    EXPECT_EQ(line_of(row, OffsetFormat::csv, true), "\"a+b\",numbers,3,42\n");
}

TEST(OffsetFile, EveryFormatComesBackAsItWas) {
    const std::vector<GroupOffset> rows{
        {"g", {"t", 0}, Offset{0}, 3, "meta \"data\"", {}},
        {"a,b\tc\n\"d\"", {"t", 0}, Offset{9'223'372'036'854'775'807}, -1, std::string{"\xff\0x", 3}, {}},
        {"g", {"t", 2'147'483'647}, std::nullopt, -1, {}, {}},
    };
    for (const OffsetFormat format : {OffsetFormat::csv, OffsetFormat::tsv, OffsetFormat::json}) {
        std::string text;
        for (const GroupOffset& row : rows) append_offset(text, row, format, true);
        const auto back = parse_offset_file(text);
        ASSERT_TRUE(back) << back.error().message();
        ASSERT_EQ(back->size(), rows.size());
        for (std::size_t i = 0; i < rows.size(); ++i) {
            EXPECT_EQ((*back)[i].group, rows[i].group);
            EXPECT_EQ((*back)[i].id, rows[i].id);
            EXPECT_EQ((*back)[i].offset, rows[i].offset);
            if (format == OffsetFormat::json) {
                EXPECT_EQ((*back)[i], rows[i]);
            }
        }
    }
}

TEST(OffsetFile, BlankLinesCarriageReturnsAndAMissingLastEndAreAllowed) {
    const auto rows = parse_offset_file("\r\n\nt,0,1\r\n\nt,1,2\n\n\"t\",2,3");
    ASSERT_TRUE(rows) << rows.error().message();
    EXPECT_EQ(rows->size(), 3u);
    EXPECT_EQ(rows->back().id, (log::TopicPartition{"t", 2}));
    EXPECT_TRUE(rows->front().group.empty());
    EXPECT_TRUE(parse_offset_file("")->empty());
    EXPECT_TRUE(parse_offset_file("\n \n")->empty());
    EXPECT_EQ(parse_offset_file("{x,t,0,1\n")->front().group, "{x");
}

TEST(OffsetFile, AMalformedLineIsNamedByItsNumberAndByte) {
    EXPECT_EQ(problem_of("t,0,1\nt,1\n"),
              "line 2: neither topic, partition and offset nor a group and these: 2 fields at byte 6");
    EXPECT_EQ(problem_of("t,0,1\n\ng,t,1,2\n"), "line 3: 4 fields, where the lines before have 3 at byte 7");
    EXPECT_EQ(problem_of("t,0,x\n"), "line 1: 'x' is not a number at byte 0");
    EXPECT_EQ(problem_of("t,-1,5\n"), "line 1: '-1' is out of range: the least is 0 at byte 0");
    EXPECT_EQ(problem_of("t,0,-2\n"), "line 1: '-2' is out of range: the least is -1 at byte 0");
    EXPECT_EQ(problem_of("t,0,9223372036854775808\n"), "line 1: '9223372036854775808' is out of range at byte 0");
    EXPECT_EQ(problem_of("t,0,1\nt,0,2\n"), "line 2: t-0 is there twice at byte 6");
    EXPECT_EQ(problem_of("\"g\nh\",t,0,1\n\"g\n"), "line 3: a quote is not closed at byte 12");
    EXPECT_EQ(problem_of("\"t\"x,0,1\n"), "line 1: text behind a quoted field at byte 0");
    EXPECT_NE(problem_of(",t,0,1\n").find("line 1: the name of the group is empty"), std::string::npos);
    EXPECT_NE(problem_of("a/b,0,1\n").find("line 1: "), std::string::npos);
    EXPECT_EQ(problem_of("{\"topic\":\"t\",\"partition\":0,\"offset\":1}\n{\"topic\":\"t\"}\n"),
              "line 2: partition is missing at byte 39");
    EXPECT_EQ(problem_of("{]}"), "line 1: no valid JSON at byte 0");
    EXPECT_EQ(problem_of("{\"topic\":\"t\",\"partition\":0.5,\"offset\":1}"),
              "line 1: partition: not a whole number at byte 0");
    EXPECT_EQ(
        problem_of(
            "{\"topic\":\"t\",\"partition\":0,\"offset\":1,\"metadata\":\"?\",\"metadata_encoding\":\"base64\"}"),
        "line 1: metadata: no base64 at byte 0");
}

}  // namespace
}  // namespace mq::cli
