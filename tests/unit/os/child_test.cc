// The tests' own tool for processes: a crash test that misreads an end proves nothing.
#include "support/child.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <csignal>
#include <stdexcept>

namespace mq::test {
namespace {

TEST(Child, EndIsToldApart) {
    EXPECT_EQ(run_in_child([] { return 7; }), exited_with(7));
    EXPECT_EQ(run_in_child([]() -> int {
                  raise(SIGKILL);
                  return 0;
              }),
              ended_by(SIGKILL));
    EXPECT_EQ(run_in_child([]() -> int { throw std::runtime_error("x"); }), exited_with(125));
}

TEST(Child, PastItsDeadlineItIsKilledAndThatIsSaid) {
    const auto end = run_in_child(
        []() -> int {
            for (;;) pause();
        },
        std::chrono::milliseconds{50});
    EXPECT_TRUE(end.timed_out);
}

TEST(Program, GetsInputAndEnvironmentAndGivesBothOutputsAndItsStatus) {
    const auto result = run_program({.argv = {"sh", "-c", "cat; echo \"$GREETING\" >&2; exit 3"},
                                     .input = std::string(1 << 20, 'x'),
                                     .environment = {"GREETING=good day"}});
    EXPECT_EQ(result.end, exited_with(3));
    EXPECT_EQ(result.out, std::string(1 << 20, 'x'));
    EXPECT_EQ(result.err, "good day\n");
}

TEST(Program, ThatReadsNothingIsNoError) {
    const auto result = run_program({.argv = {"true"}, .input = std::string(1 << 20, 'x')});
    EXPECT_EQ(result.end, exited_with(0));
}

TEST(Program, UnknownOneIs127AndADeadlineEndsOneThatHangs) {
    EXPECT_EQ(run_program({.argv = {"./no-such-program"}}).end, exited_with(127));
    EXPECT_TRUE(run_program({.argv = {"sleep", "1000"}, .deadline = std::chrono::milliseconds{50}}).end.timed_out);
}

}  // namespace
}  // namespace mq::test
