// Files and directories. Every call goes through the fault seam (os/fault.h), is repeated on EINTR, and
// fails with an Error that names the operation, the path and errno.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/strong_int.h"

namespace mq::os {

enum class OpenMode : unsigned char {
    read,            // must exist
    read_write,      // must exist
    create,          // read and write; made if missing
    create_new,      // read and write; already_exists if it is there
    create_truncate  // read and write; made or emptied
};

enum class Follow : bool { no, yes };  // whether a symbolic link at the last component is followed

struct FileInfo {
    std::uint64_t size_bytes = 0;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t modified_ms = 0;  // since 1970
    std::int64_t modified_ns = 0;  // the same, to tell one version of a file from another
    bool is_directory = false;
    bool is_regular = false;
    std::uint64_t links = 0;  // names of it
    std::uint32_t owner = 0;
    std::uint32_t group = 0;
    std::uint32_t mode = 0;  // permission bits
};

// An open file; closes on destruction. Data files are never followed through a symbolic link unless asked.
// Positional reads and writes of one File are safe from several threads.
class File {
public:
    File() = default;
    ~File();
    File(File&& other) noexcept;
    File& operator=(File&& other) noexcept;
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    [[nodiscard]] static Result<File> open(std::string path, OpenMode mode, Follow follow = Follow::no);
    // Takes over a descriptor, for instance 0; `name` stands for it in messages. Closed unless borrowed.
    [[nodiscard]] static File adopt(int fd, std::string name, bool borrowed);

    [[nodiscard]] bool is_open() const { return fd_ >= 0; }
    [[nodiscard]] int fd() const { return fd_; }
    [[nodiscard]] const std::string& path() const { return path_; }

    // Fills `to` from `position` on, as far as the file goes; the count read.
    [[nodiscard]] Result<std::size_t> read_at(std::span<char> to, FilePosition position) const;
    // One read(2) of a stream: what is there, 0 at its end.
    [[nodiscard]] Result<std::size_t> read_some(std::span<char> to) const;
    // Writes all of `bytes`. On an error part of them may have been written.
    [[nodiscard]] Status write_at(ByteView bytes, FilePosition position) const;
    // Writes all of `bytes` to a stream.
    [[nodiscard]] Status write_all(ByteView bytes) const;
    [[nodiscard]] Status truncate(std::uint64_t size_bytes) const;
    // Reserves blocks without changing the size. Success where the file system cannot.
    [[nodiscard]] Status allocate(FilePosition position, std::uint64_t size_bytes) const;
    // Makes bytes that were never written exist, as zeros: fallocate(2), or written where the file system has none.
    [[nodiscard]] Status make_blocks(FilePosition position, std::uint64_t size_bytes) const;
    [[nodiscard]] Status set_mode(std::uint32_t mode) const;  // permission bits, whatever the umask
    [[nodiscard]] Status sync_data() const;  // fdatasync: the data, and what is needed to read it back
    [[nodiscard]] Status sync() const;       // fsync
    [[nodiscard]] Result<FileInfo> info() const;
    [[nodiscard]] Result<std::uint64_t> size() const;
    [[nodiscard]] Status set_modified(std::int64_t modified_ms) const;
    // Hints to the page cache; never fail.
    void will_need(FilePosition position, std::uint64_t size_bytes) const;
    void read_sequentially() const;
    // Starts writing dirty pages back without waiting.
    void start_writeback(FilePosition position, std::uint64_t size_bytes) const;
    [[nodiscard]] Status close();

private:
    int fd_ = -1;
    bool borrowed_ = false;
    std::string path_;
};

// Open-file-description locks (F_OFD_SETLK): they belong to this File, conflict with the POSIX record locks
// of other processes (Java's FileLock), and end with the File. CONCURRENCY DIR-1, DIR-2.
enum class LockKind : unsigned char { shared, exclusive };
// False: somebody else holds a conflicting lock.
[[nodiscard]] Result<bool> try_lock(const File& file, LockKind kind, std::uint64_t start = 0,
                                    std::uint64_t size_bytes = 0);
// Gives back what this File holds of the range.
[[nodiscard]] Status unlock(const File& file, std::uint64_t start, std::uint64_t size_bytes);
// The pid of a process that holds a conflicting lock, 0 if nobody does, -1 if it is not a process (an
// open-file-description lock has no pid).
[[nodiscard]] Result<int> lock_holder(const File& file, LockKind kind, std::uint64_t start = 0,
                                      std::uint64_t size_bytes = 0);

struct DirectoryEntry {
    std::string name;
    bool is_directory = false;
};

// Entries without "." and "..", sorted by name.
[[nodiscard]] Result<std::vector<DirectoryEntry>> list_directory(const std::string& path);
// The same in no order, one after another and without a copy; for directories of thousands.
[[nodiscard]] Status visit_directory(const std::string& path,
                                     const std::function<void(std::string_view name, bool is_directory)>& visit);
[[nodiscard]] Result<FileInfo> file_info(const std::string& path, Follow follow = Follow::no);
// False if nothing is there; an error if that cannot be told.
[[nodiscard]] Result<bool> exists(const std::string& path);
[[nodiscard]] Status create_directory(const std::string& path);    // already_exists if it is there
[[nodiscard]] Status create_directories(const std::string& path);  // with its parents, durably; success if it is there
[[nodiscard]] Status remove_file(const std::string& path);         // success if it is not there
[[nodiscard]] Status remove_directory_tree(const std::string& path);
[[nodiscard]] Status rename_file(const std::string& from, const std::string& to);  // replaces `to`
[[nodiscard]] Status sync_directory(const std::string& path);

// The whole content; too_large over `limit_bytes`.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::uint64_t limit_bytes = 64u << 20);
// Atomically and durably: writes PATH.tmp, fsyncs it, renames it over PATH, fsyncs the directory.
[[nodiscard]] Status replace_file(const std::string& path, ByteView content);

[[nodiscard]] std::string join(std::string_view directory, std::string_view name);
[[nodiscard]] std::string parent_directory(std::string_view path);
[[nodiscard]] std::string_view base_name(std::string_view path);

}  // namespace mq::os
