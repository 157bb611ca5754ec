#include "rows.h"

#include <algorithm>

#include "cli/json.h"
#include "cli/text.h"

namespace mq::topics {

using cli::cat;

Cell text_cell(std::string_view text) {
    Cell cell{std::string{text}, {}};
    if (text.empty())
        cell.json = "null";
    else
        cli::append_json_string(cell.json, text);
    return cell;
}

Cell number_cell(std::int64_t value) { return {std::to_string(value), std::to_string(value)}; }

Cell number_cell(std::optional<std::int64_t> value) { return value ? number_cell(*value) : text_cell({}); }

Cell flag_cell(bool value) { return {value ? "yes" : "no", value ? "true" : "false"}; }

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

Result<Rows> Rows::make(std::span<const Field> fields, const Args& args, cli::Output& out) {
    Rows rows{fields, args, out};
    for (const std::string& wanted : args.fields) {
        const auto field = std::ranges::find(fields, wanted, &Field::name);
        if (field == fields.end()) {
            std::string all;
            for (const Field& known : fields) all += cat(all.empty() ? "" : ", ", known.name);
            return fail(Errc::bad_argument, {}, {}, cat("--fields: there is no '", wanted, "', only ", all));
        }
        rows.shown_.push_back(static_cast<std::size_t>(field - fields.begin()));
    }
    for (std::size_t i = 0; i < fields.size() && args.fields.empty(); ++i) {
        if (args.form != Form::table || fields[i].usual) rows.shown_.push_back(i);
    }
    return rows;
}

void Rows::add(std::vector<Cell> cells) {
    std::string line;
    switch (args_.form) {
        case Form::json:
            for (const std::size_t i : shown_)
                line += cat(line.empty() ? "{\"" : ",\"", fields_[i].name, "\":", cells[i].json);
            out_.write(line + "}\n");
            return;
        case Form::plain:
            for (const std::size_t i : shown_)
                line += cat(line.empty() ? "" : "\t", cells[i].text.empty() ? "-" : cells[i].text);
            out_.write(line + '\n');
            return;
        case Form::table:
            std::vector<std::string> row;
            for (const std::size_t i : shown_) row.push_back(cells[i].text.empty() ? "-" : std::move(cells[i].text));
            table_.push_back(std::move(row));
    }
}

void Rows::finish() {
    if (args_.form != Form::table || table_.empty()) return;
    if (args_.header) {
        std::vector<std::string> header;
        for (const std::size_t i : shown_) {
            std::string name{fields_[i].name};
            for (char& c : name) c = c == '_' ? '-' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
            header.push_back(std::move(name));
        }
        table_.insert(table_.begin(), std::move(header));
    }
    std::vector<std::size_t> widths(shown_.size());
    for (const auto& row : table_) {
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    for (const auto& row : table_) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            const std::string padding(widths[i] - row[i].size(), ' ');
            if (i > 0) line += "  ";
            if (fields_[shown_[i]].right)
                line += padding + row[i];
            else
                line += i + 1 < row.size() ? row[i] + padding : row[i];
        }
        out_.write(line + '\n');
    }
}

}  // namespace mq::topics
