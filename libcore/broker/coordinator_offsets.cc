// Offsets: committed, fetched, deleted, expired; and groups that are deleted.
#include <algorithm>

#include "broker/coordinator_impl.h"
#include "groups/exclusion.h"
#include "groups/local_member.h"

namespace mq::broker {

using groups::GroupError;

void Coordinator::commit(const groups::CommitRequest& request, std::vector<offsets::Commit> what, Done done) {
    Impl& my = *impl_;
    Impl::Shard& shard = my.shard_of(request.group);
    GroupError error = GroupError::none;
    {
        const std::lock_guard lock{shard.mutex};
        const bool is_checked = !shard.is_loaded || my.is_stopped || shard.machine.is_joined(request.group);
        if (is_checked) {
            error = shard.machine.check_commit(request, my.now());
            my.set_timer(shard);
        }
        if (error == GroupError::none) {
            const auto commit = std::make_shared<Impl::Commit>(Impl::Commit{done, std::move(what)});
            const auto answer = my.in_time(Done{[commit](GroupError result) { commit->done(result); }},
                                           GroupError::request_timed_out);
            my.enqueue(
                shard, [&my, &shard, request, is_checked, answer, later = std::weak_ptr{commit}](Impl::Batch& batch) {
                    const auto keeps = later.lock();
                    if (!keeps || answer->is_given()) return;
                    const GroupError refusal = is_checked ? GroupError::none : my.commit_unjoined(shard, request);
                    if (refusal != GroupError::none) return my.give(*answer, refusal);
                    my.store(
                        request.group, keeps->offsets, [&my, answer](GroupError result) { my.give(*answer, result); },
                        batch);
                });
        }
    }
    if (error != GroupError::none) done(error);
}

// Nobody had joined it over the network when the request came.
GroupError Coordinator::Impl::commit_unjoined(Shard& shard, const groups::CommitRequest& request) {
    if (!is_joined(shard, request.group)) {
        const auto local = groups::is_joined_locally(parts.directory, request.group);
        if (!local) return commit_error_of(local.error());
        // OFF-3
        if (*local) return GroupError::unknown_member_id;
        // OFF-2
        if (request.generation < 0) return is_stopped ? GroupError::not_coordinator : GroupError::none;
        if (const Status known = renew(shard, request.group); !known) return commit_error_of(known.error());
    }
    const std::lock_guard lock{shard.mutex};
    const GroupError error = shard.machine.check_commit(request, now());
    set_timer(shard);
    return error;
}

void Coordinator::Impl::store(const std::string& group, const std::vector<offsets::Commit>& what, Done done,
                              Batch& batch) {
    if (what.empty()) return done(GroupError::none);
    if (const Status written = parts.offsets.commit(group, what, {.from_client = true}); !written) {
        complain(QuietLog::Kind::offsets, "group " + group + ": offsets are not committed", written.error());
        return done(commit_error_of(written.error()));
    }
    batch.to_confirm.emplace_back(group, std::move(done));
}

void Coordinator::fetch(const std::string& group, bool require_stable, Fetched done) {
    Impl& my = *impl_;
    Impl::Shard& shard = my.shard_of(group);
    bool is_loaded = false;
    {
        const std::lock_guard lock{shard.mutex};
        is_loaded = shard.is_loaded;
        if (is_loaded) {
            const auto answer = my.in_time(done, GroupError::coordinator_load_in_progress, FetchedOffsets{});
            my.enqueue(shard, [&my, group, require_stable, answer](Impl::Batch&) {
                if (answer->is_given()) return;
                const auto known = my.fetch(group, require_stable);
                if (known) return my.give(*answer, GroupError::none, *known);
                my.complain(QuietLog::Kind::offsets, "group " + group, known.error());
                my.give(*answer, commit_error_of(known.error()), {});
            });
        }
    }
    if (!is_loaded) done(GroupError::coordinator_load_in_progress, {});
}

Result<Coordinator::FetchedOffsets> Coordinator::Impl::fetch(const std::string& group, bool require_stable) {
    FetchedOffsets fetched;
    // First what is pending: what becomes stable meanwhile is fetched.
    if (require_stable) {
        MQ_ASSIGN(fetched.unstable, parts.offsets.pending(group));
    }
    MQ_ASSIGN(fetched.committed, parts.offsets.fetch_all(group));
    return fetched;
}

namespace {

// OFF-16, of a group whose members are processes of this machine.
Result<groups::OffsetDeleteAnswer> check_local_delete(store::DataDirectory& directory, const std::string& group,
                                                      std::span<const std::string> topics) {
    MQ_ASSIGN(const auto local, groups::describe(directory, group));
    groups::OffsetDeleteAnswer answer;
    for (const std::string& topic : topics) {
        const bool is_read = std::ranges::any_of(local.members, [&](const groups::MemberDescription& member) {
            return std::ranges::find(member.topics, topic) != member.topics.end();
        });
        answer.topics.push_back(is_read ? GroupError::group_subscribed_to_topic : GroupError::none);
    }
    return answer;
}

}  // namespace

Result<groups::OffsetDeleteAnswer> Coordinator::Impl::check_offset_delete(Shard& shard, const std::string& group,
                                                                          std::span<const std::string> topics) {
    // The machine knows it, or knows that it has to be waited for.
    const bool is_known = [&] {
        const std::lock_guard lock{shard.mutex};
        return !shard.is_loaded || shard.machine.is_joined(group);
    }();
    if (!is_known && !group.empty()) {
        MQ_ASSIGN(const bool local, groups::is_joined_locally(parts.directory, group));
        if (local) return check_local_delete(parts.directory, group, topics);
        MQ_TRY(renew(shard, group));
    }
    const std::lock_guard lock{shard.mutex};
    return shard.machine.check_offset_delete(group, topics);
}

void Coordinator::delete_offsets(const std::string& group, std::vector<log::TopicPartition> ids,
                                 OffsetsDeleted done) {
    Impl& my = *impl_;
    Impl::Shard& shard = my.shard_of(group);
    const std::lock_guard lock{shard.mutex};
    const auto answer = my.in_time(done, groups::OffsetDeleteAnswer{Impl::late_change_of(shard), {}});
    my.enqueue(shard, [&my, &shard, group, ids = std::move(ids), answer](Impl::Batch& batch) {
        if (answer->is_given()) return;
        std::vector<std::string> topics;
        for (const auto& id : ids) topics.push_back(id.topic);
        const auto checked = my.check_offset_delete(shard, group, topics);
        if (!checked) return my.give(*answer, {commit_error_of(checked.error()), {}});
        if (checked->error != GroupError::none) return my.give(*answer, *checked);
        std::vector<offsets::Commit> gone;
        for (std::size_t i = 0; i < ids.size(); ++i) {
            if (checked->topics[i] != GroupError::none) continue;
            gone.push_back({.topic = ids[i].topic, .partition = ids[i].partition});
        }
        my.store(
            group, gone,
            [&my, answer, result = *checked](GroupError error) {
                my.give(*answer, error == GroupError::none ? result : groups::OffsetDeleteAnswer{error, {}});
            },
            batch);
    });
}

void Coordinator::remove(const std::string& group, Done done) {
    Impl& my = *impl_;
    Impl::Shard& shard = my.shard_of(group);
    const std::lock_guard lock{shard.mutex};
    const auto answer = my.in_time(done, Impl::late_change_of(shard));
    my.enqueue(shard, [&my, &shard, group, answer](Impl::Batch& batch) { my.remove(shard, group, answer, batch); });
}

void Coordinator::Impl::remove(Shard& shard, const std::string& group, const Answer<GroupError>& answer,
                               Batch& batch) {
    if (answer->is_given()) return;
    const auto refuse = [&](GroupError error) { give(*answer, error); };
    GroupError why = GroupError::none;
    {
        const std::lock_guard lock{shard.mutex};
        if (is_stopped)
            why = GroupError::not_coordinator;
        else if (!shard.is_loaded)
            why = GroupError::coordinator_load_in_progress;
        else if (shard.machine.is_joined(group))
            why = GroupError::non_empty_group;  // OFF-17
    }
    if (why != GroupError::none) return refuse(why);
    // What was released, but is still in the queue.
    let_go(shard, group);
    const Status gone = while_empty(group, [&] { return parts.offsets.remove_group(group).map([](std::size_t) {}); });
    if (!gone) {
        if (gone.error().code == Errc::in_use) return refuse(GroupError::non_empty_group);
        if (gone.error().code == Errc::not_found) return refuse(GroupError::group_id_not_found);
        complain(QuietLog::Kind::offsets, "group " + group + " is not deleted", gone.error());
        return refuse(commit_error_of(gone.error()));
    }
    if (const Status known = renew(shard, group); !known)
        complain(QuietLog::Kind::offsets, "group " + group, known.error());
    batch.to_confirm.emplace_back(group, [this, answer](GroupError error) { give(*answer, error); });
}

// Local processes can neither join it nor change it meanwhile.
Status Coordinator::Impl::while_empty(const std::string& group, FunctionRef<Status()> work) {
    // They cannot have a group of such a name.
    if (!offsets::check_group(group)) return work();
    MQ_ASSIGN(const auto known, parts.offsets.group(group));
    MQ_ASSIGN(const bool local, groups::is_joined_locally(parts.directory, group));
    // No place is made for a group that there is not.
    if (!known && !local) return fail(Errc::not_found, "use group", group);
    return groups::while_empty(parts.directory, group, work);
}

// ---- OFF-14

void Coordinator::Impl::schedule_expiry() {
    if (is_stopped) return;
    parts.wakeups.surely_at(now().monotonic_ms + parts.config.offsets_retention_check_ms, [this] {
        schedule_expiry();  // first: the next round comes, whatever becomes of this one
        if (is_expiring.exchange(true)) return;
        const bool posted = parts.workers.post([this] {
            if (!is_stopped) if_there_is_memory([this] { expire(); });
            is_expiring = false;
        });
        if (!posted) is_expiring = false;
    });
}

// Which groups it concerns is found out first; each is then looked at anew in its shard's queue, between its commits.
void Coordinator::Impl::expire() {
    const auto failed = [&](const Error& error) {
        tell("offsets are not looked through for those that expired", error);
    };
    const auto known = parts.offsets.groups();
    if (!known) return failed(known.error());
    std::set<std::string> names;
    std::set<std::string, std::less<>> joined;
    for (const offsets::Group& group : *known) {
        if (is_joined(shard_of(group.name), group.name)) {
            joined.insert(group.name);
            names.insert(group.name);
        } else if (group.partitions == 0) {
            // OFF-15
            names.insert(group.name);
        }
    }
    const auto old = parts.offsets.expire(
        parts.config.offsets_retention_ms, [&](std::string_view group) { return joined.contains(group); }, true);
    if (!old) return failed(old.error());
    for (const auto& [group, id] : *old) names.insert(group);
    for (const std::string& name : names) {
        Shard& shard = shard_of(name);
        const std::lock_guard lock{shard.mutex};
        enqueue(shard, [this, &shard, name](Batch&) {
            const auto count = expire_group(shard, name);
            if (!count && count.error().code != Errc::in_use && count.error().code != Errc::not_found)
                return tell("offsets of group " + name + " do not expire", count.error());
            if (count && *count > 0)
                parts.log.info("group " + name + ": " + std::to_string(*count) + " offsets expired");
        });
    }
}

Result<std::size_t> Coordinator::Impl::expire_group(Shard& shard, const std::string& group) {
    std::size_t count = 0;
    bool joined = false;
    {
        // A machine that has resigned, or is yet to load, knows of no members, and they are there all the same.
        const std::lock_guard lock{shard.mutex};
        if (is_stopped || !shard.is_loaded) return count;
        joined = shard.machine.is_joined(group);
    }
    const auto work = [&]() -> Status {
        if (!joined) MQ_TRY(renew(shard, group));
        MQ_ASSIGN(const auto committed, parts.offsets.fetch_all(group));
        std::vector<offsets::Commit> gone;
        {
            const std::lock_guard lock{shard.mutex};
            for (const auto& [id, offset] : committed) {
                if (shard.machine.offset_expired(group, id.topic, {offset.commit_timestamp, offset.expire_timestamp},
                                                 parts.config.offsets_retention_ms, now()))
                    gone.push_back({.topic = id.topic, .partition = id.partition});
            }
        }
        count = gone.size();
        if (joined || gone.size() < committed.size()) return parts.offsets.commit(group, gone, {.from_client = true});
        // OFF-15
        MQ_TRY(parts.offsets.remove_group(group));
        return renew(shard, group);
    };
    if (joined) {
        MQ_TRY(work());
    } else {
        MQ_TRY(while_empty(group, work));
    }
    return count;
}

}  // namespace mq::broker
