#include "support/temp_dir.h"

#include <unistd.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace mq::test {
namespace fs = std::filesystem;

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
    fs::copy(from, to, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
}

void spill(const std::string& path, std::string_view content) {
    std::ofstream file{path, std::ios::binary | std::ios::trunc};
    file.write(content.data(), static_cast<std::streamsize>(content.size()));
    file.close();
    if (!file) throw std::runtime_error("cannot write " + path);
}

}  // namespace mq::test
