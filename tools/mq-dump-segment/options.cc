#include "mq-dump-segment/options.h"

#include <algorithm>

#include "cli/text.h"
#include "cli/values.h"

namespace mq::dump {
namespace {

using cli::Complete;

Status set_kafka(Options& options, std::optional<std::string_view> version) {
    options.kafka = true;
    options.kafka_options.wording = version == "2.4" ? KafkaWording::v2_4 : KafkaWording::v3_9;
    return {};
}

Status set_check(Options& options, std::optional<std::string_view> list) {
    unsigned parts = 0;
    std::string_view rest = list.value_or("all");
    while (true) {
        const std::string_view word = rest.substr(0, rest.find(','));
        if (word == "index")
            parts |= log::kCheckIndex;
        else if (word == "time")
            parts |= log::kCheckTime;
        else if (word == "txn")
            parts |= log::kCheckTxn;
        else if (word == "crc")
            parts |= log::kCheckCrc;
        else if (word == "offsets")
            parts |= log::kCheckOffsets;
        else if (word == "producer")
            parts |= log::kCheckProducer;
        else if (word == "all")
            parts |= log::kCheckAll;
        else
            return cli::bad_value(word, "is none of index, time, txn, crc, offsets, producer, all");
        if (word.size() == rest.size()) break;
        rest.remove_prefix(word.size() + 1);
    }
    options.check = parts;
    return {};
}

Status set_decode(Options& options, std::string_view word) {
    if (word == "auto")
        options.decode = Decode::automatic;
    else if (word == "offsets")
        options.decode = Decode::offsets;
    else if (word == "txn")
        options.decode = Decode::txn;
    else if (word == "hex")
        options.decode = Decode::hex;
    else if (word == "utf8")
        options.decode = Decode::utf8;
    else
        options.decode = Decode::json;
    return {};
}

Status add_files(Options& options, std::string_view list) {
    while (true) {
        const std::string_view word = list.substr(0, list.find(','));
        if (!word.empty()) options.paths.emplace_back(word);
        if (word.size() == list.size()) return {};
        list.remove_prefix(word.size() + 1);
    }
}

// Kafka's own string decoder is what this tool does anyway; any other class is Java code.
Status take_decoder_class(Options& options, std::string_view name) {
    options.records = options.kafka_options.print_data = true;
    if (name.ends_with("StringDecoder")) return {};
    return cli::bad_value(name, "is Java code, which does not run here: --decode-with CMD runs a program instead");
}

void add_what_to_print(cli::OptionSet& set, Options& options) {
    set.group("What to print");
    set.flag("-r, --records", options.records, "Print the records of every batch too.");
    set.flag("--no-meta", options.no_meta, "Of a record print key and value only.").alias("--skip-record-metadata");
    set.value("-f, --format", "FORMAT", options.format, "Print every record by this format, see mq-format(5).");
    set.flag(
        "--follow", options.follow,
        "Go on with what is appended, until a signal: to a .log, or to a partition directory and its next segments.");
    set.flag("--hex", options.hex, "Print every field with its position and bytes.");
    set.flag("--summary", options.summary, "One line for each file, from the batch headers alone.");
    set.flag("--stats", options.stats,
             "Histograms of sizes, codecs and timestamps, the largest keys, the compression ratio.");
    set.value("--top", "N", options.top, "How many keys --stats lists. Default 10.");
    set.value(
           "--decode", "KIND", [&options](std::string_view word) { return set_decode(options, word); },
           "How keys and values are shown. Default: auto, by the topic's name; what does not fit is shown in "
           "hexadecimal.")
        .one_of({"auto", "offsets", "txn", "hex", "utf8", "json"});
    set.value("--decode-with", "CMD", options.decode_with,
              "Pass keys and values through one process: on its stdin and stdout each is a big-endian 32-bit length "
              "and that many "
              "bytes; length -1 is null.")
        .alias("--message-decoder");
}

void add_selection(cli::OptionSet& set, Options& options) {
    set.group("Selection");
    set.value("-o, --offset", "RANGE", options.range,
              "Only these offsets or times, see mq-consume(1); the index is used to get there.");
    set.value("-c, --count", "N", options.count,
              "Stop after N records; where only batches are printed, after N batches.");
    set.size("--max-bytes", "SIZE", options.max_bytes, "Read no batch that ends past this byte of a file.");
    set.repeatable(
        "-m, --match", "EXPR", options.match,
        "Only records that match: key~RE, value=TEXT, header.NAME=V, ts>T, size>N, !EXPR. Several must all match.");
    set.flag("--match-any", options.match_any, "One matching -m is enough.");
    set.size("--max-message-size", "SIZE", options.limits.unit_bytes,
             "The largest batch that is loaded; a larger one is reported. Default 16MiB.");
}

void add_repair(cli::OptionSet& set, Options& options) {
    set.group("Checking and repair");
    set.optional_value(
           "--check", "PART,...",
           [&options](std::optional<std::string_view> list) { return set_check(options, list); },
           "Verify batches, records, indexes, snapshots and checkpoints; of index, time, txn, crc, offsets, producer "
           "all by default. Exit 1 if something is wrong.")
        .suggest(Complete::choices, {"all", "index", "time", "txn", "crc", "offsets", "producer"});
    set.flag("--rebuild-index", options.rebuild_index,
             "Write .index, .timeindex and .txnindex of the .log files anew. Keeps .bak files.");
    set.value("--truncate-at", "OFFSET", options.truncate_at,
              "Cut a .log before the batch that holds OFFSET, its indexes with it. Keeps .bak files.",
              std::int64_t{0});
    set.flag("-y, --yes", options.yes, "Do it without asking.");
    set.flag("--no-input", options.no_input, "Never ask.");
    set.flag("-n, --dry-run", options.dry_run, "Say what would be done.");
}

void add_output(cli::OptionSet& set, Options& options) {
    set.group("Output");
    set.flag("--json", options.json, "One JSON object a line.");
    set.flag("--plain", options.plain, "Tab-separated values, no header.");
    set.flag("--no-header", options.no_header, "No header line over a table.");
    set.flag("-q, --quiet", options.quiet, "Errors only on stderr.");
    set.flag("-v, --verbose", options.verbose, "More words on stderr.");
}

void add_kafka(cli::OptionSet& set, Options& options) {
    KafkaOptions& kafka = options.kafka_options;
    set.group("Kafka's own tool");
    set.optional_value(
           "--kafka", "VERSION", [&options](std::optional<std::string_view> v) { return set_kafka(options, v); },
           "Print what kafka-dump-log prints, byte for byte, in the wording of 3.9 (default) or 2.4.")
        .one_of({"3.9", "2.4"});
    set.repeatable(
           "--files", "FILE,...", [&options](std::string_view list) { return add_files(options, list); },
           "Files to read, beside the operands.")
        .suggest(Complete::file);
    set.flag(
        "--deep-iteration", [&options, &kafka] { options.records = kafka.deep_iteration = true; },
        "The records too.");
    set.flag(
        "--print-data-log", [&options, &kafka] { options.records = kafka.print_data = true; },
        "The records with their keys and payloads.");
    set.flag("--verify-index-only", kafka.verify_index_only,
             "Check indexes against the log, print only what is wrong.");
    set.flag("--index-sanity-check", kafka.sanity_check_only,
             "Only the check of an index that a broker does at start.");
    set.flag(
        "--offsets-decoder",
        [&options, &kafka] {
            options.decode = Decode::offsets;
            kafka.decoder = KafkaDecoder::offsets;
            options.records = kafka.print_data = true;
        },
        "The records are those of __consumer_offsets.");
    set.flag(
        "--transaction-log-decoder",
        [&options, &kafka] {
            options.decode = Decode::txn;
            kafka.decoder = KafkaDecoder::txn;
            options.records = kafka.print_data = true;
        },
        "The records are those of __transaction_state.");
    for (const char* name : {"--key-decoder-class", "--value-decoder-class"}) {
        set.value(
            name, "CLASS", [&options](std::string_view word) { return take_decoder_class(options, word); },
            "StringDecoder is built in, other classes are refused: see --decode-with.");
    }
    for (const char* name :
         {"--cluster-metadata-decoder", "--remote-log-metadata-decoder", "--share-group-state-decoder"}) {
        set.flag(
            name,
            [&options, &kafka, name] {
                options.undecoded = name;
                options.decode = Decode::hex;
                options.records = kafka.print_data = true;
            },
            "The records, but not decoded: see --decode-with.");
    }
}

}  // namespace

void add_options(cli::OptionSet& set, Options& options) {
    add_what_to_print(set, options);
    add_selection(set, options);
    add_repair(set, options);
    add_output(set, options);
    add_kafka(set, options);
    set.operands(options.paths, Complete::file);
}

std::optional<std::string> find_contradiction(const Options& options) {
    const int views = int{options.kafka} + int{options.hex} + int{options.summary} + int{options.stats} +
                      int{options.check.has_value()} + int{options.rebuild_index} +
                      int{options.truncate_at.has_value()};
    if (views > 1) {
        return "only one of --kafka, --hex, --summary, --stats, --check, --rebuild-index and --truncate-at can be "
               "given";
    }
    if (options.kafka && (options.range || options.count || options.format || !options.match.empty() ||
                          options.json || options.plain || options.decode_with)) {
        return "-o, -c, -f, -m, --json, --plain and --decode-with do not go with --kafka, whose text is Kafka's";
    }
    if (options.follow && views > int{options.kafka}) {
        return "--follow goes with batches and records: not with --hex, --summary, --stats, --check, --rebuild-index "
               "and --truncate-at";
    }
    if (options.json && options.plain) return "--json and --plain exclude each other";
    if (options.follow && std::find(options.paths.begin(), options.paths.end(), "-") != options.paths.end())
        return "--follow goes with files and directories: a stream is read to its end anyway";
    if (options.paths.empty()) return "no file or directory given";
    return std::nullopt;
}

}  // namespace mq::dump
