// The options of a tool as one table: what is parsed, shown by --help and --help-json, and made into the man page's
// OPTIONS and the completions. CLI11 splits the words; values are converted by our own parsers (values.h).
//
//     cli::OptionSet options{"mq-topics", "Create, list and change topics.", "[OPTION...] TOPIC..."};
//     options.group("Output");
//     options.flag("-q, --quiet", args.quiet, "Say less.");
//     options.value("-k, --key", "STR", args.key, "Key of every record.").alias("--message-key");
//     options.operands(args.topics, Complete::topic);
//     if (auto stop = options.parse(argc, argv)) return *stop;  // --help, --version, usage error
//
// A tool of several commands has a table for each, beside the rows that all of them share:
//
//     options.command("list", "[OPTION...]", "List the topics.", [&args](cli::OptionSet& list) {
//         list.flag("--names", args.names_only, "Names only.");
//     });
//
// Rules for all tools: `--opt=` is an empty value; an optional value never swallows the next word; a repeatable
// option takes one word each time; otherwise the last one given counts; every error is 64.
#pragma once

#include <concepts>
#include <deque>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cli/values.h"

namespace mq::cli {

enum class Arity : unsigned char { flag, value, optional_value };
// What a shell offers for a value.
enum class Complete : unsigned char { nothing, file, directory, topic, group, choices };

// One row of the table. Strings are literals or outlive the set.
class Option {
public:
    std::string_view group;
    std::string_view long_name;   // "--key"; empty if it has only a short one
    std::string_view short_name;  // "-k"; empty if it has none
    std::string_view variable;    // "STR"; empty for a flag
    std::string_view help;        // sentences; the first stands for the whole where there is little room
    Arity arity = Arity::flag;
    bool repeatable = false;
    Complete complete = Complete::nothing;
    std::vector<std::string_view> choices;
    std::vector<std::string_view> aliases;  // accepted, and named in --help-json only

    // Another spelling, "--name" or "-n".
    Option& alias(std::string_view name) {
        aliases.push_back(name);
        return *this;
    }
    // The only legal values; of an optional value too.
    Option& one_of(std::vector<std::string_view> values) {
        choices = std::move(values);
        complete = Complete::choices;
        return *this;
    }
    // Values that a shell offers, among others.
    Option& suggest(Complete what, std::vector<std::string_view> values = {}) {
        complete = what;
        suggestions_only = true;
        choices = std::move(values);
        return *this;
    }

    // Accepted, but on no page.
    Option& hide() {
        hidden = true;
        return *this;
    }

    bool suggestions_only = false;
    bool hidden = false;
    std::function<Status(std::optional<std::string_view>)> apply;  // nullopt: no value was given

    // "--key", or "-k" where there is no long name.
    [[nodiscard]] std::string_view name() const { return long_name.empty() ? short_name : long_name; }
};

class OptionSet;

// What the first word that is no option, and no value of one, can be.
struct Command {
    std::string_view name;  // "list"; empty: what the options mean without such a word
    std::string_view synopsis;
    std::string_view summary;
    std::function<void(OptionSet&)> add_rows;  // its options and operands
};

class OptionSet {
public:
    using Apply = std::function<Status(std::string_view value)>;

    OptionSet(std::string_view program, std::string_view summary, std::string_view synopsis);
    OptionSet(const OptionSet&) = delete;
    OptionSet& operator=(const OptionSet&) = delete;

    // Title over the rows that follow.
    void group(std::string_view title) { group_ = title; }

    // `names` is "-q, --quiet", "--quiet" or "-q".
    Option& flag(std::string_view names, bool& target, std::string_view help);
    Option& flag(std::string_view names, std::function<void()> given, std::string_view help);

    Option& value(std::string_view names, std::string_view variable, Apply apply, std::string_view help);
    Option& value(std::string_view names, std::string_view variable, std::string& target, std::string_view help);
    Option& value(std::string_view names, std::string_view variable, std::optional<std::string>& target,
                  std::string_view help);
    // A number, base ten, of the target's range from `minimum` on.
    template <std::integral T>
    Option& value(std::string_view names, std::string_view variable, T& target, std::string_view help,
                  T minimum = std::numeric_limits<T>::min()) {
        return value(names, variable, Apply{[&target, minimum](std::string_view text) -> Status {
                         MQ_ASSIGN(target, parse_integer<T>(text, minimum));
                         return {};
                     }},
                     help);
    }
    template <std::integral T>
    Option& value(std::string_view names, std::string_view variable, std::optional<T>& target, std::string_view help,
                  T minimum = std::numeric_limits<T>::min()) {
        return value(names, variable, Apply{[&target, minimum](std::string_view text) -> Status {
                         MQ_ASSIGN(target, parse_integer<T>(text, minimum));
                         return {};
                     }},
                     help);
    }
    Option& size(std::string_view names, std::string_view variable, std::uint64_t& target_bytes,
                 std::string_view help);
    Option& duration(std::string_view names, std::string_view variable, std::int64_t& target_ms,
                     std::string_view help);

    // Takes one word each time it is given.
    Option& repeatable(std::string_view names, std::string_view variable, std::vector<std::string>& target,
                       std::string_view help);
    Option& repeatable(std::string_view names, std::string_view variable, Apply apply, std::string_view help);

    // `--json` or `--json=FORM`: `apply` gets nullopt or the value.
    Option& optional_value(std::string_view names, std::string_view variable,
                           std::function<Status(std::optional<std::string_view>)> apply, std::string_view help);

    // For a tool that has a --generate of its own: true if `what` is a page that every tool prints, which parse()
    // then does. The tool's row takes the place of the common one.
    [[nodiscard]] bool is_generated_page(std::string_view what);

    // The words that are no options. Without this call they are refused.
    void operands(std::vector<std::string>& target, Complete complete);

    void command(std::string_view name, std::string_view synopsis, std::string_view summary,
                 std::function<void(OptionSet&)> add_rows) {
        commands_.push_back({name, synopsis, summary, std::move(add_rows)});
    }
    [[nodiscard]] const std::vector<Command>& commands() const { return commands_; }
    // The command that was given; empty if none was.
    [[nodiscard]] std::string_view chosen() const { return chosen_ == nullptr ? std::string_view{} : chosen_->name; }

    // Nothing: go on. Else the status to exit with: --help, --version and the like have printed to stdout, an error
    // has been explained on stderr.
    [[nodiscard]] std::optional<int> parse(int argc, char** argv);

    // A usage error found after parsing: explains it like parse() does, returns 64.
    [[nodiscard]] int usage_error(std::string_view text) const;

    [[nodiscard]] std::string_view program() const { return program_; }
    // Of the command, if one was given.
    [[nodiscard]] std::string_view summary() const { return chosen().empty() ? summary_ : chosen_->summary; }
    [[nodiscard]] std::string_view synopsis() const { return chosen().empty() ? synopsis_ : chosen_->synopsis; }
    // "mq-topics list", "mq-produce".
    [[nodiscard]] std::string title() const;
    // The rows that are shown, in their order: those of the command, then those that all have.
    [[nodiscard]] std::vector<const Option*> shown() const;
    [[nodiscard]] Complete operand_completion() const { return operand_completion_; }

private:
    Option& add(std::string_view names, std::string_view variable, Arity arity, std::string_view help);
    void add_common();
    [[nodiscard]] Status apply(const Option& row, std::optional<std::string_view> value) const;
    // What --help and the like print; nullopt if nothing was asked for.
    [[nodiscard]] std::optional<std::string> page() const;
    [[nodiscard]] std::string nearest(std::string_view word) const;
    [[nodiscard]] std::vector<const Option*> rows() const;
    void choose(const Command& command);
    // Takes the word that names a command out of `words`; what is wrong with it, or empty.
    [[nodiscard]] std::string choose_command(std::vector<std::string_view>& words);

    std::string program_;
    std::string_view summary_;
    std::string_view synopsis_;
    std::string_view group_ = "Options";
    std::deque<Option> rows_;  // a deque: rows keep their address
    std::deque<Option> command_rows_;
    std::vector<Command> commands_;
    const Command* chosen_ = nullptr;
    std::vector<std::string>* operands_ = nullptr;
    Complete operand_completion_ = Complete::nothing;
    bool common_added_ = false;
    bool help_ = false;
    bool version_ = false;
    bool help_json_ = false;
    std::string generate_;
};

}  // namespace mq::cli
