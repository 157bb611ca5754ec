#include <random>

#include "bench/bench_core.h"
#include "bench/figure.h"
#include "bench/sample.h"
#include "log/log.h"
#include "log/log_reader.h"
#include "log/producer_snapshot.h"
#include "log/segment_files.h"
#include "os/file.h"

namespace mq::bench {
namespace {

constexpr std::int64_t kSegments = 1024;
constexpr std::uint64_t kSegmentBytes = std::uint64_t{1} << 30;
constexpr std::int64_t kBatchesOfSegment = 64;
constexpr std::uint64_t kStride = kSegmentBytes / kBatchesOfSegment;
constexpr Offset kSparseEnd{kSegments * kBatchesOfSegment};
constexpr unsigned kPairs = 15;
constexpr unsigned kSeeks = 2000;
constexpr unsigned kOpens = 20;

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

// What a clean stop leaves beside the segments.
void stop_cleanly(const std::string& directory, Offset end) {
    must(log::write_snapshot(os::join(directory, log::file_name(log::FileKind::snapshot, end)), {}));
}

// Made once and kept, as it takes a while.
std::string sparse_log(const std::string& scratch) {
    const std::string directory = os::join(scratch, "sparse-0");
    const std::string complete = os::join(scratch, "sparse.complete");
    if (must(os::exists(complete))) return directory;
    if (must(os::exists(directory))) must(os::remove_directory_tree(directory));
    must(os::create_directories(directory));
    for (std::int64_t i = 0; i < kSegments; ++i)
        make_sparse_segment(directory, Offset{i * kBatchesOfSegment}, kBatchesOfSegment);
    stop_cleanly(directory, kSparseEnd);
    must(os::replace_file(complete, ""));
    return directory;
}

std::string small_log(const std::string& scratch) {
    const std::string directory = os::join(scratch, "small-0");
    if (must(os::exists(directory))) must(os::remove_directory_tree(directory));
    must(os::create_directories(directory));
    make_sparse_segment(directory, Offset{0}, 1);
    stop_cleanly(directory, Offset{1});
    return directory;
}

log::Log open_clean(const std::string& directory, log::PublishedState& state, Offset end) {
    log::OpenOptions options;
    options.trust = log::Trust::clean;
    options.recovery_point = end;
    options.read_only = true;
    return must(log::Log::open(directory, {}, state, options));
}

void read_at(log::LogReader& reader, Offset offset) {
    reader.seek(offset);
    log::ScannedBatch batch;
    if (must(reader.next(batch)) != log::ReadOutcome::batch) {
        std::fprintf(stderr, "bench: offset %lld not found\n", static_cast<long long>(offset.value()));
        std::exit(2);
    }
}

}  // namespace

// A reader that seeks a random offset of 1 TiB and reads its batch, against one in a log of one batch.
bool bench_seek(const std::string& scratch) {
    log::PublishedState large;
    log::PublishedState small;
    const std::string large_directory = sparse_log(scratch);
    const std::string small_directory = small_log(scratch);
    const auto large_log = open_clean(large_directory, large, kSparseEnd);
    const auto one_batch_log = open_clean(small_directory, small, Offset{1});
    log::LogReader large_reader{large_directory, large};
    log::LogReader small_reader{small_directory, small};
    std::mt19937_64 random{1};
    std::uniform_int_distribution<std::int64_t> any{0, kSparseEnd.value() - 1};
    const auto per_seek = [](auto&& seek) {
        return seconds_of([&] {
                   for (unsigned i = 0; i < kSeeks; ++i) seek();
               }) /
               kSeeks;
    };
    const auto pairs = measure_pairs(
        kPairs, [&] { return per_seek([&] { read_at(large_reader, Offset{any(random)}); }); },
        [&] { return per_seek([&] { read_at(small_reader, Offset{0}); }); });
    return print_figure({.name = "seek", .goal = 2}, pairs);
}

// Opening 1 TiB after a clean stop and reading its last record, against the same with one batch.
bool bench_open(const std::string& scratch) {
    const auto open_and_read = [&](const std::string& directory, Offset end) {
        return seconds_of([&] {
                   for (unsigned i = 0; i < kOpens; ++i) {
                       log::PublishedState state;
                       const auto opened = open_clean(directory, state, end);
                       log::LogReader reader{directory, state};
                       read_at(reader, end - 1);
                   }
               }) /
               kOpens;
    };
    const std::string large = sparse_log(scratch);
    const std::string small = small_log(scratch);
    const auto pairs = measure_pairs(
        kPairs, [&] { return open_and_read(large, kSparseEnd); }, [&] { return open_and_read(small, Offset{1}); });
    return print_figure({.name = "open", .goal = 2}, pairs);
}

void recover(const std::string& directory) {
    log::PublishedState state;
    must(log::Log::open(directory, {}, state, {}));
}

}  // namespace mq::bench
