// What is made from a tool's table of options.
#pragma once

#include <memory>
#include <string>

namespace mq::cli {

class OptionSet;
struct Command;

// The rows of one command alone.
[[nodiscard]] std::unique_ptr<OptionSet> table_of(const OptionSet& options, const Command& command);

[[nodiscard]] std::string help_page(const OptionSet& options);
// One object: program, summary, synopsis, options [{group, long, short, variable, arity, repeatable, choices,
// aliases, help}], and of a tool with commands: commands [{name, summary, synopsis, options}].
[[nodiscard]] std::string help_json(const OptionSet& options);
// The list of section OPTIONS, in mdoc(7).
[[nodiscard]] std::string man_options(const OptionSet& options);
[[nodiscard]] std::string bash_completion(const OptionSet& options);
[[nodiscard]] std::string zsh_completion(const OptionSet& options);
[[nodiscard]] std::string fish_completion(const OptionSet& options);

}  // namespace mq::cli
