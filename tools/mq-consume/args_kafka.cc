// The spellings of kafka-console-consumer, settings of Kafka's clients, and what this version does not have yet.
#include <algorithm>
#include <array>

#include "args.h"
#include "cli/text.h"
#include "cli/values.h"
#include "log/checkpoint_file.h"
#include "os/file.h"

namespace mq::consume {

using cli::bad_value;
using cli::cat;
using cli::Complete;
using cli::OptionSet;

namespace {

struct KeyValue {
    std::string_view key;
    std::string_view value;
};

Result<KeyValue> split_property(std::string_view text) {
    const std::size_t equals = text.find('=');
    if (equals == text.npos || equals == 0) return bad_value(text, "is not KEY=VALUE");
    return KeyValue{text.substr(0, equals), text.substr(equals + 1)};
}

Status to_flag(KeyValue property, bool& target) {
    if (property.value != "true" && property.value != "false")
        return bad_value(property.value, cat("is neither true nor false: ", property.key));
    target = property.value == "true";
    return {};
}

// A property of Kafka's formatter.
Status apply_form_property(std::string_view text, std::optional<KafkaForm>& form) {
    MQ_ASSIGN(const KeyValue property, split_property(text));
    if (!form) form.emplace();
    const std::array<std::pair<std::string_view, bool*>, 7> flags{{{"print.timestamp", &form->timestamp},
                                                                   {"print.partition", &form->partition},
                                                                   {"print.offset", &form->offset},
                                                                   {"print.epoch", &form->epoch},
                                                                   {"print.headers", &form->headers},
                                                                   {"print.key", &form->key},
                                                                   {"print.value", &form->value}}};
    for (const auto& [name, flag] : flags) {
        if (property.key == name) return to_flag(property, *flag);
    }
    const std::array<std::pair<std::string_view, std::string*>, 4> texts{
        {{"key.separator", &form->key_separator},
         {"line.separator", &form->line_separator},
         {"headers.separator", &form->headers_separator},
         {"null.literal", &form->null_literal}}};
    for (const auto& [name, target] : texts) {
        if (property.key != name) continue;
        MQ_ASSIGN(*target, cli::parse_escapes(property.value));
        return {};
    }
    if (property.key.ends_with(".deserializer")) {
        if (property.value.ends_with("StringDeserializer") || property.value.ends_with("ByteArrayDeserializer"))
            return {};
        return bad_value(property.value,
                         "is Java code: keys and values are bytes here; see %s{hex} and %s{unpack[]}");
    }
    return bad_value(property.key, "is no property of Kafka's formatter");
}

// A setting of Kafka's consumers: those that mean something without a cluster are obeyed.
Status apply_client_setting(KeyValue setting, Args& args) {
    if (setting.key == "isolation.level") {
        if (setting.value != "read_committed" && setting.value != "read_uncommitted")
            return bad_value(setting.value, "is no isolation.level");
        args.isolation =
            setting.value == "read_committed" ? log::Isolation::read_committed : log::Isolation::read_uncommitted;
    } else if (setting.key == "auto.offset.reset") {
        if (setting.value == "latest" && !args.ranges.all.from)
            args.ranges.all.from = cli::Bound{cli::Bound::Kind::from_end, 0};
    } else if (setting.key == "group.id") {
        args.group.group = setting.value;
    } else if (setting.key == "group.instance.id") {
        args.group.instance_id = setting.value;
    } else if (setting.key == "enable.auto.commit" && setting.value == "false") {
        if (!args.group.commit_given) args.group.commit = CommitPolicy::never;
    } else {
        args.without_meaning.push_back(cat("setting ", setting.key));
    }
    return {};
}

Status apply_settings_file(std::string_view path, Args& args) {
    MQ_ASSIGN(const std::string text, os::read_file(std::string{path}));
    MQ_ASSIGN(const auto settings, log::parse_properties(text));
    for (const auto& [key, value] : settings) MQ_TRY(apply_client_setting({key, value}, args));
    return {};
}

Status apply_formatter(std::string_view name, Args& args) {
    const auto is = [&](std::string_view simple) { return name.ends_with(simple); };
    if (is("DefaultMessageFormatter")) return {};
    if (is("OffsetsMessageFormatter") || is("GroupMetadataMessageFormatter")) {
        args.decode = Decode::offsets;
        return {};
    }
    if (is("TransactionLogMessageFormatter")) {
        args.decode = Decode::transactions;
        return {};
    }
    return bad_value(name, "is Java code: mq-consume has --format, --json and --decode");
}

// Accepted, on no page, and refused once all is parsed: who asks for it learns that, and not that it is unknown.
void add_not_yet(OptionSet& options, Args& args) {
    options
        .value("--decode-with", "COMMAND", OptionSet::Apply{[&args](std::string_view) -> Status {
                   args.not_yet = "--decode-with";
                   return {};
               }},
               "Not in this version.")
        .hide();
}

}  // namespace

void add_kafka_spellings(OptionSet& options, Args& args) {
    options.group("Kafka's spellings");
    options
        .repeatable("--property", "KEY=VALUE", OptionSet::Apply{[&](std::string_view text) {
                        return apply_form_property(text, args.kafka_form);
                    }},
                    "What kafka-console-consumer prints of a record: print.key=true, print.offset, print.partition, "
                    "print.timestamp, print.headers, print.epoch, print.value, key.separator, line.separator, "
                    "headers.separator, null.literal.")
        .alias("--formatter-property");
    options.value("--formatter", "CLASS",
                  OptionSet::Apply{[&](std::string_view text) { return apply_formatter(text, args); }},
                  "Kafka's own formatters of messages, offsets and transactions are known by their names.");
    options
        .value("--include", "PATTERN", OptionSet::Apply{[&](std::string_view text) -> Status {
                   args.topics.emplace_back(text);
                   args.regex = true;
                   return {};
               }},
               "The same as -r PATTERN.")
        .alias("--whitelist");
    options.value("--timeout-ms", "MS", OptionSet::Apply{[&](std::string_view text) -> Status {
                      MQ_ASSIGN(args.idle_timeout_ms, cli::parse_integer<std::int64_t>(text, 0));
                      return {};
                  }},
                  "The same as --idle-timeout, in milliseconds.");
    options.flag("--skip-message-on-error", args.skip_damage, "The same as --on-error skip.");
    options
        .repeatable("-X, --command-property", "KEY=VALUE", OptionSet::Apply{[&](std::string_view text) -> Status {
                        MQ_ASSIGN(const KeyValue setting, split_property(text));
                        return apply_client_setting(setting, args);
                    }},
                    "A setting of Kafka's consumers. isolation.level, auto.offset.reset, group.id, group.instance.id "
                    "and enable.auto.commit=false are obeyed, others mean nothing without a cluster.")
        .alias("--consumer-property");
    options
        .value("-F, --command-config", "FILE",
               OptionSet::Apply{[&](std::string_view text) { return apply_settings_file(text, args); }},
               "A file of such settings.")
        .alias("--consumer.config")
        .alias("--consumer-config")
        .suggest(Complete::file);
    for (const auto& [names, variable, help] :
         {std::array<std::string_view, 3>{"--rack", "RACK",
                                          "The rack of this machine; means nothing without a cluster."},
          std::array<std::string_view, 3>{"--retry", "N",
                                          "How often a broker is tried again; means nothing without a cluster."}}) {
        options.value(names, variable, OptionSet::Apply{[&args, name = names](std::string_view) -> Status {
                          args.without_meaning.emplace_back(name);
                          return {};
                      }},
                      help);
    }
    for (const std::string_view names : {"--key-deserializer", "--value-deserializer"}) {
        options
            .value(names, "CLASS", OptionSet::Apply{[&args, names](std::string_view) -> Status {
                       args.without_meaning.emplace_back(names);
                       return {};
                   }},
                   "Keys and values are bytes.")
            .hide();
    }
    add_not_yet(options, args);
}

}  // namespace mq::consume
