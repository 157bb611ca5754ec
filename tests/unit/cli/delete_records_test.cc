// The file of kafka-delete-records. The first document is the one of its manual.

#include "cli/delete_records.h"

#include <gtest/gtest.h>

namespace mq::cli {
namespace {

TEST(DeleteRecords, ReadsWhatKafkasToolTakes) {
    const auto wanted = parse_delete_records(
        "{\"partitions\":\n [{\"topic\": \"foo\", \"partition\": 1, \"offset\": 1},\n"
        "  {\"topic\": \"bar\", \"partition\": 0, \"offset\": -1}],\n \"version\":1\n}");
    ASSERT_TRUE(wanted) << wanted.error().message();
    EXPECT_EQ(*wanted, (DeleteRecords{{{"foo", 1}, Offset{1}}, {{"bar", 0}, Offset{-1}}}));
    EXPECT_TRUE(parse_delete_records("{\"version\":1,\"partitions\":[]}")->empty());
}

TEST(DeleteRecords, FieldsThatNobodyKnowsAreSkipped) {
    const auto wanted = parse_delete_records(
        "{\"x\":{\"topic\":[{}]},\"version\":1,\"partitions\":[{\"topic\":\"a\",\"y\":[1],\"partition\":0,\"offset\":"
        "2}]}");
    ASSERT_TRUE(wanted) << wanted.error().message();
    EXPECT_EQ(wanted->size(), 1u);
}

TEST(DeleteRecords, WhatIsWrongIsToldWithItsLine) {
    struct Row {
        std::string text;
        std::string said;
    };
    const std::string head = "{\"version\":1,\"partitions\":[\n";
    const std::vector<Row> rows = {
        {"", "line 1: no valid JSON"},
        {"[]", "has no place here"},
        {"7", "has no place here"},
        {"{}", "\"version\": 1 is missing"},
        {"{\"version\":2,\"partitions\":[]}", "\"version\": 1 is missing"},
        {"{\"version\":1}", "the list \"partitions\" is missing"},
        {"{\"version\":1,\"partitions\":{}}", "has no place here"},
        {head + "5]}", "line 2"},
        {head + "[]]}", "line 2"},
        {head + "{\"topic\":\"a\",\"partition\":0}]}", "line 2: an entry lacks its topic, partition or offset"},
        {head + "{\"topic\":5,\"partition\":0,\"offset\":1}]}", "topic: a number has no place here"},
        {head + "{\"topic\":\"a\",\"partition\":-1,\"offset\":1}]}", "partition: -1 is out of range"},
        {head + "{\"topic\":\"a\",\"partition\":0,\"offset\":-2}]}", "offset: -2 is out of range"},
        {head + "{\"topic\":\"a\",\"partition\":0,\"offset\":1.5}]}", "offset: a broken number has no place here"},
        {head + "{\"topic\":\"a\",\"partition\":0,\"offset\":1},{\"topic\":\"a\",\"partition\":0,\"offset\":2}]}",
         "a-0 is there twice"},
        {head + "]}x", "no valid JSON"},
        {std::string(100'000, '['), "has no place here"},
    };
    for (const Row& row : rows) {
        const auto refused = parse_delete_records(row.text);
        ASSERT_FALSE(refused) << row.text.substr(0, 200);
        EXPECT_EQ(refused.error().code, Errc::corrupt);
        EXPECT_NE(refused.error().message().find(row.said), std::string::npos)
            << refused.error().message() << " in " << row.text.substr(0, 200);
    }
}

}  // namespace
}  // namespace mq::cli
