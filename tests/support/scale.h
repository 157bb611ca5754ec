// How much a test does: little in the ordinary run, much in `tests/run --long`.
#pragma once

#include <cstdint>

namespace mq::test {

// True under `tests/run --long`, which sets MQ_TEST_LONG=1.
[[nodiscard]] bool is_long_run();

// A count of RELIABILITY's "P" and "N" columns: test_scale(1'000, 100'000).
[[nodiscard]] inline std::uint64_t test_scale(std::uint64_t ordinary, std::uint64_t long_run) {
    return is_long_run() ? long_run : ordinary;
}

// Seed of a random test: MQ_TEST_SEED if set, else always the same. Name it in the failure message.
[[nodiscard]] std::uint64_t test_seed();

}  // namespace mq::test
