// make_segment BYTES FILE: a segment of 1 MiB batches of records with 100-byte values, from offset 0 on.
#include <cstdio>
#include <cstdlib>

#include "bench/sample.h"
#include "os/file.h"
#include "record/batch.h"

using namespace mq;

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fputs("usage: make_segment BYTES FILE\n", stderr);
        return 64;
    }
    const auto wanted = std::strtoull(argv[1], nullptr, 10);
    const auto file = bench::must(os::File::open(argv[2], os::OpenMode::create_truncate));
    const std::string lines = bench::sample_lines(100'000);
    record::BatchBuilder builder;
    record::BatchOptions options;
    options.leader_epoch = 0;
    FilePosition position{0};
    Offset next{0};
    for (std::size_t at = 0; position.value() < wanted;) {
        options.base_offset = next;
        builder.set_options(options);
        at = bench::fill_batch(builder, lines, at, bench::kFirstTimestamp + next.value());
        const ByteView batch = bench::must(builder.finish());
        bench::must(file.write_at(batch, position));
        position += batch.size();
        next += builder.record_count();
    }
}
