// Consumer groups in the control file: who their members are, and who owns which partition. Rules GRP-L1, P9
// (groups/README.md); what the fields mean to an assignment is for the layer above.
//
//     0        256 heads     1 KiB each, made four at a time (Header::group_table_bytes)
//     256 KiB  256 bodies    511 KiB each, of the head with the same number, sparse:
//                  members   128 of 640 bytes, made 16 at a time
//                  topics    512 of 272 bytes, made 16 at a time
//                  cells     16,384 of 16 bytes, made 256 at a time
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "shm/control_file.h"
#include "shm/shared_text.h"

namespace mq::shm {

inline constexpr std::uint32_t kGroupPlaces = 256;
inline constexpr std::uint32_t kGroupMembers = 128;
inline constexpr std::uint32_t kGroupTopics = 512;
inline constexpr std::uint32_t kGroupCells = 16'384;
inline constexpr std::size_t kLongestGroupName = 255;
inline constexpr std::size_t kLongestClientId = 128;

// Everything but the lock is changed by the holder of the lock, and read by all.
struct alignas(64) GroupHead {
    SharedLock lock;
    std::atomic<std::uint32_t> lock_ready;       // the mutex was initialised, which is done once
    std::atomic<std::uint32_t> named;            // 1: the place is that of `name`
    std::atomic<std::uint64_t> name_generation;  // grows when the place is given to a group
    SharedText<256> name;

    // Raised before a change, taken down after it: found up under the lock, its maker died (LCK-4).
    std::atomic<std::uint32_t> dirty;
    std::atomic<std::uint32_t> generation;  // of the assignment
    std::atomic<std::uint64_t> changes;     // grows with each change, before `dirty` comes down
    std::atomic<std::uint64_t> next_order;
    std::atomic<std::uint32_t> assignor;
    // How many of each exist.
    std::atomic<std::uint32_t> members_made;
    std::atomic<std::uint32_t> topics_made;
    std::atomic<std::uint32_t> cells_made;
};
inline constexpr std::size_t kGroupHeadBytes = 1024;
static_assert(sizeof(GroupHead) <= kGroupHeadBytes);

struct alignas(64) GroupMemberSlot {
    std::atomic<std::uint32_t> joined;  // 1: a member, alive while its byte is held
    std::atomic<std::uint32_t> word;    // a futex: grows when there may be something to do for it
    std::atomic<std::int32_t> pid;
    std::atomic<std::uint32_t> reserved;
    std::atomic<std::uint64_t> pid_namespace;
    std::atomic<std::uint64_t> order;                                  // of joining
    std::array<std::atomic<std::uint64_t>, kGroupTopics / 64> topics;  // bits: what it subscribes to
    SharedText<40> unique;                                             // the end of its member id
    SharedText<kLongestClientId> client_id;
    SharedText<256> instance_id;
    SharedText<64> host;
};
inline constexpr std::size_t kGroupMemberBytes = 640;
static_assert(sizeof(GroupMemberSlot) == kGroupMemberBytes);

struct GroupTopicSlot {
    std::atomic<std::uint32_t> used;
    std::atomic<std::int32_t> partitions;
    SharedText<256> name;
};
static_assert(sizeof(GroupTopicSlot) == 272);

// A partition. It never moves while it has an owner: a death in the middle of a change leaves targets at worst, which
// are chosen anew.
struct GroupCell {
    std::atomic<std::uint64_t> key;     // topic slot << 32 | partition + 1; 0: unused
    std::atomic<std::uint32_t> owner;   // member slot + 1, 0: nobody. Who reads it now.
    std::atomic<std::uint32_t> target;  // the same: who is to come to read it
};
static_assert(sizeof(GroupCell) == 16);

inline constexpr std::size_t kGroupHeadsBytes = kGroupPlaces * kGroupHeadBytes;
inline constexpr std::size_t kGroupBodyBytes = (kGroupTableBytes - kGroupHeadsBytes) / kGroupPlaces;
inline constexpr std::size_t kGroupTopicsAt = kGroupMembers * kGroupMemberBytes;
inline constexpr std::size_t kGroupCellsAt = kGroupTopicsAt + kGroupTopics * sizeof(GroupTopicSlot);
static_assert(kGroupCellsAt + kGroupCells * sizeof(GroupCell) <= kGroupBodyBytes);
static_assert(kGroupBodyBytes == std::size_t{511} << 10);

// One place as it was found. Whatever the memory says, the spans stay inside of it.
class GroupPlace {
public:
    GroupPlace(std::span<std::byte> table, std::uint32_t number);

    [[nodiscard]] GroupHead& head() const { return *head_; }
    [[nodiscard]] std::span<GroupMemberSlot> members() const;
    [[nodiscard]] std::span<GroupTopicSlot> topics() const;
    [[nodiscard]] std::span<GroupCell> cells() const;
    [[nodiscard]] std::uint32_t number() const { return number_; }
    // Of the control file, held by the member of that slot.
    [[nodiscard]] std::uint64_t member_byte(std::size_t member) const;
    // The place has not been given to another group since it was found.
    [[nodiscard]] bool is_still_it() const;

private:
    GroupHead* head_;
    std::byte* body_;
    std::uint32_t number_;
    std::uint64_t name_generation_;
};

class GroupTable {
public:
    // Must not outlive the control file.
    explicit GroupTable(ControlFile& control);

    // Without a lock.
    [[nodiscard]] std::optional<GroupPlace> find(std::string_view group) const;
    void for_each(const std::function<void(const GroupPlace& place, const std::string& group)>& visit) const;
    // The same, taken if it is missing; one whose group has no members alive is given away once all were used. Takes
    // the catalogue lock, no group's: look at is_still_it() once that is held. Errors: bad_argument (1 to 255
    // bytes), too_many (256 groups have members), no_space, and those of locks.
    [[nodiscard]] Result<GroupPlace> find_or_make(std::string_view group);

    // So many of each exist when it returns. Under the group's lock. Errors: no_space, too_many.
    [[nodiscard]] Status make(const GroupPlace& place, std::size_t members, std::size_t topics, std::size_t cells);

private:
    [[nodiscard]] std::uint32_t heads() const;
    [[nodiscard]] Result<GroupPlace> take(std::string_view group);
    [[nodiscard]] Result<bool> give(const GroupPlace& place, std::string_view group);

    ControlFile& control_;
    std::span<std::byte> table_;
};

}  // namespace mq::shm
