// Invariants of our own code, checked in every build. Never for input: that is an Error.
#pragma once

namespace mq {
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);
}

#define MQ_ASSERT(condition) \
    (static_cast<bool>(condition) ? void(0) : ::mq::assertion_failed(#condition, __FILE__, __LINE__))
