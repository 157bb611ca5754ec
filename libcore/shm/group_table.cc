#include "shm/group_table.h"

#include <algorithm>

#include "os/kill_point.h"

namespace mq::shm {
namespace {

constexpr std::uint32_t kHeadsAtOnce = 4;
constexpr std::size_t kMembersAtOnce = 16;
constexpr std::size_t kTopicsAtOnce = 16;
constexpr std::size_t kCellsAtOnce = 256;

// `made`: how many of the array at `array_at` exist; raised to `wanted`, rounded up.
Status make_some(ControlFile& control, std::size_t array_at, std::size_t each_bytes, std::atomic<std::uint32_t>& made,
                 std::size_t wanted, std::size_t at_once, std::size_t most) {
    const std::size_t now = std::min<std::size_t>(made.load(), most);
    if (wanted <= now) return {};
    if (wanted > most) return fail(Errc::too_many, "make room", "", "at most " + std::to_string(most));
    const std::size_t end = std::min((wanted + at_once - 1) / at_once * at_once, most);
    MQ_TRY(control.allocate(array_at + now * each_bytes, (end - now) * each_bytes));
    MQ_KILLPOINT("groups.after_allocate");
    made.store(static_cast<std::uint32_t>(end), std::memory_order_release);
    return {};
}

template <typename T>
std::span<T> some(std::byte* from, const std::atomic<std::uint32_t>& made, std::uint32_t most) {
    return {reinterpret_cast<T*>(from), std::min(made.load(std::memory_order_acquire), most)};
}

}  // namespace

GroupPlace::GroupPlace(std::span<std::byte> table, std::uint32_t number)
    : head_(reinterpret_cast<GroupHead*>(table.data() + number * kGroupHeadBytes)),
      body_(table.data() + kGroupHeadsBytes + number * kGroupBodyBytes),
      number_(number),
      name_generation_(head_->name_generation.load(std::memory_order_acquire)) {}

std::span<GroupMemberSlot> GroupPlace::members() const {
    return some<GroupMemberSlot>(body_, head_->members_made, kGroupMembers);
}
std::span<GroupTopicSlot> GroupPlace::topics() const {
    return some<GroupTopicSlot>(body_ + kGroupTopicsAt, head_->topics_made, kGroupTopics);
}
std::span<GroupCell> GroupPlace::cells() const {
    return some<GroupCell>(body_ + kGroupCellsAt, head_->cells_made, kGroupCells);
}

std::uint64_t GroupPlace::member_byte(std::size_t member) const {
    return kMemberBytesAt + std::uint64_t{number_} * kGroupMembers + member;
}

bool GroupPlace::is_still_it() const {
    return head_->named.load(std::memory_order_acquire) == 1 &&
           head_->name_generation.load(std::memory_order_acquire) == name_generation_;
}

GroupTable::GroupTable(ControlFile& control)
    : control_(control), table_(control.table(kGroupTableAt, kGroupTableBytes)) {}

// That exist.
std::uint32_t GroupTable::heads() const {
    const std::uint64_t bytes = control_.header().group_table_bytes.load(std::memory_order_acquire);
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes / kGroupHeadBytes, kGroupPlaces));
}

std::optional<GroupPlace> GroupTable::find(std::string_view group) const {
    if (group.empty() || group.size() > kLongestGroupName) return {};
    const std::uint32_t end = heads();
    for (std::uint32_t number = 0; number < end; ++number) {
        const GroupPlace place{table_, number};
        if (!place.head().name.holds(group)) continue;
        std::atomic_thread_fence(std::memory_order_acquire);
        if (place.is_still_it()) return place;
    }
    return {};
}

void GroupTable::for_each(const std::function<void(const GroupPlace&, const std::string&)>& visit) const {
    const std::uint32_t end = heads();
    for (std::uint32_t number = 0; number < end; ++number) {
        const GroupPlace place{table_, number};
        const std::string name = place.head().name.load();
        std::atomic_thread_fence(std::memory_order_acquire);
        if (place.is_still_it()) visit(place, name);
    }
}

// Under the catalogue lock. False: it has members alive, or somebody is at work in it.
Result<bool> GroupTable::give(const GroupPlace& place, std::string_view group) {
    GroupHead& head = place.head();
    if (head.lock_ready.load() == 0) {
        head.lock.mutex.initialise();
        head.lock_ready.store(1);
    }
    MQ_ASSIGN(const std::optional<Guard> guard, control_.try_lock(head.lock, "group lock"));
    if (!guard) return false;
    const auto members = place.members();
    for (std::size_t i = 0; i < members.size(); ++i) {
        if (members[i].joined.load() == 0) continue;
        MQ_ASSIGN(const bool alive, control_.is_byte_held(place.member_byte(i)));
        if (alive) return false;
    }
    head.named.store(0);
    head.name_generation.fetch_add(1);
    std::atomic_thread_fence(std::memory_order_release);
    MQ_KILLPOINT("groups.place_unnamed");
    for (auto& member : members) member.joined.store(0);
    for (auto& topic : place.topics()) topic.used.store(0);
    for (auto& cell : place.cells()) {
        cell.key.store(0);
        cell.owner.store(0);
        cell.target.store(0);
    }
    head.generation.store(0);
    head.dirty.store(0);
    head.name.store(group);
    MQ_KILLPOINT("groups.place_before_named");
    head.named.store(1, std::memory_order_release);
    return true;
}

Result<GroupPlace> GroupTable::find_or_make(std::string_view group) {
    if (group.empty() || group.size() > kLongestGroupName)
        return fail(Errc::bad_argument, "use group", std::string{group}, "a group has a name of 1 to 255 bytes");
    if (const auto known = find(group)) return *known;
    std::optional<GroupPlace> made;
    MQ_TRY(control_.on_claimed_thread([&]() -> Status {
        MQ_ASSIGN(const Guard catalogue, control_.lock(control_.header().catalogue, "catalogue lock"));
        MQ_ASSIGN(made, take(group));
        return {};
    }));
    return *made;
}

// Under the catalogue lock.
Result<GroupPlace> GroupTable::take(std::string_view group) {
    if (const auto known = find(group)) return *known;
    // First those that no group ever had, so that a group that comes back finds its generation.
    for (const bool named_before : {false, true}) {
        for (std::uint32_t number = 0; number < kGroupPlaces; ++number) {
            if (number >= heads()) {
                const std::size_t bytes = kHeadsAtOnce * kGroupHeadBytes;
                MQ_TRY(control_.allocate(kGroupTableAt + number * kGroupHeadBytes, bytes));
                MQ_KILLPOINT("groups.after_allocate");
                control_.header().group_table_bytes.store(number * kGroupHeadBytes + bytes);
            }
            const GroupPlace place{table_, number};
            if ((place.head().named.load() == 1) != named_before) continue;
            MQ_ASSIGN(const bool given, give(place, group));
            if (given) return GroupPlace{table_, number};
        }
    }
    return fail(Errc::too_many, "use group", std::string{group},
                std::to_string(kGroupPlaces) + " groups have members on this machine");
}

Status GroupTable::make(const GroupPlace& place, std::size_t members, std::size_t topics, std::size_t cells) {
    GroupHead& head = place.head();
    const std::size_t body_at = kGroupTableAt + kGroupHeadsBytes + place.number() * kGroupBodyBytes;
    MQ_TRY(
        make_some(control_, body_at, kGroupMemberBytes, head.members_made, members, kMembersAtOnce, kGroupMembers));
    MQ_TRY(make_some(control_, body_at + kGroupTopicsAt, sizeof(GroupTopicSlot), head.topics_made, topics,
                     kTopicsAtOnce, kGroupTopics));
    return make_some(control_, body_at + kGroupCellsAt, sizeof(GroupCell), head.cells_made, cells, kCellsAtOnce,
                     kGroupCells);
}

}  // namespace mq::shm
