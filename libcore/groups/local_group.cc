#include "groups/local_group.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "base/seeded_bug.h"
#include "os/kill_point.h"
#include "os/process.h"

namespace mq::groups {
namespace {

constexpr std::size_t kMostNamed = 8;

std::uint64_t key_of(std::size_t topic, std::int32_t partition) {
    return std::uint64_t{topic} << 32 | (static_cast<std::uint32_t>(partition) + 1);
}
std::size_t topic_of(std::uint64_t key) { return key >> 32; }

}  // namespace

bool LockedGroup::is_joined(std::size_t member) const {
    const auto members = place_.members();
    return member < members.size() && members[member].joined.load() == 1;
}

Result<bool> LockedGroup::is_alive(std::size_t member) const {
    if (!is_joined(member)) return false;
    return control_.is_byte_held(place_.member_byte(member));
}

Result<std::vector<std::size_t>> LockedGroup::living() const {
    std::vector<std::size_t> members;
    for (std::size_t i = 0; i < place_.members().size(); ++i) {
        MQ_ASSIGN(const bool alive, is_alive(i));
        if (alive) members.push_back(i);
    }
    return members;
}

Result<bool> LockedGroup::has_dead() const {
    for (std::size_t i = 0; i < place_.members().size(); ++i) {
        if (!is_joined(i)) continue;
        MQ_ASSIGN(const bool alive, is_alive(i));
        if (!alive) return true;
    }
    return false;
}

void LockedGroup::begin_change() {
    place_.head().dirty.store(1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

void LockedGroup::end_change() {
    place_.head().changes.fetch_add(1, std::memory_order_release);
    place_.head().dirty.store(0, std::memory_order_release);
}

bool LockedGroup::has_subscriber(std::size_t topic) const {
    return topic < shm::kGroupTopics && std::ranges::any_of(place_.members(), [&](const auto& member) {
               return member.joined.load() == 1 && (member.topics[topic / 64].load() >> topic % 64 & 1) != 0;
           });
}

std::optional<log::TopicPartition> LockedGroup::partition_of(const shm::GroupCell& cell) const {
    const std::uint64_t key = cell.key.load();
    const auto topics = place_.topics();
    if ((key & 0xffff'ffff) == 0 || topic_of(key) >= topics.size()) return {};
    return log::TopicPartition{topics[topic_of(key)].name.load(), static_cast<std::int32_t>((key & 0xffff'ffff) - 1)};
}

Status LockedGroup::make_room(std::optional<std::size_t> member, std::span<const SubscribedTopic> topics) {
    const auto all = place_.topics();
    const auto members = place_.members();
    std::map<std::string, std::int32_t> subscribed;
    for (std::size_t t = 0; t < all.size(); ++t) {
        if (all[t].used.load() == 0) continue;
        for (std::size_t m = 0; m < members.size(); ++m) {
            if (m != member && is_joined(m) && (members[m].topics[t / 64].load() >> t % 64 & 1) != 0)
                subscribed[all[t].name.load()] = all[t].partitions.load();
        }
    }
    std::int64_t partitions = 0;
    for (const SubscribedTopic& topic : topics) {
        MQ_TRY(log::check_topic_name(topic.name));
        if (topic.partitions < 0)
            return fail(Errc::bad_argument, "subscribe", topic.name, "a negative number of partitions");
        subscribed[topic.name] = topic.partitions;
    }
    // What its owner is still to give up takes room until then.
    std::map<std::string, std::int32_t> outgoing;
    for (const auto& cell : place_.cells()) {
        if (cell.owner.load() == 0) continue;
        const auto id = partition_of(cell);
        if (!id) continue;
        const auto known = subscribed.find(id->topic);
        if (known == subscribed.end()) outgoing[id->topic] = 0;
        if (known == subscribed.end() || known->second <= id->partition) ++partitions;
    }
    for (const auto& [name, count] : subscribed) partitions += count;
    const auto refuse = [&](std::string_view what, std::int64_t count, std::size_t most) {
        return fail(Errc::too_many, "join group", std::string{name_},
                    "would have " + std::to_string(count) + " " + std::string{what} + ", at most " +
                        std::to_string(most) + " are possible");
    };
    if (partitions > static_cast<std::int64_t>(kMostPartitions))
        return refuse("partitions", partitions, kMostPartitions);
    const std::size_t names = subscribed.size() + outgoing.size();
    if (names > kMostTopics) return refuse("topics", static_cast<std::int64_t>(names), kMostTopics);
    std::size_t joined = member ? 0 : 1;
    for (std::size_t m = 0; m < members.size(); ++m) joined += is_joined(m) ? 1 : 0;
    if (joined > kMostMembers) return refuse("members", static_cast<std::int64_t>(joined), kMostMembers);
    return shm::GroupTable{control_}.make(place_, joined, names, static_cast<std::size_t>(partitions));
}

// What nobody wants any more, and nobody has.
void LockedGroup::drop_unused() {
    std::vector<bool> in_use(shm::kGroupTopics);
    for (auto& cell : place_.cells()) {
        const std::uint64_t key = cell.key.load();
        if (key == 0) continue;
        const std::size_t topic = topic_of(key);
        if (cell.owner.load() != 0 && topic < in_use.size())
            in_use[topic] = true;
        else if (!has_subscriber(topic))
            cell.key.store(0);
    }
    const auto topics = place_.topics();
    for (std::size_t t = 0; t < topics.size(); ++t)
        if (!in_use[t] && !has_subscriber(t)) topics[t].used.store(0);
}

void LockedGroup::subscribe(std::size_t member, std::span<const SubscribedTopic> wanted) {
    auto& bits = place_.members()[member].topics;
    for (auto& word : bits) word.store(0);
    drop_unused();
    const auto topics = place_.topics();
    for (const SubscribedTopic& topic : wanted) {
        auto slot = std::ranges::find_if(
            topics, [&](const auto& known) { return known.used.load() == 1 && known.name.holds(topic.name); });
        if (slot == topics.end()) {
            slot = std::ranges::find_if(topics, [](const auto& known) { return known.used.load() == 0; });
            if (slot == topics.end()) continue;  // make_room has seen to it
            slot->name.store(topic.name);
            slot->used.store(1);
        }
        slot->partitions.store(topic.partitions);
        const auto t = static_cast<std::size_t>(slot - topics.begin());
        bits[t / 64].fetch_or(std::uint64_t{1} << t % 64);
    }
}

void LockedGroup::choose_targets() {
    const auto members = place_.members();
    const auto topics = place_.topics();
    const auto cells = place_.cells();

    std::vector<AssignorTopic> wanted;
    std::unordered_map<std::string, std::size_t> slot_of;  // of a topic's name
    // make_room has seen to it; but nobody's memory is to run out because somebody overwrote a number.
    auto room = static_cast<std::int32_t>(kMostPartitions);
    std::vector<std::optional<std::size_t>> place_of(topics.size());
    for (std::size_t t = 0; t < topics.size(); ++t) {
        if (topics[t].used.load() == 0 || !has_subscriber(t)) continue;
        place_of[t] = wanted.size();
        const std::int32_t partitions = std::clamp(topics[t].partitions.load(), 0, room);
        room -= partitions;
        wanted.push_back({topics[t].name.load(), partitions});
        slot_of[wanted.back().name] = t;
    }
    std::vector<AssignorMember> who;
    std::vector<std::size_t> index_of;
    std::vector<std::optional<std::size_t>> rank_of(members.size());
    for (std::size_t m = 0; m < members.size(); ++m) {
        if (!is_joined(m)) continue;
        rank_of[m] = who.size();
        index_of.push_back(m);
        AssignorMember& one = who.emplace_back();
        one.id = members[m].instance_id.empty() ? member_id_of(members[m]) : members[m].instance_id.load();
        for (std::size_t t = 0; t < topics.size(); ++t)
            if (place_of[t] && (members[m].topics[t / 64].load() >> t % 64 & 1) != 0)
                one.topics.push_back(*place_of[t]);
    }
    for (const auto& cell : cells) {
        // One that was let go, and not taken yet, counts as that of who is about to.
        const std::uint32_t holder = cell.owner.load() != 0 ? cell.owner.load() : cell.target.load();
        if (cell.key.load() == 0 || holder == 0 || holder > members.size() || !rank_of[holder - 1]) continue;
        const std::size_t t = topic_of(cell.key.load());
        if (t >= topics.size() || !place_of[t]) continue;
        auto id = partition_of(cell);
        if (id && id->partition < wanted[*place_of[t]].partitions)
            who[*rank_of[holder - 1]].owned.push_back(*std::move(id));
    }

    const auto shares = assign(static_cast<Assignor>(place_.head().assignor.load() % 4), wanted, who);
    std::unordered_map<std::uint64_t, std::uint32_t> targets;
    for (std::size_t i = 0; i < shares.size(); ++i)
        for (const auto& id : shares[i])
            targets[key_of(slot_of[id.topic], id.partition)] = static_cast<std::uint32_t>(index_of[i] + 1);
    std::vector<shm::GroupCell*> unused;
    for (auto& cell : cells) {
        const auto chosen = targets.find(cell.key.load());
        if (cell.key.load() != 0 && chosen != targets.end()) {
            cell.target.store(chosen->second);
            if (MQ_BUG("group.gives_before_it_is_released") && cell.owner.load() != chosen->second)
                cell.owner.store(0);
            targets.erase(chosen);
        } else {
            cell.target.store(0);
            if (cell.owner.load() == 0) cell.key.store(0);
        }
        MQ_KILLPOINT("groups.settle_target");
        if (cell.key.load() == 0) unused.push_back(&cell);
    }
    auto next = unused.begin();
    for (const auto& [key, target] : targets) {
        if (next == unused.end()) break;  // make_room has seen to it
        (*next)->owner.store(0);
        (*next)->target.store(target);
        (*next++)->key.store(key, std::memory_order_release);
    }
}

Status LockedGroup::settle() {
    begin_change();
    MQ_KILLPOINT("groups.settle_marked");
    const auto members = place_.members();
    for (std::size_t m = 0; m < members.size(); ++m) {
        if (!is_joined(m)) continue;
        MQ_ASSIGN(const bool alive, is_alive(m));
        if (alive && !(MQ_BUG("group.buries_the_living") && m == 0)) continue;
        members[m].joined.store(0);
        MQ_KILLPOINT("groups.settle_buried");
    }
    for (auto& cell : place_.cells()) {
        const std::uint32_t owner = cell.owner.load();
        if (owner != 0 && !is_joined(owner - 1) && !MQ_BUG("group.keeps_what_the_dead_owned")) cell.owner.store(0);
    }
    MQ_KILLPOINT("groups.settle_cleared");
    choose_targets();
    drop_unused();
    MQ_KILLPOINT("groups.settle_chosen");
    if (!MQ_BUG("group.keeps_the_generation")) place_.head().generation.fetch_add(1);
    MQ_KILLPOINT("groups.settle_raised");
    std::vector<bool> concerned(members.size());
    for (const auto& cell : place_.cells()) {
        const std::uint32_t owner = cell.owner.load();
        const std::uint32_t target = cell.target.load();
        if (cell.key.load() == 0 || owner == target) continue;
        const std::uint32_t who = owner != 0 ? owner : target;
        if (who <= members.size()) concerned[who - 1] = true;
    }
    for (std::size_t m = 0; m < members.size(); ++m) {
        if (!concerned[m]) continue;
        tell(m);
        MQ_KILLPOINT("groups.settle_told");
    }
    end_change();
    MQ_KILLPOINT("groups.settle_done");
    return {};
}

void LockedGroup::tell(std::size_t member) {
    auto& word = place_.members()[member].word;
    word.fetch_add(1);
    os::futex_wake_all(word);
}

namespace {

Status mend_and_run(shm::ControlFile& control, const shm::GroupPlace& place, std::string_view name,
                    const shm::Guard& guard, GroupWork work) {
    LockedGroup group{control, place, name};
    if (guard.after_death()) group.begin_change();
    if (place.head().dirty.load() != 0) MQ_TRY(group.settle());
    return work(group);
}

}  // namespace

Status with_group(shm::ControlFile& control, std::string_view name, GroupWork work) {
    return control.on_claimed_thread([&]() -> Status {
        for (;;) {
            MQ_ASSIGN(const shm::GroupPlace place, shm::GroupTable{control}.find_or_make(name));
            MQ_ASSIGN(const shm::Guard guard, control.lock(place.head().lock, "lock of group " + std::string{name}));
            if (place.is_still_it()) return mend_and_run(control, place, name, guard, work);
        }
    });
}

Status with_place(shm::ControlFile& control, const shm::GroupPlace& place, std::string_view name, GroupWork work) {
    return control.on_claimed_thread([&]() -> Status {
        MQ_ASSIGN(const shm::Guard guard, control.lock(place.head().lock, "lock of group " + std::string{name}));
        if (!place.is_still_it())
            return fail(Errc::corrupt, "use group", std::string{name}, "its place was overwritten");
        return mend_and_run(control, place, name, guard, work);
    });
}

Result<bool> try_with_place(shm::ControlFile& control, const shm::GroupPlace& place, std::string_view name,
                            GroupWork work) {
    bool done = false;
    MQ_TRY(control.on_claimed_thread([&]() -> Status {
        MQ_ASSIGN(const auto guard, control.try_lock(place.head().lock, "lock of group " + std::string{name}));
        if (!guard || !place.is_still_it()) return {};
        done = true;
        return mend_and_run(control, place, name, *guard, work);
    }));
    return done;
}

std::string member_id_of(const shm::GroupMemberSlot& member) {
    return member.client_id.load() + "-" + member.unique.load();
}

std::string name_members(const shm::GroupPlace& place, const std::vector<std::size_t>& members) {
    std::string text;
    for (std::size_t i = 0; i < std::min(members.size(), kMostNamed); ++i) {
        const auto& member = place.members()[members[i]];
        const bool foreign = member.pid_namespace.load() != os::pid_namespace();
        if (i != 0) text += ", ";
        text += member_id_of(member) + (foreign ? " (a process of another container)"
                                                : " (process " + std::to_string(member.pid.load()) + ")");
    }
    if (members.size() > kMostNamed) text += " and " + std::to_string(members.size() - kMostNamed) + " more";
    return text;
}

}  // namespace mq::groups
