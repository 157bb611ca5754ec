// A member of a consumer group that reads what it is given, commits, and writes all of it into a history.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "groups/local_member.h"
#include "offsets/offset_store.h"
#include "storm/storm_client.h"

namespace mq::test {

struct RecordedGroup {
    std::uint64_t number = 0;                     // in the history; its name is "group-N"
    std::vector<log::TopicPartition> partitions;  // that it reads, by their number in the history
    // Commits lie before the start or behind the end of the log only where something was cut on purpose.
    bool may_be_cut = false;

    [[nodiscard]] std::string name() const { return "group-" + std::to_string(number); }
    [[nodiscard]] std::vector<groups::SubscribedTopic> topics() const;
};

// Works on a directory that outlives it. One thread.
class RecordingMember {
public:
    RecordingMember(store::DataDirectory& directory, offsets::OffsetStore& offsets, RecordedGroup group,
                    ClientLog log);

    [[nodiscard]] Status join(const std::string& instance_id = {});
    // Gives up and takes what it is told to, and reads at most about `most` records of each partition. How many it
    // read.
    [[nodiscard]] Result<std::uint64_t> step(std::uint64_t most);
    [[nodiscard]] Status commit_all();
    // With a commit and a word; or as a death is, only sooner.
    [[nodiscard]] Status leave(bool in_order = true);
    // Until there is more to do, for 20 ms at most.
    [[nodiscard]] Status rest();

    // Steps and commits until the group has committed all there is.
    [[nodiscard]] Status finish();
    [[nodiscard]] Result<bool> is_group_done();
    [[nodiscard]] std::size_t owned() const { return owned_.size(); }
    [[nodiscard]] groups::LocalMember& member() { return *member_; }
    // What resumptions had to say (may_be_cut).
    [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }

private:
    struct Owned {
        std::int64_t next = 0;
        std::int64_t committed = -1;
        LeaderEpoch epoch = -1;
    };
    [[nodiscard]] std::uint16_t number_of(const log::TopicPartition& id) const;
    [[nodiscard]] Result<store::PartitionReader*> reader(std::uint16_t number);
    [[nodiscard]] Status take(const log::TopicPartition& id);
    [[nodiscard]] Status give_up(const std::vector<log::TopicPartition>& revoked);
    [[nodiscard]] Status commit(const std::vector<std::uint16_t>& numbers);

    store::DataDirectory& directory_;
    offsets::OffsetStore& offsets_;
    RecordedGroup group_;
    ClientLog log_;
    std::vector<std::unique_ptr<store::PartitionReader>> readers_;
    std::unique_ptr<groups::LocalMember> member_;
    std::map<std::uint16_t, Owned> owned_;
    std::vector<std::string> notes_;
    store::Waiter waiter_;
};

}  // namespace mq::test
