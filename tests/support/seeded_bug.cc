// The bug that this test program has: MQ_SEEDED_BUG names it.

#include "base/seeded_bug.h"

#include <cstdlib>

#ifdef MQ_KILL_POINTS
namespace {

[[gnu::constructor]] void choose_bug() {
    const char* const name = std::getenv("MQ_SEEDED_BUG");
    if (name != nullptr && name[0] != 0) mq::detail::seeded_bug = name;
}

}  // namespace
#endif
