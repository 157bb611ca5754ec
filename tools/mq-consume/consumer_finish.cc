// How a run ends: what was printed leaves, the checkpoint is written, and the status says what became of it.
#include <unistd.h>

#include <cmath>
#include <csignal>

#include "cli/json.h"
#include "cli/signals.h"
#include "cli/text.h"
#include "consumer.h"

namespace mq::consume {

using cli::cat;
using cli::counted;
using cli::ExitCode;

// A checkpoint never says more than what is safe in the output.
Status Consumer::save_checkpoint() {
    Checkpoint now = checkpoint_;
    for (const auto& partition : partitions_) {
        const PartitionStream& stream = *partition->stream;
        CheckpointEntry& entry = now[stream.id()];
        const LeaderEpoch epoch = stream.last_epoch() >= 0 || entry.topic_id != partition->topic_id
                                      ? stream.last_epoch()
                                      : entry.leader_epoch;
        entry = {partition->topic_id, stream.position(), epoch};
    }
    MQ_TRY(out_.flush());
    if (now == checkpoint_) return {};
    const os::File out = os::File::adopt(STDOUT_FILENO, "stdout", true);
    MQ_ASSIGN(const os::FileInfo info, out.info());
    if (info.is_regular) MQ_TRY(out.sync_data());
    MQ_TRY(printer_->sync());
    MQ_TRY(write_checkpoint(*args_.checkpoint, now));
    checkpoint_ = std::move(now);
    events_.tell("checkpoint", {{"records", static_cast<std::int64_t>(records_)}});
    return {};
}

Status Consumer::print_counts() {
    std::string text;
    if (args_.json == Json::no) text = cat(records_, '\n');
    for (const auto& partition : partitions_) {
        if (args_.json == Json::no) break;
        text += "{\"topic\":";
        cli::append_json_string(text, partition->stream->id().topic);
        text += cat(",\"partition\":", partition->stream->id().partition, ",\"count\":", partition->records, "}\n");
    }
    if (!out_.write(text)) return out_.status();
    return {};
}

void Consumer::tell_stats() const {
    const double seconds = std::chrono::duration<double>(Clock::now() - started_).count();
    const auto milliseconds = std::llround(seconds * 1000);
    const auto rate = [&](double amount) { return static_cast<std::uint64_t>(std::llround(amount / seconds)); };
    const std::string text = cat(
        counted(records_, "record"), " of ", counted(partitions_.size(), "partition"), ", ", counted(bytes_, "byte"),
        " read in ", milliseconds / 1000, '.', std::to_string(1000 + milliseconds % 1000).substr(1),
        " s: ", rate(static_cast<double>(records_)), " records/s, ", rate(static_cast<double>(bytes_)), " bytes/s");
    // Asked for by name: said whatever -q says.
    cli::Diagnostics words{"mq-consume"};
    words.summary(text);
}

ExitCode Consumer::verdict(End end) const {
    if (worst_ != ExitCode::ok) return worst_;
    if (end == End::timed_out)
        return diagnostics_.fail(ExitCode::timeout, cat("gave up after --timeout, ", counted(records_, "record")));
    if (args_.expect) {
        const bool fits = args_.expect->or_more ? records_ >= args_.expect->count : records_ == args_.expect->count;
        if (!fits) {
            return diagnostics_.fail(ExitCode::no, cat(counted(records_, "record"), ", where ", args_.expect->count,
                                                       args_.expect->or_more ? " or more" : "", " were expected"));
        }
    }
    if (commands_ != nullptr && commands_->runner().counts().skipped > 0) return ExitCode::no;
    if ((args_.get || !args_.matches.empty()) && records_ == 0) return ExitCode::no;
    for (const auto& partition : partitions_) {
        if (partition->stream->skipped_damage()) return ExitCode::no;
    }
    return ExitCode::ok;
}

ExitCode Consumer::finish(End end) {
    Status left;
    if (args_.count_only && end != End::failed) left = print_counts();
    if (outlet_ || session_) {
        end = wait_until_done(end);
        left = end_group(end);
    } else if (left) {
        left = out_.flush();
    }
    if (left && args_.checkpoint && printer_) left = save_checkpoint();
    if (!left && worst_ == ExitCode::ok) worst_ = diagnostics_.fail(left.error());
    if (args_.stats) tell_stats();
    const int signal = cli::FirstSignal::taken();
    const ExitCode status = end == End::interrupted ? worst_ : verdict(end);
    events_.tell("ended",
                 {{"records", static_cast<std::int64_t>(records_)},
                  {"status", signal != 0 && end == End::interrupted ? 128 + signal : cli::to_status(status)}});
    if (end == End::interrupted && signal != 0) cli::die_of(signal);
    if (end == End::reader_gone) cli::die_of(SIGPIPE);
    return status;
}

}  // namespace mq::consume
