#include "support/scale.h"

#include <cstdlib>
#include <string_view>

namespace mq::test {

bool is_long_run() {
    const char* value = std::getenv("MQ_TEST_LONG");
    return value != nullptr && std::string_view{value} == "1";
}

std::uint64_t test_seed() {
    const char* value = std::getenv("MQ_TEST_SEED");
    return value != nullptr ? std::strtoull(value, nullptr, 0) : 20'260'101;
}

}  // namespace mq::test
