// --check
#include <algorithm>

#include "cli/json.h"
#include "cli/text.h"
#include "log/check.h"
#include "mq-dump-segment/commands.h"
#include "mq-dump-segment/live_tail.h"

namespace mq::dump {
namespace {

void print_text(Sink& out, const log::Finding& finding) {
    out << finding.file;
    if (finding.position) out << ": byte " << *finding.position;
    if (finding.offset) out << ": offset " << +*finding.offset;
    if (finding.bytes > 0) out << ": " << finding.bytes << " bytes";
    out << ": " << finding.text << '\n';
}

void print_plain(Sink& out, const log::Finding& finding) {
    out << finding.file << '\t';
    finding.position ? out << *finding.position : out << '-';
    out << '\t';
    finding.offset ? out << +*finding.offset : out << '-';
    out << '\t' << finding.bytes << '\t' << finding.text << '\n';
}

void print_json(Sink& out, const log::Finding& finding) {
    std::string json = R"({"type":"finding",)";
    cli::append_json_bytes(json, "file", finding.file, true);
    if (finding.position) json += cli::cat(R"(,"position":)", *finding.position);
    if (finding.offset) json += cli::cat(R"(,"offset":)", +*finding.offset);
    json += cli::cat(R"(,"bytes":)", finding.bytes, R"(,"text":)");
    cli::append_json_string(json, finding.text);
    out << json << "}\n";
}

enum class Place : unsigned char { file, partition, data_directory, nothing };

// Whether a directory holds segments itself, or partitions that do.
Result<Place> place_of(const std::string& path) {
    MQ_ASSIGN(const os::FileInfo info, os::file_info(path, os::Follow::yes));
    if (!info.is_directory) return Place::file;
    MQ_ASSIGN(const auto entries, os::list_directory(path));
    Place place = Place::nothing;
    for (const auto& entry : entries) {
        if (!entry.is_directory && log::parse_file_name(entry.name).kind == log::FileKind::log)
            return Place::partition;
        if (entry.is_directory && log::parse_partition_directory(entry.name)) place = Place::data_directory;
    }
    return place;
}

Status check_one(log::Checker& checker, const std::string& path) {
    if (path == "-") return fail(Errc::bad_argument, "check", "-", "a stream has no indexes to check: give a file");
    MQ_ASSIGN(const Place place, place_of(path));
    switch (place) {
        case Place::file:
            return checker.check_file(path);
        case Place::partition:
            return checker.check_partition(path);
        case Place::data_directory:
            return checker.check_data_directory(path);
        case Place::nothing:
            break;
    }
    return fail(Errc::not_found, "check", path, "no log file and no partition in it");
}

}  // namespace

cli::ExitCode check_files(const Context& context) {
    const Options& options = context.options;
    log::CheckOptions how;
    how.parts = *options.check;
    how.unit_limit_bytes = options.limits.unit_bytes;
    how.decompressed_limit_bytes = options.limits.decompressed_bytes;
    std::optional<LiveTail> tail;
    std::string judged;
    how.judge_tail = [&](const os::File& file, FilePosition position, Offset next) -> Result<log::TailVerdict> {
        if (judged != file.path()) tail.emplace(judged = file.path());
        MQ_ASSIGN(const log::TailVerdict verdict, tail->judge(file, position, next));
        if (verdict == log::TailVerdict::in_flight) {
            MQ_ASSIGN(const std::uint64_t size, file.size());
            tell_in_flight(context, file.path(), +position, size - std::min(size, +position));
        }
        return verdict;
    };
    log::Checker checker{how, [&](const log::Finding& finding) {
                             if (options.json) {
                                 print_json(context.out, finding);
                             } else if (options.plain) {
                                 print_plain(context.out, finding);
                             } else {
                                 print_text(context.out, finding);
                             }
                         }};
    cli::ExitCode status = cli::ExitCode::ok;
    for (const std::string& path : options.paths) {
        if (const Status checked = check_one(checker, path); !checked)
            status = worse(status, context.fail(checked.error()));
    }
    const log::CheckTotals& totals = checker.totals();
    if (options.json) {
        context.out << R"({"type":"totals","files":)" << totals.files << R"(,"batches":)" << totals.batches
                    << R"(,"records":)" << totals.records << R"(,"bytes":)" << totals.bytes << R"(,"unread_batches":)"
                    << totals.unread_batches << R"(,"findings":)" << totals.findings << "}\n";
    }
    static_cast<void>(context.out.flush());
    std::string text =
        cli::cat(cli::counted(totals.files, "file"), ", ", cli::counted(totals.batches, "batch", "batches"), ", ",
                 cli::counted(totals.records, "record"), ", ", totals.bytes,
                 " bytes: ", totals.findings == 0 ? "nothing wrong" : cli::counted(totals.findings, "problem"));
    if (totals.unread_batches > 0) {
        text += cli::cat("; of ", cli::counted(totals.unread_batches, "batch", "batches"),
                         " over the limit the records were not read (--max-message-size)");
    }
    if (totals.files > 0) context.words.summary(text);
    return totals.findings > 0 ? worse(status, cli::ExitCode::no) : status;
}

}  // namespace mq::dump
