// The figures that are measured inside one process (each prints its line; false: the goal is missed), and what others
// read.
#pragma once

#include <string>

namespace mq::bench {

bool bench_encode();
// `scratch` is an existing directory on the file system that is measured.
bool bench_append(const std::string& scratch);
// Makes the data directory that the seek and open figures read, unless it is there.
void make_sparse(const std::string& directory, std::int64_t gibibytes);
// Recovers the partition directory as after a crash of the system: for the pair with `cat`.
void recover(const std::string& directory);

}  // namespace mq::bench
