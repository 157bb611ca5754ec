// What a command prints, as rows of named fields: a table for people, TSV, or JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "args.h"
#include "cli/output.h"
#include "store/topic_config.h"

namespace mq::topics {

struct Field {
    std::string_view name;  // key in --json, frozen
    bool usual = true;      // in a table without --fields
    bool right = false;     // aligned to the right
};

struct Cell {
    std::string text;  // empty: nothing, "-"
    std::string json;
};
[[nodiscard]] Cell text_cell(std::string_view text);  // null in JSON if it is empty
[[nodiscard]] Cell number_cell(std::int64_t value);
[[nodiscard]] Cell number_cell(std::optional<std::int64_t> value);
[[nodiscard]] Cell flag_cell(bool value);
[[nodiscard]] Cell config_cell(const store::ConfigMap& config);  // "a=1,b=2"; an object in JSON

// "a=1,b=2", as kafka-topics prints it.
[[nodiscard]] std::string config_text(const store::ConfigMap& config);
// "1.5M", in powers of 1024.
[[nodiscard]] std::string human_size(std::uint64_t size_bytes);

class Rows {
public:
    // Errors: bad_argument (--fields names one that there is not).
    [[nodiscard]] static Result<Rows> make(std::span<const Field> fields, const Args& args, cli::Output& out);

    // A cell for each field. A table is held back until finish(): its widths depend on all rows.
    void add(std::vector<Cell> cells);
    void finish();

private:
    Rows(std::span<const Field> fields, const Args& args, cli::Output& out)
        : fields_(fields), args_(args), out_(out) {}

    std::span<const Field> fields_;
    const Args& args_;
    cli::Output& out_;
    std::vector<std::size_t> shown_;  // indexes of fields, in their order
    std::vector<std::vector<std::string>> table_;
};

}  // namespace mq::topics
