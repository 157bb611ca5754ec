#include <cstring>
#include <vector>

#include "bench/bench_core.h"
#include "bench/figure.h"
#include "bench/sample.h"

namespace mq::bench {
namespace {

constexpr std::size_t kLines = 640'000;  // 64 MB: no cache holds them
constexpr unsigned kPairs = 15;

}  // namespace

// Lines in memory to checksummed batches, against copying the same lines into a buffer of a batch's size.
bool bench_encode() {
    const std::string lines = sample_lines(kLines);
    record::BatchBuilder builder;
    std::uint64_t seen = 0;
    const auto encode = [&] {
        return seconds_of([&] {
            for (std::size_t at = 0; at < lines.size();) {
                const std::size_t next = fill_batch(builder, lines, at, kFirstTimestamp);
                seen += static_cast<unsigned char>(must(builder.finish())[17]);  // of the checksum
                if (next <= at) break;                                           // it went round
                at = next;
            }
        });
    };
    std::vector<char> batch(kBatchBytes);
    const auto copy = [&] {
        return seconds_of([&] {
            for (std::size_t at = 0; at < lines.size(); at += kBatchBytes) {
                const std::size_t size = std::min(kBatchBytes, lines.size() - at);
                std::memcpy(batch.data(), lines.data() + at, size);
                // Or the compiler may leave out all copies but the last.
                asm volatile("" : : "r"(batch.data()) : "memory");
            }
        });
    };
    const auto pairs = measure_pairs(kPairs, encode, copy);
    if (seen == 0) return false;
    return print_figure({"encode", 3, Unit::gigabytes_per_second, static_cast<double>(lines.size())}, pairs);
}

}  // namespace mq::bench
