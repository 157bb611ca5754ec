// What all commands work with: the directory, its offsets, where they print, and how they came out.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "args.h"
#include "cli/items.h"
#include "cli/topic_operand.h"
#include "groups/local_member.h"
#include "offsets/offset_store.h"
#include "store/data_directory.h"

namespace mq::offsets_tool {

using cli::Cell;
using cli::ExitCode;
using cli::Field;
using cli::Form;
using cli::number_cell;
using cli::Rows;
using cli::text_cell;

struct Session : cli::Items {
    const Args& args;
    store::DataDirectory& directory;
    offsets::OffsetStore offsets;

    Session(const Args& given, const cli::Diagnostics& words, store::DataDirectory& opened, cli::Output& printed)
        : Items{words, printed}, args(given), directory(opened), offsets(opened) {}

    // One for each partition, kept. Errors: not_found.
    [[nodiscard]] Result<store::PartitionReader*> reader(const log::TopicPartition& id);

private:
    std::map<log::TopicPartition, std::unique_ptr<store::PartitionReader>> readers_;
};

// A group as far as anything is known of it: from its members on this machine, or else from its metadata record.
struct GroupView {
    std::string name;
    std::string state;     // "Empty", "PreparingRebalance", "Stable"
    std::string strategy;  // of assignment; empty without members
    std::uint32_t generation = 0;
    std::size_t partitions = 0;  // that it has committed
    std::vector<groups::MemberDescription> members;
    std::vector<std::string> problems;  // of members that cannot be read
};
// Errors: not_found.
[[nodiscard]] Result<GroupView> look_at(Session& session, const std::string& name);

// The groups that `names` mean: themselves, or with -r patterns; all with --all. Whether a name has a group is not
// looked at.
[[nodiscard]] Result<std::vector<std::string>> choose_groups(Session& session, const std::vector<std::string>& names);

// The partitions of operands. Errors: bad_argument; not_found: no such topic, or partition of it.
[[nodiscard]] Result<std::vector<log::TopicPartition>> choose_partitions(Session& session,
                                                                         const std::vector<std::string>& operands);

// "topic 't' has no partition 9, it has 4".
[[nodiscard]] Status check_partition(Session& session, const log::TopicPartition& id);

// Milliseconds for programs, "1h30m" and a date for people.
[[nodiscard]] Cell duration_cell(Form form, std::optional<std::int64_t> ms);
[[nodiscard]] Cell time_cell(Form form, TimestampMs time);
// Text that somebody else wrote; nothing if it is empty.
[[nodiscard]] Cell outside_cell(std::string_view name, std::string_view text);
// "250ms", "1h30m": its two largest units.
[[nodiscard]] std::string duration_text(std::int64_t ms);

// Until the next commit of the group, about; 500 ms at most, and not beyond `timeout_ms`.
class CommitWatch {
public:
    CommitWatch(Session& session, std::string_view group);
    // What is committed from now on ends the next wait.
    void arm();
    [[nodiscard]] Status wait(std::int64_t timeout_ms);

private:
    store::PartitionReader* reader_ = nullptr;  // of the partition of __consumer_offsets; nullptr: there is none
};

using Command = ExitCode (*)(Session& session);
[[nodiscard]] ExitCode list(Session& session);
[[nodiscard]] ExitCode describe(Session& session);
[[nodiscard]] ExitCode export_offsets(Session& session);
[[nodiscard]] ExitCode peek(Session& session);
[[nodiscard]] ExitCode lag(Session& session);
[[nodiscard]] ExitCode wait(Session& session);
[[nodiscard]] ExitCode fsck(Session& session);
[[nodiscard]] ExitCode reset(Session& session);
[[nodiscard]] ExitCode set(Session& session);
[[nodiscard]] ExitCode import_offsets(Session& session);
[[nodiscard]] ExitCode copy(Session& session);
[[nodiscard]] ExitCode forget(Session& session);
[[nodiscard]] ExitCode remove(Session& session);
[[nodiscard]] ExitCode expire(Session& session);
[[nodiscard]] ExitCode compact(Session& session);

}  // namespace mq::offsets_tool
