#include "groups/local_member.h"

#include <algorithm>
#include <set>

#include "base/seeded_bug.h"
#include "groups/death_watch.h"
#include "groups/group_machine.h"
#include "groups/local_group.h"
#include "os/kill_point.h"
#include "os/process.h"

namespace mq::groups {
namespace {

using log::TopicPartition;

Error refuse(Errc code, std::string_view group, std::string detail) {
    return {code, "join group", std::string{group}, 0, {}, std::move(detail)};
}

Status check(const JoinOptions& options) {
    if (options.client_id.empty() || options.client_id.size() > shm::kLongestClientId)
        return fail(refuse(Errc::bad_argument, options.group,
                           "a client id has 1 to " + std::to_string(shm::kLongestClientId) + " bytes"));
    // Kafka's rule: instance ids are legal as names of topics.
    if (!options.instance_id.empty() && !log::check_topic_name(options.instance_id))
        return fail(refuse(Errc::bad_argument, options.group,
                           "the instance id \"" + options.instance_id +
                               "\" is not made of 1 to 249 of the characters a-z A-Z 0-9 . _ -"));
    return {};
}

}  // namespace

struct LocalMember::Impl {
    Impl(shm::ControlFile& its_control, offsets::OffsetStore& its_offsets, const JoinOptions& its_options)
        : control(its_control), offsets(its_offsets), options(its_options) {}
    ~Impl();

    [[nodiscard]] Status enter(LockedGroup& group_now, std::span<const SubscribedTopic> topics);
    [[nodiscard]] Result<std::size_t> take_slot(LockedGroup& group_now) const;
    void inherit(LockedGroup& group_now, std::size_t predecessor) const;
    [[nodiscard]] Status still_here(const LockedGroup& group_now) const;
    [[nodiscard]] Status go(LockedGroup& group_now) const;
    [[nodiscard]] Status write_empty(LockedGroup& group_now) const;
    [[nodiscard]] shm::GroupMemberSlot& slot() const { return place->members()[self]; }
    [[nodiscard]] std::uint32_t mark() const { return static_cast<std::uint32_t>(self + 1); }

    shm::ControlFile& control;
    offsets::OffsetStore& offsets;
    const JoinOptions options;
    const std::string unique = random_member_suffix();
    const std::string member_id = options.client_id + "-" + unique;
    const unsigned fork_generation = os::fork_generation();

    std::optional<shm::GroupPlace> place;  // from join() on
    std::size_t self = 0;                  // the member slot
    bool has_slot = false;                 // its byte is held
    bool joined = false;
    std::uint32_t seen = 0;
    std::vector<TopicPartition> owned;  // sorted
    std::set<TopicPartition> told;      // of them, as revoked
    std::optional<DeathWatch> watch;
};

// A slot that nobody has, with its byte. The byte of one who is just leaving may still be held.
Result<std::size_t> LocalMember::Impl::take_slot(LockedGroup& group_now) const {
    const auto members = group_now.place().members();
    for (std::size_t i = 0; i < members.size(); ++i) {
        if (group_now.is_joined(i)) continue;
        MQ_ASSIGN(const bool held, control.hold_byte(group_now.place().member_byte(i)));
        if (held) return i;
    }
    return fail(refuse(Errc::too_many, options.group, "has " + std::to_string(kMostMembers) + " members already"));
}

// What a dead member with the same instance id owned is to come to this one.
void LocalMember::Impl::inherit(LockedGroup& group_now, std::size_t predecessor) const {
    const auto its_mark = static_cast<std::uint32_t>(predecessor + 1);
    for (auto& cell : group_now.place().cells()) {
        const bool its_own = cell.owner.load() == its_mark;
        if (!its_own && (cell.owner.load() != 0 || cell.target.load() != its_mark)) continue;
        cell.target.store(mark());
        cell.owner.store(0);
    }
}

Status LocalMember::Impl::enter(LockedGroup& group_now, std::span<const SubscribedTopic> topics) {
    place = group_now.place();
    shm::GroupHead& head = place->head();
    MQ_ASSIGN(const auto living, group_now.living());
    std::optional<std::size_t> predecessor;
    for (std::size_t i = 0; i < place->members().size() && !options.instance_id.empty(); ++i)
        if (group_now.is_joined(i) && place->members()[i].instance_id.holds(options.instance_id)) predecessor = i;
    if (predecessor && std::ranges::find(living, *predecessor) != living.end())
        return fail(refuse(Errc::in_use, options.group,
                           "a member with the instance id " + options.instance_id +
                               " is alive: " + name_members(*place, {*predecessor})));
    if (living.empty()) {
        MQ_ASSIGN(const bool networked, control.is_byte_held(network_byte(options.group)));
        if (networked) return fail(networked_error(control, "join group", options.group));
    }
    const auto assignor = static_cast<std::uint32_t>(options.assignor);
    if (!living.empty() && head.assignor.load() != assignor)
        return fail(refuse(Errc::in_use, options.group,
                           "its members use the assignor " +
                               std::string{to_string(static_cast<Assignor>(head.assignor.load() % 4))} + ": " +
                               name_members(*place, living)));
    if (living.empty() && head.generation.load() == 0) {
        MQ_ASSIGN(const auto known, offsets.group(options.group));
        if (known && known->metadata) head.generation.store(static_cast<std::uint32_t>(known->metadata->generation));
    }
    MQ_ASSIGN(const bool dead, group_now.has_dead());
    if (dead && !predecessor) MQ_TRY(group_now.settle());
    MQ_TRY(group_now.make_room({}, topics));
    MQ_ASSIGN(self, take_slot(group_now));
    has_slot = true;
    MQ_KILLPOINT("groups.join_byte");

    group_now.begin_change();
    head.assignor.store(assignor);
    shm::GroupMemberSlot& mine = slot();
    mine.pid.store(os::process_id());
    mine.pid_namespace.store(os::pid_namespace());
    mine.order.store(head.next_order.fetch_add(1));
    mine.unique.store(unique);
    mine.client_id.store(options.client_id);
    mine.instance_id.store(options.instance_id);
    mine.host.store(os::host_name());
    seen = mine.word.load();
    if (predecessor) {
        inherit(group_now, *predecessor);
        place->members()[*predecessor].joined.store(0);
    }
    MQ_KILLPOINT("groups.join_written");
    mine.joined.store(1);
    joined = true;
    group_now.subscribe(self, topics);
    MQ_KILLPOINT("groups.join_joined");
    return group_now.settle();
}

Status LocalMember::Impl::still_here(const LockedGroup& group_now) const {
    if (group_now.is_joined(self) && slot().unique.holds(unique)) return {};
    return fail(Errc::corrupt, "use group", options.group,
                "the place of " + member_id + " in the control file was overwritten");
}

Status LocalMember::Impl::go(LockedGroup& group_now) const {
    MQ_TRY(still_here(group_now));
    group_now.begin_change();
    slot().joined.store(0);
    MQ_KILLPOINT("groups.leave_unjoined");
    return group_now.settle();
}

// Before the last member is gone: a death after it has told the truth as well.
Status LocalMember::Impl::write_empty(LockedGroup& group_now) const {
    record::GroupMetadataValue value;
    value.protocol_type = "consumer";
    value.generation = static_cast<std::int32_t>((group_now.place().head().generation.load() + 1) & 0x7fff'ffff);
    value.current_state_timestamp = wall_clock_ms();
    return offsets.put_metadata(options.group, value);
}

LocalMember::Impl::~Impl() {
    if (fork_generation != os::fork_generation() || !has_slot) return;
    watch.reset();
    // Where the lock is held the others learn of it by the byte, as of a death.
    if (joined) {
        try {
            static_cast<void>(try_with_place(control, *place, options.group,
                                             [&](LockedGroup& group_now) { return go(group_now); }));
        } catch (const std::bad_alloc&) {
            joined = false;
        }
    }
    static_cast<void>(control.let_go_of_byte(place->member_byte(self)));
}

LocalMember::LocalMember(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LocalMember::~LocalMember() = default;

Result<std::unique_ptr<LocalMember>> LocalMember::join(store::DataDirectory& directory, offsets::OffsetStore& offsets,
                                                       const JoinOptions& options,
                                                       std::span<const SubscribedTopic> topics) {
    MQ_TRY(check(options));
    if (directory.control() == nullptr || !directory.control()->writable())
        return fail(Errc::not_permitted, "join group", options.group, directory.path() + " is open for reading only");
    auto impl = std::make_unique<Impl>(*directory.control(), offsets, options);
    MQ_TRY(with_group(impl->control, options.group,
                      [&](LockedGroup& group_now) { return impl->enter(group_now, topics); }));
    impl->watch.emplace(impl->control, *impl->place, impl->self, options.group);
    MQ_TRY(impl->watch->start());
    MQ_KILLPOINT("groups.join_done");
    return std::unique_ptr<LocalMember>{new LocalMember{std::move(impl)}};
}

const std::string& LocalMember::member_id() const { return impl_->member_id; }
const std::vector<TopicPartition>& LocalMember::owned() const { return impl_->owned; }
const std::atomic<std::uint32_t>& LocalMember::word() const { return impl_->slot().word; }
std::uint32_t LocalMember::seen() const { return impl_->seen; }
bool LocalMember::has_changes() const { return word().load() != impl_->seen; }

Status LocalMember::subscribe(std::span<const SubscribedTopic> topics) {
    Impl& me = *impl_;
    return with_place(me.control, *me.place, me.options.group, [&](LockedGroup& group) -> Status {
        MQ_TRY(me.still_here(group));
        MQ_TRY(group.make_room(me.self, topics));
        group.begin_change();
        group.subscribe(me.self, topics);
        MQ_KILLPOINT("groups.subscribe_written");
        return group.settle();
    });
}

Result<LocalMember::Changes> LocalMember::poll() {
    Impl& me = *impl_;
    Changes changes;
    if (!has_changes()) return changes;
    // Before the look at the cells: what changes after it is told again.
    const std::uint32_t seen_now = word().load();
    const auto look = [&](LockedGroup& group) -> Status {
        MQ_TRY(me.still_here(group));
        std::vector<shm::GroupCell*> to_take;
        for (auto& cell : group.place().cells()) {
            const std::uint32_t owner = cell.owner.load();
            const std::uint32_t target = cell.target.load();
            if (cell.key.load() == 0 || owner == target) continue;
            const bool free = owner == 0 || (MQ_BUG("group.takes_what_others_own") && owner != me.mark());
            if (owner != me.mark() && (target != me.mark() || !free)) continue;
            auto id = group.partition_of(cell);
            if (!id) continue;
            if (owner == me.mark()) {
                if (!me.told.contains(*id)) changes.revoked.push_back(*std::move(id));
            } else {
                to_take.push_back(&cell);
                changes.taken.push_back(*std::move(id));
            }
        }
        std::ranges::sort(changes.revoked);
        std::ranges::sort(changes.taken);
        std::vector<TopicPartition> owned = me.owned;
        owned.insert(owned.end(), changes.taken.begin(), changes.taken.end());
        std::ranges::sort(owned);
        std::set<TopicPartition> told = me.told;
        told.insert(changes.revoked.begin(), changes.revoked.end());
        if (!to_take.empty()) {
            group.begin_change();
            MQ_KILLPOINT("groups.take_marked");
            for (shm::GroupCell* cell : to_take) {
                cell->owner.store(me.mark());
                MQ_KILLPOINT("groups.take_taken");
            }
            group.end_change();
        }
        me.owned = std::move(owned);
        me.told = std::move(told);
        me.seen = seen_now;
        return {};
    };
    MQ_TRY(with_place(me.control, *me.place, me.options.group, look));
    MQ_KILLPOINT("groups.take_done");
    return changes;
}

Status LocalMember::release(std::span<const TopicPartition> partitions) {
    Impl& me = *impl_;
    if (partitions.empty()) return {};
    const std::set<TopicPartition> wanted{partitions.begin(), partitions.end()};
    return with_place(me.control, *me.place, me.options.group, [&](LockedGroup& group) -> Status {
        MQ_TRY(me.still_here(group));
        std::set<std::size_t> heirs;
        std::vector<shm::GroupCell*> to_give;
        for (auto& cell : group.place().cells()) {
            if (cell.key.load() == 0 || cell.owner.load() != me.mark()) continue;
            const auto id = group.partition_of(cell);
            if (!id || !wanted.contains(*id)) continue;
            to_give.push_back(&cell);
            const std::uint32_t target = cell.target.load();
            if (target != 0 && target <= group.place().members().size()) heirs.insert(target - 1);
        }
        // From here on nothing fails.
        std::erase_if(me.owned, [&](const TopicPartition& id) { return wanted.contains(id); });
        for (const TopicPartition& id : wanted) me.told.erase(id);
        group.begin_change();
        MQ_KILLPOINT("groups.release_marked");
        for (shm::GroupCell* cell : to_give) {
            cell->owner.store(0);
            MQ_KILLPOINT("groups.release_released");
        }
        for (const std::size_t heir : heirs) {
            group.tell(heir);
            MQ_KILLPOINT("groups.release_told");
        }
        group.end_change();
        MQ_KILLPOINT("groups.release_done");
        return {};
    });
}

Status LocalMember::leave() {
    Impl& me = *impl_;
    me.watch.reset();
    me.told.clear();
    Status written;
    MQ_TRY(with_place(me.control, *me.place, me.options.group, [&](LockedGroup& group) -> Status {
        MQ_ASSIGN(const auto living, group.living());
        if (living.size() <= 1) written = me.write_empty(group);
        MQ_KILLPOINT("groups.leave_written");
        return me.go(group);
    }));
    me.joined = false;
    me.owned.clear();
    MQ_KILLPOINT("groups.leave_done");
    MQ_TRY(me.control.let_go_of_byte(me.place->member_byte(me.self)));
    me.has_slot = false;
    return written;
}

}  // namespace mq::groups
