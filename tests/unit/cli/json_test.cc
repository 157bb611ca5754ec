#include "cli/json.h"

#include <gtest/gtest.h>

#include "cli/exit_code.h"

namespace mq::cli {
namespace {

using namespace std::string_literals;

std::string as_json(ByteView text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

std::string base64(ByteView bytes) {
    std::string out;
    append_base64(out, bytes);
    return out;
}

TEST(Json, EscapesWhatRfc8259WantsEscaped) {
    EXPECT_EQ(as_json("plain"), "\"plain\"");
    EXPECT_EQ(as_json("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"");
    EXPECT_EQ(as_json("\n\r\t\0\x1f"s), "\"\\n\\r\\t\\u0000\\u001f\"");
    EXPECT_EQ(as_json("\xc3\xa9"), "\"\xc3\xa9\"");
}

// Test vectors of RFC 4648, section 10.
TEST(Json, Base64IsThatOfRfc4648) {
    EXPECT_EQ(base64(""), "");
    EXPECT_EQ(base64("f"), "Zg==");
    EXPECT_EQ(base64("fo"), "Zm8=");
    EXPECT_EQ(base64("foo"), "Zm9v");
    EXPECT_EQ(base64("foob"), "Zm9vYg==");
    EXPECT_EQ(base64("fooba"), "Zm9vYmE=");
    EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
    EXPECT_EQ(base64("\xff\xff\xbe"), "//++");
}

TEST(Json, Utf8IsStrict) {
    for (const char* text : {"", "ascii only, long", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf",
                             "\xee\x80\x80", "\xf4\x8f\xbf\xbf", "12345678\xc3\xa9"}) {
        EXPECT_TRUE(is_utf8(text)) << text;
    }
    // Lone continuation, cut sequences, overlong forms, surrogates, beyond U+10FFFF, bytes that never occur.
    for (const char* text :
         {"\x80", "\xc3", "a\xe2\x82", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xed\xa0\x80",
          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "12345678\xff", "\xc3\x28"}) {
        EXPECT_FALSE(is_utf8(text)) << text;
    }
}

TEST(Json, BytesAreTextOrBase64AndNullIsNeither) {
    const auto member = [](NullableBytes bytes) {
        std::string out;
        append_json_bytes(out, "key", bytes, true);
        return out;
    };
    EXPECT_EQ(member("a"), "\"key\":\"a\"");
    EXPECT_EQ(member(""), "\"key\":\"\"");
    EXPECT_EQ(member(std::nullopt), "\"key\":null");
    EXPECT_EQ(member("\xff"), "\"key\":\"/w==\",\"key_encoding\":\"base64\"");
}

// The table of mq(7).
TEST(ExitCode, OfEveryErrorIsTheDocumentedOne) {
    const std::pair<Errc, int> table[] = {
        {Errc::bad_argument, 64}, {Errc::corrupt, 65},      {Errc::truncated, 65},      {Errc::too_large, 65},
        {Errc::unsupported, 65},  {Errc::out_of_order, 65}, {Errc::not_found, 66},      {Errc::already_exists, 73},
        {Errc::no_space, 74},     {Errc::no_memory, 74},    {Errc::no_descriptors, 74}, {Errc::poisoned, 74},
        {Errc::io, 74},           {Errc::in_use, 75},       {Errc::not_permitted, 77},  {Errc::fenced, 65},
    };
    for (const auto& [code, status] : table) EXPECT_EQ(to_status(exit_code_for(code)), status) << to_string(code);
}

}  // namespace
}  // namespace mq::cli
