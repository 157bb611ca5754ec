#include "shm/control_file.h"

#include "base/assert.h"
#include "base/seeded_bug.h"
#include "shm/control_impl.h"

namespace mq::shm {
namespace {

constexpr int kFirstWaitMs = 1000;
constexpr int kNextWaitMs = 100;

// Who has it, as far as it can be told: the fields are written after the lock was taken.
Holder holder_of(const SharedLock& lock, std::string_view what, std::uint64_t own_namespace) {
    Holder holder;
    holder.what = what;
    holder.pid = lock.holder_pid.load(std::memory_order_relaxed);
    const std::uint64_t its_namespace = lock.holder_pid_namespace.load(std::memory_order_relaxed);
    const std::uint64_t start_time = lock.holder_start_time.load(std::memory_order_relaxed);
    holder.foreign = its_namespace != own_namespace;
    // The pid of somebody who is gone may be another's by now.
    if (holder.pid != 0 && !holder.foreign && os::process_start_time(holder.pid) != start_time) holder.pid = 0;
    if (holder.pid == 0) holder.foreign = false;
    return holder;
}

}  // namespace

ControlFile::ControlFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

ControlFile::~ControlFile() {
    if (impl_->fork_generation != os::fork_generation()) impl_->claims.forget_threads();
}

bool ControlFile::writable() const { return impl_->writable; }
Header& ControlFile::header() const { return impl_->slots.header(); }
std::uint64_t ControlFile::incarnation() const { return impl_->incarnation; }

PartitionSlot* ControlFile::find(std::string_view topic, std::int32_t partition) const {
    return impl_->slots.find(topic, partition);
}

Result<PartitionSlot*> ControlFile::find_or_make(std::string_view topic, std::int32_t partition,
                                                 const Guard* catalogue) {
    if (PartitionSlot* slot = find(topic, partition)) return slot;
    if (!impl_->writable) return fail(Errc::not_permitted, "make partition slot", impl_->file.path());
    const auto make = [&] {
        return impl_->slots.find_or_make(topic, partition, [&](std::size_t position, std::size_t size_bytes) {
            return impl_->file.make_blocks(FilePosition{position}, size_bytes);
        });
    };
    if (catalogue != nullptr) return make();
    Result<PartitionSlot*> made = nullptr;
    MQ_TRY(on_claimed_thread([&]() -> Status {
        MQ_ASSIGN(const Guard guard, lock(header().catalogue, "catalogue lock"));
        made = make();
        return {};
    }));
    return made;
}

void ControlFile::for_each_slot(const std::function<void(PartitionSlot&)>& visit) const {
    impl_->slots.for_each(visit);
}

void ControlFile::retire(PartitionSlot& slot, const Guard&) {
    if (!MQ_BUG("slots.not_retired")) impl_->slots.retire(slot);
    wake(header(), slot);
}

std::span<std::byte> ControlFile::table(std::size_t position, std::size_t size_bytes) const {
    MQ_ASSERT(position >= kOffsetTableAt && position + size_bytes <= kControlFileBytes);
    return impl_->mapping.bytes().subspan(position, size_bytes);
}

Status ControlFile::allocate(std::size_t position, std::size_t size_bytes) {
    if (!impl_->writable) return fail(Errc::not_permitted, "allocate", impl_->file.path());
    return impl_->file.make_blocks(FilePosition{position}, size_bytes);
}

Result<bool> ControlFile::hold_byte(std::uint64_t byte) {
    if (!impl_->writable) return fail(Errc::not_permitted, "lock", impl_->file.path());
    MQ_ASSERT(impl_->fork_generation == os::fork_generation() && "inherited by a fork: open the directory again");
    const std::scoped_lock lock{impl_->bytes_mutex};
    if (impl_->bytes.contains(byte)) return false;
    impl_->bytes.insert(byte);
    auto granted = os::try_lock(impl_->file, os::LockKind::exclusive, byte, 1);
    if (!granted || !*granted) impl_->bytes.erase(byte);
    return granted;
}

Status ControlFile::let_go_of_byte(std::uint64_t byte) {
    // The child of a fork shares the open file: it would give back what its parent holds.
    if (impl_->fork_generation != os::fork_generation()) return {};
    const std::scoped_lock lock{impl_->bytes_mutex};
    if (!impl_->bytes.contains(byte)) return {};
    MQ_TRY(os::unlock(impl_->file, byte, 1));
    impl_->bytes.erase(byte);
    return {};
}

Result<bool> ControlFile::is_byte_held(std::uint64_t byte) const {
    {
        // The kernel tells of other open files only.
        const std::scoped_lock lock{impl_->bytes_mutex};
        if (impl_->bytes.contains(byte)) return true;
    }
    MQ_ASSIGN(const int holder, os::lock_holder(impl_->file, os::LockKind::exclusive, byte, 1));
    return holder != 0;
}

Result<LockedOrNot> ControlFile::Impl::take(SharedLock& lock, std::string_view what, int timeout_ms) {
    if (!writable) return fail(Errc::not_permitted, "lock", file.path(), std::string{what});
    MQ_ASSERT(fork_generation == os::fork_generation() && "inherited by a fork: open the directory again");
    MQ_ASSERT(claims.held_here() && "locks are taken inside on_claimed_thread");
    const auto outcome = lock.mutex.lock(timeout_ms);
    if (!outcome) {
        Error error = outcome.error();
        error.subject = file.path();
        error.operation = "take " + std::string{what};
        return fail(std::move(error));
    }
    if (*outcome == os::LockOutcome::timed_out) return LockedOrNot{};
    lock.holder_pid_namespace.store(pid_namespace, std::memory_order_relaxed);
    lock.holder_start_time.store(start_time, std::memory_order_relaxed);
    lock.holder_pid.store(pid, std::memory_order_relaxed);
    return LockedOrNot{std::in_place, lock, *outcome == os::LockOutcome::locked_after_death};
}

std::string describe(const Holder& holder) {
    if (holder.pid == 0) return "another process";
    return "process " + std::to_string(holder.pid) + (holder.foreign ? " of another container" : "");
}

Result<Guard> ControlFile::lock(SharedLock& lock, std::string_view what) const {
    MQ_ASSIGN(LockedOrNot at_once, impl_->take(lock, what, 0));
    if (at_once) return std::move(*at_once);
    if (Briefly::is_on()) {
        MQ_ASSIGN(LockedOrNot soon, impl_->take(lock, what, Briefly::most_ms()));
        if (soon) return std::move(*soon);
        const Holder holder = holder_of(lock, what, impl_->pid_namespace);
        return fail(Errc::timed_out, {}, holder.what, describe(holder) + " holds it");
    }
    const std::int64_t begin_ns = os::monotonic_ns();
    for (int wait_ms = kFirstWaitMs;; wait_ms = kNextWaitMs) {
        MQ_ASSIGN(LockedOrNot guard, impl_->take(lock, what, wait_ms));
        if (guard) return std::move(*guard);
        if (const auto hook = impl_->hook()) {
            const std::chrono::nanoseconds waited{os::monotonic_ns() - begin_ns};
            MQ_TRY((*hook)(holder_of(lock, what, impl_->pid_namespace),
                           std::chrono::duration_cast<std::chrono::milliseconds>(waited)));
        }
    }
}

Result<std::optional<Guard>> ControlFile::try_lock(SharedLock& lock, std::string_view what) const {
    return impl_->take(lock, what, 0);
}

Guard::~Guard() {
    if (lock_ == nullptr) return;
    lock_->holder_pid.store(0, std::memory_order_relaxed);
    lock_->mutex.unlock();
}

Status ControlFile::on_claimed_thread(FunctionRef<Status()> work) {
    if (!impl_->writable) return fail(Errc::not_permitted, "lock", impl_->file.path());
    MQ_ASSERT(impl_->fork_generation == os::fork_generation() && "inherited by a fork: open the directory again");
    return impl_->claims.run(work);
}

Result<bool> ControlFile::become_broker() {
    if (!impl_->writable) return fail(Errc::not_permitted, "lock", impl_->file.path());
    MQ_ASSIGN(const bool granted, os::try_lock(impl_->file, os::LockKind::exclusive, kBrokerByte, 1));
    if (granted) header().broker_pid.store(impl_->pid);
    return granted;
}

Result<bool> ControlFile::while_alone(const std::function<Status()>& work) {
    if (!impl_->writable) return fail(Errc::not_permitted, "lock", impl_->file.path());
    const std::scoped_lock one_at_a_time{impl_->alone_mutex};
    MQ_ASSIGN(const bool granted, os::try_lock(impl_->file, os::LockKind::exclusive, kLifeByte, 1));
    if (!granted) return false;
    const Status done = work();
    MQ_TRY(os::try_lock(impl_->file, os::LockKind::shared, kLifeByte, 1));
    if (!done) return fail(done.error());
    return true;
}

Result<bool> ControlFile::is_shared() const {
    MQ_ASSIGN(const int holder, os::lock_holder(impl_->file, os::LockKind::exclusive, kLifeByte, 1));
    return holder != 0;
}

}  // namespace mq::shm
