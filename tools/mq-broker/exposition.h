// Prometheus' text exposition format, version 0.0.4. Source: prometheus.io, "Exposition formats".
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace mq::broker_tool {

class Exposition {
public:
    struct Label {
        std::string_view name;
        std::string_view value;
    };
    using Labels = std::initializer_list<Label>;

    // What the samples belong to that follow, all of them in one piece. `type`: counter, gauge, summary.
    void family(std::string_view name, std::string_view type, std::string_view help);
    void sample(std::uint64_t value, Labels labels = {}) { add({}, labels, std::to_string(value)); }
    void sample(double value, Labels labels = {}) { add({}, labels, number(value)); }
    // NAME_sum, NAME_count
    void part(std::string_view suffix, double value, Labels labels = {}) { add(suffix, labels, number(value)); }

    [[nodiscard]] const std::string& text() const { return text_; }

private:
    void add(std::string_view suffix, Labels labels, std::string_view value);
    [[nodiscard]] static std::string number(double value);

    std::string name_;
    std::string text_;
};

}  // namespace mq::broker_tool
