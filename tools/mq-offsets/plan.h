// What a command is to change of a group's offsets, and making it so.
#pragma once

#include <functional>

#include "session.h"

namespace mq::offsets_tool {

struct Change {
    log::TopicPartition id;
    std::optional<offsets::Committed> old;     // nullopt: nothing was committed
    std::optional<offsets::Committed> wanted;  // nullopt: what was committed is forgotten
    bool operator==(const Change&) const = default;
};

struct Plan {
    std::string group;
    std::vector<Change> changes;
    bool remove_group = false;       // with everything that it has
    std::vector<std::string> notes;  // what is told, once: offsets that were out of range
};

// Makes the plan of one group from what stands now. Called anew when the group can change no more.
using MakePlan = std::function<Result<Plan>(const std::string& group)>;

// Shows the plans (-n), asks where something would be lost, and then changes one group after another: while it has no
// members, whole or not at all, held against --if-current, the old offsets saved before, and on the disk at the end.
[[nodiscard]] ExitCode change_groups(Session& session, const std::vector<std::string>& groups, const MakePlan& make);

// A place in a partition that somebody named.
struct Destination {
    log::TopicPartition id;
    cli::Bound to;
};
// As Kafka's tool does it: what is out of range is brought into it, and told in `plan`; a group that committed
// nothing is at the end. `old` is what is committed. Errors: not_found.
[[nodiscard]] Status add_destination(Session& session, const Destination& destination,
                                     const std::optional<offsets::Committed>& old, Plan& plan);
// A commit that is taken over: with its metadata and leader epoch, unless it is out of range.
[[nodiscard]] Status add_commit(Session& session, const log::TopicPartition& id, offsets::Committed wanted,
                                const std::optional<offsets::Committed>& old, Plan& plan);

// What is committed of a partition.
[[nodiscard]] std::optional<offsets::Committed> committed_of(const offsets::GroupOffsets& committed,
                                                             const log::TopicPartition& id);

}  // namespace mq::offsets_tool
