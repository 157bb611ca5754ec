// The control file byte by byte: what all processes of a data directory share. Rules DIR, LCK, PUB of the concurrency
// contract (README.md here). Fixed addresses, nothing heap-allocated; a change of anything here raises
// kLayoutVersion.
//
//     0        Header             4 KiB
//     4 KiB    buckets            16,384 slot numbers + 1, 64 KiB: the first slot of each chain
//     68 KiB   65,536 slots       2 KiB each, sparse; allocated 64 at a time
//     + 128 MiB  offset table     192 MiB, sparse: offset_table.h
//     + 320 MiB  group table      128 MiB, sparse: group_table.h
//
// Byte-range locks (open file descriptions) lie on the same file: byte 0 for life, byte 1 the broker, byte 2^32 + TID
// a thread that takes robust locks, byte 2^33 + place a member of a group on this machine, byte 2^62 + hash a group
// that has members over the network.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "os/robust_mutex.h"

namespace mq::shm {

inline constexpr std::uint32_t kLayoutVersion = 4;
inline constexpr std::uint32_t kPartitionSlots = 65'536;
inline constexpr std::uint32_t kBuckets = 16'384;
inline constexpr std::uint32_t kSlotsPerAllocation = 64;
inline constexpr std::size_t kLongestTopic = 249;  // bytes; Kafka's limit

// A robust lock, and who holds it: for messages only (LCK-6, LCK-7).
struct alignas(64) SharedLock {
    os::RobustMutex mutex;
    std::atomic<std::int32_t> holder_pid;  // 0: nobody
    std::atomic<std::int32_t> holder_tid;
    std::atomic<std::uint64_t> holder_pid_namespace;
    std::atomic<std::uint64_t> holder_start_time;
};
static_assert(sizeof(SharedLock) == 64);

enum class SlotUse : std::uint32_t { free = 0, live = 1, deleted = 2 };

// One partition. What it is about is written before it is linked into its chain, and only changes with
// use_generation.
struct alignas(64) PartitionSlot {
    SharedLock append;  // whoever changes the partition's files
    SharedLock flush;   // whoever makes them durable; taken inside `append` where both are needed

    // Raised by a waiter before it sleeps, taken down by the waker (PUB-4); the futex itself.
    std::atomic<std::uint32_t> waits;
    std::atomic<std::uint32_t> use;             // SlotUse
    std::atomic<std::uint64_t> use_generation;  // grows when the slot is deleted or given to another partition
    std::atomic<std::uint32_t> next;            // in its chain: slot number + 1, 0 = the last
    std::atomic<std::uint32_t> bucket;          // the chain that it is in
    std::atomic<std::int32_t> partition;
    std::atomic<std::uint32_t> topic_length;
    std::array<std::atomic<std::uint64_t>, 32> topic;  // its bytes, see shm::identity() and shm::holds()

    // The incarnation in which the state below was held against the files (DIR-7); 0: never.
    std::atomic<std::uint64_t> checked_incarnation;
    // Of the files as the last writer left them, compared at the first use in an incarnation.
    std::atomic<std::uint64_t> active_inode;
    std::atomic<std::int64_t> directory_modified_ns;

    // Of the layers above; zero bytes are "nothing known".
    alignas(64) std::array<std::byte, 512> state;       // log::PublishedState
    alignas(64) std::array<std::byte, 512> topic_meta;  // store: what mq-topics.json says of the topic
};
inline constexpr std::size_t kSlotBytes = 2048;
static_assert(sizeof(PartitionSlot) <= kSlotBytes);

struct alignas(64) Header {
    std::array<char, 8> magic;  // "mqctl\0\0\0", written last
    std::uint32_t layout_version;
    std::uint32_t abi;     // word size and C library
    std::uint64_t device;  // the file's own: a copy is told by them
    std::uint64_t inode;
    std::array<char, 40> boot_id;
    std::atomic<std::uint64_t> incarnation;      // grows with each exclusive grant
    std::atomic<std::uint32_t> slots_allocated;  // bytes of slots below this exist
    std::atomic<std::uint32_t> slots_used;       // slots below this were given out once
    // Grows with every change of the set of topics or of their settings; a futex.
    std::atomic<std::uint32_t> catalogue_generation;
    std::atomic<std::uint32_t> catalogue_waits;
    // Somebody waits for more partitions than one call can name: every waker looks here too.
    std::atomic<std::uint32_t> any_waits;
    std::atomic<std::uint32_t> changes_begun;  // DIR-6: the directory was marked unclean in this incarnation
    std::atomic<std::int32_t> broker_pid;      // of the holder of byte 1, for messages
    // How many bytes from the start of a table on exist; what they hold tells which others do.
    std::atomic<std::uint64_t> offset_table_bytes;
    std::atomic<std::uint64_t> group_table_bytes;

    SharedLock catalogue;    // topics, slots, mq-topics.json
    SharedLock checkpoints;  // the checkpoint files at the root
    SharedLock cleaner;      // compaction, one partition at a time in a directory

    alignas(64) std::array<std::byte, 1024> store;  // of the store layer: stamps of the root's files
};
static_assert(sizeof(Header) <= 4096 && offsetof(Header, layout_version) == 8);

inline constexpr std::size_t kHeaderBytes = 4096;
inline constexpr std::size_t kBucketsAt = kHeaderBytes;
inline constexpr std::size_t kSlotsAt = kBucketsAt + kBuckets * sizeof(std::uint32_t);
inline constexpr std::size_t kOffsetTableAt = kSlotsAt + std::size_t{kPartitionSlots} * kSlotBytes;
inline constexpr std::size_t kOffsetTableBytes = std::size_t{192} << 20;
inline constexpr std::size_t kGroupTableAt = kOffsetTableAt + kOffsetTableBytes;
inline constexpr std::size_t kGroupTableBytes = std::size_t{128} << 20;
inline constexpr std::size_t kControlFileBytes = kGroupTableAt + kGroupTableBytes;

// Of the byte-range locks.
inline constexpr std::uint64_t kMemberBytesAt = std::uint64_t{1} << 33;
inline constexpr std::uint64_t kNetworkBytesAt = std::uint64_t{1} << 62;

}  // namespace mq::shm
