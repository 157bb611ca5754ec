#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace mq {

void assertion_failed(const char* condition, const char* file, int line) {
    std::fprintf(stderr, "mq: bug: %s does not hold (%s:%d)\n", condition, file, line);
    std::abort();
}

}  // namespace mq
