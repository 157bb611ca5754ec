#include "option_rows.h"

#include "base/clock.h"
#include "cli/times.h"
#include "cli/values.h"

namespace mq::produce {

using cli::bad_value;
using cli::Complete;
using cli::OptionSet;

namespace {

Status parse_header(std::string_view text, Args& args) {
    const std::size_t equals = text.find('=');
    Header header{std::string{text.substr(0, equals)}, std::nullopt};
    if (equals != std::string_view::npos) header.value = text.substr(equals + 1);
    args.headers.push_back(std::move(header));
    return {};
}

Status parse_delimiter(std::string_view text, std::string& target) {
    MQ_ASSIGN(target, cli::parse_escapes(text));
    if (target.empty()) return bad_value(text, "is empty: nothing would end");
    return {};
}

Status parse_encoding(std::string_view text, cli::Encoding& target) {
    target = cli::encoding_from_name(text).value_or(cli::Encoding::raw);
    return {};
}

// "1000", "1000/s", "10/m": how many a second.
Status parse_rate(std::string_view text, bool bytes, double& target) {
    const std::size_t slash = text.find('/');
    const std::string_view unit = slash == std::string_view::npos ? "s" : text.substr(slash + 1);
    const double seconds = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
    if (seconds == 0) return bad_value(text, "is not per s, m or h");
    const std::string_view number = text.substr(0, slash);
    std::uint64_t count = 0;
    if (bytes) {
        MQ_ASSIGN(count, cli::parse_size(number));
    } else {
        MQ_ASSIGN(count, cli::parse_integer<std::uint64_t>(number));
    }
    if (count == 0) return bad_value(text, "is no rate: nothing would be sent");
    target = static_cast<double>(count) / seconds;
    return {};
}

// "2", "0.5x".
Status parse_speed(std::string_view text, double& target) {
    std::string number{text};
    if (number.ends_with('x')) number.pop_back();
    char* end = nullptr;
    const bool plain = !number.empty() && number.find_first_not_of("0123456789.") == number.npos;
    target = plain ? std::strtod(number.c_str(), &end) : 0;
    if (!plain || *end != '\0' || target <= 0) return bad_value(text, "is no speed, such as 2 or 0.5x");
    return {};
}

Status parse_generate(std::string_view text, Args& args, OptionSet& options) {
    if (options.is_generated_page(text)) return {};
    if (text == "seq") {
        args.generate = Generate::sequence;
    } else if (text.starts_with("random:")) {
        args.generate = Generate::random;
        MQ_ASSIGN(args.generate_bytes, cli::parse_size(text.substr(7)));
        if (args.generate_bytes > kLargestMaxRecordBytes) return bad_value(text, "is more than 1GiB");
    } else if (text.starts_with("file:") && text.size() > 5) {
        args.generate = Generate::file;
        args.generate_file = text.substr(5);
    } else {
        return bad_value(text, "is none of seq, random:SIZE, file:PATH");
    }
    return {};
}

Status parse_sync(std::optional<std::string_view> text, Args& args) {
    args.sync = text == "none" ? Sync::none : text == "end" ? Sync::end : Sync::batch;
    return {};
}

// Kafka's --timeout counts milliseconds without a unit, and means what --linger does.
Status parse_timeout(std::string_view text, Args& args) {
    if (!text.empty() && text.find_first_not_of("0123456789") == text.npos) {
        MQ_ASSIGN(args.linger_ms, cli::parse_integer<std::int64_t>(text, 0));
        return {};
    }
    MQ_ASSIGN(args.timeout_ms, cli::parse_duration_ms(text));
    return {};
}

void add_input_options(OptionSet& options, Args& args, Collected& more) {
    const auto given = [&more](std::string_view name) { more.given.push_back(name); };
    options.group("Input");
    options.value("-t, --topic", "TOPIC", more.topic, "The topic. All operands are files then.")
        .suggest(Complete::topic);
    options.value("-d, --delimiter", "STR",
                  OptionSet::Apply{[&](std::string_view text) { return parse_delimiter(text, args.delimiter); }},
                  "Ends a record. C escapes are known. A newline if not given.");
    options.flag(
        "-0, --null", [&] { args.delimiter.assign(1, '\0'); }, "A NUL byte ends a record.");
    options
        .value(
            "--framing", "FORM", OptionSet::Apply{[&](std::string_view text) -> Status {
                args.framing = *cli::framing_from_name(text);
                return {};
            }},
            "What sets records apart instead of a delimiter. file: every file is one; u32be, u32le, varint: a length "
            "in front; netstring: 5:hello, ; kbatch: Kafka's record batches, which are appended whole.")
        .one_of(cli::framing_names(true));
    options.flag(
        "--json", args.json,
        "Every line is a JSON object as mq-consume --json writes it: partition, timestamp, key, value, headers.");
    options.value("-f, --format", "FORMAT", OptionSet::Apply{[&](std::string_view text) -> Status {
                      args.format = text;
                      return {};
                  }},
                  "How records stand in the input: %k %v %h{...} %p %T, lengths %K %V, with {hex} {base64} {json} "
                  "{re[...]} {u32be} and the like. See INPUT FORMATS.");
    options.value(
        "-K, --key-delimiter", "STR", OptionSet::Apply{[&, given](std::string_view text) {
            given("--key-delimiter");
            return parse_delimiter(text, args.fields.key_delimiter.emplace());
        }},
        "What stands before the first STR in a record is its key. Without one in it the record has the key of "
        "-k, or null.");
    options.value(
        "--header-delimiter", "STR", OptionSet::Apply{[&, given](std::string_view text) {
            given("--header-delimiter");
            return parse_delimiter(text, args.fields.header_delimiter.emplace());
        }},
        "What stands before the first STR in a record, in front of the key, is headers: name:value,name:value. A "
        "name alone has the value null.");
    options.flag(
        "--escape", args.fields.escape,
        R"(Reads \n \t \r \0 \\ \xHH in headers, key and value as the bytes they stand for, and \N as null.)");
    options
        .value("--key-encoding", "ENCODING", OptionSet::Apply{[&](std::string_view text) {
                   return parse_encoding(text, args.fields.key_encoding);
               }},
               "How keys are written in the input.")
        .one_of({"raw", "hex", "base64"});
    options
        .value("--value-encoding", "ENCODING", OptionSet::Apply{[&](std::string_view text) {
                   return parse_encoding(text, args.fields.value_encoding);
               }},
               "How values are written in the input.")
        .one_of({"raw", "hex", "base64"});
    options.value("-k, --key", "STR", args.key, "Key of every record that has none of its own.");
    options.value("--key-file", "FILE", more.key_file, "The same, from a file, all of its bytes.")
        .suggest(Complete::file);
    options
        .value("--key-from", "WHAT", OptionSet::Apply{[&](std::string_view) -> Status {
                   args.key_from_filename = true;
                   return {};
               }},
               "filename: the key of a record is the name of its file as it was given.")
        .one_of({"filename"});
    options.repeatable("-H, --header", "K=V",
                       OptionSet::Apply{[&](std::string_view text) { return parse_header(text, args); }},
                       "Adds a header to every record, after its own. K alone has the value null, K= the empty one.");
    options.flag("-Z, --null-value", args.fields.empty_is_null, "An empty key or value is null.");
    options.value("--null-marker", "STR", OptionSet::Apply{[&, given](std::string_view text) -> Status {
                      given("--null-marker");
                      args.fields.null_marker = text;
                      return {};
                  }},
                  "A key or value that is exactly STR is null.");
    options.flag("--skip-empty", args.skip_empty, "Leaves empty input records out. They are records otherwise.");
    options.value("--timestamp", "T", OptionSet::Apply{[&](std::string_view text) -> Status {
                      args.timestamp.reset();
                      args.timestamp_now = text == "now";
                      if (args.timestamp_now) return {};
                      MQ_ASSIGN(args.timestamp, cli::parse_time(text, wall_clock_ms()));
                      return {};
                  }},
                  "Timestamp of every record, whatever the input says: seconds or milliseconds since 1970, RFC 3339, "
                  "YYYY-MM-DD, "
                  "-1h, now. That of the input, else the time of reading, if not given.");
    options.value("-c, --count", "N", args.count, "Stops after so many records.", std::uint64_t{1});
    options.value("--repeat", "N", args.repeat, "Reads the input so many times.", std::uint64_t{1});
    options
        .value(
            "--on-error", "WHAT", OptionSet::Apply{[&, given](std::string_view text) {
                given("--on-error");
                return parse_on_error(text, args);
            }},
            "What happens to a record that is malformed or too large. stop: the tool exits with 65, the default; "
            "skip: it is left out, and the tool exits with 1 in the end; file:PATH: the same, and it is appended to "
            "that file, of one that is far too large the beginning.")
        .suggest(Complete::choices, {"stop", "skip", "file:"});
    options
        .value("--max-record-bytes", "SIZE", OptionSet::Apply{[&, given](std::string_view text) -> Status {
                   given("--max-record-bytes");
                   MQ_ASSIGN(args.max_record_bytes, cli::parse_size(text));
                   return {};
               }},
               "Refuses a record whose batch would be larger. The topic's max.message.bytes holds beside it; a topic "
               "that has to be made gets a larger one if need be.")
        .alias("--max-message-bytes");
}

void add_source_options(OptionSet& options, Args& args) {
    options.group("Load");
    options
        .value("--generate", "WHAT",
               OptionSet::Apply{[&](std::string_view text) { return parse_generate(text, args, options); }},
               "Makes records instead of reading them, without end or up to -c. seq: 1, 2, 3; random:SIZE: letters; "
               "file:PATH: lines of a file at random. man, complete-bash, complete-zsh, complete-fish print what is "
               "made from "
               "the table of options.")
        .suggest(Complete::choices, {"seq", "random:1KiB", "file:lines"});
    options.value("--repeating-keys", "N", args.repeating_keys,
                  "Gives the records the keys 0, 1 ... N - 1, and again from 0.", std::uint64_t{1});
    options
        .value("--rate", "N",
               OptionSet::Apply{[&](std::string_view text) { return parse_rate(text, false, args.rate_records); }},
               "At most so many records a second; N/m and N/h: a minute, an hour.")
        .alias("--throughput");
    options.value("--rate-bytes", "SIZE",
                  OptionSet::Apply{[&](std::string_view text) { return parse_rate(text, true, args.rate_bytes); }},
                  "At most so many bytes of keys and values a second; also /m and /h.");
    options.optional_value(
        "--replay", "SPEED",
        [&](std::optional<std::string_view> text) -> Status {
            return parse_speed(text.value_or("1"), args.replay_speed.emplace());
        },
        "Sends records as far apart as their timestamps in the input are; SPEED times as fast.");
}

void add_topic_options(OptionSet& options, Args& args, Collected& more) {
    const auto given = [&more](std::string_view name) { more.given.push_back(name); };
    options.group("Topic");
    options.value("-p, --partition", "N", args.partition,
                  "Appends to this partition. Otherwise a record goes where the input says (%p, JSON), or where "
                  "--partitioner puts it.",
                  0);
    options
        .value("--partitioner", "KIND", OptionSet::Apply{[&, given](std::string_view text) -> Status {
                   given("--partitioner");
                   args.partitioner = *partitioner_from_name(text);
                   return {};
               }},
               "murmur2: as Kafka's Java client, keys by their hash and others batch by batch to one partition after "
               "another, the default; murmur2_random, crc32, fnv1a: as librdkafka, keys by their hash and others at "
               "random; roundrobin, random, sticky: whatever the key.")
        .one_of(partitioner_names());
    options.optional_value(
        "--create", "PARTITIONS",
        [&](std::optional<std::string_view> text) -> Status {
            args.create = true;
            if (!text) return {};
            // PARTITIONS:RF as for a cluster; here every partition has one replica.
            const std::size_t colon = text->find(':');
            if (colon != text->npos && text->substr(colon + 1) != "1")
                return bad_value(*text, "asks for replicas: a data directory holds one");
            MQ_ASSIGN(args.create_partitions, cli::parse_integer<std::int32_t>(text->substr(0, colon), 1, 100'000));
            return {};
        },
        "Partitions of a topic that has to be made: one if not given. An existing topic stays as it is.");
    options.flag(
        "--no-create", [&] { args.create = false; }, "Exits with 66 if the topic is not there.");
}

void add_delivery_options(OptionSet& options, Args& args, Collected& more) {
    const auto given = [&more](std::string_view name) { more.given.push_back(name); };
    options.group("Delivery");
    options
        .value("-z, --compression", "CODEC", OptionSet::Apply{[&, given](std::string_view text) {
                   given("--compression");
                   return parse_compression(text, args);
               }},
               "Compresses batches. CODEC:LEVEL sets the codec's level.")
        .suggest(Complete::choices, {"none", "gzip", "snappy", "lz4", "zstd"})
        .alias("--compression-codec");
    options
        .optional_value(
            "--sync", "WHEN",
            [&](std::optional<std::string_view> text) -> Status {
                more.sync_without_value = !text;
                return parse_sync(text, args);
            },
            "When records are flushed to the disk. none: never; batch: before a batch counts as accepted, which "
            "--sync "
            "alone means too, as with Kafka; end: a second after they were appended, and before mq-produce exits, "
            "which "
            "is the default.")
        .one_of({"none", "batch", "end"});
    options
        .value("--acks", "N", OptionSet::Apply{[&, given](std::string_view) -> Status {
                   given("--acks");
                   return {};
               }},
               "all, 1 or 0 are the same here: a record counts as accepted when it was appended and every reader "
               "sees it. "
               "When it is on the disk is for --sync to say.")
        .one_of({"all", "-1", "1", "0"})
        .alias("--request-required-acks");
    options.value("--linger", "DUR", OptionSet::Apply{[&, given](std::string_view text) -> Status {
                      given("--linger");
                      MQ_ASSIGN(args.linger_ms, cli::parse_duration_ms(text));
                      return {};
                  }},
                  "Waits so long for more records when input pauses. Not at all if not given.");
    options
        .value("--batch-size", "SIZE", OptionSet::Apply{[&, given](std::string_view text) -> Status {
                   given("--batch-size");
                   MQ_ASSIGN(args.batch_bytes, cli::parse_size(text));
                   return {};
               }},
               "Sends a batch when it has so many bytes. About 1MiB if not given.")
        .alias("--max-partition-memory-bytes");
    options.value(
        "--delivery-timeout", "DUR", OptionSet::Apply{[&, given](std::string_view text) -> Status {
            given("--delivery-timeout");
            args.delivery_timeout_ms = kForever;
            if (text == "forever") return {};
            MQ_ASSIGN(args.delivery_timeout_ms, cli::parse_duration_ms(text));
            return {};
        }},
        "On a full disk keeps the batch and tries again so long, or forever, before it exits with 74. 0 if not "
        "given: exits at once.");
    options.value(
        "--timeout", "DUR", OptionSet::Apply{[&](std::string_view text) { return parse_timeout(text, args); }},
        "Exits with 124 after this time; what was read by then is appended and flushed. A number without a unit "
        "is Kafka's --timeout: --linger in milliseconds.");
    options
        .value(
            "--checkpoint", "FILE", args.checkpoint,
            "Notes in FILE what has been appended and flushed. Started again with it, mq-produce goes on there and "
            "neither loses nor doubles a record, however it ended.")
        .suggest(Complete::file);
    options.flag("--verify", args.verify, "Reads every batch back and compares it.");
}

void add_output_options(OptionSet& options, Args& args) {
    options.group("Output");
    options
        .value("--report", "FORMAT", OptionSet::Apply{[&](std::string_view text) -> Status {
                   args.report = text == "json" ? Report::json : Report::format;
                   args.report_format = text;
                   return {};
               }},
               "Prints a line on stdout for each accepted record. json: topic, partition, offset; else a format of "
               "mq-consume, such as '%p %o %k\\n'.")
        .suggest(Complete::choices, {"json"});
    options.value("--ack-fd", "N", args.ack_fd,
                  "Writes TOPIC PARTITION OFFSET to this descriptor for each accepted record, a line each.", 0);
    options.flag("--tee", args.tee, "Prints each accepted record on stdout, with its key if -K is given.");
    options.flag("--progress", args.progress,
                 "Shows on a terminal what has been sent so far. SIGUSR1 does so anywhere.");
    options.flag("-n, --dry-run", args.dry_run, "Reads the input and says what would be appended.");
    options.flag("-q, --quiet", args.quiet, "No summary at the end.");
    options.flag("-v, --verbose", args.verbose, "Says more on stderr: what opening the partitions found.");
}

void add_kafka_options(OptionSet& options, Collected& more) {
    options.group("Settings");
    options
        .repeatable(
            "-F, --command-config", "FILE", more.setting_files,
            "Java properties with Kafka's keys of a producer, such as compression.type, linger.ms, batch.size, "
            "acks, max.request.size. Options count more.")
        .suggest(Complete::file)
        .alias("--producer.config")
        .alias("--reader-config");
    options
        .repeatable("-X, --command-property", "K=V",
                    OptionSet::Apply{[&](std::string_view text) { return more.settings.add(text); }},
                    "One of those keys; also those of Kafka's console producer, such as parse.key, key.separator, "
                    "parse.headers, null.marker.")
        .alias("--producer-property")
        .alias("--property")
        .alias("--reader-property");
    // What Kafka's console producer takes and nothing here depends on.
    const OptionSet::Apply nothing{[](std::string_view) -> Status { return {}; }};
    for (const std::string_view name : {"--max-block-ms", "--max-memory-bytes", "--message-send-max-retries",
                                        "--metadata-expiry-ms", "--request-timeout-ms", "--retry-backoff-ms",
                                        "--socket-buffer-size", "--send-buffer-size", "--line-reader"}) {
        options.value(name, "N", nothing, "Accepted for Kafka's sake.").hide();
    }
}

}  // namespace

void add_options(OptionSet& options, Args& args, Collected& more) {
    add_input_options(options, args, more);
    add_source_options(options, args);
    add_topic_options(options, args, more);
    add_delivery_options(options, args, more);
    add_output_options(options, args);
    add_kafka_options(options, more);
    add_target(options, args.target);
    options.operands(more.operands, Complete::topic);
}

}  // namespace mq::produce
