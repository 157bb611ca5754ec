// bench_core encode | append DIR: prints a figure. bench_core sparse DIR [GIB]: makes a log, of 1 TiB if not said.
// bench_core recover PARTITION: opens it as after a crash.
#include "bench/bench_core.h"

#include <cstdio>
#include <cstdlib>
#include <string_view>

int main(int argc, char** argv) {
    using namespace mq::bench;
    const std::string_view what = argc > 1 ? argv[1] : "";
    if (what == "encode" && argc == 2) return bench_encode() ? 0 : 1;
    if (what == "sparse" && (argc == 3 || argc == 4)) {
        make_sparse(argv[2], argc > 3 ? std::atoi(argv[3]) : 1024);
        return 0;
    }
    if (argc == 3) {
        if (what == "append") return bench_append(argv[2]) ? 0 : 1;
        if (what == "recover") return recover(argv[2]), 0;
    }
    std::fputs("usage: bench_core encode | append DIR | sparse DIR [GIB] | recover PARTITION\n", stderr);
    return 64;
}
