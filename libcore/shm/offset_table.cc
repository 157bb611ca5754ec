#include "shm/offset_table_impl.h"

namespace mq::shm {
namespace {

// Numbers only move forward while they are changed: looks compare them.
class Look {
public:
    explicit Look(const OffsetHead& head) : head_(head), before_(head.changes.load(std::memory_order_acquire)) {}
    [[nodiscard]] bool began_amid() const { return (before_ & 1) != 0; }
    [[nodiscard]] bool is_undisturbed() const {
        std::atomic_thread_fence(std::memory_order_acquire);
        return !began_amid() && head_.changes.load(std::memory_order_relaxed) == before_;
    }

private:
    const OffsetHead& head_;
    std::uint64_t before_;
};

}  // namespace

OffsetHead* OffsetTable::head(std::int32_t partition) const {
    if (partition < 0 || partition >= static_cast<std::int32_t>(kOffsetHeads) || !exists()) return nullptr;
    const auto p = static_cast<std::size_t>(partition);
    if (header().heads[p].load(std::memory_order_acquire) != 1) return nullptr;
    return reinterpret_cast<OffsetHead*>(base_ + kOffsetHeadsAt + p * kOffsetHeadBytes);
}

std::atomic<std::uint32_t>* OffsetTable::entry_buckets(std::int32_t partition) const {
    return reinterpret_cast<std::atomic<std::uint32_t>*>(
        base_ + kOffsetHeadsAt + static_cast<std::size_t>(partition) * kOffsetHeadBytes + 4096);
}

std::atomic<std::uint32_t>* OffsetTable::group_buckets(std::int32_t partition) const {
    return entry_buckets(partition) + kEntryBuckets;
}

bool OffsetTable::owns(std::int32_t partition, std::uint32_t piece, PieceUse use) const {
    if (piece >= pieces_) return false;
    const std::uint64_t word = header().pieces[piece].load(std::memory_order_acquire);
    return partition_of(word) == partition && use_of(word) == static_cast<std::uint64_t>(use);
}

// nullptr for a number that no entry of the partition can have.
OffsetEntry* OffsetTable::entry(std::int32_t partition, std::uint32_t number) const {
    if (number == 0 || !owns(partition, (number - 1) / kEntriesPerPiece, PieceUse::entries)) return nullptr;
    return reinterpret_cast<OffsetEntry*>(base_ + kOffsetPiecesAt + std::size_t{number - 1} * kOffsetEntryBytes);
}

OffsetGroup* OffsetTable::group(std::int32_t partition, std::uint32_t number) const {
    if (number == 0 || !owns(partition, (number - 1) / kGroupsPerPiece, PieceUse::groups)) return nullptr;
    return reinterpret_cast<OffsetGroup*>(base_ + kOffsetPiecesAt + std::size_t{number - 1} * kOffsetGroupBytes);
}

OffsetEntry* OffsetTable::find_entry(std::int32_t partition, const Hash128& hash) const {
    std::uint32_t number = entry_buckets(partition)[hash.low % kEntryBuckets].load(std::memory_order_acquire);
    for (std::uint32_t steps = 0; steps < kMostSteps; ++steps) {
        OffsetEntry* found = entry(partition, number);
        if (found == nullptr) return nullptr;
        if (found->hash_low.load(std::memory_order_relaxed) == hash.low &&
            found->hash_high.load(std::memory_order_relaxed) == hash.high)
            return found;
        number = found->next.load(std::memory_order_acquire);
    }
    return nullptr;
}

std::uint32_t OffsetTable::find_group_number(std::int32_t partition, const Hash128& hash) const {
    std::uint32_t number = group_buckets(partition)[hash.low % kGroupBuckets].load(std::memory_order_acquire);
    for (std::uint32_t steps = 0; steps < kMostSteps; ++steps) {
        const OffsetGroup* found = group(partition, number);
        if (found == nullptr) return 0;
        if (found->hash_low.load(std::memory_order_relaxed) == hash.low &&
            found->hash_high.load(std::memory_order_relaxed) == hash.high)
            return number;
        number = found->next.load(std::memory_order_acquire);
    }
    return 0;
}

// ---- Looks

std::optional<OffsetsApplied> OffsetTable::applied(std::int32_t partition) const {
    const OffsetHead* h = head(partition);
    if (h == nullptr) return std::nullopt;
    const OffsetsApplied state = h->state.read();
    return state.known != 0 ? std::optional{state} : std::nullopt;
}

OffsetTable::Seen OffsetTable::find(std::int32_t partition, const Hash128& hash, OffsetValue& value) const {
    const OffsetHead* h = head(partition);
    if (h == nullptr) return Seen::unsure;
    const Look look{*h};
    const OffsetEntry* found = find_entry(partition, hash);
    value = found != nullptr ? found->value.read() : OffsetValue{};
    if (!look.is_undisturbed()) return Seen::unsure;
    return value.record > 0 ? Seen::yes : Seen::no;
}

namespace {

OffsetTable::EntryView view_of(const OffsetEntry& entry, const OffsetGroup* group, const OffsetValue& value) {
    OffsetTable::EntryView view;
    if (group != nullptr)
        view.group = {group->hash_low.load(std::memory_order_relaxed),
                      group->hash_high.load(std::memory_order_relaxed)};
    view.topic = entry.topic.load(std::memory_order_relaxed);
    view.partition = entry.partition.load(std::memory_order_relaxed);
    view.hash = {entry.hash_low.load(std::memory_order_relaxed), entry.hash_high.load(std::memory_order_relaxed)};
    view.value = value;
    return view;
}

void show(const OffsetGroup& group, FunctionRef<void(const OffsetTable::GroupView&)> visit) {
    OffsetTable::GroupView view;
    view.hash = {group.hash_low.load(std::memory_order_relaxed), group.hash_high.load(std::memory_order_relaxed)};
    view.entries = group.entries.load(std::memory_order_relaxed);
    view.metadata_record = group.metadata_record.load(std::memory_order_relaxed);
    NameWords words;
    for (std::size_t i = 0; i < words.size(); ++i) words[i] = group.name[i].load(std::memory_order_relaxed);
    view.name_length = group.name_length.load(std::memory_order_relaxed);
    view.name = {reinterpret_cast<const char*>(words.data()), std::min(view.name_length, kLongestGroupName)};
    visit(view);
}

}  // namespace

OffsetTable::Seen OffsetTable::visit_entries_of(std::int32_t partition, const Hash128& hash,
                                                FunctionRef<void(const EntryView&)> visit) const {
    const OffsetHead* h = head(partition);
    if (h == nullptr) return Seen::unsure;
    const Look look{*h};
    const OffsetGroup* its = group(partition, find_group_number(partition, hash));
    std::uint32_t number = its != nullptr ? its->first_entry.load(std::memory_order_acquire) : 0;
    for (std::uint32_t steps = 0; steps < kMostSteps && !look.began_amid(); ++steps) {
        const OffsetEntry* at = entry(partition, number);
        if (at == nullptr) break;
        const OffsetValue value = at->value.read();
        if (value.record > 0) visit(view_of(*at, its, value));
        number = at->next_of_group.load(std::memory_order_acquire);
    }
    const bool is_one = its != nullptr && is_group(*its);
    if (!look.is_undisturbed()) return Seen::unsure;
    return is_one ? Seen::yes : Seen::no;
}

OffsetTable::Seen OffsetTable::find_group(std::int32_t partition, const Hash128& hash,
                                          FunctionRef<void(const GroupView&)> visit) const {
    const OffsetHead* h = head(partition);
    if (h == nullptr) return Seen::unsure;
    const Look look{*h};
    const OffsetGroup* its = group(partition, find_group_number(partition, hash));
    const bool is_one = its != nullptr && is_group(*its);
    if (is_one) show(*its, visit);
    if (!look.is_undisturbed()) return Seen::unsure;
    return is_one ? Seen::yes : Seen::no;
}

// The pieces of the present build, by the number of the first that lies in each.
void OffsetTable::visit_pieces(std::int32_t partition, PieceUse use,
                               FunctionRef<void(std::uint32_t first)> visit) const {
    const std::uint32_t per_piece = use == PieceUse::entries ? kEntriesPerPiece : kGroupsPerPiece;
    const std::uint64_t wanted = piece_word(head(partition)->build.load(std::memory_order_acquire),
                                            static_cast<std::uint64_t>(use), partition);
    for (std::uint32_t piece = 0; piece < pieces_; ++piece)
        if (header().pieces[piece].load(std::memory_order_acquire) == wanted) visit(piece * per_piece + 1);
}

bool OffsetTable::visit_groups(std::int32_t partition, FunctionRef<void(const GroupView&)> visit) const {
    const OffsetHead* h = head(partition);
    if (h == nullptr) return false;
    const Look look{*h};
    visit_pieces(partition, PieceUse::groups, [&](std::uint32_t first) {
        for (std::uint32_t i = 0; i < kGroupsPerPiece && !look.began_amid(); ++i) {
            const OffsetGroup* at = group(partition, first + i);
            if (at != nullptr && is_group(*at)) show(*at, visit);
        }
    });
    return look.is_undisturbed();
}

bool OffsetTable::visit_entries(std::int32_t partition, FunctionRef<void(const EntryView&)> visit) const {
    const OffsetHead* h = head(partition);
    if (h == nullptr) return false;
    const Look look{*h};
    visit_pieces(partition, PieceUse::entries, [&](std::uint32_t first) {
        for (std::uint32_t i = 0; i < kEntriesPerPiece && !look.began_amid(); ++i) {
            const OffsetEntry* at = entry(partition, first + i);
            if (at == nullptr) return;
            const OffsetValue value = at->value.read();
            if (value.record > 0) visit(view_of(*at, group(partition, at->group.load()), value));
        }
    });
    return look.is_undisturbed();
}

}  // namespace mq::shm
