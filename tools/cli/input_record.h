// What input says of one record.
#pragma once

#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/strong_int.h"
#include "record/record.h"

namespace mq::cli {

// Views point into the input, or into the memory of the parser that made it.
struct InputRecord {
    bool has_key = false;  // the input says something about the key, be it null
    NullableBytes key;
    NullableBytes value;
    std::vector<record::Header> headers;
    std::optional<TimestampMs> timestamp;
    std::optional<std::int32_t> partition;

    void clear() {
        has_key = false;
        key.reset();
        value.reset();
        headers.clear();
        timestamp.reset();
        partition.reset();
    }
};

}  // namespace mq::cli
