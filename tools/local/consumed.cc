#include "local/consumed.h"

#include <algorithm>

#include "groups/exclusion.h"
#include "groups/local_member.h"
#include "record/consumer_protocol.h"

namespace mq::local {
namespace {

// Members over the network subscribe in the bytes of their protocol; those of another one read nobody knows what.
bool reads(const record::GroupMetadataValue& metadata, const std::string& topic) {
    return std::ranges::any_of(metadata.members, [&](const record::GroupMember& member) {
        const auto subscription = record::parse_consumer_subscription(member.subscription);
        return metadata.protocol_type != "consumer" || !subscription ||
               std::ranges::find(subscription->topics, topic) != subscription->topics.end();
    });
}

}  // namespace

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
    MQ_ASSIGN(const auto known, offsets.groups());
    for (const offsets::Group& group : known) {
        if (!group.metadata || !reads(*group.metadata, id.topic)) continue;
        MQ_ASSIGN(const bool networked, groups::is_networked(directory, group.name));
        if (!networked) continue;
        MQ_ASSIGN(const auto committed, offsets.fetch(group.name, id));
        if (!committed) return std::nullopt;
    }
    return offsets.consumed_below(id);
}

}  // namespace mq::local
