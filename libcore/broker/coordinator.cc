#include <latch>

#include "broker/coordinator_impl.h"
#include "broker/topics.h"
#include "groups/exclusion.h"
#include "os/process.h"

namespace mq::broker {
namespace {

using groups::GroupError;

// So many pieces of work at most have one flush, and hold a worker.
constexpr std::size_t kMostAtOnce = 256;

// Made before memory is short.
const std::string kUnanswered = "no memory for a request of a group, which goes without an answer";

}  // namespace

GroupError commit_error_of(const Error& error) {
    return groups::error_of_offset_append(static_cast<GroupError>(static_cast<std::int16_t>(error_code_of(error))));
}

// ---- shards

void Coordinator::Impl::Outbox::deliver() {
    for (auto& [done, answer] : joins) done(answer);
    for (auto& [done, answer] : syncs) done(answer);
}

groups::Now Coordinator::Impl::now() { return {os::monotonic_ms(), wall_clock_ms()}; }

Coordinator::Impl::Shard& Coordinator::Impl::shard_of(std::string_view group) {
    return *shards[static_cast<std::size_t>(
        record::partition_for_id(group, static_cast<std::int32_t>(shards.size())))];
}

bool Coordinator::Impl::is_joined(Shard& shard, std::string_view group) {
    const std::lock_guard lock{shard.mutex};
    return shard.machine.is_joined(group);
}

void Coordinator::Impl::tell(const std::string& what, const Error& error) {
    parts.log.warning(what + ": " + error.message());
}

void Coordinator::Impl::complain(QuietLog::Kind kind, const std::string& what, const Error& error) {
    parts.complaints.tell(kind, [&] { return what + ": " + error.message(); });
}

groups::Token Coordinator::Impl::hold(Shard& shard, Joined done) {
    shard.joins.emplace(++shard.last_token, std::move(done));
    return shard.last_token;
}
groups::Token Coordinator::Impl::hold(Shard& shard, Synced done) {
    shard.syncs.emplace(++shard.last_token, std::move(done));
    return shard.last_token;
}

void Coordinator::Impl::collect(Shard& shard, Outbox& out) {
    groups::GroupOutputs outputs = shard.machine.take_outputs();
    for (auto& reply : outputs.joins) {
        auto held = shard.joins.extract(reply.token);
        if (held) out.joins.emplace_back(std::move(held.mapped()), std::move(reply.answer));
    }
    for (auto& reply : outputs.syncs) {
        auto held = shard.syncs.extract(reply.token);
        if (held) out.syncs.emplace_back(std::move(held.mapped()), std::move(reply.answer));
    }
    for (auto& write : outputs.writes) {
        const auto one = std::make_shared<MetadataWrite>(MetadataWrite{std::move(write)});
        if (one->write.is_awaited) {
            one->timer = when_late([this, &shard, one] {
                {
                    const std::lock_guard lock{shard.mutex};
                    one->is_late = true;
                    one->write.value = {};
                }
                written(shard, one->write.id, GroupError::request_timed_out);
            });
        }
        enqueue(shard, [this, &shard, one](Batch&) { this->write(shard, *one); });
    }
    for (const std::string& group : outputs.touched) release(shard, group);
    set_timer(shard);
}

void Coordinator::Impl::release(Shard& shard, const std::string& group) {
    if (!shard.held.contains(group) || shard.machine.is_joined(group)) return;
    if (!shard.releasing.insert(group).second) return;
    enqueue(shard, [this, &shard, group](Batch&) { let_go(shard, group); });
}

void Coordinator::Impl::set_timer(Shard& shard) {
    const auto next = shard.machine.next_wakeup_ms();
    if (!next || is_stopped || (shard.timer && shard.timer->first <= *next)) return;
    const Wakeups::Id id = parts.wakeups.at(*next, [this, &shard] { due(shard); });
    if (shard.timer) parts.wakeups.cancel(shard.timer->second);
    shard.timer.emplace(*next, id);
}

void Coordinator::Impl::due(Shard& shard) {
    if (is_stopped) return;
    Outbox out;
    {
        const std::lock_guard lock{shard.mutex};
        shard.timer.reset();
        shard.machine.due(now());
        collect(shard, out);
    }
    out.deliver();
}

// ---- the queue

void Coordinator::Impl::enqueue(Shard& shard, Job job) {
    shard.queue.push_back(std::move(job));
    if (!shard.is_running) go_on(shard);
}

void Coordinator::Impl::go_on(Shard& shard) {
    // If the worker cannot be had, whatever comes next tries again.
    shard.is_running = !shard.queue.empty() && parts.workers.post([this, &shard] { run(shard); });
}

void Coordinator::Impl::run(Shard& shard) {
    Batch batch;
    for (std::size_t count = 0; count < kMostAtOnce; ++count) {
        Job job;
        {
            const std::lock_guard lock{shard.mutex};
            if (shard.queue.empty()) break;
            job = std::move(shard.queue.front());
            shard.queue.pop_front();
        }
        if_there_is_memory([&] { job(batch); });
    }
    if_there_is_memory([&] { confirm(batch); });
    // Behind the work of others.
    const std::lock_guard lock{shard.mutex};
    go_on(shard);
}

void Coordinator::Impl::if_there_is_memory(FunctionRef<void()> work) {
    try {
        work();
    } catch (const std::bad_alloc&) {
        parts.log.error(kUnanswered);
    }
}

void Coordinator::Impl::confirm(Batch& batch) {
    std::map<std::int32_t, Status> flushed;
    for (const auto& [group, done] : batch.to_confirm) {
        const auto count = parts.offsets.partitions();
        const auto [its, is_first] = flushed.try_emplace(count ? record::partition_for_id(group, *count) : -1);
        if (is_first) {
            its->second = count ? flush(group) : fail(count.error());
            if (!its->second)
                complain(QuietLog::Kind::offsets, "committed offsets may not survive a power cut",
                         its->second.error());
        }
        const GroupError error = its->second ? GroupError::none : commit_error_of(its->second.error());
        if_there_is_memory([&] { done(error); });
    }
}

Status Coordinator::Impl::flush(const std::string& group) {
    MQ_ASSIGN(const auto picture, parts.topics.picture());
    const TopicInfo* topic = picture->find(offsets::kOffsetsTopic);
    if (topic != nullptr && topic->config.write_caching) return {};
    return parts.offsets.flush(group);
}

Wakeups::Id Coordinator::Impl::when_late(std::function<void()> call) {
    return parts.wakeups.at(now().monotonic_ms + parts.config.offsets_commit_timeout_ms, std::move(call));
}

void Coordinator::Impl::write(Shard& shard, MetadataWrite& one) {
    record::GroupMetadataValue value;
    {
        const std::lock_guard lock{shard.mutex};
        if (one.is_late) return;
        value = std::move(one.write.value);
    }
    const Status done = parts.offsets.put_metadata(one.write.group, value);
    if (!done) complain(QuietLog::Kind::offsets, "group " + one.write.group, done.error());
    parts.wakeups.cancel(one.timer);
    written(
        shard, one.write.id,
        done ? GroupError::none : static_cast<GroupError>(static_cast<std::int16_t>(error_code_of(done.error()))));
}

void Coordinator::Impl::written(Shard& shard, std::uint64_t id, GroupError append_error) {
    Outbox out;
    {
        const std::lock_guard lock{shard.mutex};
        shard.machine.written(id, append_error, now());
        collect(shard, out);
    }
    out.deliver();
}

void Coordinator::Impl::let_go(Shard& shard, const std::string& group) {
    {
        const std::lock_guard lock{shard.mutex};
        shard.releasing.erase(group);
        if (shard.machine.is_joined(group)) return;
        shard.held.erase(group);
    }
    const Status done = groups::let_go_for_network(parts.directory, group);
    if (!done) complain(QuietLog::Kind::offsets, "group " + group, done.error());
}

Status Coordinator::Impl::renew(Shard& shard, const std::string& group) {
    MQ_ASSIGN(const auto known, parts.offsets.group(group));
    const std::lock_guard lock{shard.mutex};
    shard.machine.renew(group, known ? known->metadata : std::nullopt, known && known->partitions > 0);
    return {};
}

// ---- life

Coordinator::Coordinator(Parts parts) : impl_(new Impl{parts}) {}
Coordinator::~Coordinator() = default;

Status Coordinator::start() {
    Impl& my = *impl_;
    MQ_ASSIGN(const std::int32_t count, my.parts.offsets.partitions());
    my.to_load = static_cast<std::size_t>(count);
    for (std::int32_t number = 0; number < count; ++number) {
        my.shards.push_back(
            std::make_unique<Impl::Shard>(number, my.parts.config.groups, groups::random_member_suffix));
    }
    const auto shape = my.parts.directory.shape(offsets::kOffsetsTopic);
    if (!shape && shape.error().code != Errc::not_found) return fail(shape.error());
    for (const auto& each : my.shards) {
        Impl::Shard& shard = *each;
        const std::lock_guard lock{shard.mutex};
        if (shape) {
            my.load_later(shard);
            my.enqueue(shard, [&my, &shard](Impl::Batch&) { my.load(shard); });
        } else {
            // Nobody need wait for what is not there.
            my.loaded(shard);
        }
    }
    my.schedule_expiry();
    return {};
}

bool Coordinator::is_ready() const { return impl_->to_load == 0; }

// Until the groups are known, whatever fails for want of memory.
void Coordinator::Impl::load_later(Shard& shard) {
    constexpr std::int64_t kAgainMs = 1'000;
    parts.wakeups.surely_at(now().monotonic_ms + kAgainMs, [this, &shard] {
        const std::lock_guard lock{shard.mutex};
        if (is_stopped || shard.is_loaded) return;
        load_later(shard);
        if (shard.is_running) return;
        if (shard.queue.empty())
            enqueue(shard, [this, &shard](Batch&) { load(shard); });
        else
            go_on(shard);
    });
}

void Coordinator::Impl::load(Shard& shard) {
    {
        const std::lock_guard lock{shard.mutex};
        if (is_stopped || shard.is_loaded) return;
    }
    const auto known = parts.offsets.groups_of(shard.number);
    if (!known) {
        return complain(QuietLog::Kind::offsets,
                        "groups of " + std::string{offsets::kOffsetsTopic} + "-" + std::to_string(shard.number) +
                            " cannot be read, and wait",
                        known.error());
    }
    std::vector<const offsets::Group*> joined;
    for (const offsets::Group& group : *known) {
        if (!group.metadata || group.metadata->members.empty()) continue;
        const Status held = groups::hold_for_network(parts.directory, group.name);
        if (held) {
            joined.push_back(&group);
        } else {
            // They came while there was no broker.
            tell("group " + group.name + " loses the members that it had over the network", held.error());
        }
    }
    Outbox out;
    {
        const std::lock_guard lock{shard.mutex};
        for (const offsets::Group* group : joined) {
            shard.machine.load(group->name, group->metadata);
            if (group->partitions > 0) shard.machine.load_offsets_of(group->name);
            shard.held.insert(group->name);
        }
        if (is_stopped) return;
        loaded(shard);
        collect(shard, out);
    }
    out.deliver();
}

void Coordinator::Impl::loaded(Shard& shard) {
    shard.machine.loaded(now());
    shard.is_loaded = true;
    --to_load;
}

void Coordinator::stop() {
    Impl& my = *impl_;
    if (my.is_stopped.exchange(true)) return;
    for (const auto& shard : my.shards) {
        Impl::Outbox out;
        {
            const std::lock_guard lock{shard->mutex};
            if (shard->timer) my.parts.wakeups.cancel(shard->timer->second);
            shard->timer.reset();
            shard->machine.resign();
            my.collect(*shard, out);
        }
        out.deliver();
    }
    my.drain();
}

void Coordinator::Impl::drain() {
    const auto empty = std::make_shared<std::latch>(static_cast<std::ptrdiff_t>(shards.size()));
    for (const auto& shard : shards) {
        const std::lock_guard lock{shard->mutex};
        if (shard->is_running) {
            enqueue(*shard, [empty](Batch&) { empty->count_down(); });
        } else {
            empty->count_down();
        }
    }
    empty->wait();
}

// ---- members

void Coordinator::join(const groups::JoinRequest& request, Joined done) {
    Impl& my = *impl_;
    if (!request.group.empty() && !offsets::check_group(request.group)) {
        groups::JoinAnswer refusal;
        refusal.error = GroupError::invalid_group_id;
        refusal.member_id = request.member_id;
        return done(refusal);
    }
    Impl::Shard& shard = my.shard_of(request.group);
    Impl::Outbox out;
    {
        const std::lock_guard lock{shard.mutex};
        // Of a group that nobody is in there is no member to come back.
        if (request.group.empty() || !shard.is_loaded || my.is_stopped || !request.member_id.empty() ||
            shard.machine.is_joined(request.group)) {
            const groups::Token token = my.hold(shard, std::move(done));
            shard.machine.join(token, request, my.now());
            my.collect(shard, out);
        } else {
            groups::JoinAnswer if_late;
            if_late.error = GroupError::coordinator_load_in_progress;
            if_late.member_id = request.member_id;
            const auto answer = my.in_time(std::move(done), std::move(if_late));
            my.enqueue(shard, [&my, &shard, request, answer](Impl::Batch&) { my.enter(shard, request, answer); });
        }
    }
    out.deliver();
}

void Coordinator::Impl::enter(Shard& shard, const groups::JoinRequest& request,
                              const Answer<const groups::JoinAnswer&>& answer) {
    if (answer->is_given()) return;
    if (!is_joined(shard, request.group)) {
        Status mine = groups::hold_for_network(parts.directory, request.group);
        const bool is_held = mine.has_value();
        if (mine) mine = renew(shard, request.group);
        {
            const std::lock_guard lock{shard.mutex};
            if (is_held) shard.held.insert(request.group);
        }
        if (!mine) {
            // Clients take it as final, and say so: what members there are, they speak no protocol that a client
            // does.
            const bool is_local = mine.error().code == Errc::in_use;
            complain(
                QuietLog::Kind::groups,
                "group " + request.group + ": " + request.client_id + " at " + request.client_host + " is refused",
                mine.error());
            groups::JoinAnswer refusal;
            refusal.error =
                is_local ? GroupError::inconsistent_group_protocol : GroupError::coordinator_not_available;
            refusal.member_id = request.member_id;
            give(*answer, refusal);
            const std::lock_guard lock{shard.mutex};
            return release(shard, request.group);
        }
    }
    Outbox out;
    {
        const std::lock_guard lock{shard.mutex};
        // In the join phase it is waited for by no time of ours.
        Joined done = take(*answer);
        if (!done) return release(shard, request.group);
        const groups::Token token = hold(shard, std::move(done));
        shard.machine.join(token, request, now());
        collect(shard, out);
    }
    out.deliver();
}

void Coordinator::sync(const groups::SyncRequest& request, Synced done) {
    Impl& my = *impl_;
    Impl::Shard& shard = my.shard_of(request.group);
    Impl::Outbox out;
    {
        const std::lock_guard lock{shard.mutex};
        const groups::Token token = my.hold(shard, std::move(done));
        shard.machine.sync(token, request, my.now());
        my.collect(shard, out);
    }
    out.deliver();
}

GroupError Coordinator::heartbeat(const groups::HeartbeatRequest& request) {
    Impl& my = *impl_;
    Impl::Shard& shard = my.shard_of(request.group);
    const std::lock_guard lock{shard.mutex};
    const GroupError error = shard.machine.heartbeat(request, my.now());
    my.set_timer(shard);
    return error;
}

void Coordinator::leave(const groups::LeaveRequest& request, Left done) {
    Impl& my = *impl_;
    Impl::Shard& shard = my.shard_of(request.group);
    Impl::Outbox out;
    groups::LeaveAnswer answer;
    bool is_last = false;
    {
        const std::lock_guard lock{shard.mutex};
        answer = shard.machine.leave(request, my.now());
        my.collect(shard, out);
        // Who is told that it has left may start a local process that joins.
        is_last = shard.releasing.contains(request.group);
        if (is_last) {
            const auto later = my.in_time(done, answer);
            my.enqueue(shard, [&my, later, answer](Impl::Batch&) { my.give(*later, answer); });
        }
    }
    out.deliver();
    if (!is_last) done(answer);
}

}  // namespace mq::broker
