#include "group_session.h"

#include "cli/text.h"

namespace mq::consume {

using cli::cat;

GroupSession::GroupSession(const Args& args, store::DataDirectory& directory, const cli::Diagnostics& diagnostics,
                           const Events& events)
    : args_(args), directory_(directory), diagnostics_(diagnostics), events_(events), offsets_(directory) {}

Result<std::unique_ptr<GroupSession>> GroupSession::start(const Args& args, store::DataDirectory& directory,
                                                          const cli::Diagnostics& diagnostics, const Events& events,
                                                          std::vector<groups::SubscribedTopic> topics) {
    std::unique_ptr<GroupSession> session{new GroupSession{args, directory, diagnostics, events}};
    const std::string& group = *args.group.group;
    if (args.joins()) {
        groups::JoinOptions options;
        options.group = group;
        options.instance_id = args.group.instance_id;
        options.assignor = args.group.assignor;
        MQ_ASSIGN(session->member_, groups::LocalMember::join(directory, session->offsets_, options, topics));
        session->topics_ = std::move(topics);
        events.tell("joined", {{"group", {}, group}, {"member", {}, session->member_->member_id()}});
    } else {
        MQ_TRY(groups::while_empty(directory, group, [] { return Status{}; }));
    }
    session->committer_.emplace(args.group, directory, session->offsets_, events, args.joins());
    return session;
}

Result<std::optional<Offset>> GroupSession::resume(store::PartitionReader& reader) {
    MQ_ASSIGN(const auto committed, offsets_.fetch(*args_.group.group, reader.id()));
    if (!committed) return std::optional<Offset>{};
    MQ_ASSIGN(const offsets::Resumption resumption, offsets::resume(reader, *committed));
    if (!resumption.note.empty())
        diagnostics_.warning(cat(log::partition_directory(reader.id()), ": ", resumption.note));
    return std::optional{resumption.offset};
}

Result<groups::LocalMember::Changes> GroupSession::poll() {
    if (!member_) return groups::LocalMember::Changes{};
    return member_->poll();
}

void GroupSession::watch(store::Waiter& waiter) const {
    if (member_) waiter.watch(&member_->word(), member_->seen());
}

Status GroupSession::subscribe(std::vector<groups::SubscribedTopic> topics) {
    if (!member_ || topics == topics_) return {};
    MQ_TRY(member_->subscribe(topics));
    topics_ = std::move(topics);
    return {};
}

Status GroupSession::release(const log::TopicPartition& id) {
    committer_->forget(id);
    if (member_) MQ_TRY(member_->release({&id, 1}));
    events_.tell("revoked", id, {});
    return {};
}

Result<bool> GroupSession::is_stable() const {
    if (!member_) return true;
    if (member_->has_changes()) return false;
    MQ_ASSIGN(const groups::GroupDescription description, groups::describe(directory_, *args_.group.group));
    return description.state == groups::GroupState::stable;
}

Status GroupSession::leave() {
    MQ_TRY(committer_->flush());
    if (member_) MQ_TRY(member_->leave());
    return {};
}

}  // namespace mq::consume
