// Where a group is in one partition, held against the log as it is now.
#pragma once

#include "session.h"

namespace mq::offsets_tool {

struct Position {
    log::TopicPartition id;
    std::optional<offsets::Committed> committed;
    std::optional<Offset> log_start;  // nullopt, with log_end: there is no such partition any more
    std::optional<Offset> log_end;
    std::optional<Offset> next;  // where the group goes on, the start of the log if nothing was committed
    std::int64_t lag = 0;        // max(0, end - next): what was dropped below the start of the log is no lag
    std::optional<std::int64_t> time_lag_ms;  // how old the next record is; 0: there is none. nullopt: not asked for
    std::string note;                         // what is wrong with the commit (REC-3), or empty
};
[[nodiscard]] Result<Position> position_of(Session& session, const log::TopicPartition& id,
                                           std::optional<offsets::Committed> committed, bool with_time);

// Warns of the note, if there is one.
void tell_note(const Session& session, std::string_view group, const Position& position);

// Of everything that the group has committed, and that its members read; with --topic of that one only.
[[nodiscard]] Result<std::vector<Position>> positions_of(Session& session, const GroupView& group, bool with_time);

}  // namespace mq::offsets_tool
