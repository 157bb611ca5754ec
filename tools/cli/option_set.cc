#include "cli/option_set.h"

#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <array>

#include "base/assert.h"
#include "base/edit_distance.h"
#include "cli/diagnostics.h"
#include "cli/exit_code.h"
#include "cli/option_docs.h"
#include "cli/output.h"
#include "cli/text.h"

namespace mq::cli {

namespace {

constexpr std::array<std::string_view, 4> kPages{"man", "complete-bash", "complete-zsh", "complete-fish"};

// CLI11 gives a meaning of its own to `++`, to `[a,b]`, to `{}` and to an empty value after '='. A mark at the end of
// each word that is a value, or ends in one, hides them; reveal() takes it off. Words that name options stay as they
// are.
constexpr char kMark = '\1';

std::string conceal(std::string_view word) {
    const bool is_name =
        word.starts_with('-') && !(word.starts_with("--") && word.find('=') != std::string_view::npos);
    std::string out{word};
    if (!is_name || word.ends_with(kMark)) out += kMark;
    return out;
}

std::string_view reveal(std::string_view word) {
    if (word.ends_with(kMark)) word.remove_suffix(1);
    return word;
}

// "-q, --quiet" in the form of CLI11, "-q,--quiet".
std::string cli11_names(const Option& row) {
    std::string names{row.short_name};
    const auto add = [&names](std::string_view name) {
        if (name.empty()) return;
        if (!names.empty()) names += ',';
        names += name;
    };
    add(row.long_name);
    for (const std::string_view alias : row.aliases) add(alias);
    return names;
}

// Whether the word could be, or hold, this name of an option: "--key", "--key=V"; "-k", "-kV", "-qk".
bool could_name(std::string_view word, std::string_view name) {
    if (name.starts_with("--"))
        return word.starts_with(name) && (word.size() == name.size() || word[name.size()] == '=');
    return !name.empty() && word.size() > 1 && word[0] == '-' && word[1] != '-' && word.find(name[1], 1) != word.npos;
}

// CLI11 is told of the options that the words could name. To set up all of them takes longer than the rest of a short
// command.
bool could_be_given(const Option& row, const std::vector<std::string_view>& words) {
    return std::ranges::any_of(words, [&row](std::string_view word) {
        return could_name(word, row.long_name) || could_name(word, row.short_name) ||
               std::ranges::any_of(row.aliases, [word](std::string_view alias) { return could_name(word, alias); });
    });
}

// Whether the value of the option that this word ends with is the next word.
bool takes_next_word(const std::vector<const Option*>& rows, std::string_view word) {
    const auto takes_value = [&rows](std::string_view name) {
        return std::ranges::any_of(rows, [name](const Option* row) {
            const bool named = row->long_name == name || row->short_name == name ||
                               std::ranges::find(row->aliases, name) != row->aliases.end();
            return named && row->arity == Arity::value;
        });
    };
    if (word.starts_with("--")) return takes_value(word);
    for (std::size_t i = 1; i < word.size(); ++i) {
        const char name[] = {'-', word[i]};
        if (takes_value({name, 2})) return i + 1 == word.size();
    }
    return false;
}

}  // namespace

OptionSet::OptionSet(std::string_view program, std::string_view summary, std::string_view synopsis)
    : program_(program), summary_(summary), synopsis_(synopsis) {}

Option& OptionSet::add(std::string_view names, std::string_view variable, Arity arity, std::string_view help) {
    Option& row = chosen_ == nullptr ? rows_.emplace_back() : command_rows_.emplace_back();
    row.group = group_;
    row.variable = variable;
    row.help = help;
    row.arity = arity;
    const std::size_t comma = names.find(", ");
    if (comma != std::string_view::npos) {
        row.short_name = names.substr(0, comma);
        row.long_name = names.substr(comma + 2);
    } else if (names.starts_with("--")) {
        row.long_name = names;
    } else {
        row.short_name = names;
    }
    return row;
}

Option& OptionSet::flag(std::string_view names, bool& target, std::string_view help) {
    return flag(
        names, [&target] { target = true; }, help);
}

Option& OptionSet::flag(std::string_view names, std::function<void()> given, std::string_view help) {
    Option& row = add(names, {}, Arity::flag, help);
    row.apply = [given = std::move(given)](std::optional<std::string_view>) -> Status {
        given();
        return {};
    };
    return row;
}

Option& OptionSet::value(std::string_view names, std::string_view variable, Apply apply, std::string_view help) {
    Option& row = add(names, variable, Arity::value, help);
    row.apply = [apply = std::move(apply)](std::optional<std::string_view> text) { return apply(*text); };
    return row;
}

Option& OptionSet::value(std::string_view names, std::string_view variable, std::string& target,
                         std::string_view help) {
    return value(names, variable, Apply{[&target](std::string_view text) -> Status {
                     target = text;
                     return {};
                 }},
                 help);
}

Option& OptionSet::value(std::string_view names, std::string_view variable, std::optional<std::string>& target,
                         std::string_view help) {
    return value(names, variable, Apply{[&target](std::string_view text) -> Status {
                     target = text;
                     return {};
                 }},
                 help);
}

Option& OptionSet::size(std::string_view names, std::string_view variable, std::uint64_t& target_bytes,
                        std::string_view help) {
    return value(names, variable, Apply{[&target_bytes](std::string_view text) -> Status {
                     MQ_ASSIGN(target_bytes, parse_size(text));
                     return {};
                 }},
                 help);
}

Option& OptionSet::duration(std::string_view names, std::string_view variable, std::int64_t& target_ms,
                            std::string_view help) {
    return value(names, variable, Apply{[&target_ms](std::string_view text) -> Status {
                     MQ_ASSIGN(target_ms, parse_duration_ms(text));
                     return {};
                 }},
                 help);
}

Option& OptionSet::repeatable(std::string_view names, std::string_view variable, std::vector<std::string>& target,
                              std::string_view help) {
    return repeatable(names, variable, Apply{[&target](std::string_view text) -> Status {
                          target.emplace_back(text);
                          return {};
                      }},
                      help);
}

Option& OptionSet::repeatable(std::string_view names, std::string_view variable, Apply apply, std::string_view help) {
    Option& row = value(names, variable, std::move(apply), help);
    row.repeatable = true;
    return row;
}

Option& OptionSet::optional_value(std::string_view names, std::string_view variable,
                                  std::function<Status(std::optional<std::string_view>)> apply,
                                  std::string_view help) {
    Option& row = add(names, variable, Arity::optional_value, help);
    row.apply = std::move(apply);
    return row;
}

void OptionSet::operands(std::vector<std::string>& target, Complete complete) {
    operands_ = &target;
    operand_completion_ = complete;
}

void OptionSet::add_common() {
    if (std::exchange(common_added_, true)) return;
    group("Help");
    value("--color", "WHEN", Apply{[](std::string_view when) -> Status {
              choose_color(when == "always"  ? ColorWhen::always
                           : when == "never" ? ColorWhen::never
                                             : ColorWhen::automatic);
              return {};
          }},
          "Colours on stderr: auto (on a terminal), always, never. NO_COLOR and FORCE_COLOR are obeyed without it.")
        .one_of({"auto", "always", "never"});
    flag("-h, --help", help_, "Show this page.");
    flag("--version", version_, "Show the version.");
    flag("--help-json", help_json_, "Show the table of options as JSON.");
    if (std::ranges::find(rows_, "--generate", &Option::long_name) != rows_.end()) return;
    value("--generate", "WHAT", generate_,
          "Print what is made from the table of options: the OPTIONS of the manual page, or a shell's completion.")
        .one_of({kPages.begin(), kPages.end()});
}

bool OptionSet::is_generated_page(std::string_view what) {
    if (std::ranges::find(kPages, what) == kPages.end()) return false;
    generate_ = what;
    return true;
}

Status OptionSet::apply(const Option& row, std::optional<std::string_view> value) const {
    if (value && !row.choices.empty() && !row.suggestions_only &&
        std::ranges::find(row.choices, *value) == row.choices.end()) {
        std::string legal;
        for (const std::string_view choice : row.choices) legal += cat(legal.empty() ? "" : ", ", choice);
        return bad_value(*value, cat("is none of ", legal));
    }
    return row.apply(value);
}

std::optional<std::string> OptionSet::page() const {
    if (help_) return help_page(*this);
    if (version_) return cat(program_, ' ', MQ_VERSION, '\n');
    if (help_json_) return help_json(*this);
    if (generate_ == "man") return man_options(*this);
    if (generate_ == "complete-bash") return bash_completion(*this);
    if (generate_ == "complete-zsh") return zsh_completion(*this);
    if (generate_ == "complete-fish") return fish_completion(*this);
    return std::nullopt;
}

std::vector<const Option*> OptionSet::rows() const {
    std::vector<const Option*> all;
    for (const Option& row : command_rows_) all.push_back(&row);
    for (const Option& row : rows_) all.push_back(&row);
    return all;
}

std::vector<const Option*> OptionSet::shown() const {
    std::vector<const Option*> all = rows();
    std::erase_if(all, [](const Option* row) { return row->hidden; });
    return all;
}

std::string OptionSet::title() const { return chosen().empty() ? program_ : cat(program_, ' ', chosen()); }

void OptionSet::choose(const Command& command) {
    command_rows_.clear();
    operands_ = nullptr;
    operand_completion_ = Complete::nothing;
    chosen_ = &command;
    group(command.name.empty() ? "Options" : command.name);
    command.add_rows(*this);
}

std::string OptionSet::choose_command(std::vector<std::string_view>& words) {
    const auto named = [this](std::string_view name) { return std::ranges::find(commands_, name, &Command::name); };
    if (const auto without = named({}); without != commands_.end()) choose(*without);
    const auto all = rows();
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string_view word = words[i];
        if (word == "--") return {};
        if (word.size() > 1 && word[0] == '-') {
            if (takes_next_word(all, word)) ++i;
            continue;
        }
        if (const auto command = named(word); command != commands_.end() && !word.empty()) {
            words.erase(words.begin() + static_cast<std::ptrdiff_t>(i));
            choose(*command);
            return {};
        }
        const auto near = std::ranges::min_element(
            commands_, {}, [word](const Command& command) { return edit_distance(word, command.name); });
        const bool is_near = edit_distance(word, near->name) <= 2 && !near->name.empty();
        return cat("there is no command '", word, '\'', is_near ? cat("; did you mean ", near->name, '?') : "");
    }
    return {};
}

std::string OptionSet::nearest(std::string_view word) const {
    word = word.substr(0, word.find('='));
    std::string_view best;
    std::size_t best_distance = 3;
    for (const Option* row : shown()) {
        const std::size_t distance = edit_distance(word, row->long_name);
        if (word.size() > 4 && distance < best_distance) {
            best = row->long_name;
            best_distance = distance;
        }
    }
    return std::string{best};
}

int OptionSet::usage_error(std::string_view text) const {
    const Diagnostics diagnostics{program_};
    diagnostics.error(cat(text, " (see ", title(), " --help)"));
    return to_status(ExitCode::usage);
}

std::optional<int> OptionSet::parse(int argc, char** argv) {
    add_common();
    std::vector<std::string_view> given{argv + 1, argv + argc};
    const std::string no_command = commands_.empty() ? std::string{} : choose_command(given);

    CLI::App app;
    app.set_help_flag();
    app.allow_extras();
    std::vector<CLI::Option*> parsed;
    const std::vector<const Option*> table = rows();
    for (const Option* entry : table) {
        const Option& row = *entry;
        if (!could_be_given(row, given)) {
            parsed.push_back(nullptr);
            continue;
        }
        const bool takes_word = row.arity == Arity::value;
        parsed.push_back(takes_word ? app.add_option(cli11_names(row)) : app.add_flag(cli11_names(row)));
        parsed.back()->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
        if (takes_word) parsed.back()->expected(1);
        if (row.arity == Arity::flag) parsed.back()->disable_flag_override();
    }
    CLI::Option* operands = app.add_option("operands");
    operands->expected(-1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);

    std::vector<std::string> words;  // CLI11 wants them last to first
    for (auto word = given.rbegin(); word != given.rend(); ++word) words.push_back(conceal(*word));
    try {
        app.parse(words);
    } catch (const CLI::ArgumentMismatch& mismatch) {
        // "--key: 1 required TEXT missing", or "quiet was given a disallowed flag override".
        const std::string_view what = mismatch.what();
        const std::string_view name = what.substr(0, what.find_first_of(": ,"));
        const bool surplus = !name.starts_with('-');
        return usage_error(surplus ? cat("option --", name, " takes no value")
                                   : cat("option ", name, " needs a value"));
    } catch (const CLI::ParseError& problem) {
        return usage_error(problem.what());
    }

    std::vector<std::string> unknown = app.remaining();
    std::erase(unknown, "--");
    if (!unknown.empty()) {
        const std::string_view word = reveal(unknown.front());
        const std::string hint = nearest(word);
        return usage_error(cat("unknown option ", word, hint.empty() ? "" : cat("; did you mean ", hint, "?")));
    }
    for (std::size_t i = 0; i < table.size(); ++i) {
        if (parsed[i] == nullptr) continue;
        const Option& row = *table[i];
        for (const std::string& result : parsed[i]->results()) {
            // A flag without a value arrives as the word true, one with a value is marked.
            const bool has_value = row.arity == Arity::value || result.ends_with(kMark);
            const auto value = has_value ? std::optional{reveal(result)} : std::nullopt;
            if (const Status applied = apply(row, value); !applied) {
                return usage_error(cat(row.name(), ": ", applied.error().message()));
            }
        }
    }
    if (const auto text = page()) {
        Output out;
        static_cast<void>(out.write(*text));
        const Status flushed = out.flush();
        return to_status(flushed ? ExitCode::ok : Diagnostics{program_}.fail(flushed.error()));
    }
    if (!no_command.empty()) return usage_error(no_command);
    for (const std::string& word : operands->results()) {
        if (operands_ == nullptr) return usage_error(cat("unexpected argument '", reveal(word), '\''));
        operands_->emplace_back(reveal(word));
    }
    return std::nullopt;
}

}  // namespace mq::cli
