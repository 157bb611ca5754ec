// What only mq-topics prints in its rows.
#pragma once

#include <cstdint>
#include <string>

#include "cli/rows.h"
#include "store/topic_config.h"

namespace mq::topics {

[[nodiscard]] cli::Cell config_cell(const store::ConfigMap& config);  // "a=1,b=2"; an object in JSON
// "a=1,b=2", as kafka-topics prints it.
[[nodiscard]] std::string config_text(const store::ConfigMap& config);
// "1.5M", in powers of 1024.
[[nodiscard]] std::string human_size(std::uint64_t size_bytes);

}  // namespace mq::topics
