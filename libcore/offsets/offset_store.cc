#include "offsets/offset_store.h"

#include <algorithm>

#include "base/seeded_bug.h"
#include "offsets/partition.h"

namespace mq::offsets {

// ---- Partitions as they are needed

struct OffsetStore::Impl {
    store::DataDirectory& directory;
    ClockFn clock;
    std::uint32_t pieces;
    NewOffsetsTopic new_topic;
    std::size_t most_open;

    std::mutex mutex;  // of what follows
    std::optional<std::int32_t> count;
    std::uint32_t count_of_generation = 0;
    std::map<std::int32_t, std::unique_ptr<OffsetsPartition>> opened;
    std::vector<OffsetsPartition*> recent;  // whose files may be open, the latest first

    // How many partitions __consumer_offsets has (OFF-3), or will have.
    [[nodiscard]] Result<std::int32_t> partitions(std::string_view group);
    // For the caller to use; others are closed for it.
    [[nodiscard]] OffsetsPartition& partition(std::int32_t number);
    [[nodiscard]] Result<OffsetsPartition*> partition_of(std::string_view group);
    [[nodiscard]] Status make_topic();

    // On the partition of a group, opened for writing; the topic is made where it is missing.
    [[nodiscard]] Status write(std::string_view group, FunctionRef<Status(OffsetsPartition&)> work);
    // On all partitions that there are, without a lock.
    [[nodiscard]] Status each(FunctionRef<Status(OffsetsPartition&)> work);
    [[nodiscard]] Status look_at_each(FunctionRef<Status(OffsetsPartition&)> work);
    // Tombstones for all that groups have of a topic. Under the append lock.
    [[nodiscard]] Status encode_forget_topic(OffsetsPartition& p, std::string_view topic, std::size_t& forgotten);
};

Result<std::int32_t> OffsetStore::Impl::partitions(std::string_view group) {
    const std::uint32_t generation = directory.catalogue_generation();
    if (count && count_of_generation == generation) return *count;
    // The slot of the partition that is most likely the group's knows it without mq-topics.json being read.
    auto shape = directory.shape(kOffsetsTopic, record::partition_for_id(group, kOffsetsPartitions));
    if (!shape && shape.error().code == Errc::not_found) shape = directory.shape(kOffsetsTopic);
    if (!shape && shape.error().code != Errc::not_found) return fail(shape.error());
    count_of_generation = generation;
    // What is not there yet may come at any time.
    if (!shape) return new_topic.partitions;
    count = shape->partitions;
    return *count;
}

OffsetsPartition& OffsetStore::Impl::partition(std::int32_t number) {
    auto& place = opened[number];
    if (!place) place = std::make_unique<OffsetsPartition>(directory, clock, number, pieces);
    auto at = std::ranges::find(recent, place.get());
    if (at == recent.end()) at = recent.insert(at, place.get());
    std::rotate(recent.begin(), at, at + 1);
    // Who is in use now stays, and goes another time.
    for (std::size_t i = recent.size(); recent.size() > most_open && --i > 0;) {
        if (recent[i]->let_go()) recent.erase(recent.begin() + static_cast<std::ptrdiff_t>(i));
    }
    return *place;
}

Result<OffsetsPartition*> OffsetStore::Impl::partition_of(std::string_view group) {
    const std::scoped_lock lock{mutex};
    MQ_ASSIGN(const std::int32_t of, partitions(group));
    return &partition(record::partition_for_id(group, of));
}

Status OffsetStore::Impl::make_topic() {
    {
        const std::scoped_lock lock{mutex};
        count.reset();
    }
    const auto made = directory.create_topic(to_new_topic(new_topic));
    if (!made && made.error().code != Errc::already_exists) return fail(made.error());
    return {};
}

Status OffsetStore::Impl::write(std::string_view group, FunctionRef<Status(OffsetsPartition&)> work) {
    // It may be deleted just after it was made.
    constexpr int kAttempts = 10;
    for (int attempt = 1;; ++attempt) {
        MQ_ASSIGN(OffsetsPartition * p, partition_of(group));
        Status done;
        bool is_open = false;
        {
            const std::scoped_lock lock{p->change_mutex};
            done = p->open_writer();
            is_open = done.has_value();
            if (is_open) done = work(*p);
        }
        if (done || done.error().code != Errc::not_found || attempt == kAttempts) return done;
        // A group that there is not, or a topic? That may have been made by another process just now.
        const auto shape = directory.shape(kOffsetsTopic, record::partition_for_id(group, kOffsetsPartitions));
        if (shape && is_open) return done;
        if (!shape) MQ_TRY(make_topic());
    }
}

Status OffsetStore::Impl::each(FunctionRef<Status(OffsetsPartition&)> work) {
    std::int32_t of = 0;
    {
        const std::scoped_lock lock{mutex};
        MQ_ASSIGN(of, partitions({}));
    }
    for (std::int32_t number = 0; number < of; ++number) {
        OffsetsPartition* p = nullptr;
        {
            const std::scoped_lock lock{mutex};
            p = &partition(number);
        }
        bool there = false;
        {
            const std::scoped_lock look{p->mutex};
            MQ_ASSIGN(there, p->exists());
        }
        if (there) MQ_TRY(work(*p));
    }
    return {};
}

Status OffsetStore::Impl::look_at_each(FunctionRef<Status(OffsetsPartition&)> work) {
    return each([&](OffsetsPartition& p) {
        const std::scoped_lock look{p.mutex};
        return work(p);
    });
}

OffsetStore::OffsetStore(store::DataDirectory& directory, ClockFn clock, std::uint32_t table_pieces,
                         const NewOffsetsTopic& new_topic, std::size_t most_open)
    : impl_(new Impl{.directory = directory,
                     .clock = clock,
                     .pieces = table_pieces != 0 ? table_pieces : shm::kOffsetPieces,
                     .new_topic = new_topic,
                     .most_open = most_open,
                     .mutex = {},
                     .count = {},
                     .opened = {},
                     .recent = {}}) {}
OffsetStore::OffsetStore(OffsetStore&&) noexcept = default;
OffsetStore& OffsetStore::operator=(OffsetStore&&) noexcept = default;
OffsetStore::~OffsetStore() = default;

// ---- Looks

Result<std::optional<Committed>> OffsetStore::fetch(std::string_view group, const log::TopicPartition& id) {
    MQ_ASSIGN(OffsetsPartition * p, impl_->partition_of(group));
    const std::scoped_lock lock{p->mutex};
    MQ_ASSIGN(auto entry, p->fetch(group, id));
    if (!entry) return std::nullopt;
    return std::move(entry->committed);
}

Result<GroupOffsets> OffsetStore::fetch_all(std::string_view name) {
    MQ_ASSIGN(OffsetsPartition * p, impl_->partition_of(name));
    const std::scoped_lock lock{p->mutex};
    MQ_ASSIGN(auto its, p->group(std::string{name}));
    GroupOffsets offsets;
    if (!its) return offsets;
    for (auto& [id, entry] : its->offsets) offsets.emplace_hint(offsets.end(), id, std::move(entry.committed));
    return offsets;
}

Result<std::set<log::TopicPartition>> OffsetStore::pending(std::string_view group) {
    MQ_ASSIGN(OffsetsPartition * p, impl_->partition_of(group));
    const std::scoped_lock lock{p->mutex};
    return p->pending(group);
}

Result<std::vector<Group>> OffsetStore::groups() {
    std::vector<Group> all;
    const Status done = impl_->look_at_each([&](OffsetsPartition& p) -> Status {
        MQ_ASSIGN(auto groups, p.groups());
        std::ranges::move(groups, std::back_inserter(all));
        return {};
    });
    MQ_TRY(done);
    std::ranges::sort(all, {}, &Group::name);
    return all;
}

Result<std::int32_t> OffsetStore::partitions() {
    const std::scoped_lock lock{impl_->mutex};
    return impl_->partitions({});
}

Result<std::vector<Group>> OffsetStore::groups_of(std::int32_t partition) {
    OffsetsPartition* p = nullptr;
    {
        const std::scoped_lock lock{impl_->mutex};
        p = &impl_->partition(partition);
    }
    const std::scoped_lock lock{p->mutex};
    MQ_ASSIGN(const bool there, p->exists());
    if (!there) return std::vector<Group>{};
    return p->groups();
}

Result<std::optional<Group>> OffsetStore::group(std::string_view name) {
    MQ_ASSIGN(OffsetsPartition * p, impl_->partition_of(name));
    const std::scoped_lock lock{p->mutex};
    MQ_ASSIGN(auto its, p->group(std::string{name}));
    if (!its) return std::nullopt;
    return Group{std::string{name}, its->offsets.size(), std::move(its->metadata)};
}

Result<std::optional<Offset>> OffsetStore::consumed_below(const log::TopicPartition& id) {
    ConsumedByGroup by_group;
    MQ_TRY(impl_->look_at_each([&](OffsetsPartition& p) { return p.consumed(id, by_group); }));
    std::optional<Offset> least;
    for (const auto& [group, of] : by_group) {
        if (!of.has_partition) return std::nullopt;
        least = std::min(least.value_or(of.least), of.least);
    }
    return least;
}

Result<OffsetStore::Findings> OffsetStore::check() {
    Findings findings;
    MQ_TRY(impl_->look_at_each([&](OffsetsPartition& p) { return p.check(findings); }));
    return findings;
}

bool OffsetStore::take_full_note() {
    const std::scoped_lock lock{impl_->mutex};
    bool full = false;
    for (const auto& [number, p] : impl_->opened) {
        const std::scoped_lock of_partition{p->mutex};
        full |= p->take_full_note();
    }
    return full;
}

// ---- Changes

Status OffsetStore::commit(std::string_view group, std::span<const Commit> commits, const CommitOptions& options) {
    if (!options.from_client || !group.empty()) MQ_TRY(check_group(group));
    for (const Commit& commit : commits) MQ_TRY(check_commit(commit, options.from_client));
    if (commits.empty()) return {};
    return impl_->write(group, [&](OffsetsPartition& p) -> Status {
        const TimestampMs now = impl_->clock();
        const TimestampMs timestamp = options.commit_timestamp.value_or(now);
        p.encoder().begin(now);
        for (const Commit& commit : commits)
            p.encoder().add(group, commit, commit.commit_timestamp.value_or(timestamp));
        return p.commit(group, commits, timestamp, options.only_if);
    });
}

Status OffsetStore::flush(std::string_view group) {
    return impl_->write(group, [](OffsetsPartition& p) { return p.flush(); });
}

Status OffsetStore::flush() {
    std::vector<std::int32_t> numbers;
    {
        const std::scoped_lock lock{impl_->mutex};
        for (const auto& [number, p] : impl_->opened) numbers.push_back(number);
    }
    for (const std::int32_t number : numbers) {
        OffsetsPartition* p = nullptr;
        {
            const std::scoped_lock lock{impl_->mutex};
            p = &impl_->partition(number);
        }
        const std::scoped_lock lock{p->change_mutex};
        if (!p->was_opened_for_writing()) continue;
        MQ_TRY(p->open_writer());
        MQ_TRY(p->flush());
    }
    return {};
}

void OffsetStore::let_go_of_replaced() {
    std::vector<OffsetsPartition*> partitions;
    {
        const std::scoped_lock lock{impl_->mutex};
        for (const auto& [number, p] : impl_->opened) partitions.push_back(p.get());
    }
    for (OffsetsPartition* p : partitions) p->let_go_of_replaced();
}

Status OffsetStore::put_metadata(std::string_view group, const std::optional<record::GroupMetadataValue>& metadata) {
    MQ_TRY(check_group(group));
    return impl_->write(group, [&](OffsetsPartition& p) {
        return p.change([&]() -> Status {
            p.encoder().add_metadata(group, metadata);
            return {};
        });
    });
}

Result<std::size_t> OffsetStore::remove_group(std::string_view name) {
    std::size_t forgotten = 0;
    const std::string group{name};
    const auto unknown = [&] { return fail(Errc::not_found, {}, {}, "there is no group '" + group + "'"); };
    MQ_ASSIGN(OffsetsPartition * its, impl_->partition_of(name));
    {
        // Nothing is made for a group that there is not.
        const std::scoped_lock lock{its->mutex};
        MQ_ASSIGN(const auto known, its->group(group));
        if (!known) return unknown();
    }
    const Status done = impl_->write(name, [&](OffsetsPartition& p) {
        return p.change([&]() -> Status {
            MQ_ASSIGN(const auto known, p.group(group));
            if (!known) return unknown();
            for (const auto& [id, entry] : known->offsets)
                p.encoder().add(group, {.topic = id.topic, .partition = id.partition}, 0);
            if (known->metadata) p.encoder().add_metadata(group, std::nullopt);
            forgotten = known->offsets.size();
            return {};
        });
    });
    MQ_TRY(done);
    return forgotten;
}

// Kafka takes a group away that has no members and no offsets left (OFF-15).
Status OffsetStore::Impl::encode_forget_topic(OffsetsPartition& p, std::string_view topic, std::size_t& forgotten) {
    MQ_ASSIGN(const auto names, p.groups_of_topic(topic));
    for (const std::string& name : names) {
        MQ_ASSIGN(const auto known, p.group(name));
        if (!known) continue;
        std::size_t left = known->offsets.size();
        for (const auto& [id, entry] : known->offsets) {
            if (id.topic != topic) continue;
            p.encoder().add(name, {.topic = id.topic, .partition = id.partition}, 0);
            --left;
            ++forgotten;
        }
        if (left == 0 && known->metadata && known->metadata->members.empty())
            p.encoder().add_metadata(name, std::nullopt);
    }
    return {};
}

Result<std::size_t> OffsetStore::forget_topic(std::string_view topic) {
    MQ_TRY(log::check_topic_name(topic));
    std::size_t forgotten = 0;
    const Status done = impl_->each([&](OffsetsPartition& p) -> Status {
        {
            const std::scoped_lock look{p.mutex};
            MQ_ASSIGN(const auto names, p.groups_of_topic(topic));
            if (names.empty()) return {};
        }
        const std::scoped_lock change{p.change_mutex};
        MQ_TRY(p.open_writer());
        return p.change([&] { return impl_->encode_forget_topic(p, topic, forgotten); });
    });
    MQ_TRY(done);
    return forgotten;
}

namespace {

// Kafka counts from the moment when the group became Empty. Members that a broker has left behind in the record are
// gone as well, some time after it was written.
bool is_expired(const Committed& committed, const std::optional<record::GroupMetadataValue>& metadata,
                std::int64_t retention_ms, TimestampMs now) {
    if (committed.expire_timestamp != kNoTimestamp) return now >= committed.expire_timestamp;
    TimestampMs since = committed.commit_timestamp;
    if (metadata && !metadata->protocol_type.empty() && metadata->current_state_timestamp != kNoTimestamp)
        since = metadata->members.empty() ? metadata->current_state_timestamp
                                          : std::max(since, metadata->current_state_timestamp);
    return since <= now - retention_ms;
}

}  // namespace

Result<std::vector<OffsetStore::Expired>> OffsetStore::expire(
    std::int64_t retention_ms, const std::function<bool(std::string_view group)>& is_active, bool dry_run) {
    std::vector<Expired> expired;
    const TimestampMs now = impl_->clock();
    // The names first: who is active is not asked under a lock.
    const auto collect = [&](OffsetsPartition& p, const std::vector<std::string>& names, bool encode) -> Status {
        for (const std::string& name : names) {
            MQ_ASSIGN(const auto known, p.group(name));
            if (!known) continue;
            std::size_t left = known->offsets.size();
            for (const auto& [id, entry] : known->offsets) {
                if (!is_expired(entry.committed, known->metadata, retention_ms, now)) continue;
                expired.push_back({name, id});
                --left;
                if (encode) p.encoder().add(name, {.topic = id.topic, .partition = id.partition}, 0);
            }
            if (encode && left == 0 && known->metadata && known->metadata->members.empty())
                p.encoder().add_metadata(name, std::nullopt);
        }
        return {};
    };
    const Status done = impl_->each([&](OffsetsPartition& p) -> Status {
        std::vector<Group> groups;
        {
            const std::scoped_lock look{p.mutex};
            MQ_ASSIGN(groups, p.groups());
        }
        std::vector<std::string> idle;
        for (const Group& group : groups)
            if (group.partitions > 0 && (!is_active(group.name) || MQ_BUG("offsets.expires_active_groups")))
                idle.push_back(group.name);
        const std::size_t before = expired.size();
        {
            const std::scoped_lock look{p.mutex};
            MQ_TRY(collect(p, idle, false));
        }
        if (dry_run || expired.size() == before) return {};
        expired.resize(before);
        const std::scoped_lock change{p.change_mutex};
        MQ_TRY(p.open_writer());
        return p.change([&]() -> Status {
            expired.resize(before);
            return collect(p, idle, true);
        });
    });
    MQ_TRY(done);
    std::ranges::sort(expired, [](const Expired& a, const Expired& b) {
        return std::tie(a.group, a.id) < std::tie(b.group, b.id);
    });
    return expired;
}

}  // namespace mq::offsets
