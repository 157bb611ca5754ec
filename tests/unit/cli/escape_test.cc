#include "cli/escape.h"

#include <gtest/gtest.h>

#include "cli/encoding.h"
#include "cli/properties.h"

namespace mq::cli {
namespace {

using namespace std::string_view_literals;

Escaper escaper(std::initializer_list<std::string_view> separators) {
    const std::vector<std::string_view> list{separators};
    auto made = Escaper::make(list);
    EXPECT_TRUE(made);
    return *made;
}

TEST(Escape, NamedBytesSeparatorsAndNull) {
    std::string out;
    escaper({":", "<>"}).append(out, "a\\b\n\t\r\0:<>"sv);
    EXPECT_EQ(out, R"(a\\b\n\t\r\0\x3A\x3C>)");
    out.clear();
    escaper({}).append(out, std::nullopt);
    EXPECT_EQ(out, R"(\N)");
    out.clear();
    escaper({}).append(out, R"(\N)");
    EXPECT_EQ(out, R"(\\N)");
}

// Wish 4 of the users of such tools: separators inside of data, reversible.
TEST(Escape, EveryPairOfBytesComesBackAndNoSeparatorIsLeft) {
    const Escaper made = escaper({"\n", ":", "||"});
    std::string scratch;
    for (int first = 0; first < 256; ++first) {
        for (int second = 0; second < 256; ++second) {
            const std::string bytes{static_cast<char>(first), static_cast<char>(second)};
            std::string text;
            made.append(text, bytes);
            ASSERT_EQ(text.find_first_of("\n:|"), text.npos);
            const auto back = unescape(text, scratch);
            ASSERT_TRUE(back && *back);
            ASSERT_EQ(**back, bytes);
        }
    }
    EXPECT_EQ(*unescape("\\N", scratch), std::nullopt);
}

TEST(Escape, UnknownAndUnfinishedEscapesAreCorruptWithTheirByte) {
    std::string scratch;
    for (const auto& [text, at] : std::initializer_list<std::pair<std::string_view, std::uint64_t>>{{"ab\\", 2},
                                                                                                    {"\\q", 0},
                                                                                                    {"\\x", 0},
                                                                                                    {"a\\x4", 1},
                                                                                                    {"\\xg0", 0},
                                                                                                    {"\\x0g", 0},
                                                                                                    {"\\n\\N", 2},
                                                                                                    {"\\NN", 0}}) {
        const auto plain = unescape(text, scratch);
        ASSERT_FALSE(plain) << text;
        EXPECT_EQ(plain.error().code, Errc::corrupt);
        EXPECT_EQ(plain.error().position, at) << text;
    }
}

TEST(Escape, SeparatorsThatLookLikeEscapesAreRefused) {
    for (const std::string_view bad : {"\\", "n", "x1", "0", "F"}) {
        const std::vector<std::string_view> list{bad};
        EXPECT_FALSE(Escaper::make(list)) << bad;
    }
    EXPECT_TRUE(Escaper::make(std::vector<std::string_view>{"\t", " ", "=>", "key", ""}));
}

TEST(Encoding, HexAndBase64) {
    const auto decoded = [](Encoding encoding, std::string_view text) {
        std::string out;
        const Status ok = append_decoded(out, encoding, text);
        return ok ? out : "error at " + std::to_string(*ok.error().position);
    };
    EXPECT_EQ(decoded(Encoding::hex, "00fFA0"), "\0\xff\xa0"sv);
    EXPECT_EQ(decoded(Encoding::hex, "0"), "error at 1");
    EXPECT_EQ(decoded(Encoding::hex, "0g"), "error at 1");
    // The vectors of RFC 4648, with and without padding.
    EXPECT_EQ(decoded(Encoding::base64, ""), "");
    EXPECT_EQ(decoded(Encoding::base64, "Zg=="), "f");
    EXPECT_EQ(decoded(Encoding::base64, "Zm8="), "fo");
    EXPECT_EQ(decoded(Encoding::base64, "Zm9v"), "foo");
    EXPECT_EQ(decoded(Encoding::base64, "Zm9vYmE"), "fooba");
    EXPECT_EQ(decoded(Encoding::base64, "Zm9vYmFy"), "foobar");
    EXPECT_EQ(decoded(Encoding::base64, "Z"), "error at 1");
    EXPECT_EQ(decoded(Encoding::base64, "Zm=v"), "error at 2");
    EXPECT_EQ(decoded(Encoding::base64, "Zg==="), "error at 2");
    EXPECT_EQ(decoded(Encoding::base64, "Zm 8"), "error at 2");
}

// As the documentation of java.util.Properties.load has it.
TEST(Properties, AreReadAsJavaReadsThem) {
    const auto parsed = parse_properties(
        "# comment\n ! another\r\n\nTruth = Beauty\n  Truth2:Beauty\nTruth3   :Beauty\n"
        "fruits     apple, banana, \\\n      pear\ncheeses\npath=c:\\\\dir\\ttab\nkey\\ "
        "with\\=signs=\\u00e9\\u0041=:\nlast=x\\");
    ASSERT_TRUE(parsed);
    const Properties wanted{{"Truth", "Beauty"},
                            {"Truth2", "Beauty"},
                            {"Truth3", "Beauty"},
                            {"fruits", "apple, banana, pear"},
                            {"cheeses", ""},
                            {"path", "c:\\dir\ttab"},
                            {"key with=signs",
                             "\xc3\xa9"
                             "A=:"},
                            {"last", "x"}};
    EXPECT_EQ(*parsed, wanted);
    const auto bad = parse_properties("a=b\nc=\\u00g0\n");
    ASSERT_FALSE(bad);
    EXPECT_NE(bad.error().detail.find("line 2"), std::string::npos);
}

}  // namespace
}  // namespace mq::cli
