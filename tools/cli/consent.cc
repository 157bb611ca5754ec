#include "cli/consent.h"

#include <unistd.h>

#include "cli/option_set.h"
#include "cli/text.h"
#include "os/file.h"

namespace mq::cli {

void add_consent(OptionSet& options, Consent& consent, std::string_view force) {
    options.flag("-n, --dry-run", consent.dry_run, "Says what would be done.");
    Option& yes = options.flag("-y, --yes", consent.yes,
                               "Does it without asking. Needed where there is no terminal to ask on.");
    if (!force.empty()) yes.alias(force);
    options.flag("--no-input", consent.no_input, "Never asks: without -y it is refused.");
}

std::optional<ExitCode> confirm(Items& items, const Consent& consent, std::string_view question,
                                const std::vector<std::string>& plan) {
    if (consent.dry_run) {
        for (const std::string& line : plan) items.out.write(line + '\n');
        return items.finish();
    }
    if (consent.yes) return std::nullopt;
    for (const std::string& line : plan) items.diagnostics.error(line);
    if (consent.no_input || isatty(0) == 0 || isatty(2) == 0)
        return items.diagnostics.fail(ExitCode::usage, "there is nobody to ask: give -y to do it");
    const std::string asked = cat(question, " [y/N] ");
    static_cast<void>(os::File::adopt(2, "stderr", true).write_all(asked));
    char answer[16] = {};
    const auto read = os::File::adopt(0, "stdin", true).read_some(answer);
    if (read && *read > 0 && (answer[0] == 'y' || answer[0] == 'Y')) return std::nullopt;
    return items.diagnostics.fail(ExitCode::no, "nothing was done");
}

}  // namespace mq::cli
