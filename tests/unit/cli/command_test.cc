// Tools of several commands: which word names the command, and that each has a table of its own.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cli/option_docs.h"
#include "cli/option_set.h"

namespace mq::cli {
namespace {

struct Parsed {
    std::optional<int> stop;
    std::string chosen;
    std::string out;  // printed to stdout
    std::string err;
    bool names = false;
    bool create = false;
    std::string directory;
    std::string topic;
    std::vector<std::string> operands;
};

Parsed parse(std::vector<std::string> words) {
    Parsed parsed;
    OptionSet options{"mq-test", "Tests.", "COMMAND"};
    options.command("list", "[TOPIC...]", "Lists. More of it.", [&parsed](OptionSet& list) {
        list.flag("-n, --names", parsed.names, "Names only.");
        list.operands(parsed.operands, Complete::topic);
    });
    options.command("delete", "TOPIC", "Deletes.", [&parsed](OptionSet& remove) {
        remove.value("-n, --number", "N", parsed.topic, "A number.");
        remove.operands(parsed.operands, Complete::topic);
    });
    options.command({}, {}, {}, [&parsed](OptionSet& front) {
        front.flag("--create", parsed.create, "Creates.");
        front.value("--topic", "T", parsed.topic, "The topic.").alias("-t");
    });
    options.group("All");
    options.value("-D, --data-dir", "DIR", parsed.directory, "The directory.");
    words.insert(words.begin(), "mq-test");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    parsed.stop = options.parse(static_cast<int>(argv.size()), argv.data());
    parsed.out = testing::internal::GetCapturedStdout();
    parsed.err = testing::internal::GetCapturedStderr();
    parsed.chosen = options.chosen();
    return parsed;
}

TEST(Command, TheFirstWordThatIsNoOptionAndNoValueNamesIt) {
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"list", "--names", "a"},
                                               {"-D", "delete", "list", "a", "-n"},
                                               {"-Ddelete", "list", "-n", "a"},
                                               {"--data-dir=x", "list", "a", "-n"},
                                               {"--data-dir", "x", "list", "--", "a"}}) {
        const Parsed parsed = parse(words);
        EXPECT_EQ(parsed.stop, std::nullopt) << parsed.err;
        EXPECT_EQ(parsed.chosen, "list");
        EXPECT_EQ(parsed.operands, std::vector<std::string>{"a"});
    }
    // The next word may be called like a command.
    EXPECT_EQ(parse({"delete", "list"}).operands, std::vector<std::string>{"list"});
}

TEST(Command, EachHasItsOwnMeaningOfAnOption) {
    EXPECT_TRUE(parse({"list", "-n"}).names);
    EXPECT_EQ(parse({"delete", "-n", "5"}).topic, "5");
    EXPECT_EQ(parse({"list", "--number", "5"}).stop, 64);
    EXPECT_EQ(parse({"list", "--create"}).stop, 64);
}

TEST(Command, WithoutOneTheOptionsOfTheFrontDoorAreKnown) {
    const Parsed parsed = parse({"--create", "--topic", "list", "-D", "x"});
    EXPECT_EQ(parsed.stop, std::nullopt) << parsed.err;
    EXPECT_TRUE(parsed.create);
    EXPECT_EQ(parsed.topic, "list");
    EXPECT_EQ(parsed.chosen, "");
    EXPECT_EQ(parse({"-t", "list"}).topic, "list");
}

TEST(Command, AnUnknownOneIsToldWithTheNearest) {
    const Parsed parsed = parse({"lsit"});
    EXPECT_EQ(parsed.stop, 64);
    EXPECT_EQ(parsed.err, "mq-test: there is no command 'lsit'; did you mean list? (see mq-test --help)\n");
    EXPECT_EQ(parse({"frobnicate"}).err, "mq-test: there is no command 'frobnicate' (see mq-test --help)\n");
    EXPECT_EQ(parse({""}).stop, 64);
}

TEST(Command, ErrorsPointAtItsHelp) {
    EXPECT_EQ(parse({"list", "--bogus"}).err, "mq-test: unknown option --bogus (see mq-test list --help)\n");
}

TEST(Command, HelpIsOfTheCommandOrOfAll) {
    const std::string own = parse({"list", "--help"}).out;
    EXPECT_TRUE(own.starts_with("Usage: mq-test list [TOPIC...]\nLists. More of it.\n"));
    EXPECT_NE(own.find("--names"), std::string::npos);
    EXPECT_NE(own.find("--data-dir"), std::string::npos);
    EXPECT_EQ(own.find("--number"), std::string::npos);
    const std::string all = parse({"some", "--help", "words"}).out;
    EXPECT_TRUE(all.starts_with("Usage: mq-test COMMAND\nTests.\n\nCommands"));
    EXPECT_NE(all.find("\n  list "), std::string::npos);
    EXPECT_NE(all.find("--create"), std::string::npos);
    EXPECT_EQ(all.find("--names"), std::string::npos);
}

TEST(Command, TheManualPageAndTheJsonTableHaveThemAll) {
    const std::string man = parse({"--generate", "man"}).out;
    EXPECT_NE(man.find(".Ss list [TOPIC...]\nLists.\nMore of it.\n.Bl -tag -width Ds\n.It Fl n , Fl \\-names\n"),
              std::string::npos)
        << man;
    EXPECT_NE(man.find(".Ss delete TOPIC\n"), std::string::npos);
    const std::string json = parse({"--help-json"}).out;
    EXPECT_NE(json.find("\"commands\":[\n{\"name\":\"list\",\"summary\":\"Lists. More of it.\",\"synopsis\":"),
              std::string::npos);
}

}  // namespace
}  // namespace mq::cli
