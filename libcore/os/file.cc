#include "os/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/seeded_bug.h"
#include "os/fault.h"
#include "os/kill_point.h"

namespace mq::os {
namespace {

// Runs a system call that returns -1 and sets errno, after asking the seam. Interrupted calls are repeated.
template <typename Fn>
auto invoke(Call call, std::string_view path, Fn&& fn) -> decltype(fn()) {
    for (;;) {
        if (const Fault fault = next_fault(call, path); fault.error != 0) {
            if (fault.error == EINTR) continue;
            errno = fault.error;
            return -1;
        }
        const auto r = fn();
        if (r != -1 || errno != EINTR) return r;
    }
}

// The same for transfers; the seam may also shorten them.
template <typename Fn>
ssize_t transfer(Call call, std::string_view path, std::size_t bytes, Fn&& fn) {
    for (;;) {
        const Fault fault = next_fault(call, path, bytes);
        if (fault.error == EINTR) continue;
        if (fault.error != 0) {
            errno = fault.error;
            return -1;
        }
        const ssize_t r = fn(std::min(bytes, fault.limit));
        if (r != -1 || errno != EINTR) return r;
    }
}

Error failed(const char* operation, const std::string& path, std::optional<std::uint64_t> position = {}) {
    return system_error(errno, operation, path, position);
}

FileInfo to_info(const struct stat& st) {
    FileInfo info;
    info.size_bytes = static_cast<std::uint64_t>(st.st_size);
    info.device = st.st_dev;
    info.inode = st.st_ino;
    info.modified_ms = std::int64_t{st.st_mtim.tv_sec} * 1000 + st.st_mtim.tv_nsec / 1'000'000;
    info.modified_ns = std::int64_t{st.st_mtim.tv_sec} * 1'000'000'000 + st.st_mtim.tv_nsec;
    info.is_directory = S_ISDIR(st.st_mode);
    info.is_regular = S_ISREG(st.st_mode);
    info.links = st.st_nlink;
    info.owner = st.st_uid;
    info.group = st.st_gid;
    info.mode = st.st_mode & 07777;
    return info;
}

}  // namespace

File::~File() { static_cast<void>(close()); }

File::File(File&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), borrowed_(other.borrowed_), path_(std::move(other.path_)) {}

File& File::operator=(File&& other) noexcept {
    if (this != &other) {
        static_cast<void>(close());
        fd_ = std::exchange(other.fd_, -1);
        borrowed_ = other.borrowed_;
        path_ = std::move(other.path_);
    }
    return *this;
}

Result<File> File::open(std::string path, OpenMode mode, Follow follow) {
    int flags = O_CLOEXEC | (follow == Follow::no ? O_NOFOLLOW : 0);
    switch (mode) {
        case OpenMode::read:
            flags |= O_RDONLY;
            break;
        case OpenMode::read_write:
            flags |= O_RDWR;
            break;
        case OpenMode::create:
            flags |= O_RDWR | O_CREAT;
            break;
        case OpenMode::create_new:
            flags |= O_RDWR | O_CREAT | O_EXCL;
            break;
        case OpenMode::create_truncate:
            flags |= O_RDWR | O_CREAT | O_TRUNC;
            break;
    }
    // Without O_NONBLOCK an open of a FIFO that somebody planted would hang.
    const int fd = invoke(Call::open, path, [&] { return ::open(path.c_str(), flags | O_NONBLOCK, 0640); });
    if (fd < 0) return fail(failed("open", path));
    File file = adopt(fd, std::move(path), false);
    struct stat st {};
    if (fstat(fd, &st) != 0) return fail(failed("stat", file.path_));
    if (S_ISREG(st.st_mode)) return file;  // to which O_NONBLOCK means nothing
    if (S_ISDIR(st.st_mode)) return fail(Errc::bad_argument, "open", file.path_, "is a directory");
    if (follow == Follow::no) return fail(Errc::not_permitted, "open", file.path_, "not a regular file");
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    return file;
}

File File::adopt(int fd, std::string name, bool borrowed) {
    File file;
    file.fd_ = fd;
    file.borrowed_ = borrowed;
    file.path_ = std::move(name);
    return file;
}

Result<std::size_t> File::read_at(std::span<char> to, FilePosition position) const {
    std::size_t done = 0;
    while (done < to.size()) {
        const ssize_t n = transfer(Call::read, path_, to.size() - done, [&](std::size_t size) {
            return ::pread(fd_, to.data() + done, size, static_cast<off_t>(position.value() + done));
        });
        if (n < 0) return fail(failed("read", path_, position.value() + done));
        if (n == 0) break;
        done += static_cast<std::size_t>(n);
    }
    return done;
}

Result<std::size_t> File::read_some(std::span<char> to) const {
    const ssize_t n =
        transfer(Call::read, path_, to.size(), [&](std::size_t size) { return ::read(fd_, to.data(), size); });
    if (n < 0) return fail(failed("read", path_));
    return static_cast<std::size_t>(n);
}

Status File::write_at(ByteView bytes, FilePosition position) const {
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t n = transfer(Call::write, path_, bytes.size() - done, [&](std::size_t size) {
            return ::pwrite(fd_, bytes.data() + done, size, static_cast<off_t>(position.value() + done));
        });
        if (n < 0) return fail(failed("write", path_, position.value() + done));
        done += static_cast<std::size_t>(n);
    }
    return {};
}

Status File::write_all(ByteView bytes) const {
    while (!bytes.empty()) {
        const ssize_t n = transfer(Call::write, path_, bytes.size(),
                                   [&](std::size_t size) { return ::write(fd_, bytes.data(), size); });
        if (n < 0) return fail(failed("write", path_));
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
}

Status File::truncate(std::uint64_t size_bytes) const {
    if (invoke(Call::truncate, path_, [&] { return ::ftruncate(fd_, static_cast<off_t>(size_bytes)); }) != 0)
        return fail(failed("truncate", path_, size_bytes));
    return {};
}

Status File::allocate(FilePosition position, std::uint64_t size_bytes) const {
    const int r = invoke(Call::allocate, path_, [&] {
        return ::fallocate(fd_, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(position.value()),
                           static_cast<off_t>(size_bytes));
    });
    if (r != 0 && errno != EOPNOTSUPP && errno != ENOSYS) return fail(failed("allocate", path_, position.value()));
    return {};
}

Status File::make_blocks(FilePosition position, std::uint64_t size_bytes) const {
    const int r = invoke(Call::allocate, path_, [&] {
        return ::fallocate(fd_, 0, static_cast<off_t>(position.value()), static_cast<off_t>(size_bytes));
    });
    if (r == 0) return {};
    if (errno != EOPNOTSUPP && errno != ENOSYS) return fail(failed("allocate", path_, position.value()));
    const std::string zeros(64 << 10, '\0');
    for (std::uint64_t done = 0; done < size_bytes; done += zeros.size()) {
        const auto part = std::min<std::uint64_t>(zeros.size(), size_bytes - done);
        MQ_TRY(write_at(ByteView{zeros}.substr(0, part), FilePosition{position.value() + done}));
    }
    return {};
}

Status File::set_mode(std::uint32_t mode) const {
    if (invoke(Call::set_mode, path_, [&] { return ::fchmod(fd_, mode); }) != 0)
        return fail(failed("set permissions", path_));
    return {};
}

Status File::sync_data() const {
    if (invoke(Call::sync, path_, [&] { return ::fdatasync(fd_); }) != 0) return fail(failed("fdatasync", path_));
    return {};
}

Status File::sync() const {
    if (invoke(Call::sync, path_, [&] { return ::fsync(fd_); }) != 0) return fail(failed("fsync", path_));
    return {};
}

Result<FileInfo> File::info() const {
    struct stat st {};
    if (invoke(Call::stat, path_, [&] { return ::fstat(fd_, &st); }) != 0) return fail(failed("stat", path_));
    return to_info(st);
}

Result<std::uint64_t> File::size() const {
    return info().map([](const FileInfo& i) { return i.size_bytes; });
}

Status File::set_modified(std::int64_t modified_ms) const {
    const timespec times[2] = {{0, UTIME_OMIT}, {modified_ms / 1000, modified_ms % 1000 * 1'000'000}};
    if (invoke(Call::set_times, path_, [&] { return ::futimens(fd_, times); }) != 0)
        return fail(failed("set modification time", path_));
    return {};
}

void File::will_need(FilePosition position, std::uint64_t size_bytes) const {
    ::posix_fadvise(fd_, static_cast<off_t>(position.value()), static_cast<off_t>(size_bytes), POSIX_FADV_WILLNEED);
}

void File::read_sequentially() const { ::posix_fadvise(fd_, 0, 0, POSIX_FADV_SEQUENTIAL); }

void File::start_writeback(FilePosition position, std::uint64_t size_bytes) const {
    ::sync_file_range(fd_, static_cast<off_t>(position.value()), static_cast<off_t>(size_bytes),
                      SYNC_FILE_RANGE_WRITE);
}

Status File::close() {
    if (fd_ < 0) return {};
    const int fd = std::exchange(fd_, -1);
    if (borrowed_) return {};
    // Never repeated: Linux has released the descriptor even when it reports EINTR.
    const Fault fault = next_fault(Call::close, path_);
    const int r = ::close(fd);
    if (fault.error != 0) errno = fault.error;
    if ((r != 0 || fault.error != 0) && errno != EINTR) return fail(failed("close", path_));
    return {};
}

namespace {

struct flock lock_request(LockKind kind, std::uint64_t start, std::uint64_t size_bytes) {
    struct flock request {};
    request.l_type = kind == LockKind::shared ? F_RDLCK : F_WRLCK;
    request.l_whence = SEEK_SET;
    request.l_start = static_cast<off_t>(start);
    request.l_len = static_cast<off_t>(size_bytes);
    return request;
}

}  // namespace

Result<bool> try_lock(const File& file, LockKind kind, std::uint64_t start, std::uint64_t size_bytes) {
    auto request = lock_request(kind, start, size_bytes);
    if (invoke(Call::lock, file.path(), [&] { return ::fcntl(file.fd(), F_OFD_SETLK, &request); }) == 0) return true;
    if (errno == EAGAIN || errno == EACCES) return false;
    return fail(failed("lock", file.path(), start));
}

Status unlock(const File& file, std::uint64_t start, std::uint64_t size_bytes) {
    auto request = lock_request(LockKind::shared, start, size_bytes);
    request.l_type = F_UNLCK;
    if (invoke(Call::lock, file.path(), [&] { return ::fcntl(file.fd(), F_OFD_SETLK, &request); }) != 0)
        return fail(failed("unlock", file.path(), start));
    return {};
}

Result<int> lock_holder(const File& file, LockKind kind, std::uint64_t start, std::uint64_t size_bytes) {
    auto request = lock_request(kind, start, size_bytes);
    if (invoke(Call::lock, file.path(), [&] { return ::fcntl(file.fd(), F_OFD_GETLK, &request); }) != 0)
        return fail(failed("query lock", file.path(), start));
    return request.l_type == F_UNLCK ? 0 : request.l_pid;
}

Status visit_directory(const std::string& path, const std::function<void(std::string_view, bool)>& visit) {
    const int fd = invoke(Call::list, path, [&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    if (fd < 0) return fail(failed("list directory", path));
    const std::unique_ptr<DIR, int (*)(DIR*)> dir{::fdopendir(fd), &::closedir};
    if (!dir) {
        const int error = errno;
        ::close(fd);
        return fail(system_error(error, "list directory", path));
    }
    for (;;) {
        errno = 0;
        const dirent* e = ::readdir(dir.get());
        if (e == nullptr) {
            if (errno != 0) return fail(failed("list directory", path));
            return {};
        }
        const std::string_view name = e->d_name;
        if (name == "." || name == "..") continue;
        bool is_directory = e->d_type == DT_DIR;
        if (e->d_type == DT_UNKNOWN) {
            struct stat st {};
            is_directory = ::fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
        }
        visit(name, is_directory);
    }
}

Result<std::vector<DirectoryEntry>> list_directory(const std::string& path) {
    std::vector<DirectoryEntry> entries;
    MQ_TRY(visit_directory(path, [&](std::string_view name, bool is_directory) {
        entries.push_back({std::string{name}, is_directory});
    }));
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return entries;
}

Result<FileInfo> file_info(const std::string& path, Follow follow) {
    struct stat st {};
    const int flags = follow == Follow::no ? AT_SYMLINK_NOFOLLOW : 0;
    if (invoke(Call::stat, path, [&] { return ::fstatat(AT_FDCWD, path.c_str(), &st, flags); }) != 0)
        return fail(failed("stat", path));
    return to_info(st);
}

Result<bool> exists(const std::string& path) {
    const auto info = file_info(path);
    if (info) return true;
    if (info.error().code == Errc::not_found) return false;
    return fail(info.error());
}

Status create_directory(const std::string& path) {
    if (invoke(Call::mkdir, path, [&] { return ::mkdir(path.c_str(), 0750); }) != 0)
        return fail(failed("make directory", path));
    return {};
}

Status create_directories(const std::string& path) {
    auto made = create_directory(path);
    if (!made && made.error().code == Errc::not_found) {
        const std::string parent = parent_directory(path);
        if (parent == path) return made;
        MQ_TRY(create_directories(parent));
        made = create_directory(path);
        // A process that made it meanwhile has done our work.
    }
    if (!made && made.error().code == Errc::already_exists) {
        MQ_ASSIGN(const FileInfo info, file_info(path, Follow::yes));
        if (info.is_directory) return {};
    }
    MQ_TRY(made);
    // Else a power cut could take the directory away with all that was made durable inside of it.
    return sync_directory(parent_directory(path));
}

Status remove_file(const std::string& path) {
    if (invoke(Call::unlink, path, [&] { return ::unlink(path.c_str()); }) != 0 && errno != ENOENT)
        return fail(failed("delete", path));
    return {};
}

Status remove_directory_tree(const std::string& path) {
    MQ_ASSIGN(const auto entries, list_directory(path));
    for (const auto& entry : entries) {
        const std::string child = join(path, entry.name);
        if (entry.is_directory)
            MQ_TRY(remove_directory_tree(child));
        else
            MQ_TRY(remove_file(child));
    }
    if (invoke(Call::unlink, path, [&] { return ::rmdir(path.c_str()); }) != 0)
        return fail(failed("delete directory", path));
    return {};
}

Status rename_file(const std::string& from, const std::string& to) {
    if (invoke(Call::rename, from, [&] { return ::rename(from.c_str(), to.c_str()); }) != 0) {
        Error error = failed("rename", from);
        error.detail = "to " + to;
        return fail(std::move(error));
    }
    return {};
}

Status sync_directory(const std::string& path) {
    std::string name = path;  // before the descriptor exists: no memory must not leak it
    const int fd = invoke(Call::open, path, [&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    if (fd < 0) return fail(failed("open directory", path));
    const File directory = File::adopt(fd, std::move(name), false);
    return directory.sync();
}

Result<std::string> read_file(const std::string& path, std::uint64_t limit_bytes) {
    MQ_ASSIGN(const File file, File::open(path, OpenMode::read));
    MQ_ASSIGN(const std::uint64_t size, file.size());
    if (size > limit_bytes)
        return fail(Errc::too_large, "read", path,
                    std::to_string(size) + " bytes, limit " + std::to_string(limit_bytes));
    std::string content(size, '\0');
    MQ_ASSIGN(const std::size_t got, file.read_at(content, FilePosition{0}));
    content.resize(got);
    return content;
}

Status replace_file(const std::string& path, ByteView content) {
    const std::string temporary = path + ".tmp";
    {
        // Never emptied in place: the name might have been planted as a link to something else.
        MQ_TRY(remove_file(temporary));
        MQ_ASSIGN(File file, File::open(temporary, OpenMode::create_new));
        MQ_TRY(file.write_at(content, FilePosition{0}));
        MQ_KILLPOINT("replace_file.before_sync");
        if (!MQ_BUG("replace_file.no_fsync")) MQ_TRY(file.sync());
        MQ_TRY(file.close());
    }
    MQ_KILLPOINT("replace_file.before_rename");
    MQ_TRY(rename_file(temporary, path));
    MQ_KILLPOINT("replace_file.after_rename");
    if (MQ_BUG("replace_file.no_directory_sync")) return {};
    return sync_directory(parent_directory(path));
}

std::string join(std::string_view directory, std::string_view name) {
    std::string path{directory};
    if (!path.empty() && path.back() != '/') path += '/';
    return path += name;
}

std::string parent_directory(std::string_view path) {
    while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
    const auto slash = path.rfind('/');
    if (slash == std::string_view::npos) return ".";
    return std::string{path.substr(0, slash == 0 ? 1 : slash)};
}

std::string_view base_name(std::string_view path) {
    while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
    const auto slash = path.rfind('/');
    return slash == std::string_view::npos || path.size() == 1 ? path : path.substr(slash + 1);
}

}  // namespace mq::os
