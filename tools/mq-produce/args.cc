#include "args.h"

#include <fcntl.h>

#include <algorithm>

#include "cli/diagnostics.h"
#include "cli/escape.h"
#include "cli/text.h"
#include "option_rows.h"
#include "os/file.h"

namespace mq::produce {

using cli::cat;
using cli::OptionSet;

namespace {

// A key on the command line is as long as that allows; one from a file too.
constexpr std::uint64_t kLargestKeyBytes = 1 << 20;

// What cannot stand together; empty: all is well.
std::string contradiction(const Args& args, const Collected& more) {
    using cli::Framing;
    const bool framed = args.framing != Framing::delimiter;
    const bool batches = args.framing == Framing::kbatch;
    if (args.json && args.format) return "--json and --format: one of them";
    if (args.format && framed) return "--format and --framing: one of them";
    if ((args.json || args.format) && !args.fields.is_plain())
        return "--json and --format say themselves where keys, headers and nulls are, and how they are written";
    if (batches && (args.json || !args.fields.is_plain() || args.key || more.key_file || args.key_from_filename ||
                    !args.headers.empty() || args.timestamp || args.timestamp_now || args.repeating_keys ||
                    args.replay_speed || args.count || args.skip_empty || args.codec != record::Codec::none))
        return "--framing kbatch takes batches as they are";
    if (args.replay_speed && !args.json && !args.format)
        return "--replay needs timestamps: --json, or --format with %T";
    if (args.generate != Generate::no &&
        (framed || args.json || args.format || args.repeat > 1 || !more.operands.empty() || !args.checkpoint.empty()))
        return "--generate reads no input";
    if (!args.checkpoint.empty()) {
        if (args.sync == Sync::none) return "--checkpoint notes what is on the disk: not with --sync=none";
        if (batches || args.repeat > 1 || args.dry_run || args.count)
            return "--checkpoint goes with neither --framing kbatch, --repeat, --count nor --dry-run";
        if (std::ranges::count(args.files, "-") > 1) return "--checkpoint needs files that differ";
    }
    if (args.fields.escape) {
        const std::string_view separators[] = {args.delimiter, args.fields.key_delimiter.value_or(""),
                                               args.fields.header_delimiter.value_or("")};
        if (const auto usable = cli::Escaper::make(separators); !usable)
            return cat("--escape: ", usable.error().detail);
    }
    const bool word = std::ranges::any_of(args.files, [](const std::string& file) {
        return (file == "none" || file == "batch" || file == "end") && !os::exists(file).value_or(false);
    });
    if (more.sync_without_value && word) return "--sync takes its value after an equals sign: --sync=none";
    return {};
}

}  // namespace

std::optional<int> parse_args(OptionSet& options, int argc, char** argv, Args& args) {
    Collected more;
    add_options(options, args, more);

    if (auto stop = options.parse(argc, argv)) return stop;
    if (!more.topic) {
        if (more.operands.empty()) return options.usage_error("which topic? mq-produce TOPIC [FILE...]");
        more.topic = more.operands.front();
        more.operands.erase(more.operands.begin());
    }
    args.topic = *more.topic;
    args.files = more.operands;
    if (args.files.empty()) args.files.emplace_back("-");
    if (more.key_file) {
        auto key = os::read_file(*more.key_file, kLargestKeyBytes);
        if (!key) return cli::to_status(cli::Diagnostics{options.program()}.fail(key.error()));
        args.key = *std::move(key);
    }
    for (const std::string& file : more.setting_files) {
        const Status added = more.settings.add_file(file);
        if (!added) return cli::to_status(cli::Diagnostics{options.program()}.fail(added.error()));
    }
    if (const Status applied = more.settings.apply(args, more.given); !applied)
        return options.usage_error(applied.error().message());
    if (args.max_record_bytes > kLargestMaxRecordBytes)
        return options.usage_error("--max-record-bytes: at most 1GiB");
    if (args.ack_fd && fcntl(*args.ack_fd, F_GETFD) < 0)
        return options.usage_error(cat("--ack-fd: descriptor ", *args.ack_fd, " is not open"));
    if (const std::string problem = contradiction(args, more); !problem.empty()) return options.usage_error(problem);
    return std::nullopt;
}

}  // namespace mq::produce
