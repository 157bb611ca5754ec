// The partition slots of a control file, and the chains by which a name finds its slot. Rules PUB-6, PUB-7, PUB-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "shm/layout.h"

namespace mq::shm {

struct SlotIdentity {
    std::string topic;
    std::int32_t partition = 0;
    std::uint64_t use_generation = 0;
};
// What the slot is about, if it is live. Without a lock.
[[nodiscard]] std::optional<SlotIdentity> identity(const PartitionSlot& slot);
// The use_generation in which the slot is live and stands for this partition. While that number stays, it does: what
// was read of the slot between this call and a later, equal load of use_generation is this partition's.
[[nodiscard]] std::optional<std::uint64_t> holds(const PartitionSlot& slot, std::string_view topic,
                                                 std::int32_t partition);

// A view of a mapped control file. find() and for_each() may run beside anything, even beside a process that
// overwrites the memory: they end, and stay inside it. The rest is for the holder of the catalogue lock.
class SlotTable {
public:
    // `file`: kControlFileBytes, mapped.
    explicit SlotTable(std::span<std::byte> file) : base_(file.data()) {}

    [[nodiscard]] Header& header() const { return *reinterpret_cast<Header*>(base_); }

    [[nodiscard]] PartitionSlot* find(std::string_view topic, std::int32_t partition) const;
    void for_each(const std::function<void(PartitionSlot&)>& visit) const;

    // Makes bytes of the file exist before they are touched.
    using Allocate = std::function<Status(std::size_t position, std::size_t size_bytes)>;
    // Errors: bad_argument (a name of no or of more than 249 bytes), too_many, and those of `allocate`.
    [[nodiscard]] Result<PartitionSlot*> find_or_make(std::string_view topic, std::int32_t partition,
                                                      const Allocate& allocate);
    void retire(PartitionSlot& slot);

private:
    [[nodiscard]] std::atomic<std::uint32_t>* buckets() const;
    [[nodiscard]] PartitionSlot* at(std::uint32_t number) const;
    [[nodiscard]] std::uint32_t number_of(const PartitionSlot& slot) const;
    [[nodiscard]] PartitionSlot* find_in_chain(std::uint32_t bucket, std::string_view topic,
                                               std::int32_t partition) const;
    [[nodiscard]] Result<PartitionSlot*> unused_slot(const Allocate& allocate);
    void unlink(PartitionSlot& slot);
    void link(PartitionSlot& slot, std::uint32_t bucket);

    std::byte* base_;
};

}  // namespace mq::shm
