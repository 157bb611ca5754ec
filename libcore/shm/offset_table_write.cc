// Changes of the table of offsets, under the append lock of a partition of __consumer_offsets.

#include "os/kill_point.h"
#include "shm/offset_table_impl.h"

namespace mq::shm {
namespace {

// Forgotten entries are worth unlinking when this many are, and a quarter of all.
constexpr std::uint32_t kWorthSweeping = 256;

void zero(std::byte* bytes, std::size_t size_bytes) {
    for (std::size_t i = 0; i < size_bytes; i += 8)
        std::atomic_ref{*reinterpret_cast<std::uint64_t*>(bytes + i)}.store(0, std::memory_order_relaxed);
}

}  // namespace

// While links, counts or identities change.
class OffsetTable::Change {
public:
    explicit Change(OffsetHead& head) : head_(head) {
        head_.changes.store(head_.changes.load(std::memory_order_relaxed) | 1, std::memory_order_seq_cst);
        std::atomic_thread_fence(std::memory_order_release);
    }
    ~Change() { head_.changes.store(head_.changes.load(std::memory_order_relaxed) + 1, std::memory_order_release); }
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;

private:
    OffsetHead& head_;
};

Status OffsetTable::make(Allocate allocate) {
    if (exists()) return {};
    MQ_TRY(allocate(0, kOffsetHeadsAt));
    MQ_KILLPOINT("offset_table.after_header");
    exists_->store(kOffsetHeadsAt, std::memory_order_release);
    return {};
}

Status OffsetTable::prepare(std::int32_t partition, Allocate allocate) {
    if (partition < 0 || partition >= static_cast<std::int32_t>(kOffsetHeads))
        return fail(Errc::too_many, "share offsets", {},
                    "partition " + std::to_string(partition) + " has no place in the shared table");
    const auto p = static_cast<std::size_t>(partition);
    if (header().heads[p].load(std::memory_order_acquire) == 1) return {};
    MQ_TRY(allocate(kOffsetHeadsAt + p * kOffsetHeadBytes, kOffsetHeadBytes));
    MQ_KILLPOINT("offset_table.after_head");
    header().heads[p].store(1, std::memory_order_release);
    return {};
}

void OffsetTable::clear(std::int32_t partition) {
    OffsetHead& h = *head(partition);
    h.state.publish(OffsetsApplied{});
    const Change change{h};
    const bool is_new = h.build.load() == 0;
    h.build.store(h.build.load() + 1);
    MQ_KILLPOINT("offset_table.amid_clear");
    for (auto* number : {&h.unused_entry, &h.next_entry, &h.end_entry, &h.unused_group, &h.next_group, &h.end_group,
                         &h.entries, &h.forgotten})
        number->store(0, std::memory_order_relaxed);
    if (is_new) return;
    auto* bucket = entry_buckets(partition);
    for (std::uint32_t i = 0; i < kEntryBuckets + kGroupBuckets; ++i) bucket[i].store(0, std::memory_order_relaxed);
}

bool OffsetTable::is_broken(std::int32_t partition) const {
    const OffsetHead* h = head(partition);
    return h == nullptr || (h->changes.load(std::memory_order_relaxed) & 1) != 0;
}

void OffsetTable::publish(std::int32_t partition, const OffsetsApplied& state) {
    head(partition)->state.publish(state);
}

std::optional<std::uint32_t> OffsetTable::take_piece(std::int32_t partition, PieceUse use, Allocate allocate) {
    const std::uint32_t build = head(partition)->build.load(std::memory_order_relaxed);
    const std::uint64_t claimed = piece_word(build, static_cast<std::uint64_t>(PieceUse::claimed), partition);
    const std::uint64_t taken = piece_word(build, static_cast<std::uint64_t>(use), partition);
    std::uint32_t of_entries = 0;
    std::optional<std::uint32_t> left_over;
    std::optional<std::uint32_t> free;
    for (std::uint32_t piece = 0; piece < pieces_; ++piece) {
        const std::uint64_t word = header().pieces[piece].load(std::memory_order_relaxed);
        if (use_of(word) == static_cast<std::uint64_t>(PieceUse::entries)) ++of_entries;
        if (word == 0 && !free) free = piece;
        // Of an earlier build, or of somebody who died before its bytes were there.
        if (partition_of(word) == partition && !left_over &&
            (build_of(word) != build || use_of(word) == static_cast<std::uint64_t>(PieceUse::claimed)))
            left_over = piece;
    }
    if (left_over) {
        auto& owner = header().pieces[*left_over];
        const std::size_t at = kOffsetPiecesAt + std::size_t{*left_over} * kPieceBytes;
        if (use_of(owner.load()) == static_cast<std::uint64_t>(PieceUse::claimed) && !allocate(at, kPieceBytes))
            return std::nullopt;
        owner.store(claimed);
        zero(base_ + at, kPieceBytes);
        owner.store(taken, std::memory_order_release);
        return left_over;
    }
    if (use == PieceUse::entries && of_entries >= kMostEntryPieces) return std::nullopt;
    for (std::uint32_t piece = free.value_or(pieces_); piece < pieces_; ++piece) {
        std::uint64_t nobody = 0;
        if (!header().pieces[piece].compare_exchange_strong(nobody, claimed)) continue;
        MQ_KILLPOINT("offset_table.after_claim");
        if (!allocate(kOffsetPiecesAt + std::size_t{piece} * kPieceBytes, kPieceBytes)) return std::nullopt;
        header().pieces[piece].store(taken, std::memory_order_release);
        MQ_KILLPOINT("offset_table.after_piece");
        return piece;
    }
    return std::nullopt;
}

// Takes what is forgotten out of its chains. Amid a Change.
void OffsetTable::sweep(std::int32_t partition) {
    OffsetHead& h = *head(partition);
    const auto is_forgotten = [](const OffsetEntry& at) { return at.value.read().record <= 0; };
    for (std::uint32_t i = 0; i < kGroupBuckets; ++i) {
        auto* link = &group_buckets(partition)[i];
        for (std::uint32_t steps = 0; steps < kMostSteps; ++steps) {
            const std::uint32_t number = link->load(std::memory_order_relaxed);
            OffsetGroup* its = group(partition, number);
            if (its == nullptr) break;
            auto* entry_link = &its->first_entry;
            for (std::uint32_t walked = 0; walked < kMostSteps; ++walked) {
                OffsetEntry* at = entry(partition, entry_link->load(std::memory_order_relaxed));
                if (at == nullptr) break;
                if (is_forgotten(*at))
                    entry_link->store(at->next_of_group.load(std::memory_order_relaxed), std::memory_order_relaxed);
                else
                    entry_link = &at->next_of_group;
            }
            if (is_group(*its)) {
                link = &its->next;
                continue;
            }
            link->store(its->next.load(std::memory_order_relaxed), std::memory_order_relaxed);
            its->next.store(h.unused_group.load(std::memory_order_relaxed), std::memory_order_relaxed);
            h.unused_group.store(number, std::memory_order_relaxed);
        }
    }
    std::uint32_t unlinked = 0;
    for (std::uint32_t i = 0; i < kEntryBuckets; ++i) {
        auto* link = &entry_buckets(partition)[i];
        for (std::uint32_t steps = 0; steps < kMostSteps; ++steps) {
            const std::uint32_t number = link->load(std::memory_order_relaxed);
            OffsetEntry* at = entry(partition, number);
            if (at == nullptr) break;
            if (!is_forgotten(*at)) {
                link = &at->next;
                continue;
            }
            link->store(at->next.load(std::memory_order_relaxed), std::memory_order_relaxed);
            at->next.store(h.unused_entry.load(std::memory_order_relaxed), std::memory_order_relaxed);
            h.unused_entry.store(number, std::memory_order_relaxed);
            ++unlinked;
        }
    }
    h.entries.store(h.entries.load() - unlinked, std::memory_order_relaxed);
    h.forgotten.store(0, std::memory_order_relaxed);
}

// One that is in no chain; 0: there is none. Amid a Change.
std::uint32_t OffsetTable::new_entry(std::int32_t partition, Allocate allocate) {
    OffsetHead& h = *head(partition);
    for (int attempt = 0; attempt < 2; ++attempt) {
        if (const std::uint32_t number = h.unused_entry.load(); number != 0) {
            const OffsetEntry* at = entry(partition, number);
            if (at == nullptr) return 0;
            h.unused_entry.store(at->next.load());
            return number;
        }
        if (h.next_entry.load() == h.end_entry.load()) {
            const std::uint32_t forgotten = h.forgotten.load();
            const bool worth_it = forgotten >= kWorthSweeping && forgotten >= h.entries.load() / 4;
            const auto piece = worth_it ? std::nullopt : take_piece(partition, PieceUse::entries, allocate);
            if (!piece) {
                // Full, or not yet: what is forgotten makes room.
                if (forgotten == 0 || attempt > 0) return 0;
                sweep(partition);
                continue;
            }
            h.next_entry.store(*piece * kEntriesPerPiece + 1);
            h.end_entry.store((*piece + 1) * kEntriesPerPiece + 1);
        }
        const std::uint32_t number = h.next_entry.load();
        h.next_entry.store(number + 1);
        return entry(partition, number) != nullptr ? number : 0;
    }
    return 0;
}

// Linked; 0: there is no room. Amid a Change.
std::uint32_t OffsetTable::new_group(std::int32_t partition, const Hash128& hash, std::string_view name,
                                     Allocate allocate) {
    OffsetHead& h = *head(partition);
    if (h.unused_group.load() == 0 && h.next_group.load() == h.end_group.load()) {
        sweep(partition);
        if (h.unused_group.load() == 0) {
            const auto piece = take_piece(partition, PieceUse::groups, allocate);
            if (!piece) return 0;
            h.next_group.store(*piece * kGroupsPerPiece + 1);
            h.end_group.store((*piece + 1) * kGroupsPerPiece + 1);
        }
    }
    std::uint32_t number = h.unused_group.load();
    OffsetGroup* made = group(partition, number != 0 ? number : h.next_group.load());
    if (made == nullptr) return 0;
    if (number != 0) {
        h.unused_group.store(made->next.load());
    } else {
        number = h.next_group.load();
        h.next_group.store(number + 1);
    }
    made->hash_low.store(hash.low, std::memory_order_relaxed);
    made->hash_high.store(hash.high, std::memory_order_relaxed);
    made->metadata_record.store(0, std::memory_order_relaxed);
    made->entries.store(0, std::memory_order_relaxed);
    made->first_entry.store(0, std::memory_order_relaxed);
    made->name_length.store(static_cast<std::uint32_t>(name.size()), std::memory_order_relaxed);
    NameWords words{};
    std::memcpy(words.data(), name.data(), std::min(name.size(), kLongestGroupName));
    for (std::size_t i = 0; i < words.size(); ++i) made->name[i].store(words[i], std::memory_order_relaxed);
    auto& bucket = group_buckets(partition)[hash.low % kGroupBuckets];
    made->next.store(bucket.load(), std::memory_order_relaxed);
    bucket.store(number, std::memory_order_release);
    return number;
}

bool OffsetTable::put(std::int32_t partition, const Key& key, const OffsetValue& value, Allocate allocate) {
    OffsetHead& h = *head(partition);
    OffsetEntry* at = find_entry(partition, key.hash);
    if (at != nullptr && at->value.read().record > 0) {
        at->value.publish(value);
        return true;
    }
    const Change change{h};
    MQ_KILLPOINT("offset_table.amid_put");
    if (at != nullptr) {
        at->value.publish(value);
        h.forgotten.fetch_sub(1);
        if (OffsetGroup* its = group(partition, at->group.load())) its->entries.fetch_add(1);
        return true;
    }
    const std::uint32_t number = new_entry(partition, allocate);
    at = entry(partition, number);
    if (at == nullptr) return false;
    std::uint32_t group_number = find_group_number(partition, key.group);
    if (group_number == 0) group_number = new_group(partition, key.group, key.group_name, allocate);
    OffsetGroup* its = group(partition, group_number);
    if (its == nullptr) {
        at->next.store(h.unused_entry.load());
        h.unused_entry.store(number);
        return false;
    }
    at->hash_low.store(key.hash.low, std::memory_order_relaxed);
    at->hash_high.store(key.hash.high, std::memory_order_relaxed);
    at->topic.store(key.topic, std::memory_order_relaxed);
    at->partition.store(key.partition, std::memory_order_relaxed);
    at->group.store(group_number, std::memory_order_relaxed);
    at->value.publish(value);
    at->next_of_group.store(its->first_entry.load(), std::memory_order_relaxed);
    its->first_entry.store(number, std::memory_order_release);
    its->entries.fetch_add(1);
    h.entries.fetch_add(1);
    auto& bucket = entry_buckets(partition)[key.hash.low % kEntryBuckets];
    at->next.store(bucket.load(), std::memory_order_relaxed);
    bucket.store(number, std::memory_order_release);
    return true;
}

void OffsetTable::forget(std::int32_t partition, const Hash128& hash) {
    OffsetEntry* at = find_entry(partition, hash);
    if (at == nullptr || at->value.read().record <= 0) return;
    OffsetHead& h = *head(partition);
    const Change change{h};
    at->value.publish(OffsetValue{});
    MQ_KILLPOINT("offset_table.amid_forget");
    h.forgotten.fetch_add(1);
    if (OffsetGroup* its = group(partition, at->group.load())) its->entries.fetch_sub(1);
}

bool OffsetTable::put_metadata(std::int32_t partition, const Hash128& hash, std::string_view name,
                               std::int64_t record, Allocate allocate) {
    std::uint32_t number = find_group_number(partition, hash);
    if (number == 0 && record == 0) return true;
    const Change change{*head(partition)};
    if (number == 0) number = new_group(partition, hash, name, allocate);
    OffsetGroup* its = group(partition, number);
    if (its == nullptr) return false;
    its->metadata_record.store(record);
    return true;
}

}  // namespace mq::shm
