#include "support/temp_dir.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <vector>

namespace mq::test {
namespace fs = std::filesystem;

namespace {

struct Descriptor {
    int fd;
    ~Descriptor() { ::close(fd); }
};

off_t checked(off_t result, const fs::path& path) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), path);
    return result;
}

// Holes stay holes: a control file is hundreds of megabytes of them, and some pages.
void copy_with_holes(const fs::path& from, const fs::path& to) {
    const Descriptor in{::open(from.c_str(), O_RDONLY | O_CLOEXEC)};
    struct stat info {};
    checked(::fstat(in.fd, &info), from);
    const Descriptor out{::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, info.st_mode & 07777)};
    checked(::fchmod(out.fd, info.st_mode & 07777), to);
    checked(::ftruncate(out.fd, info.st_size), to);
    std::vector<char> part(64 * 1024);
    for (off_t at = 0; at < info.st_size;) {
        const off_t data = ::lseek(in.fd, at, SEEK_DATA);
        if (data < 0 && errno == ENXIO) return;  // a hole up to the end
        at = checked(data, from);
        const off_t end = checked(::lseek(in.fd, at, SEEK_HOLE), from);
        while (at < end) {
            const auto wanted = static_cast<std::size_t>(std::min<off_t>(end - at, static_cast<off_t>(part.size())));
            const ssize_t got = checked(::pread(in.fd, part.data(), wanted, at), from);
            if (got == 0) return;
            if (::pwrite(out.fd, part.data(), static_cast<std::size_t>(got), at) != got) checked(-1, to);
            at += got;
        }
    }
}

}  // namespace

TempDir::TempDir() {
    const char* chosen = std::getenv("TMPDIR");
    const fs::path parent = chosen != nullptr && *chosen != '\0' ? chosen : MQ_SCRATCH_DIR;
    fs::create_directories(parent);
    path_ = parent / "mq-test-XXXXXX";
    if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make " + path_);
}

TempDir::~TempDir() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
    if (!ignored) return;
    for (fs::recursive_directory_iterator it{path_, ignored}, end; it != end; it.increment(ignored))
        if (it->is_directory(ignored)) fs::permissions(it->path(), fs::perms::owner_all, ignored);
    fs::remove_all(path_, ignored);
}

std::string TempDir::operator/(std::string_view name) const { return fs::path{path_} / name; }

void copy_tree(const std::string& from, const std::string& to) {
    if (fs::exists(to)) throw std::runtime_error("already there: " + to);
    fs::copy(from, to, fs::copy_options::recursive | fs::copy_options::directories_only);
    for (const auto& entry : fs::recursive_directory_iterator{from}) {
        const fs::path copy = to / entry.path().lexically_relative(from);
        if (entry.is_symlink()) {
            fs::copy_symlink(entry.path(), copy);
        } else if (entry.is_regular_file()) {
            copy_with_holes(entry.path(), copy);
        }
    }
}

void spill(const std::string& path, std::string_view content) {
    std::ofstream file{path, std::ios::binary | std::ios::trunc};
    file.write(content.data(), static_cast<std::streamsize>(content.size()));
    file.close();
    if (!file) throw std::runtime_error("cannot write " + path);
}

}  // namespace mq::test
