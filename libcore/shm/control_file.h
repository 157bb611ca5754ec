// The control file of a data directory: taking part in it, finding slots, locking.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/function_ref.h"
#include "os/file.h"
#include "shm/layout.h"
#include "shm/slots.h"
#include "shm/wake.h"

namespace mq::shm {

inline constexpr std::string_view kControlFileName = ".mq-control";
inline constexpr std::string_view kLockFileName = ".lock";  // Kafka's

struct Holder {
    int pid = 0;           // 0: not known
    bool foreign = false;  // of another PID namespace (a container): the pid means nothing here
    std::string what;      // "append lock of numbers-0"
};
// "process 7 of another container"
[[nodiscard]] std::string describe(const Holder& holder);
// Asked once a lock was waited for for a second, and then ten times a second: an error ends the wait with it, for
// instance timed_out or interrupted. Time alone never does (LCK-6).
using WaitHook = std::function<Status(const Holder&, std::chrono::milliseconds waited)>;

enum class Access : bool { read, write };

class Guard;

// One for each directory in a process: opening it again gives the same object. Thread-safe. The child of a fork opens
// the directory again; what it inherited it may only drop.
class ControlFile {
public:
    // What an exclusive grant found. The caller brings its own part of the header up to date; one process at a time
    // holds the directory exclusively while `on_exclusive` runs. It may run again for the same state, if it fails or
    // dies. It must not open or close a control file.
    struct Beginning {
        bool was_ours = false;  // a control file of mq stood there, of any boot, layout or directory
        bool fresh = false;     // all slots are zero: it was made, or is of another boot, layout, or a copy (DIR-3)
        Header* header = nullptr;        // incarnation raised
        Header before{};                 // as it was found, if was_ours and of this layout_version; else zero
        PartitionSlot* slots = nullptr;  // header->slots_used of them, kSlotBytes apart; see SlotTable::for_each
    };
    struct Options {
        Access access = Access::read;
        // For Access::read: also makes what is missing, where it may. For Access::write always.
        bool make = false;
        // Of the whole object: the latest that was given.
        WaitHook on_wait{};
        // On an exclusive grant only, not where the directory is live.
        std::function<Status(const Beginning&)> on_exclusive{};
        // The process ends with it when the control file's disk space vanishes under it (SIGBUS); 0: not guarded.
        int bus_error_exit_status = 74;
    };

    // Takes `.lock` shared (DIR-1), checks the file system (DIR-8), takes byte 0 (DIR-2), lays the file out anew
    // where nobody lives in it (DIR-3, DIR-4), and maps it. With Access::read a live file that may not be written is
    // mapped read-only; nullptr where there is none, or none alive, or no space for one (DIR-9). Errors: in_use (a
    // Kafka broker, named by pid; another layout version that is live), bad_configuration (file system),
    // not_permitted (Access::write without permission; a symbolic link, hard link, pipe, or a stranger's file in its
    // place), not_found (no such directory), no_space, corrupt (overwritten while live), io; and those of the hooks.
    [[nodiscard]] static Result<std::shared_ptr<ControlFile>> open(const std::string& directory,
                                                                   const Options& options);

    // `.lock` alone, shared: what a reader holds that got no control file. A closed File where there is none and none
    // may be made.
    [[nodiscard]] static Result<os::File> take_lock_file(const std::string& directory, Access access);

    ~ControlFile();
    ControlFile(const ControlFile&) = delete;
    ControlFile& operator=(const ControlFile&) = delete;

    // If not, nothing of the shared memory may be stored to, and no lock taken.
    [[nodiscard]] bool writable() const;
    [[nodiscard]] Header& header() const;
    [[nodiscard]] std::uint64_t incarnation() const;  // at open

    // The slot of a partition, nullptr if it has none. Without a lock; a slot given to another partition meanwhile is
    // not found. holds() tells in which generation it is that partition's.
    [[nodiscard]] PartitionSlot* find(std::string_view topic, std::int32_t partition) const;
    // The same, made if it is missing; its bytes are allocated first (PUB-7). One that was retired comes back with a
    // new use_generation and zeroed state. Takes the catalogue lock unless the caller holds it. Errors: no_space,
    // too_many (all 65,536 are live), bad_argument, not_permitted, and those of lock().
    [[nodiscard]] Result<PartitionSlot*> find_or_make(std::string_view topic, std::int32_t partition,
                                                      const Guard* catalogue = nullptr);
    // Every slot that is live, in no order.
    void for_each_slot(const std::function<void(PartitionSlot&)>& visit) const;
    // Marks it deleted, and wakes who waits for it; it may be given to another partition. Under the catalogue lock,
    // append lock held.
    void retire(PartitionSlot& slot, const Guard& catalogue);

    // A table (layout.h) as it is mapped. Its bytes exist where allocate() has made them: no other may be touched.
    [[nodiscard]] std::span<std::byte> table(std::size_t position, std::size_t size_bytes) const;
    // Makes bytes of a table exist, as zeros if they did not (PUB-7). Errors: no_space, not_permitted, io.
    [[nodiscard]] Status allocate(std::size_t position, std::size_t size_bytes);

    // A byte beyond the file that a process keeps until it lets go of it, or its last thread is gone (GRP-L1). Hold:
    // false if it is held, by this process too. Errors: not_permitted (not writable), io.
    [[nodiscard]] Result<bool> hold_byte(std::uint64_t byte);
    [[nodiscard]] Status let_go_of_byte(std::uint64_t byte);
    [[nodiscard]] Result<bool> is_byte_held(std::uint64_t byte) const;

    // Takes a lock; waits as long as the hook lets it. `what` names it in messages. Only inside on_claimed_thread.
    // Errors: those of the hook; not_permitted (not writable); io (the lock was overwritten).
    // timed_out where the thread may wait for a moment only (Briefly).
    [[nodiscard]] Result<Guard> lock(SharedLock& lock, std::string_view what) const;
    // Nothing if it is held.
    [[nodiscard]] Result<std::optional<Guard>> try_lock(SharedLock& lock, std::string_view what) const;

    // Runs `work` on this thread if its TID is claimed or can be, else on one of this process whose is (LCK-2). All
    // that takes locks must run in it. Nested calls run in place.
    [[nodiscard]] Status on_claimed_thread(FunctionRef<Status()> work);

    // Byte 1 (DIR-5): false if another process is the broker; header().broker_pid says who. Until this object is
    // gone.
    [[nodiscard]] Result<bool> become_broker();
    // Byte 0 exclusively, without waiting: no other process uses the directory, and none can while `work` runs.
    // False: it is in use. Then shared again. The incarnation stays.
    [[nodiscard]] Result<bool> while_alone(const std::function<Status()>& work);
    // Whether another process holds byte 0.
    [[nodiscard]] Result<bool> is_shared() const;

private:
    struct Impl;
    explicit ControlFile(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// While one lives on a thread, the thread waits for each lock for a moment only, or as long as it is told: then
// timed_out, naming the holder. For threads that others wait for, such as those that serve connections. Of nested
// ones the shortest counts.
class Briefly {
public:
    static constexpr int kMostMs = 5;  // about as long as a large append takes

    explicit Briefly(int most_ms = kMostMs)
        : before_(std::exchange(most_ms_, most_ms_ == 0 ? most_ms : std::min(most_ms_, most_ms))) {}
    ~Briefly() { most_ms_ = before_; }
    Briefly(const Briefly&) = delete;
    Briefly& operator=(const Briefly&) = delete;

    [[nodiscard]] static bool is_on() { return most_ms_ != 0; }
    [[nodiscard]] static int most_ms() { return most_ms_; }

private:
    inline static thread_local int most_ms_ = 0;
    int before_;
};

// A lock that is held; unlocks on destruction. On the thread that took it, while the ControlFile lives.
class Guard {
public:
    Guard(SharedLock& lock, bool after_death) : lock_(&lock), after_death_(after_death) {}
    ~Guard();
    Guard(Guard&& other) noexcept : lock_(std::exchange(other.lock_, nullptr)), after_death_(other.after_death_) {}
    Guard& operator=(Guard&&) = delete;

    // Its last holder died inside.
    [[nodiscard]] bool after_death() const { return after_death_; }

private:
    SharedLock* lock_;
    bool after_death_;
};

}  // namespace mq::shm
