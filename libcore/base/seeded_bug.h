// Bugs that a test build can be told to have, one at a time: who tests the tests turns them on (tests/seeded-bugs).
// In builds with kill points only: nothing in a release build.
//
//     if (!MQ_BUG("flush.no_fdatasync")) MQ_TRY(file.sync_data());
#pragma once

#ifdef MQ_KILL_POINTS
#include <string_view>

namespace mq::detail {
// Set before main by the test program.
inline const char* seeded_bug = nullptr;
[[nodiscard]] inline bool has_bug(std::string_view name) { return seeded_bug != nullptr && name == seeded_bug; }
}  // namespace mq::detail

#define MQ_BUG(name) (::mq::detail::has_bug(name))
#else
#define MQ_BUG(name) false
#endif
