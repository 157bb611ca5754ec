#include "cli/template.h"

#include <gtest/gtest.h>

namespace mq::cli {
namespace {

using Outcome = InputTemplate::Outcome;

// "key|value|headers|partition|timestamp" of each record, "-" for what is null or not there; "!" for a malformed one.
std::vector<std::string> records(std::string_view form, std::string_view input, std::size_t piece = SIZE_MAX) {
    auto made = InputTemplate::parse(form);
    EXPECT_TRUE(made) << made.error().message();
    std::vector<std::string> all;
    if (!made) return all;
    InputRecord record;
    std::size_t begin = 0;
    std::size_t end = std::min(piece, input.size());
    while (begin < input.size()) {
        const bool at_end = end == input.size();
        const Outcome outcome = made->next(input.substr(begin, end - begin), at_end, record);
        if (outcome == Outcome::need_more) {
            if (at_end) return {"need_more at the end"};
            end = std::min(end + piece, input.size());
            continue;
        }
        std::string text = "!";
        if (outcome == Outcome::record) {
            const auto shown = [](NullableBytes bytes) { return bytes ? std::string{*bytes} : "-"; };
            text = shown(record.key) + "|" + shown(record.value);
            for (const auto& header : record.headers)
                text += "|" + std::string{header.key} + "=" + shown(header.value);
            if (record.partition) text += "|p" + std::to_string(*record.partition);
            if (record.timestamp) text += "|T" + std::to_string(*record.timestamp);
        }
        all.push_back(text);
        if (made->consumed() == 0) break;
        begin += made->consumed();
        end = std::max(end, begin);
    }
    return all;
}

using Texts = std::vector<std::string>;

// In one piece and byte by byte: where input is cut must not matter.
void expect(std::string_view form, std::string_view input, const Texts& wanted) {
    EXPECT_EQ(records(form, input), wanted) << form;
    EXPECT_EQ(records(form, input, 1), wanted) << form << ", byte by byte";
}

TEST(InputTemplate, TextsEndWhereTheNextLiteralBegins) {
    expect("%k,%v\\n", "a,1\nb,2,3\n,\n", {"a|1", "b|2,3", "|"});
    expect("%k %v", "a 1\nb 2", {"a|1", "b|2"});
    expect("%v", "x\n\ny\n", {"-|x", "-|", "-|y"});
    expect("%s<>%k\\0", std::string_view{"1<>a\0002<>b\0", 10}, {"a|1", "b|2"});
    expect("%k\\n%v\\n", "a\n1\nb\n2\n", {"a|1", "b|2"});
    expect("100%% %v\\n", "100% x\n", {"-|x"});
}

TEST(InputTemplate, LengthsComeFirst) {
    using namespace std::string_view_literals;
    expect("%V{u32be}%v", "\0\0\0\1a\0\0\0\0\0\0\0\2b\n"sv, {"-|a", "-|", "-|b\n"});
    expect("%K{u8}%V{u16le}%k%v", "\1\2\0ab1\0\0\0"sv.substr(0, 9), {"a|b1", "|"});
    expect("%V %v\\n", "3 a\nb\n0 \n", {"-|a\nb", "-|"});
    // -1 is null, in any width.
    expect("%K{u8}%k%V{u32be}%v", "\xff\0\0\0\1x\0\xff\xff\xff\xff"sv, {"-|x", "|-"});
    expect("%K %k,%V %v\\n", "-1 ,1 x\n", {"-|x"});
}

TEST(InputTemplate, NumbersOfPartitionAndTime) {
    expect("%p %T %k=%v\\n", "3 1700000000000 a=b\n0 -1 c=d", {"a|b|p3|T1700000000000", "c|d|p0|T-1"});
    using namespace std::string_view_literals;
    expect("%p{u32be}%T{u64le}%v\\n", "\0\0\0\2\1\0\0\0\0\0\0\0x\n"sv, {"-|x|p2|T1"});
    expect("%t %o %v\\n", "topic 41 x\n", {"-|x"});
}

TEST(InputTemplate, Headers) {
    expect("%h{%k=%v,} %v\\n", "a=1,b=2, x\n y\n", {"-|x|a=1|b=2", "-|y"});
    expect("%H:%h{%k=%v;}%v\\n", "2:a=1;a=;x\n0:y\n", {"-|x|a=1|a=", "-|y"});
    using namespace std::string_view_literals;
    expect("%H{u8}%h{%K{u8}%k%V{u8}%v}%V{u8}%v", "\1\1a\xff\1x\0\0"sv, {"-|x|a=-", "-|"});
    // The last one may lack what ends it.
    expect("%h{%k=%v,} %v\\n", "a=1,b=2 x\n", {"-|x|a=1|b=2"});
}

TEST(InputTemplate, HexBase64) {
    expect("%k{hex},%v{base64}\\n", "61fF,aGk=\n,\n", {"a\xff|hi", "|"});
    expect("%k{hex},%v\\n", "6,x\n6x,y\n62,z\n", {"!", "!", "b|z"});
}

TEST(InputTemplate, JsonTellsWhereItEnds) {
    expect("%v{json}\\n", "{\"a\": \"}\\\"\\n\"}\n[1,\n2]\n\"x\"\n12\ntrue\n",
           {"-|{\"a\": \"}\\\"\\n\"}", "-|[1,\n2]", "-|\"x\"", "-|12", "-|true"});
    expect("%k{json} %v{json}\\n", "{} []\n", {"{}|[]"});
}

TEST(InputTemplate, RegularExpressions) {
    expect("%k{re[[a-z]+]}%v{re[[0-9]*]}\\n", "abc123\nx\n", {"abc|123", "x|"});
    expect("%k{re[[a-z]+]}%v\\n", "abc123\n9\nd4\n", {"abc|123", "!", "d|4"});
}

TEST(InputTemplate, WhatDoesNotFitIsToldWithItsByte) {
    auto form = InputTemplate::parse("%p;%v\\n");
    ASSERT_TRUE(form);
    InputRecord record;
    ASSERT_EQ(form->next("x;1\n2;b\n", false, record), Outcome::malformed);
    EXPECT_EQ(form->error().code, Errc::corrupt);
    EXPECT_EQ(form->error().position, 0u);
    EXPECT_EQ(form->consumed(), 4u);
    ASSERT_EQ(form->next("2,b\n", false, record), Outcome::malformed);
    EXPECT_EQ(form->error().position, 1u);
    ASSERT_EQ(form->next("99999999999;b\n", false, record), Outcome::malformed);

    auto sized = InputTemplate::parse("%V{u32be}%v");
    ASSERT_TRUE(sized);
    using namespace std::string_view_literals;
    EXPECT_EQ(sized->next("\0\0\0\5abc"sv, false, record), Outcome::need_more);
    EXPECT_EQ(sized->next("\0\0\0\5abc"sv, true, record), Outcome::malformed);
    EXPECT_EQ(sized->consumed(), 0u);
    EXPECT_EQ(sized->next("\x80\0\0\0abc"sv, true, record), Outcome::malformed);
}

TEST(InputTemplate, WhatCannotBeReadIsRefused) {
    for (const std::string_view text : {"",
                                        "x",
                                        "%",
                                        "%q",
                                        "%k%v",
                                        "%v%k",
                                        "%k",
                                        "%p\\n",
                                        "%h",
                                        "%h{%k}%v",
                                        "%h{}%v",
                                        "%h{%v,}%v",
                                        "%v{xyz}",
                                        "%v{hex",
                                        "%V{u24}%v",
                                        "%V{u32}%v",
                                        "%v%V{u8}",
                                        "%k %k\\n",
                                        "%V{u8}%v{json}",
                                        "%v{re[(]}",
                                        "%v{re[a]}%k{re[b]}",
                                        "%t\\n",
                                        "%h{%h{%k,}}%v",
                                        "\\q%v"}) {
        const bool is_fine = text == "%k" || text == "%v{re[a]}%k{re[b]}";
        const auto form = InputTemplate::parse(text);
        EXPECT_EQ(form.has_value(), is_fine) << text;
        EXPECT_TRUE(form || form.error().code == Errc::bad_argument) << text;
    }
}

}  // namespace
}  // namespace mq::cli
