// --exec with real commands.
#include "exec_fixture.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <sstream>

namespace mq::consume {
namespace {

class ExecRunnerTest : public ExecTest {
protected:
    // Whoever reads the fifo comes to its end, until no command is left. A reader that is woken must find no writer:
    // hence the pause.
    void let_all_through(const std::string& fifo) {
        for (;;) {
            const std::uint32_t seen = runner_->word().load();
            if (runner_->idle()) break;
            ::close(::open(fifo.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
            const os::FutexWord word{&runner_->word(), seen};
            static_cast<void>(os::futex_wait({&word, 1}, 10));
        }
        take_progress();
    }
};

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in{text};
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

std::vector<std::string> sorted_lines_of(const std::string& text) {
    auto lines = lines_of(text);
    std::ranges::sort(lines);
    return lines;
}

TEST_F(ExecRunnerTest, TheCommandReadsTheValueAndWhatItPrintsIsPassedOn) {
    start("cat; echo");
    offer_values({"a", "", "c\nd"});
    wait_until_idle();
    EXPECT_EQ(output(), "a\n\nc\nd\n");
    EXPECT_EQ(reached(), 3);
    EXPECT_EQ(runner_->counts().succeeded, 3u);
}

TEST_F(ExecRunnerTest, AValueOfManyPipesComesWhole) {
    const std::string large(5'000'000, 'x');
    start("wc -c");
    offer_values({large});
    wait_until_idle();
    EXPECT_EQ(output(), "5000000\n");
}

TEST_F(ExecRunnerTest, ACommandNeedNotReadItsValue) {
    start("exec <&-; echo done");
    offer_values({std::string(5'000'000, 'x'), "y"});
    wait_until_idle();
    EXPECT_EQ(output(), "done\ndone\n");
    EXPECT_EQ(reached(), 2);
}

TEST_F(ExecRunnerTest, ACommandThatClosesItsOutputIsStillWaitedFor) {
    start("exec >&-; cat >'" + dir_.path() + "/got'");
    offer_values({std::string(300'000, 'x')});
    wait_until_idle();
    EXPECT_EQ(left_in("got").size(), 300'000u);
    EXPECT_EQ(reached(), 1);
}

// The fifo has no writer as long as the test has none: that grandchild stays, with the command's stdout.
TEST_F(ExecRunnerTest, ACommandHasEndedWhenItsProcessHasWhoeverKeepsItsOutputOpen) {
    const std::string fifo = dir_ / "fifo";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    start("(read line <'" + fifo + "'; echo late) & echo early");
    offer_values({"v"});
    wait_until_idle();
    EXPECT_EQ(output(), "early\n");
    EXPECT_EQ(reached(), 1);
    const int release = ::open(fifo.c_str(), O_WRONLY | O_CLOEXEC);
    ::close(release);
}

TEST_F(ExecRunnerTest, NothingIsDonePastACommandThatFailed) {
    options_.jobs = 4;
    start("test $MQ_OFFSET -ne 2");
    offer_values({"0", "1", "2", "3", "4", "5"});
    wait_until_idle();
    EXPECT_EQ(reached(), 2);
    ASSERT_TRUE(runner_->failure());
    EXPECT_EQ(runner_->failure()->status, cli::ExitCode::no);
    EXPECT_FALSE(runner_->has_room());
}

TEST_F(ExecRunnerTest, ACommandThatASignalEndedHasFailed) {
    start("kill -9 $$");
    offer_values({"0"});
    wait_until_idle();
    EXPECT_EQ(reached(), -1);
    EXPECT_TRUE(runner_->failure());
}

TEST_F(ExecRunnerTest, ACommandThatIsNotThereHasFailed) {
    start("/no/such/program");
    offer_values({"0"});
    wait_until_idle();
    EXPECT_TRUE(runner_->failure());
    EXPECT_EQ(reached(), -1);
}

TEST_F(ExecRunnerTest, AFailedCommandIsTriedAgainAsOftenAsAsked) {
    options_.retries = 3;
    options_.backoff_ms = 1;
    start("echo $MQ_ATTEMPT >>'" + dir_.path() + "/tries'; echo $MQ_ATTEMPT; test $MQ_ATTEMPT -eq 4");
    offer_values({"0"});
    wait_until_idle();
    EXPECT_EQ(left_in("tries"), "1\n2\n3\n4\n");
    EXPECT_EQ(output(), "4\n") << "of several attempts the last one's output is passed on";
    EXPECT_EQ(reached(), 1);
    EXPECT_FALSE(runner_->failure());
    EXPECT_EQ(runner_->counts().attempts, 4u);
}

TEST_F(ExecRunnerTest, RetriesThatAreUsedUpAreAFailure) {
    options_.retries = 2;
    options_.backoff_ms = 1;
    start("echo x >>'" + dir_.path() + "/tries'; false");
    offer_values({"0", "1"});
    wait_until_idle();
    EXPECT_EQ(left_in("tries"), "x\nx\nx\n");
    EXPECT_TRUE(runner_->failure());
    EXPECT_EQ(reached(), -1);
}

// date(1) is the witness: 200, 400, 800 ms at the least lie between the attempts.
TEST_F(ExecRunnerTest, PausesBetweenAttemptsDouble) {
    options_.retries = 3;
    options_.backoff_ms = 200;
    start("date +%s%3N >>'" + dir_.path() + "/times'; test $MQ_ATTEMPT -eq 4");
    offer_values({"0"});
    wait_until_idle();
    const auto times = lines_of(left_in("times"));
    ASSERT_EQ(times.size(), 4u);
    for (std::size_t i = 1; i < 4; ++i)
        EXPECT_GE(std::stoll(times[i]) - std::stoll(times[i - 1]), 200LL << (i - 1)) << i;
}

TEST_F(ExecRunnerTest, APoisonRecordDoesNotStopTheOthersWhereItIsSkipped) {
    options_.on_failure = OnExecFailure::skip;
    options_.retries = 1;
    options_.backoff_ms = 1;
    options_.jobs = 3;
    start("read v; echo $v; test $v != poison");
    offer_values({"a", "poison", "c", "d"});
    wait_until_idle();
    EXPECT_EQ(sorted_lines_of(output()), (std::vector<std::string>{"a", "c", "d", "poison"}));
    EXPECT_EQ(reached(), 4);
    EXPECT_EQ(runner_->counts().skipped, 1u);
    EXPECT_FALSE(runner_->failure());
}

// Each prints in pieces, and waits for another in the middle: all of them run at once.
TEST_F(ExecRunnerTest, AHundredCommandsAtOnceKeepTheirOutputsApart) {
    options_.jobs = 100;
    const std::string fifo = dir_ / "gate";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    start("v=$(cat); printf \"$v-\"; echo $v >>'" + dir_.path() + "/started'; cat <'" + fifo +
          "'; printf \"$v-\"; echo $v");
    std::vector<std::string> values;
    std::vector<std::string> expected;
    for (int i = 0; i < 100; ++i) {
        values.push_back(std::to_string(i));
        expected.push_back(values.back() + "-" + values.back() + "-" + values.back());
    }
    std::ranges::sort(expected);
    offer_values(values);
    while (lines_of(left_in("started")).size() < 100) ASSERT_FALSE(runner_->failure());
    EXPECT_EQ(output(), "");
    let_all_through(fifo);
    wait_until_idle();
    EXPECT_EQ(sorted_lines_of(output()), expected);
    EXPECT_EQ(reached(), 100);
}

TEST_F(ExecRunnerTest, OutputComesInTheOrderOfEnds) {
    options_.jobs = 2;
    const std::string fifo = dir_ / "gate";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    start("echo $MQ_OFFSET; test $MQ_OFFSET -eq 1 || cat <'" + fifo + "'");
    offer_values({"", ""});
    // It is counted before it is printed.
    wait_until([&] { return !output().empty(); });
    EXPECT_EQ(output(), "1\n");
    EXPECT_EQ(runner_->counts().succeeded, 1u);
    EXPECT_EQ(reached(), -1);
    ::close(::open(fifo.c_str(), O_WRONLY | O_CLOEXEC));
    wait_until_idle();
    EXPECT_EQ(output(), "1\n0\n");
    EXPECT_EQ(reached(), 2);
}

TEST_F(ExecRunnerTest, OutputComesInTheOrderOfOffsetsWhereThatIsToBeKept) {
    options_.jobs = 2;
    options_.keep_order = true;
    const std::string fifo = dir_ / "gate";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    start("echo $MQ_OFFSET; test $MQ_OFFSET -eq 0 || echo $$ >'" + dir_.path() +
          "/second'; test $MQ_OFFSET -eq 1 || " + "cat <'" + fifo + "'");
    offer_values({"", ""});
    offer_values({""}, {"u", 0});
    // The second has ended and was reaped, and still its output waits; another partition's does not.
    while (!left_in("second").ends_with('\n') || ::kill(std::stoi(left_in("second")), 0) == 0)
        ASSERT_FALSE(runner_->failure());
    EXPECT_EQ(output(), "");
    EXPECT_EQ(reached(), -1);
    let_all_through(fifo);
    EXPECT_EQ(lines_of(output()).size(), 3u);
    std::string of_t = output();
    EXPECT_LT(of_t.find("0\n"), of_t.find("1\n"));
    EXPECT_EQ(reached(), 2);
}

TEST_F(ExecRunnerTest, MoreThanIsGatheredComesWholeAndApart) {
    options_.jobs = 3;
    start("v=$(cat); head -c 3000000 /dev/zero | tr '\\0' $v; echo");
    offer_values({"a", "b", "c"});
    wait_until_idle();
    std::vector<std::string> expected;
    for (const char c : {'a', 'b', 'c'}) expected.push_back(std::string(3'000'000, c));
    EXPECT_EQ(sorted_lines_of(output()), expected);
    EXPECT_EQ(reached(), 3);
}

TEST_F(ExecRunnerTest, MoreThanIsGatheredKeepsTheOrderToo) {
    options_.jobs = 3;
    options_.keep_order = true;
    start("v=$(cat); head -c 3000000 /dev/zero | tr '\\0' $v; echo");
    offer_values({"c", "b", "a"});
    wait_until_idle();
    std::string expected;
    for (const char c : {'c', 'b', 'a'}) expected += std::string(3'000'000, c) + "\n";
    EXPECT_EQ(output(), expected);
}

TEST_F(ExecRunnerTest, AfterStopWhatRunsIsWaitedForAndNothingElseStarts) {
    const std::string fifo = dir_ / "gate";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    start("echo $MQ_OFFSET >>'" + dir_.path() + "/started'; cat <'" + fifo + "'; echo $MQ_OFFSET");
    offer_values({"0", "1", "2"});
    const int gate = ::open(fifo.c_str(), O_WRONLY | O_CLOEXEC);  // once the first command has
    runner_->stop();
    EXPECT_FALSE(runner_->has_room());
    EXPECT_FALSE(runner_->idle());
    ::close(gate);
    wait_until_idle();
    EXPECT_EQ(left_in("started"), "0\n");
    EXPECT_EQ(output(), "0\n");
    EXPECT_EQ(reached(), 1);
    EXPECT_FALSE(runner_->failure());
}

TEST_F(ExecRunnerTest, ACommandThatFailsAfterASignalIsLeftUndoneAndIsNoFailure) {
    options_.on_failure = OnExecFailure::skip;
    const std::string fifo = dir_ / "gate";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    start("cat <'" + fifo + "'; false");
    offer_values({"0", "1"});
    const int gate = ::open(fifo.c_str(), O_WRONLY | O_CLOEXEC);
    interrupt_.store(1);
    ::close(gate);
    runner_->stop();
    wait_until_idle();
    EXPECT_EQ(reached(), -1);
    EXPECT_EQ(runner_->counts().skipped, 0u);
}

TEST_F(ExecRunnerTest, APartitionThatIsForgottenIsGivenUpWhenItsCommandHasEnded) {
    const std::string fifo = dir_ / "gate";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    start("echo $MQ_TOPIC >>'" + dir_.path() + "/started'; test $MQ_TOPIC = u || cat <'" + fifo + "'");
    offer_values({"0", "1", "2"});
    offer_values({"0"}, {"u", 0});
    const int gate = ::open(fifo.c_str(), O_WRONLY | O_CLOEXEC);
    runner_->forget({"t", 0});
    EXPECT_FALSE(runner_->idle({"t", 0}));
    ::close(gate);
    wait_until([&] { return runner_->idle({"t", 0}); });
    take_progress();
    EXPECT_EQ(reached(), 1);
    wait_until_idle();
    EXPECT_EQ(reached({"u", 0}), 1);
    EXPECT_EQ(left_in("started"), "t\nu\n");
}

TEST_F(ExecRunnerTest, WhatIsPassedOverIsDoneOnceWhatLiesBeforeItIs) {
    const std::string fifo = dir_ / "gate";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    start("cat <'" + fifo + "'");
    runner_->passed({"t", 0}, Offset{0}, 0);
    take_progress();
    EXPECT_EQ(reached(), 0);
    offer_values({"0"});
    runner_->passed({"t", 0}, Offset{8}, 0);
    const int gate = ::open(fifo.c_str(), O_WRONLY | O_CLOEXEC);
    take_progress();
    EXPECT_EQ(reached(), 0);
    ::close(gate);
    wait_until_idle();
    EXPECT_EQ(reached(), 8);
}

TEST_F(ExecRunnerTest, OnlySoMuchIsHeld) {
    const std::string fifo = dir_ / "gate";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    start("cat <'" + fifo + "'");
    const MadeBatch batch{{{.value = std::string(1'000'000, 'x')}}};
    int offered = 0;
    for (; runner_->has_room(); ++offered) {
        ASSERT_LT(offered, 1000);
        record::RecordView record = batch.views().front();
        record.offset = Offset{offered};
        runner_->offer({"t", 0}, record, 0);
    }
    EXPECT_GE(offered, 10);
    runner_->stop();
    let_all_through(fifo);
}

TEST_F(ExecRunnerTest, CommandsHaveNoneOfOurDescriptors) {
    start("ls /proc/$$/fd");
    offer_values({"v"});
    wait_until_idle();
    std::vector<std::string> inherited;
    const auto descriptors = os::list_directory("/proc/self/fd");
    ASSERT_TRUE(descriptors);
    for (const auto& entry : *descriptors) {
        const int flags = ::fcntl(std::stoi(entry.name), F_GETFD);
        if (flags >= 0 && (flags & FD_CLOEXEC) == 0) inherited.push_back(entry.name);
    }
    EXPECT_EQ(sorted_lines_of(output()), inherited);
}

TEST_F(ExecRunnerTest, CommandsTakeSignalsAsProgramsDoAndAreInAProcessGroupOfTheirOwn) {
    const auto before = std::signal(SIGTERM, SIG_IGN);
    start("ps -o pgid= -p $$; echo $$; grep -E 'Sig(Ign|Blk)' /proc/self/status");
    offer_values({"v"});
    wait_until_idle();
    std::signal(SIGTERM, before);
    const auto lines = lines_of(output());
    ASSERT_EQ(lines.size(), 4u) << output();
    EXPECT_EQ(std::stoi(lines[0]), std::stoi(lines[1]));
    EXPECT_EQ(lines[2], "SigBlk:\t0000000000000000");
    const auto ignored = std::stoull(lines[3].substr(lines[3].find('\t')), nullptr, 16);
    for (const int number : {SIGINT, SIGTERM, SIGPIPE}) EXPECT_EQ(ignored >> (number - 1) & 1, 0u) << number;
}

TEST_F(ExecRunnerTest, OutputThatCannotBeWrittenIsAFailureAndNothingCounts) {
    start("echo x");
    // Opened for reading: writes fail.
    const int other = ::open("/dev/full", O_WRONLY);
    ASSERT_GE(::dup3(other, file_.fd(), O_CLOEXEC), 0);
    ::close(other);
    offer_values({"0", "1"});
    wait_until_idle();
    ASSERT_TRUE(runner_->failure());
    EXPECT_EQ(runner_->failure()->status, cli::ExitCode::io);
    EXPECT_EQ(reached(), -1);
}

}  // namespace
}  // namespace mq::consume
