// The options that say how records are printed.
#include "args.h"
#include "cli/values.h"

namespace mq::consume {

using cli::Complete;
using cli::OptionSet;

namespace {

OptionSet::Apply into_escaped(std::string& target) {
    return [&target](std::string_view text) -> Status {
        MQ_ASSIGN(target, cli::parse_escapes(text));
        return {};
    };
}

OptionSet::Apply into_escaped(std::optional<std::string>& target) {
    return [&target](std::string_view text) -> Status {
        MQ_ASSIGN(target, cli::parse_escapes(text));
        return {};
    };
}

OptionSet::Apply into_format(std::optional<cli::Format>& target) {
    return [&target](std::string_view text) -> Status {
        MQ_ASSIGN(target, cli::Format::parse(text));
        return {};
    };
}

// "2x", "0.5x"; nothing is as it was.
Status parse_speed(std::optional<std::string_view> text, std::optional<double>& speed) {
    speed = 1;
    if (!text) return {};
    std::string_view number = *text;
    if (number.ends_with('x')) number.remove_suffix(1);
    const std::size_t point = number.find('.');
    const std::string_view fraction = point == number.npos ? std::string_view{} : number.substr(point + 1);
    constexpr std::uint32_t kFastest = 1'000'000;
    if (fraction.size() > 6 || (point != number.npos && fraction.empty()))
        return cli::bad_value(*text, "is no speed: examples are 2x, 0.5x");
    MQ_ASSIGN(const auto whole, cli::parse_integer<std::uint32_t>(number.substr(0, point), 0, kFastest));
    speed = whole;
    if (!fraction.empty()) {
        MQ_ASSIGN(const auto digits, cli::parse_integer<std::uint32_t>(fraction));
        double part = digits;
        for (std::size_t i = 0; i < fraction.size(); ++i) part /= 10;
        *speed += part;
    }
    if (*speed <= 0) return cli::bad_value(*text, "would never get anywhere");
    return {};
}

void add_forms(OptionSet& options, Args& args) {
    options.value("-f, --format", "FORMAT", into_format(args.format),
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
    options.value("-d, --delimiter", "STR", into_escaped(args.delimiter),
                  "What follows each record, a newline if not given. C escapes are known.");
    options.flag(
        "-0, --null", [&] { args.delimiter.assign(1, '\0'); }, "A NUL byte follows each record.");
    options.value("-K, --key-delimiter", "STR", into_escaped(args.key_delimiter),
                  "Prints the key and STR before each value.");
    options.value("--header-delimiter", "STR", into_escaped(args.header_delimiter),
                  "Prints the headers, name:value,name:value, and STR before each record.");
    options.flag(
        "--escape", args.escape,
        "Writes \\n \\t \\r \\0 \\\\ \\xHH for bytes that would be mistaken for separators, and \\N for null; "
        "mq-produce --escape reads it.");
    options.value("--null-marker", "STR", args.null_text, "Stands for a null key or value; nothing if not given.");
    options
        .value("--framing", "FORM", OptionSet::Apply{[&](std::string_view text) -> Status {
                   args.framing = *cli::framing_from_name(text);
                   return {};
               }},
               "Puts the length in front of each record, and no delimiter behind it; kbatch: whole record batches as "
               "they are stored.")
        .one_of(cli::framing_names(false));
}

}  // namespace

void add_printing(OptionSet& options, Args& args) {
    options.group("How to print");
    add_forms(options, args);
    options
        .value("--split-dir", "DIR", OptionSet::Apply{[&](std::string_view text) -> Status {
                   if (text.empty()) return cli::bad_value(text, "is no directory");
                   args.split_directory = text;
                   return {};
               }},
               "Makes a file in DIR of each record, and prints the files' names instead.")
        .suggest(Complete::directory);
    options.value("--name", "FORMAT", into_format(args.split_name),
                  "Names the files of --split-dir: %t-%p-%o if not given. What a name cannot hold becomes _.");
    options
        .value(
            "--decode", "WHAT", OptionSet::Apply{[&](std::string_view text) -> Status {
                args.decode = text == "offsets" ? Decode::offsets
                              : text == "txn"   ? Decode::transactions
                                                : Decode::raw;
                return {};
            }},
            "Shows the records of __consumer_offsets (offsets) or __transaction_state (txn) as JSON. --match knows "
            "their fields then: group, topic, partition, transactional_id.")
        .one_of({"raw", "offsets", "txn"});
    options.flag("--count-only", args.count_only,
                 "Prints how many records there are, from the headers of batches; implies --exit. With --json a line "
                 "for each partition.");
    options.optional_value(
        "--replay", "SPEED",
        [&](std::optional<std::string_view> text) { return parse_speed(text, args.replay_speed); },
        "Prints the records, merged by timestamp, at the pace of their timestamps, or faster: =2x.");
    options.flag(
        "--utc", [] {}, "Times are printed in UTC, as they always are.");
    options.flag(
        "--line-buffered", [&] { args.buffering = Buffering::line; }, "Each record leaves at once.");
    options.flag(
        "--block-buffered", [&] { args.buffering = Buffering::block; },
        "Records leave in large blocks only. If neither is given they leave when there is nothing more to read.");
}

}  // namespace mq::consume
