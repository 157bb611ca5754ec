// Taking part in a directory: rules DIR-1 to DIR-4, DIR-8, DIR-9.
#include <gnu/libc-version.h>
#include <algorithm>
#include <atomic>
#include <climits>
#include <cstring>
#include <map>
#include <mutex>
#include <tuple>

#include "base/seeded_bug.h"
#include "os/file_system.h"
#include "os/futex.h"
#include "os/kill_point.h"
#include "shm/control_impl.h"

namespace mq::shm {
namespace {

using os::File;
using os::FileInfo;
using os::LockKind;

constexpr std::array<char, 8> kMagic{'m', 'q', 'c', 't', 'l'};
// glibc's robust mutexes are laid out alike in all its versions; another C library's are not.
constexpr std::uint32_t kAbi = sizeof(void*) * CHAR_BIT << 16 | sizeof(pthread_mutex_t) << 8 | 1;

// Rounds in which byte 0 is held shared and the header is not there: about three seconds of them.
constexpr int kMostUnfinished = 300;

// The control files of this process by device, inode and whether they are writable: OFD locks of two open files
// conflict within one process too. A child of a fork begins with none.
struct Registry {
    unsigned fork_generation;
    Registry* inherited;
    std::mutex mutex;
    std::map<std::tuple<std::uint64_t, std::uint64_t, bool>, std::weak_ptr<ControlFile>> files;
};

Registry& registry() {
    static std::atomic<Registry*> current{nullptr};
    const unsigned generation = os::fork_generation();
    Registry* known = current.load();
    while (known == nullptr || known->fork_generation != generation) {
        auto made = std::make_unique<Registry>();
        made->fork_generation = generation;
        made->inherited = known;  // never used again: its mutex may be locked by a thread that is not here
        if (current.compare_exchange_strong(known, made.get())) known = made.release();
    }
    return *known;
}

struct Opened {
    File file;
    bool writable = false;
};

Error refused(const std::string& path, std::string detail) {
    return Error{Errc::not_permitted, "open", path, 0, {}, std::move(detail)};
}

bool group_writable(const FileInfo& directory) { return (directory.mode & 020) != 0; }

// RELIABILITY row 36: whoever may write to the directory could have put something else in its place.
Status check_is_ours(const File& file, const FileInfo& info, const FileInfo& directory) {
    if (!info.is_regular) return fail(refused(file.path(), "not a regular file"));
    if (info.links > 1) return fail(refused(file.path(), "has a second name (hard link)"));
    const bool trusted = info.owner == os::effective_user() || info.owner == 0 || info.owner == directory.owner ||
                         (group_writable(directory) && info.group == directory.group);
    if (!trusted)
        return fail(refused(file.path(), "belongs to user " + std::to_string(info.owner) +
                                             ", who owns neither the directory nor this process"));
    return {};
}

bool no_permission(const Error& error) {
    return error.code == Errc::not_permitted && error.sys_errno != 0 && error.sys_errno != ELOOP;
}

// Opens `.lock` or `.mq-control`, made if that is wanted. Nothing: a reader goes without. already_exists and
// not_found: somebody made or removed it meanwhile; again.
Result<std::optional<Opened>> open_once(const std::string& path, const FileInfo& directory, Access access,
                                        bool make) {
    auto file = File::open(path, os::OpenMode::read_write);
    if (file) return Opened{std::move(*file), true};
    if (file.error().code == Errc::not_found) {
        if (!make) return std::nullopt;
        file = File::open(path, os::OpenMode::create_new);
        if (file) {
            if (group_writable(directory)) MQ_TRY(file->set_mode(0660));
            return Opened{std::move(*file), true};
        }
        const bool without = no_permission(file.error()) || file.error().code == Errc::no_space;
        if (access == Access::read && without) return std::nullopt;
    } else if (access == Access::read && no_permission(file.error())) {
        file = File::open(path, os::OpenMode::read);
        if (file) return Opened{std::move(*file), false};
        if (no_permission(file.error())) return std::nullopt;
    }
    Error error = std::move(file).error();
    if (error.code == Errc::bad_argument || error.sys_errno == EISDIR)
        error.code = Errc::not_permitted;  // a directory
    if (error.sys_errno == ELOOP) error.detail = "is a symbolic link";
    return fail(std::move(error));
}

// One opening of a directory.
class Opening {
public:
    Opening(const std::string& directory, const ControlFile::Options& options)
        : directory_(directory), options_(options), path_(os::join(directory, kControlFileName)) {}

    Status check_directory() {
        MQ_ASSIGN(file_system_, os::file_system(directory_));
        if (!file_system_.coherent)
            return fail(Errc::bad_configuration, "open", directory_,
                        "lies on " + file_system_.name +
                            ", where processes do not share memory and files reliably (only ext4, xfs, btrfs, f2fs, "
                            "zfs, tmpfs and overlayfs are used)");
        MQ_ASSIGN(info_, os::file_info(directory_, os::Follow::yes));
        return {};
    }

    // DIR-1. A closed file: a reader goes without.
    Result<File> take_kafkas_lock() {
        MQ_ASSIGN(auto opened, open_patiently(os::join(directory_, kLockFileName)));
        if (!opened) return File{};
        MQ_ASSIGN(const FileInfo info, opened->file.info());
        MQ_TRY(check_is_ours(opened->file, info, info_));
        MQ_ASSIGN(const bool granted, os::try_lock(opened->file, LockKind::shared));
        if (granted || MQ_BUG("control.ignores_the_broker")) return std::move(opened->file);
        MQ_ASSIGN(const int pid, os::lock_holder(opened->file, LockKind::shared));
        return fail(Errc::in_use, "open", directory_,
                    "a Kafka broker" + (pid > 0 ? " (process " + std::to_string(pid) + ")" : std::string{}) +
                        " uses this directory");
    }

    [[nodiscard]] bool make() const { return options_.make || options_.access == Access::write; }

    Result<std::optional<Opened>> open_patiently(const std::string& path) {
        for (;;) {
            auto opened = open_once(path, info_, options_.access, make());
            const bool again = !opened && (opened.error().code == Errc::already_exists ||
                                           (opened.error().code == Errc::not_found && make()));
            if (!again) return opened;
            MQ_TRY(os::file_info(directory_, os::Follow::yes));  // the directory itself may be what is gone
            MQ_TRY(pause("control file of " + directory_ + " to be made"));
        }
    }

    struct Entry {
        enum class Kind : unsigned char { ready, nobody_there, again } kind = Kind::again;
        os::Mapping mapping{};
    };

    Result<Entry> enter(Opened& control, const FileInfo& info) {
        return control.writable ? enter_writable(control, info) : enter_read_only(control, info);
    }

    // Somebody is at work on it; the hook may end the wait (LCK-6).
    Status pause(const std::string& what) {
        if (begin_ns_ == 0) begin_ns_ = os::monotonic_ns();
        static const std::atomic<std::uint32_t> nobody{0};
        const os::FutexWord word{&nobody, 0};
        pause_ms_ = std::clamp(pause_ms_ * 2, 1, 10);
        MQ_TRY(os::futex_wait({&word, 1}, pause_ms_));
        const auto now_ns = os::monotonic_ns();
        if (!options_.on_wait || now_ns < next_question_ns()) return {};
        asked_ns_ = now_ns;
        return options_.on_wait(Holder{0, false, what}, std::chrono::duration_cast<std::chrono::milliseconds>(
                                                            std::chrono::nanoseconds{now_ns - begin_ns_}));
    }

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] const FileInfo& directory_info() const { return info_; }

private:
    // DIR-2, DIR-3.
    Result<Entry> enter_writable(const Opened& control, const FileInfo& info) {
        MQ_ASSIGN(const bool alone, os::try_lock(control.file, LockKind::exclusive, kLifeByte, 1));
        if (!alone && !MQ_BUG("control.takes_a_live_one")) {
            MQ_ASSIGN(const bool shared, os::try_lock(control.file, LockKind::shared, kLifeByte, 1));
            return shared ? join_live(control) : Entry{};
        }
        MQ_ASSIGN(const bool current, is_current(info));
        if (!current) return Entry{};
        auto mapping = begin(control, info);
        if (mapping) return Entry{Entry::Kind::ready, std::move(*mapping)};
        if (options_.access == Access::read && mapping.error().code == Errc::no_space)
            return Entry{Entry::Kind::nobody_there};
        return fail(std::move(mapping).error());
    }

    // DIR-9. Byte 0 is only shared by who finds it shared: the state of the dead is not to be kept alive by a reader.
    Result<Entry> enter_read_only(Opened& control, const FileInfo& info) {
        const auto others = [&] { return os::lock_holder(control.file, LockKind::exclusive, kLifeByte, 1); };
        MQ_ASSIGN(const int before, others());
        if (before == 0) return Entry{Entry::Kind::nobody_there};
        if (file_system_.copies_up) {
            // A writer has it open, so that what the name stands for now is the copy that all share.
            MQ_ASSIGN(control.file, File::open(path_, os::OpenMode::read));
        }
        MQ_ASSIGN(const bool shared, os::try_lock(control.file, LockKind::shared, kLifeByte, 1));
        if (!shared) return Entry{};
        MQ_ASSIGN(const int now, others());
        if (now == 0) return Entry{Entry::Kind::nobody_there};
        MQ_ASSIGN(const bool current, is_current(info));
        return current ? join_live(control) : Entry{};
    }

    // Byte 0 is held shared.
    Result<Entry> join_live(const Opened& control) {
        MQ_ASSIGN(const FileInfo info, control.file.info());
        MQ_ASSIGN(const bool current, is_current(info));
        if (!current) return Entry{};
        MQ_ASSIGN(const Found found, inspect(control.file, info));
        if (found == Found::unfinished) {
            // Its maker died, and others who wait for shared may hold byte 0 as we do: the next round, or the one
            // after.
            if (++unfinished_ > kMostUnfinished)
                return fail(Errc::corrupt, "open", path_, "its header was overwritten while processes use it");
            return Entry{};
        }
        MQ_ASSIGN(os::Mapping mapping, map(control));
        return Entry{Entry::Kind::ready, std::move(mapping)};
    }

    // Whether the name still stands for the file that was locked.
    Result<bool> is_current(const FileInfo& info) const {
        const auto named = os::file_info(path_);
        if (!named && named.error().code == Errc::not_found) return false;
        if (!named) return fail(named.error());
        return named->device == info.device && named->inode == info.inode;
    }

    enum class Found : unsigned char { usable, unfinished };
    // A live control file, byte 0 held: as far as it must be like ours.
    Result<Found> inspect(const File& file, const FileInfo& info) const {
        MQ_ASSIGN(const Prefix prefix, read_prefix(file));
        if (prefix.magic != kMagic) return Found::unfinished;
        if (prefix.layout_version != kLayoutVersion || prefix.abi != kAbi)
            return fail(Errc::in_use, "open", path_,
                        "is in use by another build of mq (layout " + std::to_string(prefix.layout_version) + "/" +
                            std::to_string(prefix.abi) + ", this one has " + std::to_string(kLayoutVersion) + "/" +
                            std::to_string(kAbi) + "); stop those processes first");
        return info.size_bytes == kControlFileBytes ? Found::usable : Found::unfinished;
    }

    Result<os::Mapping> map(const Opened& control) const {
        const auto access = control.writable ? os::MapAccess::read_write : os::MapAccess::read_only;
        MQ_ASSIGN(os::Mapping mapping, os::Mapping::map(control.file, access, kControlFileBytes));
        if (options_.bus_error_exit_status != 0)
            os::exit_on_bus_error(mapping, path_ + ": its disk space is gone: bus error",
                                  options_.bus_error_exit_status);
        return mapping;
    }

    // Byte 0 is held exclusively: nobody alive uses the directory.
    Result<os::Mapping> begin(const Opened& control, const FileInfo& info) {
        ControlFile::Beginning beginning;
        MQ_ASSIGN(const std::string boot_id, os::boot_id());
        MQ_ASSIGN(const Prefix found, read_prefix(control.file));
        beginning.was_ours = found.magic == kMagic;
        const bool same_layout = beginning.was_ours && found.layout_version == kLayoutVersion && found.abi == kAbi;
        if (same_layout) MQ_TRY(read_header(control.file, beginning.before));
        beginning.fresh =
            !same_layout || info.size_bytes != kControlFileBytes ||
            (found.device != info.device && !MQ_BUG("control.believes_a_copy")) ||
            (found.inode != info.inode && !MQ_BUG("control.believes_a_copy")) ||
            (std::string_view{found.boot_id.data(), 36} != boot_id && !MQ_BUG("control.keeps_after_reboot"));
        if (beginning.fresh) MQ_TRY(lay_out(control.file, info));
        MQ_ASSIGN(os::Mapping mapping, map(control));
        Header& header = SlotTable{mapping.bytes()}.header();
        if (beginning.fresh) {
            header.layout_version = kLayoutVersion;
            header.abi = kAbi;
            header.device = info.device;
            header.inode = info.inode;
            std::ranges::copy(boot_id, header.boot_id.begin());
            header.incarnation.store(beginning.before.incarnation.load());
            for (SharedLock* lock : {&header.catalogue, &header.checkpoints, &header.cleaner})
                lock->mutex.initialise();
        }
        header.incarnation.fetch_add(1);
        header.broker_pid.store(0);
        header.changes_begun.store(0);
        beginning.header = &header;
        beginning.slots = reinterpret_cast<PartitionSlot*>(mapping.bytes().data() + kSlotsAt);
        MQ_KILLPOINT("control.begun");
        if (options_.on_exclusive) MQ_TRY(options_.on_exclusive(beginning));
        MQ_KILLPOINT("control.before_magic");
        // Last: whoever sees it may trust the rest.
        if (beginning.fresh)
            std::atomic_ref{*reinterpret_cast<std::uint64_t*>(header.magic.data())}.store(
                std::bit_cast<std::uint64_t>(kMagic), std::memory_order_release);
        MQ_TRY(os::try_lock(control.file, LockKind::shared, kLifeByte, 1));  // our own: always granted, atomic
        return mapping;
    }

    // The fields that every layout version begins with.
    struct Prefix {
        std::array<char, 8> magic{};
        std::uint32_t layout_version = 0;
        std::uint32_t abi = 0;
        std::uint64_t device = 0;
        std::uint64_t inode = 0;
        std::array<char, 40> boot_id{};
    };
    static_assert(sizeof(Prefix) == offsetof(Header, incarnation));

    static Result<Prefix> read_prefix(const File& file) {
        std::array<char, sizeof(Prefix)> bytes{};
        MQ_TRY(file.read_at(bytes, FilePosition{0}));
        return std::bit_cast<Prefix>(bytes);
    }

    static Status read_header(const File& file, Header& header) {
        std::array<char, sizeof(Header)> bytes{};
        MQ_TRY(file.read_at(bytes, FilePosition{0}));
        std::memcpy(static_cast<void*>(&header), bytes.data(), bytes.size());
        return {};
    }

    Status lay_out(const File& file, const FileInfo& info) const {
        if (info.size_bytes != 0) MQ_TRY(file.truncate(0));
        MQ_KILLPOINT("control.emptied");
        if (file_system_.name == "btrfs") os::overwrite_in_place(file);
        MQ_TRY(file.truncate(kControlFileBytes));
        return file.make_blocks(FilePosition{0}, kSlotsAt);
    }

    [[nodiscard]] std::int64_t next_question_ns() const {
        return asked_ns_ == 0 ? begin_ns_ + 1'000'000'000 : asked_ns_ + 100'000'000;
    }

    const std::string& directory_;
    const ControlFile::Options& options_;
    const std::string path_;
    os::FileSystem file_system_;
    FileInfo info_;
    std::int64_t begin_ns_ = 0;
    std::int64_t asked_ns_ = 0;
    int pause_ms_ = 0;
    int unfinished_ = 0;
};

}  // namespace

Result<os::File> ControlFile::take_lock_file(const std::string& directory, Access access) {
    Options options;
    options.access = access;
    Opening opening{directory, options};
    MQ_TRY(opening.check_directory());
    return opening.take_kafkas_lock();
}

Result<std::shared_ptr<ControlFile>> ControlFile::open(const std::string& directory, const Options& options) {
    Opening opening{directory, options};
    MQ_TRY(opening.check_directory());
    Registry& known = registry();
    const std::scoped_lock one_at_a_time{known.mutex};
    MQ_ASSIGN(File lock_file, opening.take_kafkas_lock());
    for (;;) {
        MQ_ASSIGN(auto control, opening.open_patiently(opening.path()));
        if (!control) return nullptr;
        MQ_ASSIGN(const FileInfo info, control->file.info());
        MQ_TRY(check_is_ours(control->file, info, opening.directory_info()));
        auto& entry_of = known.files[{info.device, info.inode, control->writable}];
        if (auto alive = entry_of.lock()) {
            alive->impl_->set_hook(options.on_wait);
            return alive;
        }
        MQ_ASSIGN(auto entry, opening.enter(*control, info));
        if (entry.kind == Opening::Entry::Kind::nobody_there) return nullptr;
        if (entry.kind == Opening::Entry::Kind::ready) {
            auto impl = std::make_unique<Impl>(std::move(lock_file), std::move(control->file),
                                               std::move(entry.mapping), control->writable);
            impl->incarnation = impl->slots.header().incarnation.load();
            impl->set_hook(options.on_wait);
            std::shared_ptr<ControlFile> made{new ControlFile(std::move(impl))};
            std::erase_if(known.files, [](const auto& one) { return one.second.expired(); });
            known.files[{info.device, info.inode, made->writable()}] = made;
            return made;
        }
        control.reset();  // gives byte 0 back
        MQ_TRY(opening.pause("the other processes of " + directory));
    }
}

}  // namespace mq::shm
