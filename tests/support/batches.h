// Small batches for tests of the log.
#pragma once

#include <string>
#include <vector>

#include "record/batch_builder.h"

namespace mq::test {

struct TestRecord {
    std::string key;
    std::string value;
    TimestampMs timestamp = 1000;
};

// One encoded batch, base offset 0.
[[nodiscard]] std::string encode_batch(const std::vector<TestRecord>& records, const record::BatchOptions& options = {});

// `count` records "v<first>", "v<first+1>", ... with keys "k..." and timestamps first_timestamp, +1, ...
[[nodiscard]] std::string numbered_batch(int first, int count, TimestampMs first_timestamp = 1000,
                                         const record::BatchOptions& options = {});

}  // namespace mq::test
