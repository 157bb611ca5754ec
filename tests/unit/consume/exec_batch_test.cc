// --exec-batch with real commands. The records are printed by the test, as the Printer does: into batch_output().
#include "exec_fixture.h"

namespace mq::consume {
namespace {

class ExecBatchTest : public ExecTest {
protected:
    ExecBatchTest() { options_.batch = true; }

    // A line for each of `count` records from offset `from` on.
    void print_lines(int from, int count, const log::TopicPartition& id = {"t", 0}) {
        for (int i = from; i < from + count;) {
            wait_until([&] { return runner_->has_room() || runner_->failure(); });
            if (!runner_->has_room()) return;
            const auto most = static_cast<int>(std::min<std::uint64_t>(runner_->batch_room(), 100));
            const int end = std::min(from + count, i + most);
            for (int n = i; n < end; ++n) runner_->batch_output().write(std::to_string(n) + "\n");
            runner_->printed(id, Offset{end}, 0, static_cast<std::uint64_t>(end - i));
            i = end;
        }
    }
    static std::string lines(int from, int until) {
        std::string text;
        for (int i = from; i < until; ++i) text += std::to_string(i) + "\n";
        return text;
    }
    [[nodiscard]] std::string to_file(const std::string& name) const { return "'" + dir_.path() + "/" + name + "'"; }
};

TEST_F(ExecBatchTest, ACommandGetsManyRecordsAndMoreGoToTheNext) {
    options_.batch_records = 1000;
    start("echo $MQ_RECORDS >>" + to_file("batches") + "; cat >>" + to_file("all"));
    print_lines(0, 2500);
    runner_->hand_over();
    wait_until_idle();
    EXPECT_EQ(left_in("batches"), "1000\n1000\n500\n");
    EXPECT_EQ(left_in("all"), lines(0, 2500));
    EXPECT_EQ(reached(), 2500);
    EXPECT_EQ(runner_->counts().attempts, 3u);
    EXPECT_EQ(runner_->counts().succeeded, 2500u);
}

TEST_F(ExecBatchTest, ABatchEndsWithTheRecordThatReachesItsSize) {
    options_.batch_bytes = 5;
    start("tr '\\n' , >>" + to_file("all") + "; echo >>" + to_file("all"));
    print_lines(8, 5);
    runner_->hand_over();
    wait_until_idle();
    EXPECT_EQ(left_in("all"), "8,9,10,\n11,12,\n");
}

TEST_F(ExecBatchTest, ManyMegabytesComeWhole) {
    start("cat >>" + to_file("all"));
    print_lines(0, 2'000'000);
    runner_->hand_over();
    wait_until_idle();
    EXPECT_TRUE(left_in("all") == lines(0, 2'000'000));
    EXPECT_EQ(reached(), 2'000'000);
    EXPECT_GE(runner_->counts().attempts, 2u);
}

TEST_F(ExecBatchTest, ABatchWithoutRecordsIsNone) {
    start("echo x >>" + to_file("started"));
    runner_->hand_over();
    EXPECT_TRUE(runner_->idle());
    EXPECT_EQ(runner_->counts().attempts, 0u);
}

TEST_F(ExecBatchTest, AFailingBatchIsTriedAgainAsAWhole) {
    options_.retries = 2;
    options_.backoff_ms = 1;
    start("cat >>" + to_file("all") + "; test $MQ_ATTEMPT -eq 3");
    print_lines(0, 10);
    runner_->hand_over();
    wait_until_idle();
    EXPECT_EQ(left_in("all"), lines(0, 10) + lines(0, 10) + lines(0, 10));
    EXPECT_EQ(reached(), 10);
}

TEST_F(ExecBatchTest, NothingOfABatchThatFailedIsDone) {
    options_.batch_records = 10;
    start("read first; cat >" + to_file("rest") + "; test $first -lt 10");
    print_lines(0, 30);
    runner_->hand_over();
    wait_until_idle();
    EXPECT_EQ(reached(), 10);
    EXPECT_TRUE(runner_->failure());
}

TEST_F(ExecBatchTest, ABatchOfSeveralPartitionsIsDoneInAllOfThem) {
    start("cat >>" + to_file("all"));
    print_lines(0, 10, {"t", 0});
    print_lines(100, 5, {"t", 1});
    print_lines(10, 10, {"t", 0});
    runner_->passed({"t", 0}, Offset{25}, 0);
    take_progress();
    EXPECT_EQ(reached(), -1);
    runner_->hand_over();
    wait_until_idle();
    EXPECT_EQ(reached({"t", 0}), 25);
    EXPECT_EQ(reached({"t", 1}), 105);
    EXPECT_EQ(left_in("all"), lines(0, 10) + lines(100, 105) + lines(10, 20));
}

TEST_F(ExecBatchTest, SeveralAtOnceAreDoneInTheOrderOfOffsetsOnly) {
    options_.jobs = 3;
    options_.batch_records = 1;
    options_.on_failure = OnExecFailure::stop;
    start("read n; test $n -ne 1");
    print_lines(0, 3);
    wait_until_idle();
    EXPECT_EQ(reached(), 1);
}

TEST_F(ExecBatchTest, SeveralAtOnceKeepTheirOutputsApartAndInOrder) {
    options_.jobs = 3;
    options_.keep_order = true;
    options_.batch_records = 100'000;
    start("cat");
    print_lines(0, 1'000'000);
    runner_->hand_over();
    wait_until_idle();
    EXPECT_TRUE(output() == lines(0, 1'000'000));
}

TEST_F(ExecBatchTest, ACommandNeedNotReadItsBatch) {
    start("exec <&-; true");
    print_lines(0, 2'000'000);
    runner_->hand_over();
    wait_until_idle();
    EXPECT_EQ(reached(), 2'000'000);
}

TEST_F(ExecBatchTest, WhatIsPrintedWhenAllIsToStopIsNotDone) {
    start("cat >>" + to_file("all"));
    print_lines(0, 10);
    runner_->stop();
    wait_until_idle();
    EXPECT_EQ(left_in("all"), "");
    EXPECT_EQ(reached(), -1);
}

TEST_F(ExecBatchTest, APartitionThatIsForgottenIsGivenUpWithTheBatchThatHoldsIt) {
    start("cat >>" + to_file("all"));
    print_lines(0, 10);
    runner_->forget({"t", 0});
    wait_until([&] { return runner_->idle({"t", 0}); });
    take_progress();
    EXPECT_EQ(reached(), 10);
}

}  // namespace
}  // namespace mq::consume
