#include "args.h"

#include "base/clock.h"
#include "cli/text.h"
#include "cli/times.h"
#include "cli/values.h"
#include "record/compression.h"

namespace mq::produce {

using cli::bad_value;
using cli::cat;
using cli::Complete;
using cli::OptionSet;

namespace {

// "zstd", "gzip:9".
Status parse_compression(std::string_view text, Args& args) {
    const std::size_t colon = text.find(':');
    const auto codec = record::codec_from_name(text.substr(0, colon));
    if (!codec) return bad_value(text, "is none of none, gzip, snappy, lz4, zstd");
    args.codec = *codec;
    args.level.reset();
    if (colon == std::string_view::npos) return {};
    const record::LevelRange legal = record::level_range(*codec);
    if (legal.min == legal.max) return bad_value(text, "has a level, but this codec has none");
    MQ_ASSIGN(args.level, cli::parse_integer<int>(text.substr(colon + 1), legal.min, legal.max));
    return {};
}

Status parse_header(std::string_view text, Args& args) {
    const std::size_t equals = text.find('=');
    Header header{std::string{text.substr(0, equals)}, std::nullopt};
    if (equals != std::string_view::npos) header.value = text.substr(equals + 1);
    args.headers.push_back(std::move(header));
    return {};
}

Status parse_sync(std::string_view text, Args& args) {
    args.sync = text == "none" ? Sync::none : text == "batch" ? Sync::batch : Sync::end;
    return {};
}

Status parse_delimiter(std::string_view text, std::string& target) {
    MQ_ASSIGN(target, cli::parse_escapes(text));
    if (target.empty()) return bad_value(text, "is empty: nothing would end");
    return {};
}

}  // namespace

std::optional<int> parse_args(OptionSet& options, int argc, char** argv, Args& args) {
    std::vector<std::string> operands;
    std::optional<std::string> topic;

    options.group("Input");
    options.value("-t, --topic", "TOPIC", topic, "The topic. All operands are files then.").suggest(Complete::topic);
    options.value("-d, --delimiter", "STR",
                  OptionSet::Apply{[&](std::string_view text) { return parse_delimiter(text, args.delimiter); }},
                  "Ends a record. C escapes are known. A newline if not given.");
    options.flag(
        "-0, --null", [&] { args.delimiter.assign(1, '\0'); }, "A NUL byte ends a record.");
    options.value(
        "-K, --key-delimiter", "STR",
        OptionSet::Apply{[&](std::string_view text) { return parse_delimiter(text, args.key_delimiter.emplace()); }},
        "What stands before the first STR in a record is its key. Without one in it the record has the key of -k, "
        "or null.");
    options.value("-k, --key", "STR", args.key, "Key of every record.");
    options.repeatable("-H, --header", "K=V",
                       OptionSet::Apply{[&](std::string_view text) { return parse_header(text, args); }},
                       "Adds a header to every record. K alone has the value null, K= the empty one.");
    options.flag("-Z, --null-value", args.empty_is_null, "An empty key or value is null.");
    options.flag("--skip-empty", args.skip_empty, "Leaves empty input records out. They are records otherwise.");
    options.value(
        "--timestamp", "T", OptionSet::Apply{[&](std::string_view text) -> Status {
            args.timestamp.reset();
            if (text == "now") return {};
            MQ_ASSIGN(args.timestamp, cli::parse_time(text, wall_clock_ms()));
            return {};
        }},
        "Timestamp of every record: seconds or milliseconds since 1970, RFC 3339, YYYY-MM-DD, -1h, now. The time of "
        "reading if not given.");
    options
        .size("--max-record-bytes", "SIZE", args.max_record_bytes,
              "Refuses a record whose batch would be larger. 1048588 if not given, Kafka's max.message.bytes.")
        .alias("--max-message-bytes");

    options.group("Topic");
    options.value("-p, --partition", "N", args.partition,
                  "Appends to this partition. Otherwise records with a key go where Kafka's Java client sends them, "
                  "others batch "
                  "by batch to one partition after another.",
                  0);
    options.optional_value(
        "--create", "PARTITIONS",
        [&](std::optional<std::string_view> text) -> Status {
            args.create = true;
            if (text) {
                MQ_ASSIGN(args.create_partitions, cli::parse_integer<std::int32_t>(*text, 1, 100'000));
            }
            return {};
        },
        "Partitions of a topic that has to be made: one if not given. An existing topic stays as it is.");
    options.flag(
        "--no-create", [&] { args.create = false; }, "Exits with 66 if the topic is not there.");

    options.group("Output");
    options
        .value("-z, --compression", "CODEC",
               OptionSet::Apply{[&](std::string_view text) { return parse_compression(text, args); }},
               "Compresses batches. CODEC:LEVEL sets the codec's level.")
        .suggest(Complete::choices, {"none", "gzip", "snappy", "lz4", "zstd"})
        .alias("--compression-codec");
    options
        .value("--sync", "WHEN", OptionSet::Apply{[&](std::string_view text) { return parse_sync(text, args); }},
               "When records are flushed to the disk. none: never; batch: before a batch counts as accepted; end: a "
               "second after they "
               "were appended, and before mq-produce exits, which is the default.")
        .one_of({"none", "batch", "end"});
    options
        .value("--report", "FORM", OptionSet::Apply{[&](std::string_view) -> Status {
                   args.report_json = true;
                   return {};
               }},
               "Prints a line on stdout for each accepted record: topic, partition, offset.")
        .one_of({"json"});
    options.flag("-n, --dry-run", args.dry_run, "Reads the input and says what would be appended.");
    options.flag("-q, --quiet", args.quiet, "No summary at the end.");
    options.flag("-v, --verbose", args.verbose, "Says more on stderr: what opening the partitions found.");
    add_target(options, args.target);
    options.operands(operands, Complete::topic);

    if (auto stop = options.parse(argc, argv)) return stop;
    if (!topic) {
        if (operands.empty()) return options.usage_error("which topic? mq-produce TOPIC [FILE...]");
        topic = operands.front();
        operands.erase(operands.begin());
    }
    args.topic = *topic;
    args.files = std::move(operands);
    if (args.files.empty()) args.files.emplace_back("-");
    if (args.max_record_bytes > (std::uint64_t{1} << 30)) {
        return options.usage_error("--max-record-bytes: at most 1GiB");
    }
    return std::nullopt;
}

}  // namespace mq::produce
