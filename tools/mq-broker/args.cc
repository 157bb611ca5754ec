#include "args.h"

#include "cli/text.h"
#include "cli/values.h"
#include "listen_address.h"

namespace mq::broker_tool {

using cli::Complete;
using cli::OptionSet;

namespace {

Status add_override(Args& args, std::string_view text) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string_view::npos) return cli::bad_value(text, "is not KEY=VALUE");
    args.overrides.emplace_back(text.substr(0, equals), text.substr(equals + 1));
    return {};
}

void add_configuration(OptionSet& options, Args& args) {
    options.group("Configuration");
    options
        .repeatable("--override", "KEY=VALUE",
                    OptionSet::Apply{[&args](std::string_view text) { return add_override(args, text); }},
                    "A setting in place of the file's: --override log.retention.hours=1.")
        .suggest(Complete::choices, {"listeners=PLAINTEXT://:9092",
                                     "num.partitions=", "log.retention.hours=", "auto.create.topics.enable=false"});
    options
        .value("-D, --data-dir", "DIR", args.data_directory,
               "The data directory, in place of log.dirs. Without either $MQ_DATA_DIR, else for root /var/lib/mq, "
               "else $XDG_DATA_HOME/mq or ~/.local/share/mq.")
        .suggest(Complete::directory);
    options
        .repeatable(
            "-l, --listen", "ADDRESS", OptionSet::Apply{[&args](std::string_view text) -> Status {
                MQ_TRY(parse_address(text));
                args.listen.emplace_back(text);
                return {};
            }},
            "Listens here, in place of listeners: HOST:PORT, :PORT for every interface, unix:PATH. Port 0 is a "
            "free one.")
        .suggest(Complete::choices, {"127.0.0.1:9092", ":9092", "unix:"});
    options.flag("--dev", args.dev,
                 "A broker to throw away: an empty directory of its own, a free port of 127.0.0.1, groups that form "
                 "at once, nothing waits for the disk. Prints BROKERS=127.0.0.1:PORT once it answers.");
    options.flag("--until-eof", args.until_eof, "Ends, cleanly and with 0, when standard input does.");
    options.flag("--check-config", args.check_config, "Only says what is wrong with the configuration: 0 or 78.");
    options.flag("--print-config", args.print_config, "Only prints all settings as they would be in effect.");
}

void add_log(OptionSet& options, Args& args) {
    options.group("Log and metrics");
    options
        .value("--log-format", "FORMAT", OptionSet::Apply{[&args](std::string_view text) -> Status {
                   args.log_format = text == "json" ? LogFormat::json : LogFormat::text;
                   return {};
               }},
               "text (the default), or json: an object a line.")
        .one_of({"text", "json"});
    options.value("--log-level", "LEVEL", args.log_level, "The least that is logged; info if not given.")
        .one_of({"debug", "info", "warning", "error"});
    options
        .value("--log-file", "FILE", args.log_file,
               "Appends the log to FILE, not to standard error. SIGHUP opens it anew.")
        .suggest(Complete::file);
    options
        .value("--metrics", "HOST:PORT", OptionSet::Apply{[&args](std::string_view text) -> Status {
                   MQ_ASSIGN(const auto address, parse_address(text));
                   if (!address.path.empty()) return cli::bad_value(text, "is not HOST:PORT");
                   args.metrics = std::string{text};
                   return {};
               }},
               "Answers HTTP here: /metrics for Prometheus, /healthz, /readyz.")
        .suggest(Complete::choices, {"127.0.0.1:9093", ":9093"});
}

}  // namespace

std::optional<int> parse_args(OptionSet& options, int argc, char** argv, Args& args) {
    add_configuration(options, args);
    add_log(options, args);
    options.operands(args.operands, Complete::nothing);
    if (auto stop = options.parse(argc, argv)) return stop;
    if (args.operands.size() > 1)
        return options.usage_error(
            cli::cat("only one file of settings: ", args.operands[0], " or ", args.operands[1]));
    if (args.data_directory && args.data_directory->empty())
        return options.usage_error("--data-dir: the name is empty");
    if (args.dev && args.data_directory)
        return options.usage_error("--dev has a directory of its own, which it throws away: not with --data-dir");
    return std::nullopt;
}

}  // namespace mq::broker_tool
