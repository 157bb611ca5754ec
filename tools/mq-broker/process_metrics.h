// What Prometheus' own client libraries show of every process.
#pragma once

#include "exposition.h"

namespace mq::broker_tool {

// process_cpu_seconds_total, process_resident_memory_bytes, process_open_fds and their like, as far as /proc tells.
void add_process(Exposition& page);

}  // namespace mq::broker_tool
