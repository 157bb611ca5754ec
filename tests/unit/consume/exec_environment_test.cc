// What a command finds in its environment: written by env(1), not by the code under test.
#include <cstdlib>

#include "exec_fixture.h"

namespace mq::consume {
namespace {

class ExecEnvironmentTest : public ExecTest {
protected:
    // The variables of the command of one record, by name.
    std::map<std::string, std::string> variables_for(const MadeRecord& record, std::int64_t offset = 0) {
        start("/usr/bin/env -0");
        const MadeBatch batch{{record}, offset};
        offer(batch.views().front(), {"orders", 3});
        wait_until_idle();
        std::map<std::string, std::string> found;
        const std::string all = output();
        for (std::size_t at = 0; at < all.size();) {
            const std::string one = all.c_str() + at;
            at += one.size() + 1;
            if (one.starts_with("MQ_")) found[one.substr(0, one.find('='))] = one.substr(one.find('=') + 1);
        }
        return found;
    }
};

using Variables = std::map<std::string, std::string>;

TEST_F(ExecEnvironmentTest, NamesTheRecordAndItsPlace) {
    EXPECT_EQ(variables_for({.key = "k 1", .value = "v", .headers = {{"trace-id", "a\nb"}}}, 41),
              (Variables{{"MQ_TOPIC", "orders"},
                         {"MQ_PARTITION", "3"},
                         {"MQ_OFFSET", "41"},
                         {"MQ_TIMESTAMP", "1700000000000"},
                         {"MQ_ATTEMPT", "1"},
                         {"MQ_KEY", "k 1"},
                         {"MQ_HEADER_TRACE_ID", "a\nb"},
                         {"MQ_HEADERS", R"([{"key":"trace-id","value":"a\nb"}])"}}));
}

TEST_F(ExecEnvironmentTest, NullIsNotEmpty) {
    const Variables null = variables_for({});
    EXPECT_EQ(null.at("MQ_VALUE_NULL"), "1");
    EXPECT_FALSE(null.contains("MQ_KEY"));
    const Variables empty = variables_for({.key = "", .value = ""});
    EXPECT_FALSE(empty.contains("MQ_VALUE_NULL"));
    EXPECT_EQ(empty.at("MQ_KEY"), "");
    EXPECT_EQ(empty.at("MQ_HEADERS"), "[]");
}

TEST_F(ExecEnvironmentTest, OfHeadersOfOneNameTheLastCountsAndJsonHasAll) {
    const Variables found = variables_for({.headers = {{"a.b", "1"}, {"A_B", "2"}, {"n", std::nullopt}}});
    EXPECT_EQ(found.at("MQ_HEADER_A_B"), "2");
    EXPECT_FALSE(found.contains("MQ_HEADER_N"));
    EXPECT_EQ(found.at("MQ_HEADERS"),
              R"([{"key":"a.b","value":"1"},{"key":"A_B","value":"2"},{"key":"n","value":null}])");
}

TEST_F(ExecEnvironmentTest, BytesThatAreNoTextArePassedAsTheyAre) {
    std::string odd;
    for (int c = 1; c < 256; ++c) odd += static_cast<char>(c);
    const Variables found = variables_for({.key = odd, .headers = {{"h", odd}, {"\xff=\n", "x"}}});
    EXPECT_EQ(found.at("MQ_KEY"), odd);
    EXPECT_EQ(found.at("MQ_HEADER_H"), odd);
    EXPECT_EQ(found.at("MQ_HEADER____"), "x");
}

TEST_F(ExecEnvironmentTest, NulBytesCannotBeThereAndAreSaidToBeMissing) {
    const Variables found = variables_for({.key = std::string("a\0b", 3), .headers = {{"h", std::string("\0", 1)}}});
    EXPECT_FALSE(found.contains("MQ_KEY"));
    EXPECT_EQ(found.at("MQ_KEY_BASE64"), "YQBi");
    EXPECT_FALSE(found.contains("MQ_HEADER_H"));
    EXPECT_EQ(found.at("MQ_OMITTED"), "MQ_HEADER_H");
    EXPECT_EQ(found.at("MQ_HEADERS"), R"([{"key":"h","value":"\u0000"}])");
}

TEST_F(ExecEnvironmentTest, WhatIsTooLongForItIsLeftOutAndNamed) {
    // A string of 128 KiB is over what Linux takes, by one.
    const std::string fits((128 << 10) - 1 - std::string{"MQ_KEY="}.size() - 1, 'k');
    EXPECT_EQ(variables_for({.key = fits}).at("MQ_KEY"), fits);
    const Variables found = variables_for({.key = fits + "kkk", .headers = {{"big", fits}, {"small", "s"}}});
    EXPECT_FALSE(found.contains("MQ_KEY"));
    EXPECT_EQ(found.at("MQ_HEADER_SMALL"), "s");
    EXPECT_EQ(found.at("MQ_OMITTED"), "MQ_KEY MQ_HEADERS MQ_HEADER_BIG");
}

TEST_F(ExecEnvironmentTest, ManyLongHeadersDoNotKeepACommandFromStarting) {
    MadeRecord record{.key = "k"};
    for (int i = 0; i < 100; ++i) record.headers.push_back({"h" + std::to_string(i), std::string(100'000, 'x')});
    const Variables found = variables_for(record);
    EXPECT_EQ(found.at("MQ_KEY"), "k");
    EXPECT_FALSE(found.at("MQ_OMITTED").empty());
    EXPECT_EQ(reached({"orders", 3}), 1);
}

TEST_F(ExecEnvironmentTest, VariablesOfACommandAroundThisOneAreNotPassedOn) {
    ::setenv("MQ_KEY", "of another", 1);
    ::setenv("MQ_HEADER_X", "of another", 1);
    ::setenv("MQ_DATA_DIR_OF_TEST", "kept", 1);
    const Variables found = variables_for({.value = "v"});
    ::unsetenv("MQ_KEY");
    ::unsetenv("MQ_HEADER_X");
    ::unsetenv("MQ_DATA_DIR_OF_TEST");
    EXPECT_FALSE(found.contains("MQ_KEY"));
    EXPECT_FALSE(found.contains("MQ_HEADER_X"));
    EXPECT_EQ(found.at("MQ_DATA_DIR_OF_TEST"), "kept");
}

}  // namespace
}  // namespace mq::consume
