#include "split_directory.h"

#include <unistd.h>

#include "cli/text.h"
#include "os/file.h"

namespace mq::consume {

namespace {

constexpr std::size_t kLongestName = 255;

}  // namespace

std::string safe_file_name(std::string_view name, std::string_view unique) {
    std::string safe{name};
    for (char& c : safe) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '/' || byte < 0x20 || byte == 0x7f) c = '_';
    }
    if (safe.empty()) return "_";
    if (safe.front() == '.') safe.front() = '_';
    if (safe.size() <= kLongestName) return safe;
    safe.resize(kLongestName - unique.size() - 1);
    return cli::cat(safe, '~', unique);
}

Result<SplitDirectory> SplitDirectory::open(std::string path, bool durable) {
    MQ_TRY(os::create_directories(path));
    SplitDirectory directory;
    directory.temporary_ = os::join(path, cli::cat(".mq-consume-", ::getpid(), ".tmp"));
    directory.path_ = std::move(path);
    directory.durable_ = durable;
    return directory;
}

Result<std::string> SplitDirectory::write(std::string_view safe_name, ByteView content) const {
    // A file of our own, whatever lay there before.
    MQ_TRY(os::remove_file(temporary_));
    MQ_ASSIGN(os::File file, os::File::open(temporary_, os::OpenMode::create_new));
    MQ_TRY(file.write_all(content));
    if (durable_) MQ_TRY(file.sync_data());
    MQ_TRY(file.close());
    std::string path = os::join(path_, safe_name);
    MQ_TRY(os::rename_file(temporary_, path));
    return path;
}

Status SplitDirectory::sync() const { return os::sync_directory(path_); }

}  // namespace mq::consume
