#include "dev_directory.h"

#include <cerrno>
#include <cstdlib>
#include <vector>

#include "os/process.h"

namespace mq::broker_tool {
namespace {

constexpr std::string_view kPrefix = "mq-dev-";
constexpr std::string_view kLock = "lock";

std::string temporary() {
    const char* chosen = std::getenv("TMPDIR");
    return chosen == nullptr || *chosen == '\0' ? "/tmp" : chosen;
}

// False: somebody removed the directory before it was locked.
Result<bool> is_ours(const os::File& lock) {
    MQ_ASSIGN(const bool got, os::try_lock(lock, os::LockKind::exclusive));
    if (!got) return false;
    return os::exists(lock.path());
}

void remove_if_dead(const std::string& path) {
    const auto info = os::file_info(path);
    if (!info || !info->is_directory || info->owner != os::effective_user()) return;
    const auto lock = os::File::open(os::join(path, kLock), os::OpenMode::read_write);
    if (!lock) return;
    if (const auto free = os::try_lock(*lock, os::LockKind::exclusive); !free || !*free) return;
    static_cast<void>(os::remove_directory_tree(path));
}

}  // namespace

Result<DevDirectory> DevDirectory::make() {
    for (;;) {
        std::string path = os::join(temporary(), std::string{kPrefix} + "XXXXXX");
        if (::mkdtemp(path.data()) == nullptr) return fail(system_error(errno, "create", std::move(path)));
        MQ_ASSIGN(os::File lock, os::File::open(os::join(path, kLock), os::OpenMode::create_new));
        MQ_ASSIGN(const bool ours, is_ours(lock));
        if (ours) return DevDirectory{std::move(path), std::move(lock)};
    }
}

DevDirectory::~DevDirectory() {
    if (lock_.is_open()) static_cast<void>(os::remove_directory_tree(path_));
}

void DevDirectory::remove_those_of_the_dead() const {
    std::vector<std::string> names;
    const std::string parent = os::parent_directory(path_);
    const auto note = [&](std::string_view name, bool is_directory) {
        if (is_directory && name.starts_with(kPrefix) && name != os::base_name(path_)) names.emplace_back(name);
    };
    if (!os::visit_directory(parent, note)) return;
    for (const std::string& name : names) remove_if_dead(os::join(parent, name));
}

}  // namespace mq::broker_tool
