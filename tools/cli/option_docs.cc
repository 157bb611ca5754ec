#include "cli/option_docs.h"

#include <algorithm>
#include <memory>

#include "cli/json.h"
#include "cli/option_set.h"
#include "cli/text.h"

namespace mq::cli {

namespace {

constexpr std::size_t kPageColumns = 80;

// Breaks `text` at spaces into lines of at most `columns`, each after `indent` spaces; the first follows what is
// there.
void append_wrapped(std::string& out, std::string_view text, std::size_t indent, std::size_t columns) {
    std::size_t column = indent;
    bool first = true;
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(text.size(), word.size() + 1));
        if (!first && column + 1 + word.size() > columns) {
            out += '\n';
            out.append(indent, ' ');
            column = indent;
        } else if (!first) {
            out += ' ';
            ++column;
        }
        out += word;
        column += word.size();
        first = false;
    }
    out += '\n';
}

// "-k, --key STR", "    --json[=FORM]".
std::string spelled(const Option& row) {
    std::string out = cat(row.short_name.empty() ? "    " : row.short_name,
                          row.short_name.empty() || row.long_name.empty() ? "" : ", ", row.long_name);
    if (row.arity == Arity::value) out += cat(' ', row.variable);
    if (row.arity == Arity::optional_value) out += cat("[=", row.variable, ']');
    return out;
}

std::string full_help(const Option& row) {
    std::string out{row.help};
    if (row.choices.empty()) return out;
    std::string list;
    for (const std::string_view choice : row.choices) list += cat(list.empty() ? "" : ", ", choice);
    return cat(out, row.suggestions_only ? " For example: " : " One of: ", list, '.');
}

void append_json_list(std::string& out, const std::vector<std::string_view>& items) {
    out += '[';
    for (const std::string_view item : items) {
        if (out.back() != '[') out += ',';
        append_json_string(out, item);
    }
    out += ']';
}

std::string_view arity_name(Arity arity) {
    switch (arity) {
        case Arity::flag:
            return "flag";
        case Arity::value:
            return "value";
        case Arity::optional_value:
            return "optional";
    }
    return {};
}

// What means something to troff is written so that it appears as itself.
std::string mdoc_text(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\\') {
            out += "\\e";
        } else if (c == '-') {
            out += "\\-";
        } else {
            out += c;
        }
    }
    return out;
}

// A line for each sentence, as mdoc wants it.
void append_mdoc_sentences(std::string& out, std::string_view text) {
    while (!text.empty()) {
        const std::size_t stop = text.find(". ");
        const std::string_view sentence = text.substr(0, stop == std::string_view::npos ? stop : stop + 1);
        text.remove_prefix(std::min(text.size(), sentence.size() + 1));
        std::string lines;
        append_wrapped(lines, mdoc_text(sentence), 0, 78);
        // A dot or an apostrophe at the start of a line would make it a request.
        for (std::size_t start = 0; start < lines.size(); start = lines.find('\n', start) + 1) {
            if (lines[start] == '.' || lines[start] == '\'') lines.insert(start, "\\&");
        }
        out += lines;
    }
}

void append_json_rows(std::string& out, const OptionSet& options) {
    for (const Option* shown : options.shown()) {
        const Option& row = *shown;
        out += out.ends_with('[') ? "\n" : ",\n";
        out += "{\"group\":";
        append_json_string(out, row.group);
        const auto text = [&out](std::string_view name, std::string_view value) {
            out += cat(",\"", name, "\":");
            if (value.empty()) {
                out += "null";
            } else {
                append_json_string(out, value);
            }
        };
        text("long", row.long_name);
        text("short", row.short_name);
        text("variable", row.variable);
        text("arity", arity_name(row.arity));
        out += row.repeatable ? ",\"repeatable\":true,\"choices\":" : ",\"repeatable\":false,\"choices\":";
        append_json_list(out, row.choices);
        out += ",\"aliases\":";
        append_json_list(out, row.aliases);
        text("help", row.help);
        out += '}';
    }
}

void append_mdoc_row(std::string& out, const Option& row) {
    out += ".It";
    if (!row.short_name.empty()) out += cat(" Fl ", mdoc_text(row.short_name.substr(1)));
    if (!row.short_name.empty() && !row.long_name.empty()) out += " ,";
    if (!row.long_name.empty()) out += cat(" Fl ", mdoc_text(row.long_name.substr(1)));
    if (row.arity == Arity::value) out += cat(" Ar ", mdoc_text(row.variable));
    if (row.arity == Arity::optional_value) out += cat(" Ns Op = Ns Ar ", mdoc_text(row.variable));
    out += '\n';
    append_mdoc_sentences(out, full_help(row));
}

// Each command under a heading of its own; what the options mean without one comes after them.
void append_mdoc_commands(std::string& out, const OptionSet& options) {
    for (const Command& command : options.commands()) {
        if (command.name.empty()) continue;
        out += cat(".Ss ", mdoc_text(cat(command.name, ' ', command.synopsis)), '\n');
        append_mdoc_sentences(out, command.summary);
        const auto table = table_of(options, command);
        if (table->shown().empty()) continue;
        out += ".Bl -tag -width Ds\n";
        for (const Option* row : table->shown()) append_mdoc_row(out, *row);
        out += ".El\n";
    }
}

}  // namespace

std::unique_ptr<OptionSet> table_of(const OptionSet& options, const Command& command) {
    auto table = std::make_unique<OptionSet>(options.program(), command.summary, command.synopsis);
    table->group(command.name);
    command.add_rows(*table);
    return table;
}

std::string help_page(const OptionSet& options) {
    std::string out = cat("Usage: ", options.title(), ' ', options.synopsis(), '\n');
    append_wrapped(out, options.summary(), 0, kPageColumns);
    constexpr std::size_t kHelpColumn = 26;
    if (!options.commands().empty() && options.chosen().empty()) {
        out += cat("\nCommands (", options.program(), " COMMAND --help tells more):\n");
        for (const Command& command : options.commands()) {
            if (command.name.empty()) continue;
            std::string line = cat("  ", command.name);
            line.append(kHelpColumn - line.size(), ' ');
            out += line;
            append_wrapped(out, command.summary, kHelpColumn, kPageColumns);
        }
    }
    std::string_view group;
    for (const Option* shown : options.shown()) {
        const Option& row = *shown;
        if (row.group != group) out += cat('\n', group = row.group, ":\n");
        std::string line = cat("  ", spelled(row));
        if (line.size() + 2 > kHelpColumn) {
            line += '\n';
            line.append(kHelpColumn, ' ');
        } else {
            line.append(kHelpColumn - line.size(), ' ');
        }
        out += line;
        append_wrapped(out, full_help(row), kHelpColumn, kPageColumns);
    }
    return cat(out, "\nMore: man ", options.program(), '\n');
}

std::string help_json(const OptionSet& options) {
    std::string out = "{\"program\":";
    append_json_string(out, options.program());
    out += ",\"version\":";
    append_json_string(out, MQ_VERSION);
    out += ",\"summary\":";
    append_json_string(out, options.summary());
    out += ",\"synopsis\":";
    append_json_string(out, options.synopsis());
    out += ",\"options\":[";
    append_json_rows(out, options);
    out += "\n]";
    if (!options.commands().empty() && options.chosen().empty()) {
        out += ",\"commands\":[";
        for (const Command& command : options.commands()) {
            if (command.name.empty()) continue;
            out += out.ends_with('[') ? "\n{\"name\":" : ",\n{\"name\":";
            append_json_string(out, command.name);
            out += ",\"summary\":";
            append_json_string(out, command.summary);
            out += ",\"synopsis\":";
            append_json_string(out, command.synopsis);
            out += ",\"options\":[";
            append_json_rows(out, *table_of(options, command));
            out += "\n]}";
        }
        out += "\n]";
    }
    return out + "}\n";
}

std::string man_options(const OptionSet& options) {
    std::string out = ".Sh OPTIONS\n";
    append_mdoc_commands(out, options);
    std::string_view group;
    for (const Option* shown : options.shown()) {
        const Option& row = *shown;
        if (row.group != group) {
            if (!group.empty()) out += ".El\n";
            out += cat(".Ss ", group = row.group, "\n.Bl -tag -width Ds\n");
        }
        append_mdoc_row(out, row);
    }
    return out + ".El\n";
}

}  // namespace mq::cli
