#include "store/partition_reader.h"

#include <algorithm>

#include "log/segment_list.h"
#include "store/reader_impl.h"

namespace mq::store {

PartitionReader::PartitionReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PartitionReader::~PartitionReader() = default;

const log::TopicPartition& PartitionReader::id() const { return impl_->id; }
Offset PartitionReader::position() const { return impl_->position; }
const log::RecoveryReport& PartitionReader::recovery() const { return impl_->report; }

void PartitionReader::seek(Offset offset) {
    impl_->position = offset;
    if (impl_->reader) impl_->reader->seek(offset);
}

void PartitionReader::set_verify_checksum(bool verify) {
    impl_->verify_checksum = verify;
    if (impl_->reader) impl_->reader->set_verify_checksum(verify);
}

void PartitionReader::Impl::start_reading() {
    reader.emplace(directory->partition_path(id), state(), isolation);
    reader->set_verify_checksum(verify_checksum);
    reader->set_dense(dense);
    reader->seek(position);
    ranges.emplace(directory->partition_path(id), state(), isolation);
    ranges->set_dense(dense);
}

void PartitionReader::Impl::stop_reading() {
    if (reader && !left) left = std::move(reader);
    reader.reset();
    ranges.reset();
}

Status PartitionReader::Impl::attach() {
    MQ_ASSIGN(const TopicMeta meta, directory->find_meta(id));
    config = meta.log;
    // What was compacted once has holes for ever, whatever the topic says now.
    MQ_ASSIGN(const auto cleaned, directory->checkpointed(log::kCleanerCheckpoint, id));
    dense = !config.cleanup_compact && !cleaned;
    control = directory->control;
    if (control) {
        MQ_ASSIGN(slot, directory->slot_of(id));
        MQ_ASSIGN(const bool live, go_live());
        if (live) return {};
        if (slot != nullptr && control->writable()) {
            MQ_ASSIGN(const bool taken_over, take_over());
            if (taken_over) return {};
        }
    }
    return read_files();
}

// Takes part in the shared state, if that speaks of the partition.
Result<bool> PartitionReader::Impl::go_live() {
    if (slot == nullptr && control) slot = control->find(id.topic, id.partition);
    if (slot == nullptr || slot->checked_incarnation.load() != control->incarnation()) return false;
    const auto held = shm::holds(*slot, id.topic, id.partition);
    if (!held) {
        slot = nullptr;
        return false;
    }
    use_generation = *held;
    stop_reading();
    own_log.reset();
    own.reset();
    start_reading();
    return true;
}

// The first to use a partition in a life of the directory holds it against its files. A reader does so where that
// changes nothing and another is not about to; else the files are read beside the shared state until it speaks.
Result<bool> PartitionReader::Impl::take_over() {
    const Status tried = control->on_claimed_thread([&]() -> Status {
        MQ_ASSIGN(const auto guard, control->try_lock(slot->append, log::partition_directory(id)));
        if (!guard) return {};
        if (guard->after_death()) state_of(*slot).dirty.store(1);
        if (directory->is_loaded(*slot) || !shm::holds(*slot, id.topic, id.partition)) return {};
        MQ_ASSIGN(const bool fit, directory->files_fit(*slot, id));
        if (fit) slot->checked_incarnation.store(control->incarnation());
        return {};
    });
    MQ_TRY(tried);
    return go_live();
}

// State of its own, from the files as they are (DIR-9).
Status PartitionReader::Impl::read_files() {
    stop_reading();
    own_log.reset();
    own = std::make_unique<log::PublishedState>();
    ++times_read;
    const std::string path = directory->partition_path(id);
    files_seen = FilesSeen{};
    MQ_ASSIGN(const FileStamp directory_before, stamp_of(path));
    log::OpenOptions how;
    how.clock = directory->options.clock;
    how.read_only = true;
    MQ_TRY(directory->choose_trust(directory->control ? slot : nullptr, id, how));
    // A writer may make the first segment, or drop one, between the listing and the opening: the next look sees it.
    constexpr int kAttempts = 100;
    auto opened = log::Log::open(path, config, *own, how);
    for (int attempt = 1; !opened && opened.error().code == Errc::not_found && attempt < kAttempts; ++attempt) {
        const auto segments = log::list_segments(path);
        if (!segments && segments.error().code != Errc::not_found) return fail(segments.error());
        if (!segments || segments->empty()) {
            // A topic that waits for its first record.
            files_seen.directory = directory_before;
            return {};
        }
        opened = log::Log::open(path, config, *own, how);
    }
    if (!opened) return fail(std::move(opened).error());
    own_log.emplace(std::move(*opened));
    report = own_log->recovery();
    start_reading();
    return remember_files(directory_before);
}

// What has changed since they were read is a reason to read them again: it is only remembered as seen if it was.
Status PartitionReader::Impl::remember_files(const FileStamp& directory_before) {
    const log::Published now = own->read();
    const std::string active =
        os::join(directory->partition_path(id), log::file_name(log::FileKind::log, now.active_base));
    MQ_ASSIGN(const FileStamp stamp, stamp_of(active));
    std::uint64_t read_bytes = now.active_size_bytes;
    for (const auto& cut : report.cuts)
        if (cut.file == active) read_bytes += cut.bytes;
    if (stamp.size_bytes == read_bytes) files_seen = {directory_before, now.active_base, stamp};
    return {};
}

Result<PartitionReader::Impl::FilesSeen> PartitionReader::Impl::look_at_files() const {
    const std::string path = directory->partition_path(id);
    FilesSeen seen;
    MQ_ASSIGN(seen.directory, stamp_of(path));
    if (seen.directory == files_seen.directory) {
        seen.active_base = files_seen.active_base;
    } else {
        const auto segments = log::list_segments(path);
        if (!segments && segments.error().code != Errc::not_found) return fail(segments.error());
        if (segments && !segments->empty()) seen.active_base = segments->back().base;
    }
    if (seen.active_base) {
        MQ_ASSIGN(seen.active, stamp_of(os::join(path, log::file_name(log::FileKind::log, *seen.active_base))));
    }
    return seen;
}

Result<bool> PartitionReader::Impl::refresh() {
    if (!own) {
        if (slot->use_generation.load() == use_generation) return false;
        const auto again = directory->find_meta(id);
        if (!again && again.error().code != Errc::not_found) return fail(again.error());
        return fail(Errc::not_found, {}, log::partition_directory(id),
                    again ? "the topic was deleted and made again" : "the topic was deleted");
    }
    if (!control) {
        // Somebody may have come to life in the directory since.
        shm::ControlFile::Options how;
        how.access = shm::Access::read;
        MQ_ASSIGN(control, shm::ControlFile::open(directory->path, how));
    }
    MQ_ASSIGN(const bool live, go_live());
    if (live) return true;
    MQ_ASSIGN(const FilesSeen seen, look_at_files());
    if (seen == files_seen) return false;
    MQ_TRY(read_files());
    return true;
}

Result<Bounds> PartitionReader::bounds() {
    Impl& r = *impl_;
    MQ_TRY(r.refresh());
    if (!r.reader) return Bounds{};
    const log::PublishedState& state = r.state();
    const Offset high_watermark{state.high_watermark.load()};
    const log::Published now = state.read();
    Bounds bounds{now.log_start, now.log_end, std::min(now.log_end, high_watermark), {}, now.active_base};
    bounds.last_stable =
        now.first_unstable == kNoOffset ? bounds.high_watermark : std::min(now.first_unstable, bounds.high_watermark);
    return bounds;
}

Life PartitionReader::life() const {
    const Impl& r = *impl_;
    if (!r.is_live() || !r.is_current()) return Life{0, r.times_read, 0};
    return Life{r.use_generation, r.state().loads.load(), r.state().truncations.load()};
}

// What `from_files` brings, of the partition as it is now.
Result<log::ReadOutcome> PartitionReader::Impl::read(FunctionRef<Result<log::ReadOutcome>()> from_files) {
    for (;;) {
        if (!reader) {
            MQ_ASSIGN(const bool moved, refresh());
            if (!moved || !reader) return log::ReadOutcome::end_of_log;
        }
        auto outcome = from_files();
        // What looks like the end, or like damage, may be that the topic went away.
        if (outcome && *outcome != log::ReadOutcome::end_of_log && is_current()) return outcome;
        MQ_ASSIGN(const bool moved, refresh());
        if (moved) continue;
        if (!outcome) {
            // A deletion takes the directory away before it says so in the slot.
            MQ_ASSIGN(const bool there, os::exists(directory->partition_path(id)));
            if (!there) return fail(Errc::not_found, {}, log::partition_directory(id), "the topic was deleted");
        }
        return outcome;
    }
}

Result<log::ReadOutcome> PartitionReader::next(log::ScannedBatch& batch) {
    Impl& r = *impl_;
    r.left.reset();
    auto outcome = r.read([&] { return r.reader->next(batch); });
    if (outcome && *outcome == log::ReadOutcome::batch) r.position = r.reader->position();
    return outcome;
}

Result<log::ReadOutcome> PartitionReader::read_range(Offset from, std::uint64_t max_bytes, bool whole_first_batch,
                                                     log::RecordRange& range) {
    Impl& r = *impl_;
    auto outcome = r.read([&] { return r.ranges->read(from, max_bytes, whole_first_batch, range); });
    // Without files nothing but the start is in range.
    if (outcome && *outcome == log::ReadOutcome::end_of_log && !r.reader && from != Offset{0})
        return log::ReadOutcome::out_of_range;
    return outcome;
}

Result<std::vector<log::AbortedTxn>> PartitionReader::aborted_in(const log::RecordRange& range, Offset from) {
    MQ_ASSIGN(const bool has_some, impl_->ranges->has_aborted_transactions());
    if (!has_some) return std::vector<log::AbortedTxn>{};
    MQ_ASSIGN(const Offset end, log::RangeReader::end_of(range));
    return aborted_transactions(from, end);
}

// Asks a Log that follows the shared state without a lock: while files move it may find one gone, and looks again.
Result<log::Log*> PartitionReader::Impl::log_for_questions(std::optional<log::Log>& attached) {
    if (own) return own_log ? &*own_log : nullptr;
    constexpr int kAttempts = 100;
    log::OpenOptions how;
    how.clock = directory->options.clock;
    how.read_only = true;
    for (int attempt = 1;; ++attempt) {
        auto log = log::Log::attach(directory->partition_path(id), config, state(), how);
        if (log) {
            attached.emplace(std::move(*log));
            return &*attached;
        }
        if (log.error().code != Errc::not_found || attempt == kAttempts) return fail(std::move(log).error());
        MQ_TRY(refresh());
    }
}

namespace {

// Files that go while a question is answered (retention) make it worth asking again.
template <typename Answer>
auto ask(const Answer& answer) -> decltype(answer()) {
    constexpr int kAttempts = 100;
    for (int attempt = 1;; ++attempt) {
        auto result = answer();
        if (result || result.error().code != Errc::not_found || attempt == kAttempts) return result;
    }
}

}  // namespace

Result<std::optional<log::TimestampOffset>> PartitionReader::find_timestamp(TimestampMs timestamp) {
    MQ_TRY(impl_->refresh());
    return ask([&]() -> Result<std::optional<log::TimestampOffset>> {
        std::optional<log::Log> attached;
        MQ_ASSIGN(const log::Log* log, impl_->log_for_questions(attached));
        if (log == nullptr) return std::optional<log::TimestampOffset>{};
        return log->find_timestamp(timestamp);
    });
}

Result<std::optional<log::TimestampOffset>> PartitionReader::max_timestamp() {
    MQ_TRY(impl_->refresh());
    return ask([&]() -> Result<std::optional<log::TimestampOffset>> {
        std::optional<log::Log> attached;
        MQ_ASSIGN(const log::Log* log, impl_->log_for_questions(attached));
        if (log == nullptr) return std::optional<log::TimestampOffset>{};
        const log::Published now = log->state().read();
        TimestampMs largest = now.max_timestamp;
        for (const Offset base : log->segment_bases()) {
            if (base == now.active_base) continue;
            MQ_ASSIGN(const log::Segment segment, log::Segment::open_for_reading(log->directory(), base));
            MQ_ASSIGN(const std::uint64_t size, segment.log_file().size());
            MQ_ASSIGN(const TimestampMs newest, segment.largest_timestamp(FilePosition{size}));
            largest = std::max(largest, newest);
        }
        if (largest == kNoTimestamp) return std::optional<log::TimestampOffset>{};
        return log->find_timestamp(largest);
    });
}

Result<std::vector<log::AbortedTxn>> PartitionReader::aborted_transactions(Offset from, Offset end) {
    MQ_TRY(impl_->refresh());
    return ask([&]() -> Result<std::vector<log::AbortedTxn>> {
        std::optional<log::Log> attached;
        MQ_ASSIGN(const log::Log* log, impl_->log_for_questions(attached));
        if (log == nullptr) return std::vector<log::AbortedTxn>{};
        return log->aborted_transactions(from, end);
    });
}

Result<log::LeaderEpochs> PartitionReader::leader_epochs() {
    MQ_TRY(impl_->refresh());
    std::optional<log::Log> attached;
    MQ_ASSIGN(const log::Log* log, impl_->log_for_questions(attached));
    return log == nullptr ? log::LeaderEpochs{} : log->leader_epochs();
}

Result<std::uint64_t> PartitionReader::size_bytes() {
    return segments().map([](const std::vector<SegmentInfo>& all) {
        std::uint64_t total = 0;
        for (const SegmentInfo& segment : all) total += segment.size_bytes;
        return total;
    });
}

Result<std::vector<SegmentInfo>> PartitionReader::segments() {
    MQ_TRY(impl_->refresh());
    if (!impl_->reader) return std::vector<SegmentInfo>{};
    const std::string path = impl_->directory->partition_path(impl_->id);
    return ask([&]() -> Result<std::vector<SegmentInfo>> {
        const log::Published now = impl_->state().read();
        std::vector<SegmentInfo> all;
        MQ_ASSIGN(const auto segments, log::list_segments(path));
        for (const log::SegmentName& segment : segments) {
            MQ_ASSIGN(
                const os::FileInfo info,
                os::file_info(os::join(path, log::file_name(log::FileKind::log, segment.base, segment.suffix))));
            const bool is_active = segment.base == now.active_base;
            all.push_back({segment.base, is_active ? now.active_size_bytes : info.size_bytes, info.modified_ms});
        }
        return all;
    });
}

Result<std::unique_ptr<PartitionReader>> DataDirectory::open_reader(const log::TopicPartition& id,
                                                                    log::Isolation isolation) {
    auto impl = std::make_unique<PartitionReader::Impl>();
    impl->directory = impl_;
    impl->id = id;
    impl->isolation = isolation;
    MQ_TRY(impl->attach());
    return std::unique_ptr<PartitionReader>{new PartitionReader{std::move(impl)}};
}

}  // namespace mq::store
