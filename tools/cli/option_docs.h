// What is made from a tool's table of options.
#pragma once

#include <string>

namespace mq::cli {

class OptionSet;

[[nodiscard]] std::string help_page(const OptionSet& options);
// One object: program, summary, synopsis, options [{group, long, short, variable, arity, repeatable, choices,
// aliases, help}].
[[nodiscard]] std::string help_json(const OptionSet& options);
// The list of section OPTIONS, in mdoc(7).
[[nodiscard]] std::string man_options(const OptionSet& options);
[[nodiscard]] std::string bash_completion(const OptionSet& options);
[[nodiscard]] std::string zsh_completion(const OptionSet& options);
[[nodiscard]] std::string fish_completion(const OptionSet& options);

}  // namespace mq::cli
