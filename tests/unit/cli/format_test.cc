#include "cli/format.h"

#include <gtest/gtest.h>

#include "record/batch_builder.h"

namespace mq::cli {
namespace {

using namespace std::string_literals;

// A batch of one record at offset 258 of t-3, and what a format makes of it.
class FormatTest : public testing::Test {
protected:
    FormatTest() { set("key", "value\n"); }

    void set(NullableBytes key, NullableBytes value, std::vector<record::Header> headers = {}) {
        record::BatchOptions options;
        options.base_offset = Offset{258};
        options.leader_epoch = 7;
        options.producer_id = 4000;
        options.producer_epoch = 2;
        options.base_sequence = 0;
        builder_ = record::BatchBuilder{options};
        builder_.add(1'700'000'000'123, key, value, headers);
        ASSERT_TRUE(reader_.open(builder_.finish().value()));
        ASSERT_TRUE(reader_.next(record_));
        header_ = reader_.header();
        input_ = {.record = &record_,
                  .batch = &header_,
                  .topic = "t",
                  .partition = 3,
                  .log_start = Offset{10},
                  .last_stable_offset = Offset{290},
                  .high_watermark = Offset{300},
                  .count = 5,
                  .null_text = "NIL"};
    }

    std::string print(std::string_view format) {
        const auto parsed = Format::parse(format);
        EXPECT_TRUE(parsed) << format << ": " << (parsed ? "" : parsed.error().message());
        if (!parsed) return {};
        std::string out;
        EXPECT_TRUE(parsed->append(out, input_)) << format;
        return out;
    }

    record::BatchBuilder builder_;
    record::RecordReader reader_;
    record::RecordView record_;
    record::BatchHeader header_;
    FormatInput input_;
};

TEST_F(FormatTest, PrintsEveryVerb) {
    EXPECT_EQ(print("%t [%p] at %o: key %k (%K), value %s (%S) %v"),
              "t [3] at 258: key key (3), value value\n (6) value\n");
    EXPECT_EQ(print("%T %a %e %x %y %i %[ %| %] 100%%"), "1700000000123 none 7 4000 2 5 10 290 300 100%");
    EXPECT_EQ(print("%R"), "\0\0\0\x06"s);
}

TEST_F(FormatTest, KnowsCEscapesOutsideOfVerbs) {
    EXPECT_EQ(print("%k\\t%p\\n\\0\\x41\\\\"), "key\t3\n\0A\\"s);
    EXPECT_EQ(print(""), "");
}

TEST_F(FormatTest, NullIsNotTheEmptyString) {
    set(std::nullopt, std::nullopt);
    EXPECT_EQ(print("%k|%K|%s|%S|%s{hex}"), "NIL|-1|NIL|-1|NIL");
    EXPECT_EQ(print("%R"), "\xff\xff\xff\xff");
    set("", "");
    EXPECT_EQ(print("%k|%K|%s|%S"), "|0||0");
}

TEST_F(FormatTest, PrintsBytesInOtherForms) {
    EXPECT_EQ(print("%k{hex} %k{base64} %s{base64}"), "6b6579 a2V5 dmFsdWUK");
    set(ByteView{"\x00\xff", 2}, "a");
    EXPECT_EQ(print("%k{hex} %k{base64} %s{base64}"), "00ff AP8= YQ==");
}

TEST_F(FormatTest, PrintsNumbersInBinary) {
    EXPECT_EQ(print("%o{u16be}%o{u16le}%o{u8}"), "\x01\x02\x02\x01\x02");
    EXPECT_EQ(print("%S{u32be}%S{u32le}%p{u64be}"), "\0\0\0\x06\x06\0\0\0\0\0\0\0\0\0\0\x03"s);
    EXPECT_EQ(print("%o{hex}"), "102");
}

TEST_F(FormatTest, PrintsTimes) {
    EXPECT_EQ(print("%T{iso}"), "2023-11-14T22:13:20.123Z");
    EXPECT_EQ(print("%T{strftime[%d.%m.%Y {%H}]}!"), "14.11.2023 {22}!");
}

TEST_F(FormatTest, PrintsHeadersInOrderDuplicatesAndAll) {
    set("k", "v", {{"a", "1"}, {"b", std::nullopt}, {"a", ""}});
    EXPECT_EQ(print("%h"), "a=1,b=NULL,a=");
    EXPECT_EQ(print("%h{%k=%v;}"), "a=1;b=NIL;a=;");
    EXPECT_EQ(print("%h{[%k{hex}:%S]}"), "[61:1][62:-1][61:0]");
}

TEST_F(FormatTest, UnpacksBinaryValues) {
    set("k", ByteView{"\x00\x00\x00\x07\xff\xff\xff\xff\xff\xff\xff\xfe", 12});
    EXPECT_EQ(print("%s{unpack[>iq$]}"), "7 -2");
    EXPECT_EQ(print("%s{unpack[>IQ]}"), "7 18446744073709551614");
    EXPECT_EQ(print("%s{unpack[xxxb]}"), "7");
    EXPECT_EQ(print("%s{unpack[<i]}"), "117440512");
    set("k",
        "\x01\x02"
        "Xrest");
    EXPECT_EQ(print("%s{unpack[BBcs]}"), "1 2 X rest");
}

TEST_F(FormatTest, UnpackThatDoesNotFitIsAnError) {
    set("k", "abc");
    std::string out;
    EXPECT_EQ(Format::parse("%s{unpack[i]}")->append(out, input_).error().code, Errc::corrupt);
    EXPECT_EQ(Format::parse("%s{unpack[h$]}")->append(out, input_).error().code, Errc::corrupt);
}

TEST(FormatParse, RefusesWhatItDoesNotKnowAndSaysWhere) {
    for (const char* text : {"%", "%q", "a%", "%k{", "%k{hex", "%k{what}", "%t{hex}", "%o{u12}", "%s{unpack[z]}",
                             "%h{%h}", "%h{%o}", "\\q", "%T{strftime[%F}", "%h{%h{%k}}", "%k{}"}) {
        const auto parsed = Format::parse(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error().code, Errc::bad_argument);
        EXPECT_NE(parsed.error().message().find("at character"), std::string::npos) << parsed.error().message();
    }
}

}  // namespace
}  // namespace mq::cli
