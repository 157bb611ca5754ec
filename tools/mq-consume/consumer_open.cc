// What is read: partitions, and the offsets where each begins and ends.
#include <algorithm>

#include "base/clock.h"
#include "cli/text.h"
#include "consumer.h"
#include "internal_record.h"
#include "os/file.h"
#include "tail.h"

namespace mq::consume {

using cli::cat;

Status Consumer::open() {
    MQ_ASSIGN(choice_, TopicChoice::make(args_));
    MQ_ASSIGN(matcher_,
              cli::Matcher::parse(args_.matches, args_.match_any, wall_clock_ms(), decoded_fields(args_.decode)));
    MQ_TRY(open_outlet());
    if (args_.checkpoint) {
        MQ_ASSIGN(checkpoint_, read_checkpoint(*args_.checkpoint));
    }
    catalogue_generation_ = directory_.catalogue_generation();
    MQ_ASSIGN(std::vector<ChosenPartition> chosen, choice_->choose(directory_));
    if (args_.get) MQ_TRY(keep_partition_of_key(chosen));
    if (chosen.empty() && args_.ends_at_end())
        return fail(Errc::not_found, {}, {}, cat("no topic in ", directory_.path(), " matches"));
    if (args_.group.group) MQ_TRY(join(chosen));
    for (const ChosenPartition& partition : chosen) {
        if (!args_.joins()) MQ_TRY(add_partition(partition, false));
    }
    if (args_.get || args_.latest_per_key) MQ_TRY(go_to_latest());
    if (args_.tail || args_.tail_per_partition) MQ_TRY(begin_at_tail());
    events_.tell("started", {{"partitions", static_cast<std::int64_t>(partitions_.size())}});
    return {};
}

Status Consumer::add_partition(const ChosenPartition& chosen, bool is_new) {
    MQ_ASSIGN(auto reader, directory_.open_reader(chosen.id, args_.isolation));
    auto partition = std::make_unique<Partition>();
    partition->topic_id = chosen.topic_id;
    partition->stream = std::make_unique<PartitionStream>(
        StreamOptions{args_.isolation, args_.control_records, args_.skip_damage}, std::move(reader),
        os::join(directory_.path(), log::partition_directory(chosen.id)), diagnostics_, events_);
    MQ_TRY(choose_span(*partition, is_new));
    partitions_.push_back(std::move(partition));
    return {};
}

// Where the checkpoint says to go on, held against what the log is now.
Result<Offset> Consumer::resume_at(const Partition& partition, const CheckpointEntry& entry, Offset from) {
    PartitionStream& stream = *partition.stream;
    const std::string name = log::partition_directory(stream.id());
    if (!entry.topic_id.empty() && entry.topic_id != "-" && !partition.topic_id.empty() &&
        entry.topic_id != partition.topic_id) {
        diagnostics_.warning(cat(name, ": the topic was deleted and made again since the checkpoint"));
        return from;
    }
    MQ_ASSIGN(const store::Bounds bounds, stream.bounds());
    Offset end = bounds.log_end;
    if (entry.leader_epoch >= 0) {
        MQ_ASSIGN(const log::LeaderEpochs epochs, stream.reader().leader_epochs());
        const log::EpochEnd known = epochs.end_of(entry.leader_epoch, bounds.log_end);
        if (known.end_offset != kNoOffset) end = std::min(end, known.end_offset);
    }
    if (entry.next_offset <= end) return entry.next_offset;
    diagnostics_.warning(cat(name, ": the checkpoint is at offset ", +entry.next_offset,
                             ", but a crash of the machine cut the log at ", +end, ": going on there"));
    return end;
}

Status Consumer::choose_span(Partition& partition, bool is_new) {
    PartitionStream& stream = *partition.stream;
    MQ_ASSIGN(const store::Bounds now, stream.bounds());
    cli::LogBounds bounds;
    bounds.start = now.log_start;
    bounds.end = stream.end_of(now);
    bounds.find_timestamp = [&stream](TimestampMs time) -> Result<std::optional<Offset>> {
        MQ_ASSIGN(const auto found, stream.reader().find_timestamp(time));
        return found ? std::optional{found->offset} : std::nullopt;
    };
    const std::string name = log::partition_directory(stream.id());
    const cli::Range range = args_.ranges.of_partition(stream.id().partition);
    Offset from = bounds.start;
    std::optional<Offset> committed;
    if (session_) {
        MQ_ASSIGN(committed, session_->resume(stream.reader()));
    }
    // Of a partition that came while following everything is new, wherever reading was to begin.
    if (committed) {
        from = *committed;
        session_->committer().begin(stream.id(), from);
    } else if (range.from && range.from->kind != cli::Bound::Kind::committed && !is_new) {
        MQ_ASSIGN(from, cli::resolve(*range.from, bounds));
        if (from < bounds.start) {
            diagnostics_.warning(cat(name, ": offset ", +from, " is gone; the log starts at ", +bounds.start));
            from = bounds.start;
        } else if (from > bounds.end) {
            diagnostics_.warning(cat(name, ": offset ", +from, " lies behind the end, ", +bounds.end));
        }
    }
    if (const auto entry = checkpoint_.find(stream.id()); entry != checkpoint_.end()) {
        MQ_ASSIGN(from, resume_at(partition, entry->second, from));
    }
    if (range.until) {
        MQ_ASSIGN(partition.until, cli::resolve(*range.until, bounds));
    }
    if (args_.ends_at_end()) {
        const auto known = at_start_.find(stream.id());
        const Offset end = known != at_start_.end() && known->second ? *known->second : bounds.end;
        partition.until = std::min(partition.until.value_or(end), end);
    }
    // Who takes the partition before anything of it was read begins where this one does.
    if (session_ && !committed && from > bounds.start) session_->committer().settle(stream.id(), {from, -1});
    partition.told = from;
    stream.set_span(from, partition.until);
    partition.head_since = Clock::now();
    if (diagnostics_.verbosity() > 0) {
        diagnostics_.detail(cat(name, ": offsets ", +from,
                                partition.until ? cat(" to ", partition.until->value()) : std::string{" on"}));
    }
    const auto until = partition.until ? std::optional{partition.until->value()} : std::nullopt;
    events_.tell(is_new ? "partition_added" : "partition", stream.id(), {{"from", +from}, {"until", until}});
    return {};
}

// The partitions begin where the tail does; in_tail_ holds their ends back until it is printed.
Status Consumer::begin_at_tail() {
    std::vector<TailPartition> tails;
    for (const auto& partition : partitions_) {
        MQ_ASSIGN(const store::Bounds now, partition->stream->bounds());
        const Offset end = partition->stream->end_of(now);
        tails.push_back({partition->stream.get(), now.log_start, std::min(partition->until.value_or(end), end)});
    }
    std::vector<Offset> starts;
    if (args_.tail) {
        MQ_ASSIGN(starts, choose_tail(tails, *args_.tail));
    } else {
        for (const TailPartition& tail : tails) {
            MQ_ASSIGN(const auto start, choose_tail({&tail, 1}, *args_.tail_per_partition));
            starts.push_back(start.front());
        }
    }
    in_tail_ = args_.tail && !args_.count_only && args_.framing != cli::Framing::kbatch;
    for (std::size_t i = 0; i < partitions_.size(); ++i) {
        partitions_[i]->stream->set_span(starts[i], in_tail_ ? tails[i].end : partitions_[i]->until);
    }
    return {};
}

// While following: partitions that topics got, topics that a pattern matches, topics that went away.
Status Consumer::look_for_new_partitions() {
    const std::uint32_t generation = directory_.catalogue_generation();
    // Where nothing is shared, nothing tells of changes: they are looked for.
    constexpr std::chrono::seconds kLookInterval{1};
    const bool overdue = generation == 0 && now_ - last_look_ >= kLookInterval;
    if (generation == catalogue_generation_ && !overdue) return {};
    catalogue_generation_ = generation;
    last_look_ = now_;
    auto chosen = choice_->choose(directory_);
    if (!chosen) {
        // That a topic was deleted is told by its reader, with what is known of it.
        if (chosen.error().code == Errc::not_found) return {};
        return fail(std::move(chosen).error());
    }
    if (session_ && session_->is_member()) return join(*chosen);
    for (const ChosenPartition& one : *chosen) {
        const bool known = std::ranges::any_of(
            partitions_, [&](const auto& partition) { return partition->stream->id() == one.id; });
        if (known) continue;
        const Status added = add_partition(one, true);
        if (added) continue;
        if (added.error().code != Errc::not_found) return added;
        // Of a topic that is being made, or deleted: the next look will tell.
        catalogue_generation_.reset();
    }
    return {};
}

}  // namespace mq::consume
