#include "args.h"

#include <algorithm>

#include "base/clock.h"
#include "cli/exit_code.h"
#include "cli/text.h"
#include "cli/values.h"

namespace mq::consume {

using cli::bad_value;
using cli::Complete;
using cli::OptionSet;

namespace {

// "0,2-5" -> 0 2 3 4 5
Status parse_partitions(std::string_view text, std::vector<std::int32_t>& partitions) {
    constexpr std::int32_t kMost = 100'000;
    std::string_view rest = text;
    do {
        const std::string_view part = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(rest.size(), part.size() + 1));
        const std::size_t dash = part.find('-');
        MQ_ASSIGN(const std::int32_t first, cli::parse_integer<std::int32_t>(part.substr(0, dash), 0, kMost));
        std::int32_t last = first;
        if (dash != std::string_view::npos) {
            MQ_ASSIGN(last, cli::parse_integer<std::int32_t>(part.substr(dash + 1), first, kMost));
        }
        for (std::int32_t partition = first; partition <= last; ++partition) partitions.push_back(partition);
    } while (!rest.empty());
    if (text.ends_with(',')) return bad_value(text, "ends in a comma");
    std::ranges::sort(partitions);
    const auto doubles = std::ranges::unique(partitions);
    partitions.erase(doubles.begin(), doubles.end());
    return {};
}

}  // namespace

std::optional<int> parse_args(OptionSet& options, int argc, char** argv, Args& args) {
    options.group("What to read");
    options.repeatable("-t, --topic", "TOPIC", args.topics, "A topic, beside those named as operands.")
        .suggest(Complete::topic);
    options
        .value("-p, --partition", "LIST", OptionSet::Apply{[&](std::string_view text) {
                   args.partitions.clear();
                   return parse_partitions(text, args.partitions);
               }},
               "Only these partitions: 0,2-5. All if not given.")
        .alias("--partitions");
    options
        .repeatable(
            "-o, --offset", "RANGE",
            OptionSet::Apply{[&](std::string_view text) { return args.ranges.add(text, wall_clock_ms()); }},
            "Where to read: start, end, 42, -10, 100:200, @2023-11-14, @-1h:, 3=start; see RANGES. From the start if "
            "not given.")
        .suggest(Complete::choices, {"start", "end"});
    options.flag(
        "--from-beginning", [&] { args.ranges.all.from = cli::Bound{}; }, "The same as -o start.");
    options.flag("-e, --exit", args.exit_at_end, "Exits at the end as it was when reading began.");
    options.flag(
        "--follow", args.follow,
        "Goes on with what is appended later, which is the default. This version cannot, and exits with 69.");
    options.value("-c, --count", "N", args.count, "Exits after N records.", std::uint64_t{0}).alias("--max-messages");
    options
        .value("--isolation", "LEVEL", OptionSet::Apply{[&](std::string_view text) -> Status {
                   args.isolation = text.ends_with("uncommitted") ? log::Isolation::read_uncommitted
                                                                  : log::Isolation::read_committed;
                   return {};
               }},
               "Whether records of open and aborted transactions are read (uncommitted, the default) or not.")
        .one_of({"committed", "uncommitted", "read_committed", "read_uncommitted"})
        .alias("--isolation-level");
    options.flag("--control-records", args.control_records, "Prints the markers of transactions too.");

    options.group("How to print");
    options.value("-f, --format", "FORMAT", OptionSet::Apply{[&](std::string_view text) -> Status {
                      MQ_ASSIGN(args.format, cli::Format::parse(text));
                      return {};
                  }},
                  "Prints every record so: '%p %o %k %s\\n'; see FORMATS.");
    options
        .optional_value(
            "--json", "FORM",
            [&](std::optional<std::string_view> text) -> Status {
                args.json = text ? Json::inlined : Json::encoded;
                return {};
            },
            "Prints a JSON object a line. With =inline a value that is JSON itself is not quoted.")
        .one_of({"inline"});
    options.flag("--meta", args.meta,
                 "Leaves the values out: topic, partition, offset, timestamp, key length, value length, between "
                 "tabs; with --json "
                 "value_size in place of the value.");
    options.value("-d, --delimiter", "STR", OptionSet::Apply{[&](std::string_view text) -> Status {
                      MQ_ASSIGN(args.delimiter, cli::parse_escapes(text));
                      return {};
                  }},
                  "What follows each record, a newline if not given. C escapes are known.");
    options.flag(
        "-0, --null", [&] { args.delimiter.assign(1, '\0'); }, "A NUL byte follows each record.");
    options.value("-K, --key-delimiter", "STR", OptionSet::Apply{[&](std::string_view text) -> Status {
                      MQ_ASSIGN(args.key_delimiter, cli::parse_escapes(text));
                      return {};
                  }},
                  "Prints the key and STR before each value.");
    options.value("--null-marker", "STR", args.null_text, "Stands for a null key or value; nothing if not given.");

    options.group("Messages");
    options.flag("-q, --quiet", args.quiet, "Says less on stderr: errors only.");
    options.flag("-v, --verbose", args.verbose, "Says more on stderr: what was read from where.");
    add_target(options, args.target);
    options.operands(args.topics, Complete::topic);

    if (auto stop = options.parse(argc, argv)) return stop;
    if (args.topics.empty()) return options.usage_error("which topic? mq-consume TOPIC...");
    const int forms = args.format.has_value() + (args.json != Json::no) + (args.meta && args.json == Json::no);
    if (forms > 1) return options.usage_error("only one of --format, --json and --meta can be the form");
    if (args.format && args.key_delimiter)
        return options.usage_error("--format says where the key goes: -K has no place");
    return std::nullopt;
}

}  // namespace mq::consume
