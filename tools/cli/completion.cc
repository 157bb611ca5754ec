// The completions of three shells. Topics are the directories TOPIC-N of the data directory; looking them up may take
// 150 ms, then nothing is offered.
#include <algorithm>

#include "cli/option_docs.h"
#include "cli/option_set.h"
#include "cli/text.h"

namespace mq::cli {

namespace {

// Shell commands that print the topics of the directory in $dir.
constexpr std::string_view kListTopics =
    R"(timeout 0.15 ls -- "$dir" 2>/dev/null | sed -n 's/-[0-9][0-9]*$//p' | sort -u)";

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

std::string bash_completion(const OptionSet& options) {
    const std::string function = identifier(options.program());
    std::string names;
    std::string cases;
    for (const Option* shown : options.shown()) {
        const Option& row = *shown;
        std::vector<std::string_view> spellings;
        if (!row.short_name.empty()) spellings.push_back(row.short_name);
        if (!row.long_name.empty()) spellings.push_back(row.long_name);
        names += cat(names.empty() ? "" : " ", joined(spellings));
        if (row.arity == Arity::flag) continue;
        // An optional value only ever stands behind an equals sign.
        if (row.arity == Arity::optional_value) spellings = {row.long_name};
        const std::string pattern = joined(spellings, "|");
        std::string action = "return";
        switch (row.complete) {
            case Complete::nothing:
                break;
            case Complete::file:
                action = "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); return";
                break;
            case Complete::directory:
                action = "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$word\"); return";
                break;
            case Complete::topic:
                action = cat(function, "_topics; return");
                break;
            case Complete::choices:
                action = cat("mapfile -t COMPREPLY < <(compgen -W ", quoted(joined(row.choices)),
                             " -- \"$word\"); return");
        }
        if (row.arity == Arity::optional_value) action = cat("if [[ $assigned ]]; then ", action, "; fi");
        cases += cat("    ", pattern, ") ", action, " ;;\n");
    }
    std::string out = heading(options, "bash");
    out += cat(function,
               "_topics() {\n"
               "  local dir=${MQ_DATA_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/mq} i\n"
               "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
               "    case ${COMP_WORDS[i]} in -D | --data-dir) dir=${COMP_WORDS[i + 1]} ;; esac\n"
               "  done\n"
               "  mapfile -t COMPREPLY < <(compgen -W \"$(",
               kListTopics,
               ")\" -- \"$word\")\n"
               "}\n");
    out += cat(function,
               "() {\n"
               "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} assigned=\n"
               "  # The shell makes three words of --name=value.\n"
               "  if [[ $word == = ]]; then\n"
               "    word='' assigned=1\n"
               "  elif [[ $before == = ]]; then\n"
               "    before=${COMP_WORDS[COMP_CWORD - 2]} assigned=1\n"
               "  fi\n"
               "  COMPREPLY=()\n"
               "  case $before in\n",
               cases,
               "  esac\n"
               "  if [[ $word == -* ]]; then\n"
               "    mapfile -t COMPREPLY < <(compgen -W ",
               quoted(names),
               " -- \"$word\")\n"
               "    return\n"
               "  fi\n");
    if (options.operand_completion() == Complete::topic) {
        out += cat("  ", function, "_topics\n");
    }
    out +=
        "  if ((${#COMPREPLY[@]} == 0)); then\n"
        "    compopt -o filenames\n"
        "    mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
        "  fi\n"
        "}\n";
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
            return cat(function, "_topics");
        case Complete::choices:
            return cat('(', joined(row.choices), ')');
    }
    return {};
}

}  // namespace

std::string zsh_completion(const OptionSet& options) {
    const std::string function = identifier(options.program());
    std::string out = cat("#compdef ", options.program(), '\n', heading(options, "zsh"));
    out += cat(function,
               "_topics() {\n"
               "  local dir=${MQ_DATA_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/mq} i\n"
               "  for ((i = 2; i < CURRENT; i++)); do\n"
               "    case $words[i] in -D | --data-dir) dir=$words[i+1] ;; esac\n"
               "  done\n"
               "  compadd -- ${(f)\"$(",
               kListTopics,
               ")\"}\n"
               "}\n");
    out += "_arguments -s -S \\\n";
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
        out += cat("  ", line, " \\\n");
    }
    if (options.operand_completion() == Complete::topic) out += cat("  '1:topic:", function, "_topics' \\\n");
    return out + "  '*:file:_files'\n";
}

std::string fish_completion(const OptionSet& options) {
    std::string function = cat('_', identifier(options.program()), "_topics");
    std::string out = heading(options, "fish");
    out += cat("function ", function,
               "\n"
               "    set -l dir $MQ_DATA_DIR\n"
               "    test -n \"$dir\"; or set dir $HOME/.local/share/mq\n"
               "    set -l words (commandline -opc)\n"
               "    if set -l at (contains -i -- -D $words; or contains -i -- --data-dir $words)\n"
               "        set dir $words[(math $at[1] + 1)]\n"
               "    end\n"
               "    ",
               kListTopics,
               "\n"
               "end\n");
    for (const Option* shown : options.shown()) {
        const Option& row = *shown;
        std::string line = cat("complete -c ", options.program());
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
                    line += cat(" -xa '(", function, ")'");
                    break;
                case Complete::choices:
                    line += cat(" -xa ", quoted(joined(row.choices)));
            }
        }
        // fish knows two escapes inside single quotes.
        const std::string text = replaced(replaced(first_sentence(row.help), "\\", "\\\\"), "'", "\\'");
        out += cat(line, " -d '", text, "'\n");
    }
    if (options.operand_completion() == Complete::topic) {
        out += cat("complete -c ", options.program(), " -a '(", function, ")'\n");
    }
    return out;
}

}  // namespace mq::cli
