#include "groups/consumed.h"

#include <algorithm>

#include "groups/exclusion.h"
#include "groups/local_member.h"
#include "record/consumer_protocol.h"

namespace mq::groups {
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

Result<std::optional<Offset>> consumed_below(store::DataDirectory& directory, offsets::OffsetStore& offsets,
                                             const log::TopicPartition& id) {
    // Who joins from here on finds the records there, or begins behind them.
    MQ_ASSIGN(const auto active, active_groups(directory));
    for (const std::string& group : active) {
        MQ_ASSIGN(const auto description, describe(directory, group));
        const bool reads_it = std::ranges::any_of(description.members, [&](const MemberDescription& member) {
            return std::ranges::find(member.topics, id.topic) != member.topics.end();
        });
        if (!reads_it) continue;
        MQ_ASSIGN(const auto committed, offsets.fetch(group, id));
        if (!committed) return std::nullopt;
    }
    MQ_ASSIGN(const auto known, offsets.groups());
    for (const offsets::Group& group : known) {
        if (!group.metadata || !reads(*group.metadata, id.topic)) continue;
        MQ_ASSIGN(const bool networked, is_networked(directory, group.name));
        if (!networked) continue;
        MQ_ASSIGN(const auto committed, offsets.fetch(group.name, id));
        if (!committed) return std::nullopt;
    }
    return offsets.consumed_below(id);
}

}  // namespace mq::groups
