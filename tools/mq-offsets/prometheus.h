// Lag of groups in Prometheus' text exposition format, with the names of kafka_exporter, so that its dashboards work.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/strong_int.h"
#include "log/checkpoint_file.h"

namespace mq::offsets_tool {

struct PrometheusRow {
    std::string group;
    log::TopicPartition id;
    std::optional<Offset> committed;
    std::optional<Offset> log_end;
    std::int64_t lag = 0;
    std::optional<std::int64_t> time_lag_ms;
};
// Metrics for which no row has a value are left out.
[[nodiscard]] std::string prometheus_text(const std::vector<PrometheusRow>& rows);

}  // namespace mq::offsets_tool
