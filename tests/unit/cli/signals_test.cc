// The first signal is taken, the second does what it would do anyway.
#include "cli/signals.h"

#include <gtest/gtest.h>

#include <csignal>

#include "support/child.h"

namespace mq::cli {
namespace {

using test::ended_by;
using test::exited_with;
using test::run_in_child;

TEST(FirstSignal, TheSecondOneEndsTheProcess) {
    EXPECT_EQ(run_in_child([] {
                  const FirstSignal taken;
                  raise(SIGTERM);
                  if (FirstSignal::taken() != SIGTERM) return 1;
                  raise(SIGINT);
                  return 0;
              }),
              ended_by(SIGINT));
}

// As in the background of a script, whose terminal interrupts all.
TEST(FirstSignal, WhatIsIgnoredStaysIgnoredAfterIt) {
    EXPECT_EQ(run_in_child([] {
                  std::signal(SIGINT, SIG_IGN);
                  const FirstSignal taken;
                  raise(SIGINT);
                  if (FirstSignal::taken() != 0) return 1;
                  raise(SIGTERM);
                  if (FirstSignal::taken() != SIGTERM) return 2;
                  raise(SIGINT);
                  return 0;
              }),
              exited_with(0));
}

}  // namespace
}  // namespace mq::cli
