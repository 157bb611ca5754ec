// What groups have committed, by a hash of group, topic and partition: derived from __consumer_offsets, shared by all
// processes, and never more than a hint to where the record stands. Rules OFF-1, OFF-2 (../offsets/README.md).
//
// In the control file at kOffsetTableAt, each part made to exist when it is first needed:
//
//     0        OffsetTableHeader   which heads and pieces exist, and whose a piece is
//     32 KiB   256 heads           84 KiB each, one for a partition of __consumer_offsets: how far it is applied, and
//                                  the buckets in which entries and groups are found
//     + 21 MiB 2,735 pieces        64 KiB each: 512 entries, or 128 groups, of one partition
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/function_ref.h"
#include "base/two_copies.h"
#include "shm/layout.h"

namespace mq::shm {

inline constexpr std::uint32_t kOffsetHeads = 256;
inline constexpr std::uint32_t kEntryBuckets = 16'384;
inline constexpr std::uint32_t kGroupBuckets = 4096;
inline constexpr std::size_t kPieceBytes = 64 << 10;
inline constexpr std::size_t kLongestGroupName = 256;  // bytes; of a longer one the table keeps the hash only

struct Hash128 {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    bool operator==(const Hash128&) const = default;
};

// What was committed. Zero bytes: nothing.
struct OffsetValue {
    std::int64_t record = 0;  // offset of the record, plus 1; 0: forgotten
    std::int64_t offset = 0;
    std::int64_t leader_epoch = -1;
    std::int64_t commit_timestamp = -1;
    std::int64_t expire_timestamp = -1;
    bool operator==(const OffsetValue&) const = default;
};

// Identity never changes while it is linked; all numbers of entries and groups are plus 1, 0 meaning none.
struct alignas(64) OffsetEntry {
    std::atomic<std::uint64_t> hash_low;
    std::atomic<std::uint64_t> hash_high;
    std::atomic<std::uint64_t> topic;  // hash of its name
    std::atomic<std::int32_t> partition;
    std::atomic<std::uint32_t> group;
    std::atomic<std::uint32_t> next;           // of its bucket; of the unused ones
    std::atomic<std::uint32_t> next_of_group;  // of its group
    TwoCopies<OffsetValue> value;
};
inline constexpr std::size_t kOffsetEntryBytes = 128;
static_assert(sizeof(OffsetEntry) == kOffsetEntryBytes);

struct alignas(64) OffsetGroup {
    std::atomic<std::uint64_t> hash_low;
    std::atomic<std::uint64_t> hash_high;
    std::atomic<std::int64_t> metadata_record;  // offset of its group metadata record, plus 1; 0: it has none
    std::atomic<std::uint32_t> entries;         // with something committed
    std::atomic<std::uint32_t> first_entry;
    std::atomic<std::uint32_t> next;  // of its bucket; of the unused ones
    std::atomic<std::uint32_t> name_length;
    std::array<std::atomic<std::uint64_t>, kLongestGroupName / 8> name;
};
inline constexpr std::size_t kOffsetGroupBytes = 512;
static_assert(sizeof(OffsetGroup) <= kOffsetGroupBytes);

// Of the log that a partition's table was derived from, and how far. Zero bytes: nothing is known.
struct OffsetsApplied {
    std::array<std::uint64_t, 3> life{};  // store::Life
    std::int64_t applied = 0;             // the records below are in the table
    std::int64_t first_open = -1;         // of the oldest record below of a transaction that is open; -1: none is
    std::uint64_t known = 0;              // 0: the table is being built
    std::uint64_t incomplete = 0;         // it was full: what is not found may be in the log all the same
    bool operator==(const OffsetsApplied&) const = default;
};

struct alignas(64) OffsetHead {
    TwoCopies<OffsetsApplied> state;
    // Odd while links change. Who walked meanwhile has seen nothing; who finds it odd under the lock knows of a
    // death.
    std::atomic<std::uint64_t> changes;
    std::atomic<std::uint32_t> build;         // pieces given out in an earlier one are unused again
    std::atomic<std::uint32_t> unused_entry;  // chain of entries that were used once
    std::atomic<std::uint32_t> next_entry;    // never used yet: from here to the end of its piece
    std::atomic<std::uint32_t> end_entry;
    std::atomic<std::uint32_t> unused_group;
    std::atomic<std::uint32_t> next_group;
    std::atomic<std::uint32_t> end_group;
    std::atomic<std::uint32_t> entries;  // linked; forgotten ones too
    std::atomic<std::uint32_t> forgotten;
};
inline constexpr std::size_t kOffsetHeadBytes =
    4096 + (kEntryBuckets + kGroupBuckets) * sizeof(std::atomic<std::uint32_t>);
static_assert(sizeof(OffsetHead) <= 4096 && kOffsetHeadBytes == 84 << 10);

inline constexpr std::size_t kOffsetHeadsAt = 32 << 10;
inline constexpr std::size_t kOffsetPiecesAt = kOffsetHeadsAt + kOffsetHeads * kOffsetHeadBytes;
inline constexpr std::uint32_t kOffsetPieces =
    static_cast<std::uint32_t>((kOffsetTableBytes - kOffsetPiecesAt) / kPieceBytes);
inline constexpr std::uint32_t kMostEntryPieces = 2048;  // 1 Mi entries
static_assert(kOffsetPieces == 2735);

struct OffsetTableHeader {
    std::array<std::atomic<std::uint32_t>, kOffsetHeads> heads;  // 1: its bytes exist
    // 0: nobody's. Else build << 32 | use << 16 | partition + 1; see PieceUse.
    std::array<std::atomic<std::uint64_t>, kOffsetPieces> pieces;
};
static_assert(sizeof(OffsetTableHeader) <= kOffsetHeadsAt);

// A view of the mapped table. What looks may run beside anything, even beside a process that overwrites the memory:
// it ends, and touches only bytes that exist. What changes is for the holder of the append lock of the partition.
class OffsetTable {
public:
    // Makes bytes of the table exist before they are touched; `position` counts from its start.
    using Allocate = FunctionRef<Status(std::size_t position, std::size_t size_bytes)>;

    // `bytes`: kOffsetTableBytes. `exists`: how many from the start do for certain (shm::Header::offset_table_bytes).
    // `pieces` below kOffsetPieces: for tests of a full table.
    OffsetTable(std::span<std::byte> bytes, std::atomic<std::uint64_t>& exists, std::uint32_t pieces = kOffsetPieces)
        : base_(bytes.data()), exists_(&exists), pieces_(pieces) {}

    // ---- Looks

    // nullopt: nothing is known of the partition.
    [[nodiscard]] std::optional<OffsetsApplied> applied(std::int32_t partition) const;

    // What a look has come to. Unsure: somebody changed links meanwhile; look again, or read the log.
    enum class Seen : unsigned char { yes, no, unsure };
    [[nodiscard]] Seen find(std::int32_t partition, const Hash128& hash, OffsetValue& value) const;

    struct EntryView {
        std::uint64_t topic = 0;
        std::int32_t partition = 0;
        Hash128 group;
        Hash128 hash;
        OffsetValue value;
    };
    struct GroupView {
        Hash128 hash;
        std::string_view name;  // only the first kLongestGroupName bytes, if it is longer
        std::size_t name_length = 0;
        std::uint32_t entries = 0;
        std::int64_t metadata_record = 0;  // plus 1
    };
    // Yes: the group is known, and all of its entries that are not forgotten were visited, perhaps twice. Unsure:
    // some were visited.
    [[nodiscard]] Seen visit_entries_of(std::int32_t partition, const Hash128& group,
                                        FunctionRef<void(const EntryView&)> visit) const;
    [[nodiscard]] Seen find_group(std::int32_t partition, const Hash128& group,
                                  FunctionRef<void(const GroupView&)> visit) const;
    // Of all groups; no: some may be missing, links changed meanwhile.
    [[nodiscard]] bool visit_groups(std::int32_t partition, FunctionRef<void(const GroupView&)> visit) const;
    [[nodiscard]] bool visit_entries(std::int32_t partition, FunctionRef<void(const EntryView&)> visit) const;

    // ---- Changes, under the append lock

    // Makes the header exist. Under the catalogue lock: all partitions share it.
    [[nodiscard]] Status make(Allocate allocate);
    [[nodiscard]] bool exists() const { return exists_->load(std::memory_order_acquire) >= kOffsetHeadsAt; }
    // Makes the head exist, in a table that does. Errors: too_many (no head for such a partition), those of
    // `allocate`.
    [[nodiscard]] Status prepare(std::int32_t partition, Allocate allocate);
    // Nothing is known of the partition any more.
    void clear(std::int32_t partition);
    // A death amid a change of links: it must be cleared.
    [[nodiscard]] bool is_broken(std::int32_t partition) const;
    // Last: says what the table is of.
    void publish(std::int32_t partition, const OffsetsApplied& state);

    struct Key {
        Hash128 hash;
        Hash128 group;
        std::string_view group_name;
        std::uint64_t topic = 0;
        std::int32_t partition = 0;  // of the topic
    };
    // False: there is no room for it.
    [[nodiscard]] bool put(std::int32_t partition, const Key& key, const OffsetValue& value, Allocate allocate);
    void forget(std::int32_t partition, const Hash128& hash);
    // `record` plus 1, 0 for none.
    [[nodiscard]] bool put_metadata(std::int32_t partition, const Hash128& group, std::string_view group_name,
                                    std::int64_t record, Allocate allocate);

private:
    enum class PieceUse : std::uint64_t { claimed = 1, entries = 2, groups = 3 };
    class Change;

    [[nodiscard]] OffsetTableHeader& header() const { return *reinterpret_cast<OffsetTableHeader*>(base_); }
    [[nodiscard]] OffsetHead* head(std::int32_t partition) const;
    [[nodiscard]] std::atomic<std::uint32_t>* entry_buckets(std::int32_t partition) const;
    [[nodiscard]] std::atomic<std::uint32_t>* group_buckets(std::int32_t partition) const;
    [[nodiscard]] bool owns(std::int32_t partition, std::uint32_t piece, PieceUse use) const;
    [[nodiscard]] OffsetEntry* entry(std::int32_t partition, std::uint32_t number) const;
    [[nodiscard]] OffsetGroup* group(std::int32_t partition, std::uint32_t number) const;
    [[nodiscard]] OffsetEntry* find_entry(std::int32_t partition, const Hash128& hash) const;
    void visit_pieces(std::int32_t partition, PieceUse use, FunctionRef<void(std::uint32_t first)> visit) const;
    [[nodiscard]] std::uint32_t find_group_number(std::int32_t partition, const Hash128& hash) const;
    [[nodiscard]] std::optional<std::uint32_t> take_piece(std::int32_t partition, PieceUse use, Allocate allocate);
    [[nodiscard]] std::uint32_t new_entry(std::int32_t partition, Allocate allocate);
    [[nodiscard]] std::uint32_t new_group(std::int32_t partition, const Hash128& hash, std::string_view name,
                                          Allocate allocate);
    void sweep(std::int32_t partition);

    std::byte* base_;
    std::atomic<std::uint64_t>* exists_;
    std::uint32_t pieces_;
};

}  // namespace mq::shm
