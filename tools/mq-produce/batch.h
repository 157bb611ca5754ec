// Records of one partition on their way from the thread that reads to the one that appends.
#pragma once

#include <optional>
#include <vector>

#include "base/buffer.h"
#include "record/batch_builder.h"

namespace mq::produce {

// A place in the input: everything before it belongs to batches that were sent before.
struct InputMark {
    std::size_t file = 0;           // index in Args::files
    std::uint64_t position = 0;     // byte in it
    std::uint64_t records = 0;      // taken from the input so far
    std::uint64_t placed = 0;       // Placement::placed()
    std::uint32_t check_bytes = 0;  // so many bytes before `position` have this CRC-32C
    std::uint32_t check_crc = 0;
    std::vector<std::int32_t> sequences{};  // of each partition's next record
};

struct Batch {
    std::size_t target = 0;        // index among the producer's partitions
    record::BatchOptions options;  // of the builder
    record::BatchBuilder builder;
    Buffer whole;  // batches that came as such, instead of the builder's
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;        // of keys and values
    std::optional<InputMark> mark;  // reached with this batch

    void clear(const record::BatchOptions& new_options) {
        options = new_options;
        // A giant's memory is given back.
        if (builder.size_bytes() > kMostKeptBytes) builder = record::BatchBuilder{options};
        if (whole.capacity() > kMostKeptBytes) whole.release();
        builder.set_options(options);
        builder.clear();
        whole.clear();
        records = bytes = 0;
        mark.reset();
    }

private:
    static constexpr std::size_t kMostKeptBytes = 2 << 20;
};

}  // namespace mq::produce
