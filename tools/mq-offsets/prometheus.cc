#include "prometheus.h"

#include "cli/text.h"

namespace mq::offsets_tool {
namespace {

using cli::cat;

std::string label(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\\' || c == '"') out += '\\';
        out += c == '\n' ? std::string{"\\n"} : std::string{c};
    }
    return out;
}

struct Metric {
    std::string_view name;
    std::string_view help;
    std::optional<std::string> (*value)(const PrometheusRow& row);
};

std::optional<std::string> offset_text(const std::optional<Offset>& offset) {
    return offset ? std::optional{std::to_string(offset->value())} : std::nullopt;
}

constexpr Metric kMetrics[] = {
    {"kafka_consumergroup_current_offset", "Offset that the group has committed.",
     [](const PrometheusRow& row) { return offset_text(row.committed); }},
    {"kafka_consumergroup_log_end_offset", "Offset of the next record of the partition.",
     [](const PrometheusRow& row) { return offset_text(row.log_end); }},
    {"kafka_consumergroup_lag", "Records that the group has not read.",
     [](const PrometheusRow& row) { return std::optional{std::to_string(row.lag)}; }},
    {"kafka_consumergroup_lag_seconds", "Age of the next record that the group has not read.",
     [](const PrometheusRow& row) -> std::optional<std::string> {
         if (!row.time_lag_ms) return std::nullopt;
         const std::string thousandths = std::to_string(*row.time_lag_ms % 1000);
         return cat(*row.time_lag_ms / 1000, '.', std::string(3 - thousandths.size(), '0'), thousandths);
     }},
};

}  // namespace

std::string prometheus_text(const std::vector<PrometheusRow>& rows) {
    std::string text;
    for (const Metric& metric : kMetrics) {
        std::string lines;
        for (const PrometheusRow& row : rows) {
            const auto value = metric.value(row);
            if (!value) continue;
            lines += cat(metric.name, "{consumergroup=\"", label(row.group), "\",topic=\"", row.id.topic,
                         "\",partition=\"", row.id.partition, "\"} ", *value, '\n');
        }
        if (lines.empty()) continue;
        text += cat("# HELP ", metric.name, ' ', metric.help, "\n# TYPE ", metric.name, " gauge\n", lines);
    }
    return text;
}

}  // namespace mq::offsets_tool
