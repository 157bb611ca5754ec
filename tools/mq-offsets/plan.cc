#include "plan.h"

#include <algorithm>

#include "base/clock.h"
#include "cli/text.h"
#include "cli/times.h"

namespace mq::offsets_tool {

using cli::cat;

std::optional<offsets::Committed> committed_of(const offsets::GroupOffsets& committed,
                                               const log::TopicPartition& id) {
    const auto found = committed.find(id);
    return found == committed.end() ? std::nullopt : std::optional{found->second};
}

namespace {

// Kafka's words where an offset lies outside of the log.
Offset clamp(Offset wanted, const store::Bounds& bounds, const log::TopicPartition& id, Plan& plan) {
    const bool high = wanted > bounds.high_watermark;
    if (!high && wanted >= bounds.log_start) return wanted;
    const Offset value = high ? bounds.high_watermark : bounds.log_start;
    plan.notes.push_back(cat("new offset (", wanted.value(), ") is ",
                             high ? "higher than the latest" : "lower than the earliest", " offset of ",
                             log::partition_directory(id), ": it will be set to ", value.value()));
    return value;
}

// The commit of one who has read up to `offset`: with the leader epoch of the last record before it (REC-3).
Result<offsets::Committed> commit_at(store::PartitionReader& reader, Offset offset) {
    offsets::Committed commit;
    commit.offset = offset;
    if (offset.value() > 0) {
        MQ_ASSIGN(const log::LeaderEpochs epochs, reader.leader_epochs());
        commit.leader_epoch = epochs.epoch_of(offset - 1).value_or(-1);
    }
    return commit;
}

}  // namespace

Status add_destination(Session& session, const Destination& destination, const std::optional<offsets::Committed>& old,
                       Plan& plan) {
    const auto& [id, to] = destination;
    MQ_ASSIGN(store::PartitionReader* const reader, session.reader(id));
    MQ_ASSIGN(const store::Bounds bounds, reader->bounds());
    if (to.kind == cli::Bound::Kind::committed && old) return add_commit(session, id, *old, old, plan);
    const cli::LogBounds log{bounds.log_start, bounds.high_watermark,
                             [&](TimestampMs time) -> Result<std::optional<Offset>> {
                                 MQ_ASSIGN(const auto found, reader->find_timestamp(time));
                                 return found ? std::optional{found->offset} : std::nullopt;
                             }};
    Offset wanted = bounds.high_watermark;
    if (to.kind != cli::Bound::Kind::committed) {
        MQ_ASSIGN(wanted, cli::resolve(to, log));
    }
    MQ_ASSIGN(auto commit, commit_at(*reader, clamp(wanted, bounds, id, plan)));
    plan.changes.push_back({id, old, std::move(commit)});
    return {};
}

Status add_commit(Session& session, const log::TopicPartition& id, offsets::Committed wanted,
                  const std::optional<offsets::Committed>& old, Plan& plan) {
    MQ_ASSIGN(store::PartitionReader* const reader, session.reader(id));
    MQ_ASSIGN(const store::Bounds bounds, reader->bounds());
    const Offset possible = clamp(wanted.offset, bounds, id, plan);
    if (possible != wanted.offset) {
        MQ_ASSIGN(wanted, commit_at(*reader, possible));
    } else if (wanted.leader_epoch < 0) {
        MQ_ASSIGN(const auto known, commit_at(*reader, possible));
        wanted.leader_epoch = known.leader_epoch;
    }
    plan.changes.push_back({id, old, std::move(wanted)});
    return {};
}

}  // namespace mq::offsets_tool
