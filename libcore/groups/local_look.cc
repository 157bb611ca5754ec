// Looking at groups from outside, and keeping them empty.

#include <algorithm>

#include "groups/local_group.h"
#include "os/futex.h"
#include "os/process.h"

namespace mq::groups {
namespace {

// While a group keeps changing, or its changer died and nobody has mended it: what there is is told then.
constexpr int kMostLooks = 50;

struct Cell {
    std::uint64_t key;
    std::uint32_t owner;
    std::uint32_t target;
};

// What was read of a place, not yet understood.
struct Look {
    GroupDescription group;
    std::vector<std::size_t> slots;  // of group.members
    std::vector<std::uint64_t> orders;
    std::vector<Cell> cells;
    std::vector<std::string> topics;
    bool consistent = false;
};

Result<Look> look_once(const shm::ControlFile& control, const shm::GroupPlace& place) {
    Look look;
    const shm::GroupHead& head = place.head();
    const std::uint32_t dirty_before = head.dirty.load(std::memory_order_acquire);
    const std::uint64_t changes_before = head.changes.load(std::memory_order_acquire);
    look.group.generation = head.generation.load(std::memory_order_relaxed);
    look.group.assignor = static_cast<Assignor>(head.assignor.load(std::memory_order_relaxed) % 4);
    for (const auto& topic : place.topics())
        look.topics.push_back(topic.used.load() == 1 ? topic.name.load() : std::string{});
    const auto members = place.members();
    for (std::size_t m = 0; m < members.size(); ++m) {
        const auto& member = members[m];
        if (member.joined.load(std::memory_order_relaxed) != 1) continue;
        MQ_ASSIGN(const bool alive, control.is_byte_held(place.member_byte(m)));
        if (!alive) continue;
        look.slots.push_back(m);
        look.orders.push_back(member.order.load(std::memory_order_relaxed));
        MemberDescription& one = look.group.members.emplace_back();
        one.member_id = member_id_of(member);
        one.instance_id = member.instance_id.load();
        one.client_id = member.client_id.load();
        one.host = member.host.load();
        one.pid = member.pid.load(std::memory_order_relaxed);
        one.foreign = member.pid_namespace.load(std::memory_order_relaxed) != os::pid_namespace();
        for (std::size_t t = 0; t < look.topics.size(); ++t)
            if ((member.topics[t / 64].load(std::memory_order_relaxed) >> t % 64 & 1) != 0)
                one.topics.push_back(look.topics[t]);
        std::ranges::sort(one.topics);
    }
    for (const auto& cell : place.cells()) {
        const Cell one{cell.key.load(std::memory_order_relaxed), cell.owner.load(std::memory_order_relaxed),
                       cell.target.load(std::memory_order_relaxed)};
        if ((one.key & 0xffff'ffff) != 0) look.cells.push_back(one);
    }
    std::atomic_thread_fence(std::memory_order_acquire);
    const std::uint32_t dirty_after = head.dirty.load(std::memory_order_acquire);
    look.consistent =
        dirty_before == 0 && dirty_after == 0 && head.changes.load(std::memory_order_acquire) == changes_before;
    return look;
}

// Whose: index into look.group.members of a mark in a cell; nullopt: nobody's who is alive.
std::optional<std::size_t> whose(const Look& look, std::uint32_t mark) {
    if (mark == 0) return {};
    const auto found = std::ranges::lower_bound(look.slots, std::size_t{mark} - 1);
    if (found == look.slots.end() || *found != mark - 1) return {};
    return static_cast<std::size_t>(found - look.slots.begin());
}

GroupDescription understand(Look look) {
    bool settled = true;
    for (const Cell& cell : look.cells) {
        if (cell.key >> 32 >= look.topics.size()) continue;
        const log::TopicPartition id{look.topics[cell.key >> 32],
                                     static_cast<std::int32_t>((cell.key & 0xffff'ffff) - 1)};
        const auto owner = whose(look, cell.owner);
        const auto target = whose(look, cell.target);
        if (owner) look.group.members[*owner].owned.push_back(id);
        if (target) look.group.members[*target].assigned.push_back(id);
        if (owner != target || !owner) settled = false;
    }
    std::vector<std::size_t> by_age(look.slots.size());
    for (std::size_t i = 0; i < by_age.size(); ++i) by_age[i] = i;
    std::ranges::sort(by_age, {}, [&](std::size_t i) { return look.orders[i]; });
    GroupDescription group{GroupState::empty, look.group.generation, look.group.assignor, {}};
    for (const std::size_t i : by_age) {
        std::ranges::sort(look.group.members[i].owned);
        std::ranges::sort(look.group.members[i].assigned);
        group.members.push_back(std::move(look.group.members[i]));
    }
    if (!group.members.empty()) group.state = settled ? GroupState::stable : GroupState::rebalancing;
    return group;
}

}  // namespace

Result<GroupDescription> describe(store::DataDirectory& directory, std::string_view group) {
    if (directory.control() == nullptr) return GroupDescription{};
    shm::ControlFile& control = *directory.control();
    const shm::GroupTable table{control};
    for (int looks = 1;; ++looks) {
        const auto place = table.find(group);
        if (!place) return GroupDescription{};
        MQ_ASSIGN(Look look, look_once(control, *place));
        if ((look.consistent && place->is_still_it()) || looks == kMostLooks) return understand(std::move(look));
        static const std::atomic<std::uint32_t> nobody{0};
        const os::FutexWord word{&nobody, 0};
        MQ_TRY(os::futex_wait({&word, 1}, 1));
    }
}

Result<std::vector<std::string>> active_groups(store::DataDirectory& directory) {
    std::vector<std::string> names;
    if (directory.control() == nullptr) return names;
    shm::ControlFile& control = *directory.control();
    Status asked;
    shm::GroupTable{control}.for_each([&](const shm::GroupPlace& place, const std::string& name) {
        const auto members = place.members();
        bool alive = false;
        for (std::size_t m = 0; m < members.size() && !alive && asked; ++m) {
            if (members[m].joined.load() != 1) continue;
            const auto held = control.is_byte_held(place.member_byte(m));
            if (!held) asked = fail(held.error());
            alive = held && *held;
        }
        if (alive) names.push_back(name);
    });
    MQ_TRY(asked);
    std::ranges::sort(names);
    return names;
}

Status while_empty(store::DataDirectory& directory, std::string_view group, FunctionRef<Status()> work) {
    if (directory.control() == nullptr || !directory.control()->writable())
        return fail(Errc::not_permitted, "change group", std::string{group},
                    directory.path() + " is open for reading only");
    return with_group(*directory.control(), group, [&](LockedGroup& group_now) -> Status {
        MQ_ASSIGN(const auto living, group_now.living());
        if (!living.empty())
            return fail(Errc::in_use, "change group", std::string{group},
                        "has " + std::to_string(living.size()) + (living.size() == 1 ? " member: " : " members: ") +
                            name_members(group_now.place(), living));
        MQ_ASSIGN(const bool networked, directory.control()->is_byte_held(network_byte(group)));
        if (networked) return fail(networked_error(*directory.control(), "change group", group));
        return work();
    });
}

}  // namespace mq::groups
