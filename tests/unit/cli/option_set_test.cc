#include "cli/option_set.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace mq::cli {
namespace {

// What the words of a command line became. Errors go to stderr and are captured.
struct Given {
    std::optional<int> status;
    std::string key = "unset";
    bool quiet = false;
    int number = 7;
    std::string json = "unset";
    std::vector<std::string> headers;
    std::vector<std::string> operands;
    std::string complaint;
};

Given parse(std::vector<std::string> words) {
    Given given;
    OptionSet options{"mq-test", "Tests.", "[OPTION...] WORD..."};
    options.flag("-q, --quiet", given.quiet, "Quiet.");
    options.value("-k, --key", "STR", given.key, "Key.").alias("--message-key").alias("--message.key");
    options.value("-c, --count", "N", given.number, "Count.", 1);
    options.repeatable("-H, --header", "K=V", given.headers, "Header.");
    options
        .optional_value(
            "--json", "FORM",
            [&](std::optional<std::string_view> text) -> Status {
                given.json = text ? std::string{*text} : "(none)";
                return {};
            },
            "JSON.")
        .one_of({"inline", "true", "{}"});
    options
        .value("--zookeeper", "HOST",
               OptionSet::Apply{[](std::string_view) { return Status{fail(Errc::bad_argument, {}, {}, "use -b")}; }},
               "Refused.")
        .hide();
    options.operands(given.operands, Complete::topic);
    words.insert(words.begin(), "mq-test");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    testing::internal::CaptureStderr();
    given.status = options.parse(static_cast<int>(argv.size()), argv.data());
    given.complaint = testing::internal::GetCapturedStderr();
    return given;
}

using Words = std::vector<std::string>;

TEST(OptionSet, EmptyValueAfterEqualsSignIsAValue) {
    const Given given = parse({"--key=", "word"});
    EXPECT_EQ(given.status, std::nullopt);
    EXPECT_EQ(given.key, "");
    EXPECT_EQ(given.operands, Words{"word"});
}

TEST(OptionSet, OptionalValueNeverSwallowsTheNextWord) {
    Given given = parse({"--json", "inline"});
    EXPECT_EQ(given.json, "(none)");
    EXPECT_EQ(given.operands, Words{"inline"});
    given = parse({"--json=inline"});
    EXPECT_EQ(given.json, "inline");
    given = parse({"--json=true"});
    EXPECT_EQ(given.json, "true");
    EXPECT_EQ(parse({"--json=other"}).status, 64);
}

TEST(OptionSet, RepeatableOptionTakesOneWordEachTime) {
    const Given given = parse({"-H", "a", "b", "-H", "c", "--header=d", "e"});
    EXPECT_EQ(given.headers, (Words{"a", "c", "d"}));
    EXPECT_EQ(given.operands, (Words{"b", "e"}));
}

TEST(OptionSet, WordsArriveAsTheyWereTyped) {
    for (const std::string word :
         {"++", "[a,b]", "{}", "-", "", "--key=", "--", "-5", "a\1", "[]", "%%", "\1", "--a=b\1"}) {
        EXPECT_EQ(parse({"-k", word}).key, word);
        EXPECT_EQ(parse({"--key=" + word}).key, word);
        EXPECT_EQ(parse({"--", word}).operands, Words{word});
    }
    EXPECT_EQ(parse({"-k[x]"}).key, "[x]");
    EXPECT_EQ(parse({"-qkv=1"}).key, "v=1");
}

TEST(OptionSet, LastOneGivenCountsUnderAnyOfItsNames) {
    EXPECT_EQ(parse({"-k", "a", "--message-key", "b"}).key, "b");
    EXPECT_EQ(parse({"--message.key", "b", "-ka"}).key, "a");
}

TEST(OptionSet, EveryParseErrorIs64AndNamesTheOption) {
    const auto complaint = [](const Words& words) {
        const Given given = parse(words);
        EXPECT_EQ(given.status, 64) << words.front();
        EXPECT_EQ(std::count(given.complaint.begin(), given.complaint.end(), '\n'), 1) << given.complaint;
        EXPECT_TRUE(given.complaint.starts_with("mq-test: ")) << given.complaint;
        EXPECT_TRUE(given.complaint.ends_with("(see mq-test --help)\n")) << given.complaint;
        return given.complaint;
    };
    const auto says = [&](const Words& words, const char* what) {
        const std::string text = complaint(words);
        EXPECT_NE(text.find(what), std::string::npos) << text;
    };
    says({"--bogus"}, "unknown option --bogus");
    says({"--qiuet"}, "did you mean --quiet?");
    says({"-x"}, "unknown option -x");
    says({"--key"}, "option --key needs a value");
    says({"-q", "-k"}, "option --key needs a value");
    says({"--quiet=1"}, "option --quiet takes no value");
    says({"-c", "0x10"}, "--count: '0x10' is not a number");
    says({"-c", "0"}, "--count: '0' is out of range");
    says({"-c", "99999999999"}, "out of range");
    says({"--count="}, "--count: ''");
    says({"--zookeeper", "z:2181"}, "use -b");
    says({"--generate", "pdf"}, "is none of man, complete-bash, complete-zsh, complete-fish");
    says({"--key\033[31m"}, "--key\\x1b[31m");
}

TEST(OptionSet, NumbersAreBaseTen) { EXPECT_EQ(parse({"-c", "010"}).number, 10); }

TEST(OptionSet, HiddenOptionIsOnNoPage) {
    for (const Words& words :
         {Words{"--help"}, Words{"--help-json"}, Words{"--generate", "man"}, Words{"--generate=complete-zsh"}}) {
        testing::internal::CaptureStdout();
        EXPECT_EQ(parse(words).status, 0);
        const std::string page = testing::internal::GetCapturedStdout();
        EXPECT_NE(page.find("key"), std::string::npos) << page;
        EXPECT_EQ(page.find("zookeeper"), std::string::npos) << page;
    }
}

}  // namespace
}  // namespace mq::cli
