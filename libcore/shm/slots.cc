#include "shm/slots.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

#include "os/kill_point.h"

namespace mq::shm {
namespace {

// A walk that restarts because of others ends too; nobody gives 65,536 slots away while one name is looked up.
constexpr std::uint32_t kMostSteps = 2 * kPartitionSlots;

using TopicWords = std::array<std::uint64_t, std::tuple_size_v<decltype(PartitionSlot::topic)>>;
static_assert(sizeof(TopicWords) >= kLongestTopic);

TopicWords to_words(std::string_view topic) {
    TopicWords words{};
    std::memcpy(words.data(), topic.data(), topic.size());
    return words;
}

// FNV-1a of the name and the partition's four bytes.
std::uint32_t bucket_of(std::string_view topic, std::int32_t partition) {
    std::uint32_t hash = 2166136261u;
    const auto add = [&](std::uint32_t byte) { hash = (hash ^ byte) * 16777619u; };
    for (const char c : topic) add(static_cast<unsigned char>(c));
    for (int shift = 0; shift < 32; shift += 8) add(static_cast<std::uint32_t>(partition) >> shift & 0xff);
    return (hash ^ hash >> 16) % kBuckets;
}

bool same_name(const PartitionSlot& slot, std::string_view topic, std::int32_t partition) {
    if (slot.partition.load(std::memory_order_relaxed) != partition) return false;
    if (slot.topic_length.load(std::memory_order_relaxed) != topic.size()) return false;
    const TopicWords words = to_words(topic);
    for (std::size_t i = 0; i * 8 < topic.size(); ++i)
        if (slot.topic[i].load(std::memory_order_relaxed) != words[i]) return false;
    return true;
}

bool is_live(const PartitionSlot& slot) {
    return slot.use.load(std::memory_order_acquire) == static_cast<std::uint32_t>(SlotUse::live);
}

// Others may still look at what is overwritten: they compare use_generation afterwards.
void clear(std::span<std::byte> bytes) {
    for (std::size_t i = 0; i < bytes.size(); i += 8)
        std::atomic_ref{*reinterpret_cast<std::uint64_t*>(bytes.data() + i)}.store(0, std::memory_order_relaxed);
}

void begin_change(PartitionSlot& slot, SlotUse use) {
    slot.use.store(static_cast<std::uint32_t>(use), std::memory_order_seq_cst);
    slot.use_generation.fetch_add(1, std::memory_order_seq_cst);
    std::atomic_thread_fence(std::memory_order_release);
}

void give_to(PartitionSlot& slot, std::string_view topic, std::int32_t partition) {
    slot.checked_incarnation.store(0, std::memory_order_relaxed);
    slot.active_inode.store(0, std::memory_order_relaxed);
    slot.directory_modified_ns.store(0, std::memory_order_relaxed);
    clear(slot.state);
    clear(slot.topic_meta);
    slot.partition.store(partition, std::memory_order_relaxed);
    slot.topic_length.store(static_cast<std::uint32_t>(topic.size()), std::memory_order_relaxed);
    const TopicWords words = to_words(topic);
    for (std::size_t i = 0; i < words.size(); ++i) slot.topic[i].store(words[i], std::memory_order_relaxed);
}

void make_live(PartitionSlot& slot) {
    slot.use.store(static_cast<std::uint32_t>(SlotUse::live), std::memory_order_seq_cst);
}

}  // namespace

std::optional<SlotIdentity> identity(const PartitionSlot& slot) {
    const std::uint64_t before = slot.use_generation.load(std::memory_order_acquire);
    if (!is_live(slot)) return {};
    SlotIdentity found;
    found.partition = slot.partition.load(std::memory_order_relaxed);
    TopicWords words;
    for (std::size_t i = 0; i < words.size(); ++i) words[i] = slot.topic[i].load(std::memory_order_relaxed);
    const std::size_t length = slot.topic_length.load(std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (slot.use_generation.load(std::memory_order_relaxed) != before) return {};
    found.topic.assign(reinterpret_cast<const char*>(words.data()), std::min(length, kLongestTopic));
    found.use_generation = before;
    return found;
}

std::optional<std::uint64_t> holds(const PartitionSlot& slot, std::string_view topic, std::int32_t partition) {
    if (topic.size() > kLongestTopic) return {};
    const std::uint64_t before = slot.use_generation.load(std::memory_order_acquire);
    if (!is_live(slot) || !same_name(slot, topic, partition)) return {};
    std::atomic_thread_fence(std::memory_order_acquire);
    if (slot.use_generation.load(std::memory_order_relaxed) != before) return {};
    return before;
}

std::atomic<std::uint32_t>* SlotTable::buckets() const {
    return reinterpret_cast<std::atomic<std::uint32_t>*>(base_ + kBucketsAt);
}

// nullptr for a number that no slot of ours can have.
PartitionSlot* SlotTable::at(std::uint32_t number) const {
    if (number >= kPartitionSlots || number >= header().slots_allocated.load(std::memory_order_acquire))
        return nullptr;
    return reinterpret_cast<PartitionSlot*>(base_ + kSlotsAt + std::size_t{number} * kSlotBytes);
}

std::uint32_t SlotTable::number_of(const PartitionSlot& slot) const {
    return static_cast<std::uint32_t>(
        static_cast<std::size_t>(reinterpret_cast<const std::byte*>(&slot) - (base_ + kSlotsAt)) / kSlotBytes);
}

PartitionSlot* SlotTable::find(std::string_view topic, std::int32_t partition) const {
    if (topic.empty() || topic.size() > kLongestTopic) return nullptr;
    const std::uint32_t bucket = bucket_of(topic, partition);
    const auto& head = buckets()[bucket];
    std::uint32_t link = head.load(std::memory_order_acquire);
    for (std::uint32_t steps = 0; link != 0 && steps < kMostSteps; ++steps) {
        PartitionSlot* slot = at(link - 1);
        if (slot == nullptr) return nullptr;
        const std::uint64_t generation = slot->use_generation.load(std::memory_order_acquire);
        const std::uint32_t next = slot->next.load(std::memory_order_acquire);
        // Read after `next`: a `next` of another chain comes with that chain's number.
        const bool in_chain = slot->bucket.load(std::memory_order_acquire) == bucket;
        const bool found = in_chain && holds(*slot, topic, partition);
        std::atomic_thread_fence(std::memory_order_acquire);
        if (!in_chain || slot->use_generation.load(std::memory_order_relaxed) != generation) {
            link = head.load(std::memory_order_acquire);
            continue;
        }
        if (found) return slot;
        link = next;
    }
    return nullptr;
}

void SlotTable::for_each(const std::function<void(PartitionSlot&)>& visit) const {
    const std::uint32_t used = std::min(header().slots_used.load(std::memory_order_acquire), kPartitionSlots);
    for (std::uint32_t number = 0; number < used; ++number) {
        PartitionSlot* slot = at(number);
        if (slot == nullptr) return;
        if (is_live(*slot)) visit(*slot);
    }
}

// Deleted ones too, and those whose maker died before they were live. Under the catalogue lock.
PartitionSlot* SlotTable::find_in_chain(std::uint32_t bucket, std::string_view topic, std::int32_t partition) const {
    std::uint32_t link = buckets()[bucket].load(std::memory_order_acquire);
    for (std::uint32_t steps = 0; link != 0 && steps < kPartitionSlots; ++steps) {
        PartitionSlot* slot = at(link - 1);
        if (slot == nullptr) return nullptr;
        if (same_name(*slot, topic, partition)) return slot;
        link = slot->next.load(std::memory_order_acquire);
    }
    return nullptr;
}

// One that is in no chain.
Result<PartitionSlot*> SlotTable::unused_slot(const Allocate& allocate) {
    Header& h = header();
    const std::uint32_t used = h.slots_used.load(std::memory_order_acquire);
    if (used < kPartitionSlots) {
        if (used >= h.slots_allocated.load(std::memory_order_acquire)) {
            const std::uint32_t end =
                std::min(used / kSlotsPerAllocation * kSlotsPerAllocation + kSlotsPerAllocation, kPartitionSlots);
            MQ_TRY(allocate(kSlotsAt + std::size_t{used} * kSlotBytes, std::size_t{end - used} * kSlotBytes));
            MQ_KILLPOINT("slots.after_allocate");
            h.slots_allocated.store(end, std::memory_order_release);
        }
        // Before anything is written to it: a death from here on costs one slot, until all others are used.
        h.slots_used.store(used + 1, std::memory_order_release);
        return at(used);
    }
    for (std::uint32_t number = 0; number < kPartitionSlots; ++number) {
        PartitionSlot* slot = at(number);
        if (slot == nullptr) break;
        if (is_live(*slot)) continue;
        unlink(*slot);
        return slot;
    }
    return fail(Errc::too_many, "make partition slot", "",
                "all " + std::to_string(kPartitionSlots) + " partitions of a data directory are taken");
}

void SlotTable::unlink(PartitionSlot& slot) {
    const std::uint32_t wanted = number_of(slot) + 1;
    std::atomic<std::uint32_t>* link = &buckets()[slot.bucket.load() % kBuckets];
    for (std::uint32_t steps = 0; steps < kPartitionSlots; ++steps) {
        const std::uint32_t here = link->load(std::memory_order_acquire);
        if (here == 0) return;  // its last user died before it was linked
        if (here == wanted) {
            link->store(slot.next.load(std::memory_order_acquire), std::memory_order_release);
            return;
        }
        PartitionSlot* next = at(here - 1);
        if (next == nullptr) return;
        link = &next->next;
    }
}

void SlotTable::link(PartitionSlot& slot, std::uint32_t bucket) {
    auto& head = buckets()[bucket];
    slot.bucket.store(bucket, std::memory_order_release);
    slot.next.store(head.load(std::memory_order_acquire), std::memory_order_release);
    head.store(number_of(slot) + 1, std::memory_order_release);
}

Result<PartitionSlot*> SlotTable::find_or_make(std::string_view topic, std::int32_t partition,
                                               const Allocate& allocate) {
    if (topic.empty() || topic.size() > kLongestTopic)
        return fail(Errc::bad_argument, "make partition slot", std::string{topic}, "a topic has 1 to 249 bytes");
    const std::uint32_t bucket = bucket_of(topic, partition);
    if (PartitionSlot* known = find_in_chain(bucket, topic, partition)) {
        if (is_live(*known)) return known;
        begin_change(*known, static_cast<SlotUse>(known->use.load()));
        give_to(*known, topic, partition);
        make_live(*known);
        return known;
    }
    MQ_ASSIGN(PartitionSlot * slot, unused_slot(allocate));
    // Those of a slot that was live once may be waited for by somebody who still takes it for what it was.
    if (slot->use.load() == static_cast<std::uint32_t>(SlotUse::free)) {
        slot->append.mutex.initialise();
        slot->flush.mutex.initialise();
    }
    begin_change(*slot, static_cast<SlotUse>(slot->use.load()));
    give_to(*slot, topic, partition);
    MQ_KILLPOINT("slots.before_link");
    link(*slot, bucket);
    MQ_KILLPOINT("slots.after_link");
    make_live(*slot);
    return slot;
}

void SlotTable::retire(PartitionSlot& slot) { begin_change(slot, SlotUse::deleted); }

}  // namespace mq::shm
