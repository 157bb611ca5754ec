// The data that all figures share: records with values of 100 bytes, in uncompressed batches of 1 MiB.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "record/batch_builder.h"

namespace mq::bench {

inline constexpr std::size_t kValueBytes = 100;
inline constexpr std::size_t kBatchBytes = std::size_t{1} << 20;
inline constexpr TimestampMs kFirstTimestamp = 1'600'000'000'000;

// A benchmark has nobody to hand an error to.
template <typename T>
T must(Result<T> result) {
    if (result) {
        if constexpr (std::is_void_v<T>) {
            return;
        } else {
            return *std::move(result);
        }
    }
    std::fprintf(stderr, "bench: %s\n", result.error().message().c_str());
    std::exit(2);
}

// `count` lines of 100 bytes, all different: "          42 abcabc...".
inline std::string sample_lines(std::size_t count) {
    std::string lines;
    lines.reserve(count * kValueBytes);
    for (std::size_t i = 0; i < count; ++i) {
        char head[24];
        std::snprintf(head, sizeof head, "%12zu ", i);
        std::string line = head;
        while (line.size() < kValueBytes) line += static_cast<char>('a' + (line.size() * 7 + i) % 26);
        lines += line;
    }
    return lines;
}

// A value that the compiler takes for unknown. Were the size of a line a constant, it would expand the copy in place,
// with instructions that start slower than memcpy: no producer knows the length of its lines.
inline std::size_t known_at_run_time(std::size_t value) {
    asm volatile("" : "+r"(value));
    return value;
}

// Fills a batch with lines from `at` on, as many as fit into 1 MiB, going round; returns where the next one begins.
inline std::size_t fill_batch(record::BatchBuilder& builder, ByteView lines, std::size_t at, TimestampMs timestamp) {
    const std::size_t value_bytes = known_at_run_time(kValueBytes);
    const auto bound = record::BatchBuilder::size_bound(std::nullopt, lines.substr(0, value_bytes));
    builder.clear();
    while (builder.size_bytes() + bound <= kBatchBytes) {
        if (at + value_bytes > lines.size()) at = 0;
        builder.add(timestamp, std::nullopt, lines.substr(at, value_bytes));
        at += value_bytes;
    }
    return at;
}

}  // namespace mq::bench
