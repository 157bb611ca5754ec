#include "exposition.h"

#include <charconv>

#include "cli/text.h"

namespace mq::broker_tool {

void Exposition::family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    text_ += cli::cat("# HELP ", name, ' ', help, "\n# TYPE ", name, ' ', type, '\n');
}

void Exposition::add(std::string_view suffix, Labels labels, std::string_view value) {
    text_ += name_;
    text_ += suffix;
    char before = '{';
    for (const Label& label : labels) {
        text_ += before;
        text_ += label.name;
        text_ += "=\"";
        for (const char c : label.value) {
            if (c == '\\' || c == '"') text_ += '\\';
            text_ += c == '\n' ? std::string_view{"\\n"} : std::string_view{&c, 1};
        }
        text_ += '"';
        before = ',';
    }
    if (labels.size() > 0) text_ += '}';
    text_ += ' ';
    text_ += value;
    text_ += '\n';
}

std::string Exposition::number(double value) {
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    return {digits, end};
}

}  // namespace mq::broker_tool
