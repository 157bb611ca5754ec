#include "position.h"

#include <algorithm>
#include <set>

#include "base/clock.h"
#include "cli/text.h"
#include "record/record.h"

namespace mq::offsets_tool {
namespace {

// The timestamp of the first record from `from` on; nullopt: there is none.
Result<std::optional<TimestampMs>> time_of_next(store::PartitionReader& reader, Offset from) {
    reader.seek(from);
    record::RecordReader records;
    for (log::ScannedBatch batch;;) {
        MQ_ASSIGN(const log::ReadOutcome outcome, reader.next(batch));
        if (outcome != log::ReadOutcome::batch) return std::nullopt;
        if (batch.header.is_control()) continue;
        MQ_TRY(records.open(batch.bytes));
        for (record::RecordView view; records.next(view);)
            if (view.offset >= from) return view.timestamp;
        MQ_TRY(records.status());
    }
}

}  // namespace

Result<Position> position_of(Session& session, const log::TopicPartition& id,
                             std::optional<offsets::Committed> committed, bool with_time) {
    Position position;
    position.id = id;
    position.committed = std::move(committed);
    const auto reader = session.reader(id);
    if (!reader) {
        if (reader.error().code != Errc::not_found) return fail(reader.error());
        position.note = "there is no such partition any more";
        return position;
    }
    MQ_ASSIGN(const store::Bounds bounds, (*reader)->bounds());
    position.log_start = bounds.log_start;
    position.log_end = bounds.high_watermark;
    position.next = bounds.log_start;
    if (position.committed) {
        MQ_ASSIGN(auto resumption, offsets::resume(**reader, *position.committed));
        position.next = resumption.offset;
        position.note = std::move(resumption.note);
    }
    position.lag = std::max<std::int64_t>(0, *position.log_end - *position.next);
    if (!with_time) return position;
    position.time_lag_ms = 0;
    if (position.lag == 0) return position;
    MQ_ASSIGN(const auto time, time_of_next(**reader, *position.next));
    if (time && *time != kNoTimestamp) position.time_lag_ms = std::max<std::int64_t>(0, wall_clock_ms() - *time);
    return position;
}

void tell_note(const Session& session, std::string_view group, const Position& position) {
    if (position.note.empty()) return;
    session.diagnostics.warning(
        cli::cat("group '", group, "': ", log::partition_directory(position.id), ": ", position.note));
}

Result<std::vector<Position>> positions_of(Session& session, const GroupView& group, bool with_time) {
    MQ_ASSIGN(offsets::GroupOffsets committed, session.offsets.fetch_all(group.name));
    std::set<log::TopicPartition> all;
    for (const auto& [id, value] : committed) all.insert(id);
    for (const groups::MemberDescription& member : group.members)
        all.insert(member.owned.begin(), member.owned.end());
    std::vector<Position> positions;
    for (const log::TopicPartition& id : all) {
        if (session.args.topic && id.topic != *session.args.topic) continue;
        const auto found = committed.find(id);
        auto position =
            position_of(session, id,
                        found == committed.end() ? std::nullopt : std::optional{std::move(found->second)}, with_time);
        if (position)
            positions.push_back(std::move(*position));
        else
            session.fail_item(position.error());
    }
    return positions;
}

}  // namespace mq::offsets_tool
