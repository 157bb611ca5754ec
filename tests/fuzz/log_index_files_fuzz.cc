// Index files of any bytes: every question has an answer or an error, and the answers agree with a plain scan where
// the entries ascend.
#include <unistd.h>
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/assert.h"
#include "log/offset_index.h"
#include "log/time_index.h"
#include "log/txn_index.h"
#include "os/file.h"

namespace {

using namespace mq;

// One file, rewritten for each input; removed when the process ends.
class Scratch {
public:
    Scratch()
        : path_((std::filesystem::temp_directory_path() / ("index_fuzz." + std::to_string(getpid()))).string()) {}
    ~Scratch() { static_cast<void>(os::remove_file(path_)); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    const std::string& with(ByteView bytes) {
        auto file = os::File::open(path_, os::OpenMode::create_truncate);
        MQ_ASSERT(file && file->write_at(bytes, FilePosition{0}));
        return path_;
    }

private:
    std::string path_;
};

void use_offset_index(const std::string& path, Offset base, std::int64_t target) {
    const auto index = log::OffsetIndex::open(path, base, os::OpenMode::read);
    const std::uint32_t count = index->count_entries().value();
    const auto entries = index->read_all().value();
    MQ_ASSERT(entries.size() == count);
    const auto found = index->lookup(Offset{target}, count).value();
    const std::uint32_t below = index->count_below(Offset{target}, count).value();
    MQ_ASSERT(below <= count);
    const auto by_offset = [](const auto& a, const auto& b) { return a.offset < b.offset; };
    if (!std::is_sorted(entries.begin(), entries.end(), by_offset) || (count > 0 && entries[0].offset < base)) return;
    log::OffsetIndexEntry expected{base, FilePosition{0}};
    std::uint32_t expected_below = 0;
    for (const auto& entry : entries) {
        if (entry.offset <= Offset{target}) expected = entry;
        if (entry.offset < Offset{target}) ++expected_below;
    }
    MQ_ASSERT(found == expected && below == expected_below);
}

void use_time_index(const std::string& path, Offset base, std::int64_t target) {
    const auto index = log::TimeIndex::open(path, base, os::OpenMode::read);
    const std::uint32_t count = index->count_entries().value();
    const auto entries = index->read_all().value();
    MQ_ASSERT(entries.size() == count);
    const auto found = index->lookup(target, count).value();
    MQ_ASSERT(index->count_below(Offset{target}, count).value() <= count);
    const auto by_time = [](const auto& a, const auto& b) { return a.timestamp < b.timestamp; };
    if (!std::is_sorted(entries.begin(), entries.end(), by_time)) return;
    log::TimeIndexEntry expected{kNoTimestamp, base};
    for (const auto& entry : entries)
        if (entry.timestamp <= target) expected = entry;
    MQ_ASSERT(found == expected);
}

void use_txn_index(const std::string& path, std::int64_t target) {
    const auto entries = log::read_txn_index(path);
    if (!entries) {
        MQ_ASSERT(entries.error().code == Errc::corrupt);
        return;
    }
    MQ_ASSERT(log::truncate_txn_index(path, Offset{target}));
    const auto left = log::read_txn_index(path);
    MQ_ASSERT(left && left->size() <= entries->size());
    for (std::size_t i = 0; i < entries->size(); ++i)
        MQ_ASSERT(((*entries)[i].last_offset < Offset{target}) == (i < left->size()));
}

}  // namespace

// The first 16 bytes are the base offset and what is looked up, the rest is the file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Scratch scratch;
    if (size < 16) return 0;
    const ByteView bytes{reinterpret_cast<const char*>(data), size};
    const Offset base{load_be<std::int64_t>(bytes.data()) & INT64_MAX};
    const auto target = load_be<std::int64_t>(bytes.data() + 8);
    const std::string& path = scratch.with(bytes.substr(16));
    use_offset_index(path, base, target);
    use_time_index(path, base, target);
    use_txn_index(path, target);
    return 0;
}
