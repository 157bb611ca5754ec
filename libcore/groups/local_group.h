// A group's place in the control file while its lock is held: what joining, leaving and dying change in it
// (README.md, "The hand-over"). Of this layer only.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "groups/local_member.h"
#include "shm/group_table.h"

namespace mq::groups {

class LockedGroup {
public:
    LockedGroup(shm::ControlFile& control, const shm::GroupPlace& place, std::string_view name)
        : control_(control), place_(place), name_(name) {}

    [[nodiscard]] const shm::GroupPlace& place() const { return place_; }
    [[nodiscard]] std::string_view name() const { return name_; }
    [[nodiscard]] bool is_joined(std::size_t member) const;
    // Joined, and its process lives.
    [[nodiscard]] Result<bool> is_alive(std::size_t member) const;
    [[nodiscard]] Result<bool> has_dead() const;
    // By index, those alive.
    [[nodiscard]] Result<std::vector<std::size_t>> living() const;

    // Every change is made between these two; what lies between is mended by settle(), whoever takes the lock next.
    void begin_change();
    void end_change();

    // Room for the group once `member` (nullopt: one more) subscribes to these. Changes nothing that is seen. Errors:
    // too_many, no_space.
    [[nodiscard]] Status make_room(std::optional<std::size_t> member, std::span<const SubscribedTopic> topics);
    // After make_room, inside of a change; settle() is to follow.
    void subscribe(std::size_t member, std::span<const SubscribedTopic> topics);
    // Buries the dead, takes what nobody owns from them, chooses who is to come to own what, tells those whom it
    // concerns, ends the change. Errors: those of asking for the dead; the place then stays marked.
    [[nodiscard]] Status settle();

    // nullopt for what nobody subscribes to, or memory that makes no sense.
    [[nodiscard]] std::optional<log::TopicPartition> partition_of(const shm::GroupCell& cell) const;
    // There may be something to do for it.
    void tell(std::size_t member);

private:
    [[nodiscard]] bool has_subscriber(std::size_t topic) const;
    void drop_unused();
    void choose_targets();

    shm::ControlFile& control_;
    shm::GroupPlace place_;
    std::string_view name_;
};

// Run `work` under the group's lock, on a claimed thread; a change that a death has cut short is mended first.
// with_group makes the place if it is missing. Errors: those of locks, and of `work`.
using GroupWork = FunctionRef<Status(LockedGroup& group)>;
[[nodiscard]] Status with_group(shm::ControlFile& control, std::string_view name, GroupWork work);
[[nodiscard]] Status with_place(shm::ControlFile& control, const shm::GroupPlace& place, std::string_view name,
                                GroupWork work);
// False, and nothing was done: the lock is held, or the place has become another group's.
[[nodiscard]] Result<bool> try_with_place(shm::ControlFile& control, const shm::GroupPlace& place,
                                          std::string_view name, GroupWork work);

// Of the control file: held by the broker that has members of the group over the network (exclusion.h).
[[nodiscard]] std::uint64_t network_byte(std::string_view group);
// in_use: joined over the network, and by which broker.
[[nodiscard]] Error networked_error(const shm::ControlFile& control, std::string_view what, std::string_view group);

// "A (process 12), B (a process of another container)": who lives in the group, for messages.
[[nodiscard]] std::string name_members(const shm::GroupPlace& place, const std::vector<std::size_t>& members);
// CLIENT-ID-random.
[[nodiscard]] std::string member_id_of(const shm::GroupMemberSlot& member);

}  // namespace mq::groups
