// Batches that decompress to far more than they hold, and what memory a process took meanwhile (row 31).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "record/batch.h"

namespace mq::test {

// A whole batch of magic 2, of one record, around bytes that no encoder made.
[[nodiscard]] std::string batch_around(record::Codec codec, const std::string& payload);

struct Bomb {
    const char* name;
    std::function<std::string()> batch;  // decompresses to 72 MiB or more, or says so
};
// One of each codec, and some that lie about their size.
[[nodiscard]] std::vector<Bomb> bombs();

// The most memory that the process had at a time since this was made, beyond what it had then. 0 under a sanitizer,
// whose own memory would be in it.
class PeakMemory {
public:
    PeakMemory();
    [[nodiscard]] std::uint64_t grown_bytes() const;

private:
    std::uint64_t before_ = 0;
};

}  // namespace mq::test
