#include "local/consumed.h"

#include <algorithm>

#include "groups/local_member.h"

namespace mq::local {

Result<std::optional<Offset>> consumed_below(const std::string& data_directory, const log::TopicPartition& id) {
    MQ_ASSIGN(auto directory, store::DataDirectory::open(data_directory, {}));
    offsets::OffsetStore offsets{directory};
    // Who joins from here on finds the records there, or begins behind them.
    MQ_ASSIGN(const auto active, groups::active_groups(directory));
    for (const std::string& group : active) {
        MQ_ASSIGN(const auto description, groups::describe(directory, group));
        const bool reads_it = std::ranges::any_of(description.members, [&](const groups::MemberDescription& member) {
            return std::ranges::find(member.topics, id.topic) != member.topics.end();
        });
        if (!reads_it) continue;
        MQ_ASSIGN(const auto committed, offsets.fetch(group, id));
        if (!committed) return std::nullopt;
    }
    return offsets.consumed_below(id);
}

}  // namespace mq::local
