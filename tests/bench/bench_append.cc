#include "bench/bench_core.h"
#include "bench/figure.h"
#include "bench/sample.h"
#include "log/log.h"
#include "os/file.h"

namespace mq::bench {
namespace {

constexpr std::size_t kBatches = 256;
constexpr unsigned kPairs = 15;

}  // namespace

// Batches of 1 MiB appended to a fresh log, against pwrite of the same bytes to a fresh file. Making, closing and
// removing the files is not measured; nothing is synced.
bool bench_append(const std::string& scratch) {
    const std::string lines = sample_lines(100'000);
    record::BatchBuilder builder;
    fill_batch(builder, lines, 0, kFirstTimestamp);
    std::string batch{must(builder.finish())};
    const std::string directory = os::join(scratch, "append-0");
    const std::string file_path = os::join(scratch, "append.plain");

    const auto append = [&] {
        log::PublishedState state;
        auto opened = must(log::Log::open(directory, {}, state, {}));
        const double seconds = seconds_of([&] {
            for (std::size_t i = 0; i < kBatches; ++i) must(opened.append(batch));
        });
        must(os::remove_directory_tree(directory));
        return seconds;
    };
    const auto write = [&] {
        const auto file = must(os::File::open(file_path, os::OpenMode::create_new));
        const double seconds = seconds_of([&] {
            FilePosition position{0};
            for (std::size_t i = 0; i < kBatches; ++i, position += batch.size()) must(file.write_at(batch, position));
        });
        must(os::remove_file(file_path));
        return seconds;
    };
    const auto pairs = measure_pairs(kPairs, append, write);
    return print_figure({"append", 1.1, Unit::gigabytes_per_second, static_cast<double>(kBatches * batch.size())},
                        pairs);
}

}  // namespace mq::bench
