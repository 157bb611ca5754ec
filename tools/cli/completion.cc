// The completions of three shells. Topics are what mq-topics lists, groups what mq-offsets does; that may take 150
// ms, then nothing is offered.
#include <algorithm>
#include <map>

#include "cli/option_docs.h"
#include "cli/option_set.h"
#include "cli/text.h"

namespace mq::cli {

namespace {

// Names that a tool prints.
struct Names {
    Complete what;
    std::string_view one;      // "topic"
    std::string_view all;      // what a shell's function that offers them is called, after the tool
    std::string_view command;  // prints them; what follows names the data directory
};
constexpr Names kNames[] = {{Complete::topic, "topic", "_topics", "timeout 0.15 mq-topics list --names "},
                            {Complete::group, "group", "_groups", "timeout 0.15 mq-offsets list --names "}};
const Names* names_for(Complete what) {
    const auto found = std::ranges::find(kNames, what, &Names::what);
    return found == std::end(kNames) ? nullptr : &*found;
}

// Whether an option or operand of the tool, or of one of its commands, is such a name.
bool offers(const OptionSet& options, Complete what) {
    const auto rows = options.shown();
    if (options.operand_completion() == what ||
        std::ranges::any_of(rows, [what](const Option* row) { return row->complete == what; }))
        return true;
    return std::ranges::any_of(options.commands(),
                               [&](const Command& command) { return offers(*table_of(options, command), what); });
}

std::string identifier(std::string_view program) {
    std::string out = cat('_', program);
    std::ranges::replace(out, '-', '_');
    return out;
}

std::string joined(const std::vector<std::string_view>& words, std::string_view separator = " ") {
    std::string out;
    for (const std::string_view word : words) out += cat(out.empty() ? "" : separator, word);
    return out;
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
    std::string out;
    for (std::size_t at; (at = text.find(from)) != std::string_view::npos; text.remove_prefix(at + from.size())) {
        out += cat(text.substr(0, at), to);
    }
    return out += text;
}

// In single quotes of a POSIX shell.
std::string quoted(std::string_view text) { return cat('\'', replaced(text, "'", "'\\''"), '\''); }

// The help's first sentence without its full stop.
std::string_view first_sentence(std::string_view help) {
    help = help.substr(0, help.find(". "));
    if (help.ends_with('.')) help.remove_suffix(1);
    return help;
}

std::string heading(const OptionSet& options, std::string_view shell) {
    return cat("# Made by: ", options.program(), " --generate complete-", shell, '\n');
}

}  // namespace

namespace {

std::vector<std::string_view> spellings_of(const Option& row) {
    std::vector<std::string_view> spellings;
    if (!row.short_name.empty()) spellings.push_back(row.short_name);
    if (!row.long_name.empty()) spellings.push_back(row.long_name);
    return spellings;
}

std::string names_of(const std::vector<const Option*>& rows) {
    std::string names;
    for (const Option* row : rows) names += cat(names.empty() ? "" : " ", joined(spellings_of(*row)));
    return names;
}

std::string bash_action(const Option& row, const std::string& function) {
    switch (row.complete) {
        case Complete::nothing:
            break;
        case Complete::file:
            return "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); return";
        case Complete::directory:
            return "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$word\"); return";
        case Complete::topic:
        case Complete::group:
            return cat(function, names_for(row.complete)->all, "; return");
        case Complete::choices:
            return cat("mapfile -t COMPREPLY < <(compgen -W ", quoted(joined(row.choices)), " -- \"$word\"); return");
    }
    return "return";
}

// A case for each option with a value. `before` stands in front of the option in what is matched.
std::string bash_cases(const std::vector<const Option*>& rows, const std::string& function, std::string_view before) {
    std::string cases;
    for (const Option* shown : rows) {
        const Option& row = *shown;
        if (row.arity == Arity::flag) continue;
        std::string action = bash_action(row, function);
        std::string pattern;
        // An optional value only ever stands behind an equals sign.
        if (row.arity == Arity::optional_value) {
            action = cat("if [[ $assigned ]]; then ", action, "; fi");
            pattern = cat(before, row.long_name);
        } else {
            for (const std::string_view name : spellings_of(row))
                pattern += cat(pattern.empty() ? "" : "|", before, name);
        }
        cases += cat("    ", pattern, ") ", action, " ;;\n");
    }
    return cases;
}

std::string command_names(const OptionSet& options, std::string_view separator) {
    std::vector<std::string_view> names;
    for (const Command& command : options.commands()) {
        if (!command.name.empty()) names.push_back(command.name);
    }
    return joined(names, separator);
}

// The rows that the commands of a tool do not have in common with one another are offered after their word only.
std::string bash_of_commands(const OptionSet& options, const std::string& function, std::string_view tail) {
    std::string cases = bash_cases(options.shown(), function, "*:");
    std::string names;
    std::map<const Names*, std::string> operands;  // the commands that take such names
    for (const Command& command : options.commands()) {
        if (command.name.empty()) continue;
        const auto table = table_of(options, command);
        cases = cat(bash_cases(table->shown(), function, cat(command.name, ':')), cases);
        names += cat("      ", command.name, ") names+=", quoted(cat(' ', names_of(table->shown()))), " ;;\n");
        const Names* offered = names_for(table->operand_completion());
        if (offered == nullptr) continue;
        std::string& taking = operands[offered];
        taking += cat(taking.empty() ? "" : " | ", command.name);
    }
    std::string topics;
    for (const auto& [offered, taking] : operands)
        topics += cat(topics.empty() ? "" : "    ", taking, ") ", function, offered->all, " ;;\n");
    const std::string commands = command_names(options, " ");
    return cat(
        "  local command='' names i\n"
        "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
        "    case ${COMP_WORDS[i]} in\n"
        "      ",
        command_names(options, " | "),
        ")\n"
        "        command=${COMP_WORDS[i]}\n"
        "        break\n"
        "        ;;\n"
        "    esac\n"
        "  done\n"
        "  case $command:$before in\n",
        cases,
        "  esac\n"
        "  if [[ $word == -* ]]; then\n"
        "    names=",
        quoted(names_of(options.shown())),
        "\n"
        "    case $command in\n",
        names,
        "    esac\n"
        "    mapfile -t COMPREPLY < <(compgen -W \"$names\" -- \"$word\")\n"
        "    return\n"
        "  fi\n"
        "  case $command in\n"
        "    '')\n"
        "      mapfile -t COMPREPLY < <(compgen -W ",
        quoted(commands),
        " -- \"$word\")\n"
        "      return\n"
        "      ;;\n"
        "    ",
        topics, "  esac\n", tail);
}

}  // namespace

std::string bash_completion(const OptionSet& options) {
    const std::string function = identifier(options.program());
    std::string out = heading(options, "bash");
    for (const Names& names : kNames) {
        if (!offers(options, names.what)) continue;
        out += cat(function, names.all,
                   "() {\n"
                   "  local where=() i\n"
                   "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
                   "    case ${COMP_WORDS[i]} in -D | --data-dir) where=(-D \"${COMP_WORDS[i + 1]}\") ;; esac\n"
                   "  done\n"
                   "  mapfile -t COMPREPLY < <(compgen -W \"$(",
                   names.command,
                   "\"${where[@]}\" 2>/dev/null)\" -- \"$word\")\n"
                   "}\n");
    }
    out += cat(function,
               "() {\n"
               "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} assigned=\n"
               "  # The shell makes three words of --name=value.\n"
               "  if [[ $word == = ]]; then\n"
               "    word='' assigned=1\n"
               "  elif [[ $before == = ]]; then\n"
               "    before=${COMP_WORDS[COMP_CWORD - 2]} assigned=1\n"
               "  fi\n"
               "  COMPREPLY=()\n");
    constexpr std::string_view kTail =
        "  if ((${#COMPREPLY[@]} == 0)); then\n"
        "    compopt -o filenames\n"
        "    mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
        "  fi\n"
        "}\n";
    if (!options.commands().empty()) {
        out += bash_of_commands(options, function, kTail);
    } else {
        out += cat("  case $before in\n", bash_cases(options.shown(), function, {}),
                   "  esac\n"
                   "  if [[ $word == -* ]]; then\n"
                   "    mapfile -t COMPREPLY < <(compgen -W ",
                   quoted(names_of(options.shown())),
                   " -- \"$word\")\n"
                   "    return\n"
                   "  fi\n");
        if (const Names* names = names_for(options.operand_completion()))
            out += cat("  ", function, names->all, '\n');
        out += kTail;
    }
    return out + cat("complete -F ", function, ' ', options.program(), '\n');
}

namespace {

std::string zsh_action(const Option& row, const std::string& function) {
    switch (row.complete) {
        case Complete::nothing:
            return ": ";
        case Complete::file:
            return "_files";
        case Complete::directory:
            return "_files -/";
        case Complete::topic:
        case Complete::group:
            return cat(function, names_for(row.complete)->all);
        case Complete::choices:
            return cat('(', joined(row.choices), ')');
    }
    return {};
}

}  // namespace

namespace {

// The arguments of _arguments, a line each.
std::string zsh_rows(const OptionSet& options, const std::string& function, std::string_view indent) {
    std::string out;
    for (const Option* shown : options.shown()) {
        const Option& row = *shown;
        std::string text{first_sentence(row.help)};
        for (const std::string_view special : {"\\", "[", "]", ":"})
            text = replaced(text, special, cat('\\', special));
        std::string value;
        const std::string variable = replaced(row.variable, ":", "\\:");
        if (row.arity == Arity::value) value = cat(':', variable, ':', zsh_action(row, function));
        if (row.arity == Arity::optional_value) value = cat("::", variable, ':', zsh_action(row, function));
        const std::string_view equals = row.arity == Arity::value            ? "="
                                        : row.arity == Arity::optional_value ? "=-"
                                                                             : "";
        const std::string rest = cat('[', text, ']', value);
        const std::string_view star = row.repeatable ? "*" : "";
        std::string line;
        if (row.short_name.empty()) {
            line = quoted(cat(star, row.long_name, equals, rest));
        } else if (row.long_name.empty()) {
            line = quoted(cat(star, row.short_name, rest));
        } else {
            const std::string excluded = row.repeatable ? "" : cat('(', row.short_name, ' ', row.long_name, ')');
            line =
                cat(quoted(cat(excluded, star)), '{', row.short_name, ',', row.long_name, equals, '}', quoted(rest));
        }
        out += cat(indent, line, " \\\n");
    }
    return out;
}

// First the word that names a command, then the options that it adds to those of all.
std::string zsh_of_commands(const OptionSet& options, const std::string& function) {
    std::string described;
    std::string cases;
    for (const Command& command : options.commands()) {
        if (command.name.empty()) continue;
        std::string text{first_sentence(command.summary)};
        for (const std::string_view special : {"\\", "(", ")", ":"})
            text = replaced(text, special, cat('\\', special));
        described += cat(described.empty() ? "" : " ", command.name, "\\:\"", text, '"');
        const auto table = table_of(options, command);
        const Names* names = names_for(table->operand_completion());
        cases += cat("      ", command.name, ")\n        _arguments -s -S \"$common[@]\" \\\n",
                     zsh_rows(*table, function, "          "), "          '*:",
                     names != nullptr ? cat(names->one, ':', function, names->all) : std::string{"file:_files"},
                     "'\n        ;;\n");
    }
    return cat("local context state line common\ncommon=( \\\n", zsh_rows(options, function, "  "), ")\n",
               "_arguments -s -S -C \"$common[@]\" \\\n  ", quoted(cat("1:command:((", described, "))")),
               " \\\n  '*::argument:->arguments'\n"
               "case $state in\n"
               "  arguments)\n"
               "    case $words[1] in\n",
               cases,
               "    esac\n"
               "    ;;\n"
               "esac\n");
}

}  // namespace

std::string zsh_completion(const OptionSet& options) {
    const std::string function = identifier(options.program());
    std::string out = cat("#compdef ", options.program(), '\n', heading(options, "zsh"));
    for (const Names& names : kNames) {
        if (!offers(options, names.what)) continue;
        out += cat(function, names.all,
                   "() {\n"
                   "  local -a where\n"
                   "  local i\n"
                   "  for ((i = 2; i < CURRENT; i++)); do\n"
                   "    case $words[i] in -D | --data-dir) where=(-D $words[i+1]) ;; esac\n"
                   "  done\n"
                   "  compadd -- ${(f)\"$(",
                   names.command,
                   "$where 2>/dev/null)\"}\n"
                   "}\n");
    }
    if (!options.commands().empty()) return out + zsh_of_commands(options, function);
    out += cat("_arguments -s -S \\\n", zsh_rows(options, function, "  "));
    if (const Names* names = names_for(options.operand_completion()))
        out += cat("  '1:", names->one, ':', function, names->all, "' \\\n");
    return out + "  '*:file:_files'\n";
}

namespace {

// In single quotes fish knows two escapes.
std::string fish_text(std::string_view text) { return replaced(replaced(text, "\\", "\\\\"), "'", "\\'"); }

std::string fish_rows(const OptionSet& options, const std::string& function, const std::string& condition) {
    std::string out;
    for (const Option* shown : options.shown()) {
        const Option& row = *shown;
        std::string line = cat("complete -c ", options.program(), condition);
        if (!row.short_name.empty()) line += cat(" -s ", row.short_name.substr(1));
        if (!row.long_name.empty()) line += cat(" -l ", row.long_name.substr(2));
        // An optional value cannot be told to fish; the flag alone can.
        if (row.arity == Arity::value) {
            switch (row.complete) {
                case Complete::nothing:
                    line += " -x";
                    break;
                case Complete::file:
                    line += " -r -F";
                    break;
                case Complete::directory:
                    line += " -xa '(__fish_complete_directories)'";
                    break;
                case Complete::topic:
                case Complete::group:
                    line += cat(" -xa '(", function, names_for(row.complete)->all, ")'");
                    break;
                case Complete::choices:
                    line += cat(" -xa ", quoted(joined(row.choices)));
            }
        }
        const std::string text = fish_text(first_sentence(row.help));
        out += cat(line, " -d '", text, "'\n");
    }
    return out;
}

}  // namespace

std::string fish_completion(const OptionSet& options) {
    const std::string function = cat('_', identifier(options.program()));
    std::string out = heading(options, "fish");
    for (const Names& names : kNames) {
        if (!offers(options, names.what)) continue;
        out += cat("function ", function, names.all,
                   "\n"
                   "    set -l where\n"
                   "    set -l words (commandline -opc)\n"
                   "    if set -l at (contains -i -- -D $words; or contains -i -- --data-dir $words)\n"
                   "        set where -D $words[(math $at[1] + 1)]\n"
                   "    end\n"
                   "    ",
                   names.command,
                   "$where 2>/dev/null\n"
                   "end\n");
    }
    out += fish_rows(options, function, {});
    for (const Command& command : options.commands()) {
        if (command.name.empty()) continue;
        out += cat("complete -c ", options.program(), " -n __fish_use_subcommand -f -a ", command.name, " -d '",
                   fish_text(first_sentence(command.summary)), "'\n");
        const std::string condition = cat(" -n '__fish_seen_subcommand_from ", command.name, '\'');
        const auto table = table_of(options, command);
        out += fish_rows(*table, function, condition);
        if (const Names* names = names_for(table->operand_completion()))
            out += cat("complete -c ", options.program(), condition, " -a '(", function, names->all, ")'\n");
    }
    if (const Names* names = names_for(options.operand_completion()))
        out += cat("complete -c ", options.program(), " -a '(", function, names->all, ")'\n");
    return out;
}

}  // namespace mq::cli
