// trim and compact: records that go before their time.

#include <algorithm>

#include "cli/delete_records.h"
#include "cli/text.h"
#include "local/compaction.h"
#include "local/open.h"
#include "session.h"

namespace mq::topics {
namespace {

using cli::cat;
using cli::counted;
using cli::ExitCode;

// What one partition loses.
struct Cut {
    log::TopicPartition id;
    Offset from{0};
    Offset to{0};  // new log start
};

Result<Cut> plan_cut(Session& session, const log::TopicPartition& id, const std::optional<Offset>& exact) {
    const Args& args = session.args;
    MQ_ASSIGN(const auto reader, session.directory.open_reader(id));
    MQ_ASSIGN(const store::Bounds bounds, reader->bounds());
    Cut cut{id, bounds.log_start, bounds.log_start};
    if (exact) {
        cut.to = *exact == kNoOffset ? bounds.high_watermark : *exact;
    } else if (args.keep) {
        cut.to = Offset{std::max(bounds.log_start.value(), bounds.high_watermark.value() - *args.keep)};
    } else {
        const cli::Range range = args.before->of_partition(id.partition);
        if (!range.from) return cut;  // only other partitions were named
        const cli::LogBounds log{bounds.log_start, bounds.high_watermark,
                                 [&](TimestampMs time) -> Result<std::optional<Offset>> {
                                     MQ_ASSIGN(const auto found, reader->find_timestamp(time));
                                     return found ? std::optional{found->offset} : std::nullopt;
                                 }};
        MQ_ASSIGN(cut.to, cli::resolve(*range.from, log));
    }
    if (cut.to > bounds.high_watermark) {
        return fail(Errc::bad_argument, {}, log::partition_directory(id),
                    cat("offset ", cut.to.value(), " lies behind the end, ", bounds.high_watermark.value()));
    }
    cut.to = std::max(cut.to, cut.from);
    return cut;
}

std::vector<std::int32_t> partitions_of(const Args& args, const store::Topic& topic) {
    if (!args.partitions.empty()) return args.partitions;
    std::vector<std::int32_t> all;
    for (std::int32_t partition = 0; partition < topic.partitions; ++partition) all.push_back(partition);
    return all;
}

// Why the command line makes no sense; empty if it does.
std::string check_trim(const Args& args) {
    const int ways = args.before.has_value() + args.keep.has_value() + args.from_file.has_value();
    if (ways != 1) return "trim: what goes? --before RANGE, --keep N or --from-file FILE";
    if (args.from_file && !args.operands.empty()) return "trim: --from-file names the topics";
    if (!args.from_file && args.operands.empty()) return "trim: which topic?";
    if (!args.before) return {};
    const auto has_end = [](const cli::Range& range) { return range.until.has_value(); };
    if (has_end(args.before->all) ||
        std::ranges::any_of(args.before->by_partition, [&](const auto& entry) { return has_end(entry.second); }))
        return "--before: one offset or time, not a range with an end";
    return {};
}

Result<std::vector<Cut>> plan_trim(Session& session) {
    const Args& args = session.args;
    std::vector<Cut> cuts;
    const auto add = [&](const log::TopicPartition& id, const std::optional<Offset>& exact) {
        auto cut = plan_cut(session, id, exact);
        if (cut)
            cuts.push_back(std::move(*cut));
        else
            session.fail_item(cut.error());
    };
    if (args.from_file) {
        MQ_ASSIGN(const auto wanted, cli::read_delete_records(*args.from_file));
        for (const auto& [id, offset] : wanted) add(id, offset);
        return cuts;
    }
    MQ_ASSIGN(const auto topics, choose_topics(session));
    for (const store::Topic& topic : topics) {
        for (const std::int32_t partition : partitions_of(args, topic)) add({topic.name, partition}, std::nullopt);
    }
    return cuts;
}

constexpr Field kTrimFields[] = {{"topic"}, {"partition", true, true}, {"low_watermark", true, true}};
Status trim_one(Session& session, const Cut& cut) {
    MQ_ASSIGN(const auto writer, session.directory.open_writer(cut.id));
    const Status trimmed = writer->trim(cut.to);
    local::tell(writer->take_recovery_report(), session.diagnostics);
    return trimmed;
}

}  // namespace

ExitCode trim(Session& session) {
    if (const std::string problem = check_trim(session.args); !problem.empty())
        return session.diagnostics.fail(ExitCode::usage, problem);
    auto rows = Rows::make(kTrimFields, session.args, session.out);
    if (!rows) return session.diagnostics.fail(rows.error());
    const auto cuts = plan_trim(session);
    if (!cuts) return session.diagnostics.fail(cuts.error());
    std::vector<std::string> plan;
    for (const Cut& cut : *cuts) {
        plan.push_back(cat("trim ", log::partition_directory(cut.id), ": offsets ", cut.from.value(), " to ",
                           cut.to.value(), ", ", counted(cut.to - cut.from, "record")));
    }
    if (!cuts->empty()) {
        if (const auto stop = cli::confirm(session, session.args, "Drop these records?", plan)) return *stop;
    }
    for (const Cut& cut : *cuts) {
        if (const Status trimmed = trim_one(session, cut); !trimmed) {
            session.fail_item(trimmed.error());
            continue;
        }
        ++session.done;
        rows->add({text_cell(cut.id.topic), number_cell(cut.id.partition), number_cell(cut.to.value())});
    }
    return session.finish(&*rows);
}

ExitCode compact(Session& session) {
    if (session.args.operands.empty()) return session.diagnostics.fail(ExitCode::usage, "compact: which topic?");
    auto rows = Rows::make(local::kCompactionFields, session.args, session.out);
    if (!rows) return session.diagnostics.fail(rows.error());
    const auto topics = choose_topics(session);
    if (!topics) return session.diagnostics.fail(topics.error());
    for (const store::Topic& topic : *topics) {
        for (const std::int32_t partition : partitions_of(session.args, topic)) {
            local::compact_partition(session, session.directory, {topic.name, partition}, *rows);
        }
    }
    return session.finish(&*rows);
}

}  // namespace mq::topics
