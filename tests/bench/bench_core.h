// The figures that are measured inside one process. Each prints its line; false: the goal is missed.
#pragma once

#include <string>

namespace mq::bench {

bool bench_encode();
// `scratch` is an existing directory on the file system that is measured.
bool bench_append(const std::string& scratch);
bool bench_seek(const std::string& scratch);
bool bench_open(const std::string& scratch);
// Recovers the partition directory as after a crash of the system: for the pair with `cat`.
void recover(const std::string& directory);

}  // namespace mq::bench
