#include "cli/target.h"

#include <unistd.h>

#include <cstdlib>

#include "cli/option_set.h"
#include "cli/text.h"

namespace mq::cli {

void add_target(OptionSet& options, Target& target) {
    options.group("Target");
    options
        .value("-D, --data-dir", "DIR", target.data_directory,
               "The data directory. Without it $MQ_DATA_DIR, else for root /var/lib/mq, else $XDG_DATA_HOME/mq or "
               "~/.local/share/mq.")
        .suggest(Complete::directory);
    options
        .value("-b, --bootstrap-server", "HOST:PORT", target.bootstrap_servers,
               "A Kafka cluster. This version knows local data directories only and exits with 69.")
        .alias("--broker-list");
    options.value("--profile", "NAME", target.profile,
                  "A named target. This version has no configuration file and exits with 78.");
    options
        .value("--zookeeper", "HOST:PORT", OptionSet::Apply{[](std::string_view) {
                   return Status{fail(Errc::bad_argument, {}, {}, "clients do not talk to ZooKeeper: use -b or -D")};
               }},
               "Refused.")
        .hide();
}

void add_command_config(OptionSet& options) {
    options
        .value("-F, --command-config", "FILE", OptionSet::Apply{[](std::string_view) { return Status{}; }},
               "Settings of Kafka's clients, which mean nothing to a data directory.")
        .suggest(Complete::file);
}

namespace {

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string{} : std::string{value};
}

}  // namespace

tl::expected<std::string, Refusal> choose_data_directory(const Target& target) {
    const auto refuse = [](ExitCode code, std::string text) {
        return tl::unexpected<Refusal>{Refusal{code, std::move(text)}};
    };
    const int given =
        target.data_directory.has_value() + target.bootstrap_servers.has_value() + target.profile.has_value();
    if (given > 1)
        return refuse(ExitCode::usage, "only one of --data-dir, --bootstrap-server and --profile can be the target");
    if (target.data_directory) {
        if (target.data_directory->empty()) return refuse(ExitCode::usage, "--data-dir: the name is empty");
        return *target.data_directory;
    }
    if (target.profile) {
        return refuse(ExitCode::configuration,
                      cat("profile '", *target.profile, "': there is no configuration file in this version"));
    }
    const std::string servers = target.bootstrap_servers.value_or(environment("MQ_BOOTSTRAP_SERVER"));
    if (target.bootstrap_servers || !servers.empty()) {
        return refuse(ExitCode::unavailable, cat("broker '", servers,
                                                 "': this version reaches no brokers, only data "
                                                 "directories (-D)"));
    }
    if (std::string directory = environment("MQ_DATA_DIR"); !directory.empty()) return directory;
    if (geteuid() == 0) return "/var/lib/mq";
    if (std::string data_home = environment("XDG_DATA_HOME"); data_home.starts_with('/')) return data_home + "/mq";
    const std::string home = environment("HOME");
    if (home.empty()) return refuse(ExitCode::configuration, "$HOME is not set: give a data directory with -D");
    return home + "/.local/share/mq";
}

}  // namespace mq::cli
