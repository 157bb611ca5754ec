// Asking before something is lost: -n, -y, --no-input.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/items.h"

namespace mq::cli {

class OptionSet;

struct Consent {
    bool yes = false;
    bool no_input = false;
    bool dry_run = false;
};
// `force` is another spelling of -y, or empty.
void add_consent(OptionSet& options, Consent& consent, std::string_view force = {});

// Whether to go on with what `plan` says, a line for each thing that would be lost. nullopt: yes; else the status to
// exit with: --dry-run (the plan goes to stdout), nobody to ask, or the answer was no.
[[nodiscard]] std::optional<ExitCode> confirm(Items& items, const Consent& consent, std::string_view question,
                                              const std::vector<std::string>& plan);

}  // namespace mq::cli
