#include "cli/json_record.h"

#include <gtest/gtest.h>

#include "cli/json.h"

namespace mq::cli {
namespace {

struct Parsed {
    JsonRecordParser parser;
    InputRecord record;
    Status status;
    explicit Parsed(ByteView text) : status(parser.parse(text, record)) {}
};

TEST(JsonRecord, EveryFieldIsTakenAndTheRestPassedOver) {
    const Parsed p{R"({"topic":"t","partition":3,"offset":7,"timestamp":1700000000000,"key":"k","value":"v",)"
                   R"("new":{"value":[1,{"key":"x"}]},"headers":[{"key":"a","value":"1"},{"key":"b","value":null},)"
                   R"({"key":"a","value":""}]})"};
    ASSERT_TRUE(p.status) << p.status.error().message();
    EXPECT_EQ(p.record.partition, 3);
    EXPECT_EQ(p.record.timestamp, 1700000000000);
    EXPECT_TRUE(p.record.has_key);
    EXPECT_EQ(p.record.key, "k");
    EXPECT_EQ(p.record.value, "v");
    ASSERT_EQ(p.record.headers.size(), 3u);
    EXPECT_EQ(p.record.headers[0].key, "a");
    EXPECT_EQ(p.record.headers[0].value, "1");
    EXPECT_EQ(p.record.headers[1].value, std::nullopt);
    EXPECT_EQ(p.record.headers[2].key, "a");
    EXPECT_EQ(p.record.headers[2].value, "");
}

TEST(JsonRecord, NullIsNotEmptyAndAMissingKeyIsNeither) {
    EXPECT_EQ(Parsed{R"({"key":null,"value":null})"}.record.value, std::nullopt);
    EXPECT_TRUE(Parsed{R"({"key":null,"value":""})"}.record.has_key);
    EXPECT_EQ(Parsed{R"({"key":null,"value":""})"}.record.key, std::nullopt);
    EXPECT_EQ(Parsed{R"({"key":null,"value":""})"}.record.value, "");
    EXPECT_FALSE(Parsed{R"({"value":"x"})"}.record.has_key);
}

TEST(JsonRecord, EncodingsMayComeBeforeOrBehindWhatTheyAreOf) {
    // base64 of ff 00, by hand: 11111111 00000000 -> 111111 110000 0000(00) = "/wA=".
    const ByteView bytes{"\xff\0", 2};
    EXPECT_EQ(Parsed{R"({"value":"/wA=","value_encoding":"base64"})"}.record.value, bytes);
    EXPECT_EQ(Parsed{R"({"value_encoding":"base64","value":"/wA="})"}.record.value, bytes);
    EXPECT_EQ(Parsed{R"({"value":"/wA=","value_encoding":"utf8"})"}.record.value, "/wA=");
    const Parsed p{R"({"key":"/wA=","key_encoding":"base64","value":"","headers":)"
                   R"([{"key":"/wA=","key_encoding":"base64","value":"/wA=","value_encoding":"base64"}]})"};
    ASSERT_TRUE(p.status);
    EXPECT_EQ(p.record.key, bytes);
    EXPECT_EQ(p.record.headers.at(0).key, bytes);
    EXPECT_EQ(p.record.headers.at(0).value, bytes);
}

TEST(JsonRecord, AnyOtherJsonStandsForItsOwnText) {
    EXPECT_EQ(Parsed{R"({"value": {"a" : [1, 2]} ,"key":1e3})"}.record.value, R"({"a" : [1, 2]})");
    EXPECT_EQ(Parsed{R"({"value":[],"key":1e3})"}.record.key, "1e3");
    EXPECT_EQ(Parsed{R"({"value":true})"}.record.value, "true");
    EXPECT_EQ(Parsed{R"({"value":-0.5})"}.record.value, "-0.5");
}

TEST(JsonRecord, HeadersMayBeAnObject) {
    const Parsed p{R"({"value":"","headers":{"b":"1","a":null,"b":"2"}})"};
    ASSERT_TRUE(p.status);
    ASSERT_EQ(p.record.headers.size(), 3u);
    EXPECT_EQ(p.record.headers[0].key, "b");
    EXPECT_EQ(p.record.headers[1].value, std::nullopt);
    EXPECT_EQ(p.record.headers[2].value, "2");
}

TEST(JsonRecord, EscapesAndPlanesBeyondTheFirst) {
    EXPECT_EQ(Parsed{R"({"value":"\n\u0000\u00e9\ud83d\ude00"})"}.record.value,
              ByteView("\n\0\xc3\xa9\xf0\x9f\x98\x80", 8));
}

TEST(JsonRecord, MalformedTextIsToldWithItsByte) {
    struct Case {
        ByteView text;
        std::uint64_t at;
    };
    using namespace std::string_view_literals;
    for (const auto& [text, at] : std::initializer_list<Case>{
             {"", 0},
             {"plain", 0},
             {R"({"value":"x")", 12},
             {R"({"value":"x"} y)", 14},
             {"{\"value\":\"\xff\"}", 10},
             {"{\"value\":\"x\"}\0{"sv, 13},
         }) {
        const Parsed p{text};
        ASSERT_FALSE(p.status) << text;
        EXPECT_EQ(p.status.error().code, Errc::corrupt) << text;
        EXPECT_TRUE(p.status.error().detail.starts_with("malformed JSON")) << p.status.error().detail;
        EXPECT_EQ(p.status.error().position, at) << text;
    }
    for (const ByteView text : {R"([])",
                                R"("x")",
                                R"(7)",
                                R"({})",
                                R"({"key":"k"})",
                                R"({"value":"","partition":-1})",
                                R"({"value":"","partition":2147483648})",
                                R"({"value":"","partition":"0"})",
                                R"({"value":"","partition":1.5})",
                                R"({"value":"","timestamp":[]})",
                                R"({"value":"","timestamp":{}})",
                                R"({"value":"x","value_encoding":"hex"})",
                                R"({"value":"=","value_encoding":"base64"})",
                                R"({"value":"","headers":"x"})",
                                R"({"value":"","headers":[1]})",
                                R"({"value":"","headers":[[]]})",
                                R"({"value":"","headers":[{"value":"x"}]})",
                                R"({"value":"","headers":[{"key":null}]})",
                                R"({"value":"","headers":[{"key":"a","value":{}}]})",
                                R"({"value":"","headers":{"a":[]}})"}) {
        EXPECT_FALSE(Parsed{text}.status) << text;
    }
}

TEST(JsonRecord, DeepNestingEndsInAnErrorOrAValue) {
    const std::string deep = "{\"value\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
    const Parsed p{deep};
    ASSERT_TRUE(p.status);
    EXPECT_EQ(p.record.value->size(), 200'000u);
    EXPECT_FALSE(Parsed{"{\"value\":" + std::string(100'000, '[')}.status);
}

// What mq-consume --json writes of any bytes, wish 1 and 3 of the users of such tools.
TEST(JsonRecord, TakesBackWhatTheWriterMadeOfAnyBytes) {
    for (int first = 0; first < 256; ++first) {
        for (const int second : {0, 0x22, 0x5c, 0x7f, 0x80, 0xbf, 0xc3, 0xff}) {
            const std::string bytes{static_cast<char>(first), static_cast<char>(second)};
            std::string text = "{";
            append_json_bytes(text, "key", bytes, true);
            append_json_bytes(text, "value", std::nullopt);
            text += ",\"headers\":[{";
            append_json_bytes(text, "key", bytes, true);
            append_json_bytes(text, "value", bytes);
            text += "}]}";
            const Parsed p{text};
            ASSERT_TRUE(p.status) << text << ": " << p.status.error().message();
            ASSERT_EQ(p.record.key, bytes);
            ASSERT_EQ(p.record.value, std::nullopt);
            ASSERT_EQ(p.record.headers.at(0).key, bytes);
            ASSERT_EQ(p.record.headers.at(0).value, bytes);
        }
    }
}

}  // namespace
}  // namespace mq::cli
