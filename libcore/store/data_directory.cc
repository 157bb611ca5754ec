#include "store/data_directory.h"

#include <algorithm>
#include <charconv>

#include "base/seeded_bug.h"
#include "os/kill_point.h"
#include "store/directory_impl.h"

namespace mq::store {

Result<FileStamp> stamp_of(const std::string& path) {
    const auto info = os::file_info(path);
    if (!info && info.error().code == Errc::not_found) return FileStamp{};
    if (!info) return fail(info.error());
    return FileStamp{info->inode, info->modified_ns, info->size_bytes};
}

DataDirectory::DataDirectory(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
DataDirectory::DataDirectory(DataDirectory&&) noexcept = default;
DataDirectory& DataDirectory::operator=(DataDirectory&&) noexcept = default;

// The background has partitions of its own, which keep `impl_` alive: it ends first, on this thread.
DataDirectory::~DataDirectory() {
    if (impl_) impl_->compactor.stop();
}

const std::string& DataDirectory::path() const { return impl_->path; }
shm::ControlFile* DataDirectory::control() const { return impl_->control.get(); }

namespace {

using Properties = std::map<std::string, std::string>;

Result<Properties> read_meta_properties(const std::string& path) {
    const auto text = os::read_file(path, 64 << 10);
    if (!text && text.error().code == Errc::not_found) return Properties{};
    if (!text) return fail(text.error());
    auto parsed = log::parse_properties(*text);
    if (parsed) return parsed;
    Error error = std::move(parsed).error();
    error.subject = path;
    return fail(std::move(error));
}

}  // namespace

Result<std::string> DataDirectory::cluster_id() const {
    MQ_ASSIGN(auto properties, read_meta_properties(impl_->file(log::kMetaProperties)));
    return properties["cluster.id"];
}

Result<Identity> DataDirectory::identify() {
    Impl& d = *impl_;
    const std::string path = d.file(log::kMetaProperties);
    MQ_ASSIGN(const bool there, os::exists(path));
    if (!there && d.writable()) {
        MQ_TRY(d.control->on_claimed_thread([&]() -> Status {
            MQ_ASSIGN(const shm::Guard guard, d.control->lock(d.control->header().catalogue, "the catalogue lock"));
            return d.make_meta_properties();
        }));
    }
    MQ_ASSIGN(auto properties, read_meta_properties(path));
    Identity identity{properties["cluster.id"], std::nullopt};
    for (const char* key : {"broker.id", "node.id"}) {
        const std::string& text = properties[key];
        std::int32_t id = 0;
        if (text.empty()) continue;
        const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), id);
        if (failed != std::errc{} || end != text.data() + text.size())
            return fail(Errc::corrupt, {}, path, std::string{key} + " '" + text.substr(0, 64) + "' is no number");
        identity.broker_id = id;
        break;
    }
    return identity;
}

namespace {

// What `look` sees in the state of a partition that was loaded in this life.
template <typename Look>
auto look_at(const DataDirectory::Impl& d, std::string_view topic, std::int32_t partition, const Look& look)
    -> std::optional<decltype(look(std::declval<const log::PublishedState&>()))> {
    if (!d.control) return std::nullopt;
    shm::PartitionSlot* slot = d.control->find(topic, partition);
    if (slot == nullptr) return std::nullopt;
    const auto before = shm::holds(*slot, topic, partition);
    if (!before || !d.is_loaded(*slot)) return std::nullopt;
    const auto seen = look(state_of(*slot));
    if (slot->use_generation.load() != *before) return std::nullopt;
    return seen;
}

}  // namespace

std::optional<LeaderEpoch> DataDirectory::leader_epoch(std::string_view topic, std::int32_t partition) const {
    return look_at(*impl_, topic, partition, [](const log::PublishedState& state) {
        return static_cast<LeaderEpoch>(
            std::max<std::int64_t>(static_cast<std::int64_t>(state.read().last_epoch), 0));
    });
}

std::optional<DataDirectory::Glance> DataDirectory::glance(std::string_view topic, std::int32_t partition) const {
    return look_at(*impl_, topic, partition, [](const log::PublishedState& state) {
        const log::Published now = state.read();
        const bool same_segment = state.recovery_point.load() >= now.active_base.value();
        const std::uint64_t saved = same_segment ? state.checkpointed_bytes.load() : 0;
        return Glance{now.log_start, now.log_end, now.active_base, Offset{state.flushed.load()},
                      now.active_size_bytes - std::min(saved, now.active_size_bytes)};
    });
}

std::optional<DataDirectory::Files> DataDirectory::files(std::string_view topic, std::int32_t partition) const {
    const shm::PartitionSlot* slot = impl_->control ? impl_->control->find(topic, partition) : nullptr;
    const std::uint64_t use = slot == nullptr ? 0 : slot->use_generation.load();
    return look_at(*impl_, topic, partition, [use](const log::PublishedState& state) {
        return Files{use, state.files_generation.load(), state.list_generation.load()};
    });
}

std::uint32_t DataDirectory::catalogue_generation() const {
    return impl_->control ? impl_->control->header().catalogue_generation.load() : 0;
}

Result<DataDirectory> DataDirectory::open(const std::string& path, const OpenOptions& options) {
    if (options.access == Access::write) {
        MQ_TRY(os::create_directories(path));
    } else {
        const auto info = os::file_info(path, os::Follow::yes);
        if (!info && info.error().code == Errc::not_found)
            return fail(Errc::not_found, {}, path, "no such data directory");
        if (!info) return fail(info.error());
        if (!info->is_directory) return fail(Errc::not_found, {}, path, "not a directory");
    }
    auto impl = std::make_shared<Impl>();
    impl->path = path;
    impl->options = options;
    MQ_TRY(impl->open_shared());
    return DataDirectory{std::move(impl)};
}

Status DataDirectory::Impl::open_shared() {
    shm::ControlFile::Options how;
    how.access = options.access == Access::write ? shm::Access::write : shm::Access::read;
    how.on_wait = options.on_wait;
    how.bus_error_exit_status = options.bus_error_exit_status;
    how.on_exclusive = [this](const shm::ControlFile::Beginning& beginning) { return begin(beginning); };
    MQ_ASSIGN(control, shm::ControlFile::open(path, how));
    if (control) return {};
    MQ_ASSIGN(lock_file, shm::ControlFile::take_lock_file(path, shm::Access::read));
    // Nothing is shared, and nothing can be: the files say how far they may be believed.
    MQ_ASSIGN(const bool clean, os::exists(file(log::kCleanShutdown)));
    MQ_ASSIGN(const bool ours, os::exists(file(shm::kControlFileName)));
    private_trust = clean ? log::Trust::clean : ours ? log::Trust::recovery_point : log::Trust::segments;
    return {};
}

// Nobody else is in the directory: what the slots and the files of the root say is held against each other.
Status DataDirectory::Impl::begin(const shm::ControlFile::Beginning& beginning) {
    SharedHeader& now = shared_header(*beginning.header);
    MQ_ASSIGN(const bool clean, os::exists(file(log::kCleanShutdown)));
    MQ_ASSIGN(const FileStamp points, stamp_of(file(log::kRecoveryPointCheckpoint)));
    FileStamp ours;
    if (beginning.was_ours) ours = shared_header(beginning.before).recovery_points.read();
    const bool kafka_was_here = (!beginning.was_ours || points != ours || clean) && !MQ_BUG("begin.forgets_kafka");
    const auto trust = clean ? log::Trust::clean : kafka_was_here ? log::Trust::segments : log::Trust::recovery_point;
    if (beginning.fresh || kafka_was_here) {
        now.marked_unclean.store(0);
        now.trust.store(static_cast<std::uint32_t>(trust) + 1);
        now.stale_before.store(beginning.header->incarnation.load());
        // What slots say of topics is looked up again: no file has this stamp.
        now.catalogue.publish(FileStamp{.inode = ~std::uint64_t{0}});
    }
    now.recovery_points.publish(points);
    beginning.header->changes_begun.store(0);
    return {};
}

Status DataDirectory::close() {
    Impl& d = *impl_;
    d.compactor.stop();
    if (!d.writable()) return {};
    return d.control->on_claimed_thread(
        [&]() -> Status { return d.control->while_alone([&] { return d.close_partitions(); }).map([](bool) {}); });
}

namespace {

// Less than this is walked in no time after a power cut, while a checkpoint is half a dozen fsyncs: commands that
// append a record each leave it to a later one.
constexpr std::uint64_t kWorthACheckpoint = 1 << 20;

bool needs_checkpoint(const log::PublishedState& state, const log::Published& published) {
    if (state.dirty.load() != 0) return true;
    const std::int64_t point = state.recovery_point.load();
    if (point >= published.log_end.value()) return false;
    if (point < published.active_base.value()) return true;
    return published.active_size_bytes - std::min(state.checkpointed_bytes.load(), published.active_size_bytes) >=
           kWorthACheckpoint;
}

}  // namespace

// Nobody else is in the directory. One write of each checkpoint file serves all partitions.
Status DataDirectory::Impl::close_partitions() {
    CheckpointChanges points;
    CheckpointChanges high_watermarks;
    Status failed;
    control->for_each_slot([&](shm::PartitionSlot& slot) {
        if (!failed || !is_loaded(slot)) return;
        failed = [&]() -> Status {
            log::PublishedState& state = state_of(slot);
            const log::Published published = state.read();
            if (!needs_checkpoint(state, published)) return {};
            const auto about = shm::identity(slot);
            if (!about) return {};
            const log::TopicPartition id{about->topic, about->partition};
            log::OpenOptions how = log_options(id);
            how.persist_recovery_point = [&](Offset point) {
                points[id] = point;
                return Status{};
            };
            MQ_ASSIGN(const TopicMeta meta, find_meta(id));
            MQ_ASSIGN(log::Log log, log::Log::attach(partition_path(id), meta.log, state, how));
            MQ_TRY(log.close());
            high_watermarks[id] = log.high_watermark();
            return note_files(slot, log);
        }();
    });
    MQ_TRY(failed);
    if (!points.empty()) MQ_TRY(update_checkpoint(log::kRecoveryPointCheckpoint, points));
    if (!high_watermarks.empty()) MQ_TRY(update_checkpoint(log::kHighWatermarkCheckpoint, high_watermarks));
    return {};
}

Status DataDirectory::Impl::make_meta_properties() const {
    const std::string properties = file(log::kMetaProperties);
    MQ_ASSIGN(const bool there, os::exists(properties));
    if (there) return {};
    return os::replace_file(properties, "broker.id=" + std::to_string(options.broker_id) +
                                            "\ncluster.id=" + random_id() + "\nversion=0\n");
}

Status DataDirectory::Impl::begin_changes() {
    if (!writable() || options.access == Access::read)
        return fail(Errc::not_permitted, "change", path, "the directory may only be read");
    shm::Header& header = control->header();
    if (header.changes_begun.load() != 0) return {};
    return control->on_claimed_thread([&]() -> Status {
        MQ_ASSIGN(const shm::Guard guard, control->lock(header.catalogue, "the catalogue lock"));
        if (header.changes_begun.load() != 0) return {};
        MQ_TRY(make_meta_properties());
        if (shared().marked_unclean.load() == 0) {
            if (!MQ_BUG("begin.keeps_clean_mark")) MQ_TRY(os::remove_file(file(log::kCleanShutdown)));
            MQ_KILLPOINT("begin.after_unmark");
            MQ_TRY(os::sync_directory(path));
            shared().marked_unclean.store(1);
            MQ_KILLPOINT("begin.after_sync");
        }
        header.changes_begun.store(1);
        return {};
    });
}

}  // namespace mq::store
