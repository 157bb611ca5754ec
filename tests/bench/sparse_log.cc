#include "bench/bench_core.h"
#include "bench/sample.h"
#include "log/checkpoint_file.h"
#include "log/log.h"
#include "log/producer_snapshot.h"
#include "log/segment_files.h"
#include "os/file.h"

namespace mq::bench {
namespace {

constexpr std::uint64_t kSegmentBytes = std::uint64_t{1} << 30;
constexpr std::int64_t kBatchesOfSegment = 64;
constexpr std::uint64_t kStride = kSegmentBytes / kBatchesOfSegment;

std::string one_record_batch(Offset offset) {
    record::BatchOptions options;
    options.leader_epoch = 0;
    options.base_offset = offset;
    record::BatchBuilder builder{options};
    builder.add(kFirstTimestamp + offset.value(), std::nullopt, std::string(kValueBytes, 'x'));
    return std::string{must(builder.finish())};
}

// A segment whose batches of one record lie far apart, with holes between that no lookup ever meets, since every
// batch but the first has an index entry of its own. The last batch ends the file.
void make_sparse_segment(const std::string& directory, Offset base, std::int64_t batches) {
    const auto path = [&](log::FileKind kind) { return os::join(directory, log::file_name(kind, base)); };
    const auto file = must(os::File::open(path(log::FileKind::log), os::OpenMode::create_new));
    const auto index = must(os::File::open(path(log::FileKind::offset_index), os::OpenMode::create_new));
    const auto times = must(os::File::open(path(log::FileKind::time_index), os::OpenMode::create_new));
    std::string entries;
    std::string time_entries;
    for (std::int64_t i = 0; i < batches; ++i) {
        const std::string batch = one_record_batch(base + i);
        const auto last = i == batches - 1 && batches > 1;
        const FilePosition position{last ? kSegmentBytes - batch.size() : static_cast<std::uint64_t>(i) * kStride};
        must(file.write_at(batch, position));
        if (i == 0) continue;
        append_be<std::int32_t>(entries, static_cast<std::int32_t>(i));
        append_be<std::int32_t>(entries, static_cast<std::int32_t>(position.value()));
        append_be<std::int64_t>(time_entries, kFirstTimestamp + (base + i).value());
        append_be<std::int32_t>(time_entries, static_cast<std::int32_t>(i));
    }
    must(index.write_at(entries, FilePosition{0}));
    must(times.write_at(time_entries, FilePosition{0}));
}

}  // namespace

// What the seek and open figures read: a topic of so many segments of 1 GiB and one of one batch, in a data directory
// after a clean stop. Made once and kept, as it takes a while.
void make_sparse(const std::string& directory, std::int64_t gibibytes) {
    const std::string complete = os::join(directory, std::string{log::kCleanShutdown});
    if (must(os::exists(complete))) return;
    if (must(os::exists(directory))) must(os::remove_directory_tree(directory));
    const auto partition = [&](const char* name, std::int64_t segments, std::int64_t batches) {
        const std::string path = os::join(directory, name);
        must(os::create_directories(path));
        for (std::int64_t i = 0; i < segments; ++i) make_sparse_segment(path, Offset{i * batches}, batches);
        const Offset end{segments * batches};
        must(log::write_snapshot(os::join(path, log::file_name(log::FileKind::snapshot, end)), {}));
    };
    partition("sparse-0", gibibytes, kBatchesOfSegment);
    partition("small-0", 1, 1);
    must(os::replace_file(complete, ""));
}

void recover(const std::string& directory) {
    log::PublishedState state;
    must(log::Log::open(directory, {}, state, {}));
}

}  // namespace mq::bench
