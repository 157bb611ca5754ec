#include "mq-produce/field_parser.h"

#include <gtest/gtest.h>

namespace mq::produce {
namespace {

std::string shown(NullableBytes bytes) { return bytes ? "'" + std::string{*bytes} + "'" : "null"; }

// Out of line: inlined, the compiler takes the empty string inside for one that is read.
[[gnu::noinline]] void set(std::optional<std::string>& target, const char* text) { target = text; }

// "'key' 'value' name='x'", or where it is malformed.
std::string parsed(const FieldOptions& options, ByteView text) {
    FieldParser parser{options};
    cli::InputRecord record;
    const Status ok = parser.parse(text, record);
    if (!ok) return "malformed at " + std::to_string(ok.error().position.value_or(99));
    std::string out = (record.has_key ? shown(record.key) : "-") + " " + shown(record.value);
    for (const auto& header : record.headers) out += " " + std::string{header.key} + "=" + shown(header.value);
    return out;
}

TEST(FieldParser, HeadersThenKeyThenValue) {
    FieldOptions options;
    EXPECT_EQ(parsed(options, "a:b"), "- 'a:b'");
    set(options.key_delimiter, ":");
    EXPECT_EQ(parsed(options, "a:b:c"), "'a' 'b:c'");
    EXPECT_EQ(parsed(options, "ab"), "- 'ab'");
    EXPECT_EQ(parsed(options, ":"), "'' ''");
    set(options.header_delimiter, "\t");
    EXPECT_EQ(parsed(options, "h1:x,h2:,h3,h1:y:z\ta:b"), "'a' 'b' h1='x' h2='' h3=null h1='y:z'");
    EXPECT_EQ(parsed(options, "\ta:b"), "'a' 'b'");
    EXPECT_EQ(parsed(options, "a:b"), "'a' 'b'");
}

// What Kafka's LineMessageReader refuses.
TEST(FieldParser, DelimitersThatAreRequired) {
    FieldOptions options;
    set(options.key_delimiter, "|");
    set(options.header_delimiter, "\t");
    options.delimiters_required = true;
    EXPECT_EQ(parsed(options, "h:x\tk|v"), "'k' 'v' h='x'");
    EXPECT_EQ(parsed(options, "k|v"), "malformed at 0");
    EXPECT_EQ(parsed(options, "h:x\tkv"), "malformed at 4");
    EXPECT_EQ(parsed(options, "h\tk|v"), "malformed at 0");
}

TEST(FieldParser, NullsAreAskedFor) {
    FieldOptions options;
    set(options.key_delimiter, ":");
    EXPECT_EQ(parsed(options, "null:NULL"), "'null' 'NULL'");
    set(options.null_marker, "NULL");
    EXPECT_EQ(parsed(options, "NULL:NULL"), "null null");
    EXPECT_EQ(parsed(options, "NULLS: NULL"), "'NULLS' ' NULL'");
    EXPECT_EQ(parsed(options, ":"), "'' ''");
    options.empty_is_null = true;
    EXPECT_EQ(parsed(options, ":"), "null null");
}

TEST(FieldParser, EscapesAndEncodings) {
    FieldOptions options;
    set(options.key_delimiter, ":");
    set(options.header_delimiter, "\t");
    options.escape = true;
    EXPECT_EQ(parsed(options, "h\\x2C\\x3A:\\t\ta\\x3Ab:\\N"), "'a:b' null h,:='\t'");
    EXPECT_EQ(parsed(options, "a:b\\q"), "malformed at 3");
    options.header_delimiter.reset();
    options.escape = false;
    options.key_encoding = cli::Encoding::hex;
    options.value_encoding = cli::Encoding::base64;
    EXPECT_EQ(parsed(options, "6162:aGk="), "'ab' 'hi'");
    EXPECT_EQ(parsed(options, "6162:a*"), "malformed at 6");
    EXPECT_EQ(parsed(options, "616:aGk="), "malformed at 3");
    EXPECT_EQ(parsed(options, "aGk="), "- 'hi'");
}

}  // namespace
}  // namespace mq::produce
