#include "cells.h"

#include "cli/json.h"
#include "cli/text.h"

namespace mq::topics {

using cli::cat;
using cli::Cell;

Cell config_cell(const store::ConfigMap& config) {
    Cell cell{config_text(config), "{"};
    for (const auto& [name, value] : config) {
        if (cell.json.size() > 1) cell.json += ',';
        cli::append_json_string(cell.json, name);
        cell.json += ':';
        cli::append_json_string(cell.json, value);
    }
    cell.json += '}';
    return cell;
}

std::string config_text(const store::ConfigMap& config) {
    std::string text;
    for (const auto& [name, value] : config) text += cat(text.empty() ? "" : ",", name, '=', value);
    return text;
}

std::string human_size(std::uint64_t size_bytes) {
    static constexpr std::string_view kUnits = "BKMGTPE";
    std::size_t unit = 0;
    std::uint64_t tenths = size_bytes * 10;
    if (size_bytes >= std::uint64_t{1} << 60) tenths = (size_bytes >> 10) * 10, unit = 1;
    for (; tenths >= 10'240; ++unit) tenths = (tenths + 512) / 1024;
    std::string text = std::to_string(tenths / 10);
    if (unit > 0 && tenths < 100) text += cat('.', tenths % 10);
    return text + kUnits[unit];
}

}  // namespace mq::topics
