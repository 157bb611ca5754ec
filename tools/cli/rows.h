// What a command prints, as rows of named fields: a table for people, TSV, or JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/output.h"

namespace mq::cli {

class OptionSet;

enum class Form : unsigned char { table, plain, json };

// How the command line wants rows.
struct RowStyle {
    Form form = Form::table;
    bool header = true;
    std::vector<std::string> fields;  // empty: the usual ones
};
// --json, --plain, --no-header and --fields.
void add_row_style(OptionSet& options, RowStyle& style);

struct Field {
    std::string_view name;        // key in --json, frozen
    bool usual = true;            // in a table without --fields
    bool right = false;           // aligned to the right
    std::string_view title = {};  // over a table; empty: made from the name
};

struct Cell {
    std::string text;  // empty: nothing, "-"
    std::string json;
};
[[nodiscard]] Cell text_cell(std::string_view text);  // null in JSON if it is empty
[[nodiscard]] Cell number_cell(std::int64_t value);
[[nodiscard]] Cell number_cell(std::optional<std::int64_t> value);
[[nodiscard]] Cell flag_cell(bool value);
// Bytes from outside: base64 in JSON, and so told apart, where they are no UTF-8.
[[nodiscard]] Cell bytes_cell(std::string_view name, NullableBytes bytes);

class Rows {
public:
    // `fields` and `style` must outlive the rows. Errors: bad_argument (--fields names one that there is not).
    [[nodiscard]] static Result<Rows> make(std::span<const Field> fields, const RowStyle& style, Output& out);

    // A cell for each field. A table is held back until finish(): its widths depend on all rows.
    void add(std::vector<Cell> cells);
    void finish();

private:
    Rows(std::span<const Field> fields, const RowStyle& style, Output& out)
        : fields_(fields), style_(style), out_(out) {}

    std::span<const Field> fields_;
    const RowStyle& style_;
    Output& out_;
    std::vector<std::size_t> shown_;  // indexes of fields, in their order
    std::vector<std::vector<std::string>> table_;
};

}  // namespace mq::cli
