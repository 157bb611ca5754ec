#include "mq-consume/exec_command.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>

#include "support/temp_dir.h"

namespace mq::consume {
namespace {

constexpr std::string_view kPath = "/nowhere:/usr/bin:/bin";

TEST(ExecCommand, PlainWordsNeedNoShell) {
    for (const char* const command : {"cat", "/bin/cat -n", "  sort -k 2,3  --key=1 ", "env A_B=c"}) {
        const bool is_env = std::string_view{command}.starts_with("env");
        EXPECT_FALSE((ExecCommand{command, kPath}.needs_shell())) << command << is_env;
    }
}

TEST(ExecCommand, WhatAShellWouldUnderstandIsGivenToOne) {
    for (const char* const command : {"",
                                      "  ",
                                      "cat | sort",
                                      "cat >x",
                                      "echo $HOME",
                                      "echo 'a'",
                                      "A=b cat",
                                      "cat *",
                                      "cat ~",
                                      "cat #x",
                                      "cat\n",
                                      "cat; true",
                                      "! true",
                                      "{ cat; }",
                                      "cat &",
                                      "exit 3",
                                      "no-such-program-anywhere",
                                      "./",
                                      "cat \xc3\xa4",
                                      "/etc/passwd",
                                      "cat [a]",
                                      "cat a?",
                                      "cat `id`",
                                      "cat \\a",
                                      "cat \"a\""}) {
        EXPECT_TRUE((ExecCommand{command, kPath}.needs_shell())) << command;
    }
}

ExecEnd run(const ExecCommand& command, const std::vector<std::string>& variables = {}) {
    std::vector<char*> environment;
    for (const std::string& variable : variables) environment.push_back(const_cast<char*>(variable.c_str()));
    environment.push_back(nullptr);
    auto pipe = make_pipe();
    EXPECT_TRUE(pipe);
    auto process = command.start(environment.data(), pipe->read_end.fd(), -1);
    EXPECT_TRUE(process) << process.error().message();
    const auto end = ExecCommand::end_of(*process);
    EXPECT_TRUE(end);
    return *end;
}

TEST(ExecCommand, TellsHowItsProcessEnded) {
    EXPECT_EQ(to_string(run({"true", kPath})), "exit 0");
    EXPECT_TRUE(run({"true", kPath}).succeeded());
    EXPECT_EQ(to_string(run({"exit 3", kPath})), "exit 3");
    EXPECT_EQ(to_string(run({"kill -9 $$", kPath})), "signal 9");
    EXPECT_FALSE(run({"kill -9 $$", kPath}).succeeded());
    EXPECT_EQ(to_string(run({"no-such-program-anywhere 2>&-", kPath})), "exit 127");
    EXPECT_EQ(to_string(run({"-not-an-option 2>&-", kPath})), "exit 127");
}

TEST(ExecCommand, AScriptWithoutAFirstLineIsRunByAShell) {
    const test::TempDir dir;
    test::spill(dir / "script", "exit 7\n");
    ASSERT_EQ(::chmod((dir / "script").c_str(), 0755), 0);
    const ExecCommand command{dir / "script", kPath};
    EXPECT_EQ(to_string(run(command)), "exit 7");
}

TEST(ExecCommand, AnEnvironmentThatIsTooLargeIsAnError) {
    auto pipe = make_pipe();
    std::string long_one = "A=" + std::string(1 << 20, 'x');
    char* environment[] = {long_one.data(), nullptr};
    const auto process = ExecCommand{"true", kPath}.start(environment, pipe->read_end.fd(), -1);
    ASSERT_FALSE(process);
    EXPECT_EQ(process.error().sys_errno, E2BIG);
}

}  // namespace
}  // namespace mq::consume
