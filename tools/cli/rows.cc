#include "cli/rows.h"

#include <algorithm>

#include "cli/json.h"
#include "cli/option_set.h"
#include "cli/text.h"

namespace mq::cli {

Cell text_cell(std::string_view text) {
    Cell cell{std::string{text}, {}};
    if (text.empty())
        cell.json = "null";
    else
        append_json_string(cell.json, text);
    return cell;
}

Cell number_cell(std::int64_t value) { return {std::to_string(value), std::to_string(value)}; }

Cell number_cell(std::optional<std::int64_t> value) { return value ? number_cell(*value) : text_cell({}); }

Cell flag_cell(bool value) { return {value ? "yes" : "no", value ? "true" : "false"}; }

Cell bytes_cell(std::string_view name, NullableBytes bytes) {
    Cell cell{bytes ? printable(*bytes) : std::string{}, {}};
    append_json_bytes(cell.json, name, bytes, true);
    cell.json.erase(0, name.size() + std::string_view{R"("":)"}.size());
    return cell;
}

void add_row_style(OptionSet& options, RowStyle& style) {
    options.flag(
        "--json", [&style] { style.form = Form::json; }, "A JSON object a line.");
    options.flag(
        "--plain", [&style] { style.form = Form::plain; },
        "Lines of fields with tabs between them, without a header; - stands for nothing.");
    options.flag(
        "--no-header", [&style] { style.header = false; }, "No header over a table.");
    options.value("--fields", "LIST", OptionSet::Apply{[&style](std::string_view text) -> Status {
                      style.fields.clear();
                      for (std::size_t end; !text.empty(); text.remove_prefix(std::min(text.size(), end + 1))) {
                          end = std::min(text.size(), text.find(','));
                          style.fields.emplace_back(text.substr(0, end));
                      }
                      return {};
                  }},
                  "Only these fields, in this order, by their names in --json: topic,partitions.");
}

Result<Rows> Rows::make(std::span<const Field> fields, const RowStyle& style, Output& out) {
    Rows rows{fields, style, out};
    for (const std::string& wanted : style.fields) {
        const auto field = std::ranges::find(fields, wanted, &Field::name);
        if (field == fields.end()) {
            std::string all;
            for (const Field& known : fields) all += cat(all.empty() ? "" : ", ", known.name);
            return fail(Errc::bad_argument, {}, {}, cat("--fields: there is no '", wanted, "', only ", all));
        }
        rows.shown_.push_back(static_cast<std::size_t>(field - fields.begin()));
    }
    for (std::size_t i = 0; i < fields.size() && style.fields.empty(); ++i) {
        if (style.form != Form::table || fields[i].usual) rows.shown_.push_back(i);
    }
    return rows;
}

void Rows::add(std::vector<Cell> cells) {
    std::string line;
    switch (style_.form) {
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
    if (style_.form != Form::table || table_.empty()) return;
    if (style_.header) {
        std::vector<std::string> header;
        for (const std::size_t i : shown_) {
            const bool has_title = !fields_[i].title.empty();
            std::string name{has_title ? fields_[i].title : fields_[i].name};
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

}  // namespace mq::cli
