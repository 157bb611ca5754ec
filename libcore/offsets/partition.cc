#include "offsets/partition.h"

#include <algorithm>
#include <set>

namespace mq::offsets {
namespace {

// Looks that somebody's changes disturbed; then the log is read instead.
constexpr int kLooks = 50;
// Records this close behind the one just read are come by faster than sought.
constexpr std::int64_t kNear = 200;

store::Life life_of(const shm::OffsetsApplied& applied) {
    return {applied.life[0], applied.life[1], applied.life[2]};
}

std::pair<std::uint64_t, std::uint64_t> pair_of(const shm::Hash128& hash) { return {hash.low, hash.high}; }

}  // namespace

OffsetsPartition::OffsetsPartition(store::DataDirectory& directory, ClockFn clock, std::int32_t partition,
                                   std::uint32_t pieces)
    : directory_(directory),
      clock_(clock),
      id_{std::string{kOffsetsTopic}, partition},
      name_(log::partition_directory(id_)),
      pieces_(pieces) {}

Result<bool> OffsetsPartition::exists() {
    if (reader_) return true;
    return os::exists(os::join(directory_.path(), name_));
}

void OffsetsPartition::let_go_of_replaced() {
    const std::unique_lock change{change_mutex, std::try_to_lock};
    const std::unique_lock look{mutex, std::try_to_lock};
    if (!change || !look) return;
    const auto now = directory_.files(id_.topic, id_.partition);
    if (std::exchange(files_seen_, now) == now && now) return;
    reader_.reset();
    writer_.reset();
}

bool OffsetsPartition::let_go() {
    const std::unique_lock change{change_mutex, std::try_to_lock};
    const std::unique_lock look{mutex, std::try_to_lock};
    if (!change || !look) return false;
    reader_.reset();
    writer_.reset();
    return true;
}

// False: nothing was ever committed here.
Result<bool> OffsetsPartition::open_reader() {
    for (int attempt = 0; attempt < kLooks; ++attempt) {
        if (!reader_) {
            MQ_ASSIGN(const bool there, exists());
            if (!there) return false;
            auto opened = directory_.open_reader(id_);
            if (!opened && opened.error().code == Errc::not_found) continue;
            if (!opened) return fail(opened.error());
            reader_ = std::move(*opened);
            memory_life_.reset();
        }
        const auto bounds = reader_->bounds();
        if (bounds) return true;
        if (bounds.error().code != Errc::not_found) return fail(bounds.error());
        // The topic was deleted, and perhaps made again.
        reader_.reset();
    }
    return false;
}

std::optional<shm::OffsetTable> OffsetsPartition::table() const {
    shm::ControlFile* control = directory_.control();
    if (control == nullptr) return std::nullopt;
    shm::OffsetTable shared{control->table(shm::kOffsetTableAt, shm::kOffsetTableBytes),
                            control->header().offset_table_bytes, pieces_};
    return shared.exists() ? std::optional{shared} : std::nullopt;
}

Result<std::optional<OffsetsPartition::Stand>> OffsetsPartition::stand() {
    const auto shared = table();
    const store::Life life = reader_->life();
    if (!shared || life.use == 0) return std::nullopt;
    const auto applied = shared->applied(id_.partition);
    if (!applied || life_of(*applied) != life) return std::nullopt;
    MQ_ASSIGN(const store::Bounds bounds, reader_->bounds());
    // What is closed may have been compacted, and have lost tombstones that were not applied.
    if (applied->applied < bounds.active_base.value() || applied->applied < bounds.log_start.value())
        return std::nullopt;
    return Stand{life, *applied, bounds};
}

bool OffsetsPartition::still_stands(const Stand& before) const { return reader_->life() == before.life; }

// What the records say that the table did not know when the look began.
Status OffsetsPartition::behind(const Stand& stand, FunctionRef<Status(const Effect&)> apply) {
    if (stand.applied.applied >= stand.bounds.high_watermark.value()) return {};
    const Offset first_open{std::max(stand.applied.first_open, kNoOffset.value())};
    return replay(name_,
                  {[&](Offset offset) { reader_->seek(offset); },
                   [&](log::ScannedBatch& batch) { return reader_->next(batch); }},
                  Offset{stand.applied.applied}, stand.bounds.high_watermark, first_open, apply)
        .map([](Offset) {});
}

class OffsetsPartition::Finder {
public:
    explicit Finder(OffsetsPartition& of) : of_(of) {}

    // What the record brings; nullopt if it is gone.
    [[nodiscard]] Result<std::optional<Effect>> find(Offset offset) {
        if (offset < next_ || offset > last_) {
            MQ_ASSIGN(const bool there, open_batch(offset));
            if (!there) return std::nullopt;
        }
        for (record::RecordView record; of_.records_.next(record);) {
            next_ = record.offset + 1;
            if (record.offset == offset) return read_effect(of_.name_, record);
            if (record.offset > offset) break;
        }
        next_ = Offset{0};
        last_ = kNoOffset;
        MQ_TRY(of_.records_.status());
        return std::nullopt;
    }

private:
    [[nodiscard]] Result<bool> open_batch(Offset offset) {
        store::PartitionReader& reader = *of_.reader_;
        last_ = kNoOffset;
        if (offset < reader.position() || offset - reader.position() > kNear) reader.seek(offset);
        log::ScannedBatch batch;
        do {
            MQ_ASSIGN(const log::ReadOutcome outcome, reader.next(batch));
            if (outcome != log::ReadOutcome::batch || batch.header.base_offset > offset) return false;
        } while (batch.header.last_offset() < offset);
        MQ_TRY(of_.records_.open(batch.bytes));
        next_ = batch.header.base_offset;
        last_ = batch.header.last_offset();
        return true;
    }

    OffsetsPartition& of_;
    // Of the batch that is open; none: last_ is kNoOffset.
    Offset next_{0};
    Offset last_ = kNoOffset;
};

// The private copy, as far as the log goes now.
Result<Memory*> OffsetsPartition::memory() {
    for (int attempt = 0;; ++attempt) {
        MQ_ASSIGN(const store::Bounds bounds, reader_->bounds());
        const store::Life life = reader_->life();
        const bool goes_on = memory_life_ == life && memory_end_ >= bounds.active_base;
        if (!goes_on) {
            memory_ = Memory{};
            memory_end_ = bounds.log_start;
            memory_first_open_ = kNoOffset;
            memory_life_.reset();
        }
        const auto open =
            replay(name_,
                   {[&](Offset offset) { reader_->seek(offset); },
                    [&](log::ScannedBatch& batch) { return reader_->next(batch); }},
                   memory_end_, bounds.high_watermark, memory_first_open_, [&](const Effect& effect) -> Status {
                       memory_.apply(effect);
                       return {};
                   });
        const bool moved = reader_->life() != life || (!open && open.error().code == Errc::not_found);
        memory_life_.reset();
        if (moved && attempt < kLooks) {
            MQ_ASSIGN(const bool there, open_reader());
            if (there) continue;
            memory_ = Memory{};
            return &memory_;
        }
        MQ_TRY(open);
        memory_end_ = std::max(memory_end_, bounds.high_watermark);
        memory_first_open_ = *open;
        memory_life_ = life;
        return &memory_;
    }
}

// What was committed of one partition of a topic, by the table. Not decided: the log must be asked.
Result<std::optional<Memory::Entry>> OffsetsPartition::entry_of(std::string_view group, const log::TopicPartition& id,
                                                                bool& decided) {
    decided = false;
    const shm::Hash128 hash = hash_key(group, id.topic, id.partition);
    for (int look = 0; look < kLooks; ++look) {
        MQ_ASSIGN(const auto start, stand());
        if (!start) return std::nullopt;
        shm::OffsetValue value;
        const auto seen = table()->find(id_.partition, hash, value);
        if (seen == shm::OffsetTable::Seen::unsure) continue;
        // Taken anew: what was published since the look began lies behind `applied`.
        Stand now = *start;
        MQ_ASSIGN(now.bounds, reader_->bounds());
        std::optional<Effect> latest;
        MQ_TRY(behind(now, [&](const Effect& effect) -> Status {
            if (effect.id != id || effect.group != group) return {};
            if (effect.late && latest && latest->offset && latest->record > effect.record) return {};
            latest = effect;
            return {};
        }));
        if (!still_stands(now)) continue;
        const Offset known{value.record - 1};
        if (latest && !(seen == shm::OffsetTable::Seen::yes && known > latest->record)) {
            decided = true;
            if (!latest->offset) return std::nullopt;
            return Memory::Entry{to_committed(*latest->offset), latest->record};
        }
        if (seen == shm::OffsetTable::Seen::no || known < now.bounds.log_start) {
            decided = start->applied.incomplete == 0;
            return std::nullopt;
        }
        MQ_ASSIGN(auto effect, Finder{*this}.find(known));
        if (!still_stands(now)) continue;
        // Gone: a later one has taken its place.
        if (!effect) continue;
        if (effect->id != id || effect->group != group || !effect->offset) return std::nullopt;
        decided = true;
        return Memory::Entry{to_committed(*effect->offset), known};
    }
    return std::nullopt;
}

Result<std::optional<Memory::Entry>> OffsetsPartition::fetch(std::string_view group, const log::TopicPartition& id) {
    MQ_ASSIGN(const bool there, open_reader());
    if (!there) return std::nullopt;
    bool decided = false;
    MQ_ASSIGN(auto entry, entry_of(group, id, decided));
    if (decided) return entry;
    MQ_ASSIGN(const Memory* all, memory());
    const auto known = all->groups.find(group);
    if (known == all->groups.end()) return std::nullopt;
    const auto committed = known->second.offsets.find(id);
    if (committed == known->second.offsets.end()) return std::nullopt;
    return committed->second;
}

Result<std::optional<Memory::Group>> OffsetsPartition::group_in_table(const std::string& name, bool& decided) {
    decided = false;
    const shm::Hash128 hash = hash_name(name);
    for (int look = 0; look < kLooks; ++look) {
        MQ_ASSIGN(const auto start, stand());
        if (!start || start->applied.incomplete != 0) return std::nullopt;
        std::set<std::int64_t> records;
        const auto collect = [&](std::int64_t plus_one) {
            if (plus_one > start->bounds.log_start.value()) records.insert(plus_one - 1);
        };
        const auto shared = table();
        const auto offsets = shared->visit_entries_of(
            id_.partition, hash, [&](const shm::OffsetTable::EntryView& entry) { collect(entry.value.record); });
        const auto itself = shared->find_group(
            id_.partition, hash, [&](const shm::OffsetTable::GroupView& group) { collect(group.metadata_record); });
        using Seen = shm::OffsetTable::Seen;
        if (offsets == Seen::unsure || itself == Seen::unsure) continue;
        Stand now = *start;
        MQ_ASSIGN(now.bounds, reader_->bounds());
        Memory found;
        bool all_there = true;
        Finder finder{*this};
        for (const std::int64_t record : records) {
            MQ_ASSIGN(const auto effect, finder.find(Offset{record}));
            all_there = all_there && effect && effect->group == name;
            if (!all_there) break;
            found.apply(*effect);
        }
        // One was compacted away, or is another's with the same hash.
        if (!all_there && still_stands(now) && look + 1 < kLooks) continue;
        if (!all_there) return std::nullopt;
        MQ_TRY(behind(now, [&](const Effect& effect) -> Status {
            if (effect.group != name) return {};
            // What the table knew already may be newer.
            const auto known = found.groups.find(name);
            if (known != found.groups.end() && !effect.is_metadata()) {
                const auto entry = known->second.offsets.find(effect.id);
                if (entry != known->second.offsets.end() && entry->second.record > effect.record) return {};
            }
            found.apply(effect);
            return {};
        }));
        if (!still_stands(now)) continue;
        decided = true;
        const auto group = found.groups.find(name);
        if (group == found.groups.end()) return std::nullopt;
        return std::move(group->second);
    }
    return std::nullopt;
}

Result<std::optional<Memory::Group>> OffsetsPartition::group(const std::string& name) {
    MQ_ASSIGN(const bool there, open_reader());
    if (!there) return std::nullopt;
    bool decided = false;
    MQ_ASSIGN(auto group, group_in_table(name, decided));
    if (decided) return group;
    MQ_ASSIGN(const Memory* all, memory());
    const auto known = all->groups.find(name);
    if (known == all->groups.end()) return std::nullopt;
    return known->second;
}

Result<std::vector<Group>> OffsetsPartition::groups_in_table(bool& decided) {
    decided = false;
    for (int look = 0; look < kLooks; ++look) {
        MQ_ASSIGN(const auto start, stand());
        if (!start || start->applied.incomplete != 0) return std::vector<Group>{};
        struct Seen {
            Group group;
            std::int64_t metadata_record = 0;
        };
        std::vector<Seen> seen;
        bool names_known = true;
        const bool undisturbed = table()->visit_groups(id_.partition, [&](const shm::OffsetTable::GroupView& group) {
            names_known = names_known && group.name_length == group.name.size();
            seen.push_back({{std::string{group.name}, group.entries, std::nullopt}, group.metadata_record});
        });
        if (!undisturbed) continue;
        if (!names_known) return std::vector<Group>{};
        Stand now = *start;
        MQ_ASSIGN(now.bounds, reader_->bounds());
        std::set<std::string, std::less<>> touched;
        MQ_TRY(behind(now, [&](const Effect& effect) -> Status {
            touched.insert(effect.group);
            return {};
        }));
        std::ranges::sort(seen, {}, &Seen::metadata_record);
        std::vector<Group> groups;
        Finder finder{*this};
        for (Seen& each : seen) {
            if (touched.contains(each.group.name)) continue;
            if (each.metadata_record > now.bounds.log_start.value()) {
                MQ_ASSIGN(auto effect, finder.find(Offset{each.metadata_record - 1}));
                if (!effect || effect->group != each.group.name || !effect->is_metadata()) {
                    touched.insert(each.group.name);
                    continue;
                }
                each.group.metadata = std::move(effect->metadata);
            }
            groups.push_back(std::move(each.group));
        }
        if (!still_stands(now)) continue;
        for (const std::string& name : touched) {
            MQ_ASSIGN(auto its, group(name));
            if (its) groups.push_back({name, its->offsets.size(), std::move(its->metadata)});
        }
        decided = true;
        return groups;
    }
    return std::vector<Group>{};
}

Result<std::vector<Group>> OffsetsPartition::groups() {
    MQ_ASSIGN(const bool there, open_reader());
    if (!there) return std::vector<Group>{};
    bool decided = false;
    MQ_ASSIGN(auto groups, groups_in_table(decided));
    if (decided) return groups;
    MQ_ASSIGN(const Memory* all, memory());
    groups.clear();
    for (const auto& [name, group] : all->groups) groups.push_back({name, group.offsets.size(), group.metadata});
    return groups;
}

Result<std::set<log::TopicPartition>> OffsetsPartition::pending(std::string_view group) {
    std::set<log::TopicPartition> found;
    MQ_ASSIGN(const bool there, open_reader());
    if (!there) return found;
    MQ_ASSIGN(const auto start, stand());
    if (!start) MQ_TRY(memory());
    const Offset from = start ? Offset{start->applied.applied} : memory_end_;
    const Offset first_open =
        start ? Offset{std::max(start->applied.first_open, kNoOffset.value())} : memory_first_open_;
    MQ_ASSIGN(const store::Bounds bounds, reader_->bounds());
    if (first_open == kNoOffset && from >= bounds.high_watermark) return found;
    std::vector<Effect> open;
    MQ_TRY(replay(
        name_,
        {[&](Offset offset) { reader_->seek(offset); },
         [&](log::ScannedBatch& batch) { return reader_->next(batch); }},
        from, bounds.high_watermark, first_open, [](const Effect&) { return Status{}; }, &open));
    for (Effect& effect : open)
        if (effect.group == group) found.insert(std::move(effect.id));
    return found;
}

// Errs on the side of what holds records back: an offset that was replaced while this looks counts too.
Status OffsetsPartition::consumed(const log::TopicPartition& id, ConsumedByGroup& found) {
    MQ_ASSIGN(const bool there, open_reader());
    if (!there) return {};
    const auto add = [&](const shm::Hash128& group, std::int32_t partition, Offset offset) {
        ConsumedOf& of = found[pair_of(group)];
        if (partition != id.partition) return;
        of.least = of.has_partition ? std::min(of.least, offset) : offset;
        of.has_partition = true;
    };
    const std::uint64_t topic = hash_name(id.topic).low;
    for (int look = 0; look < kLooks; ++look) {
        MQ_ASSIGN(const auto start, stand());
        if (!start || start->applied.incomplete != 0) break;
        const bool undisturbed = table()->visit_entries(id_.partition, [&](const shm::OffsetTable::EntryView& entry) {
            if (entry.topic == topic) add(entry.group, entry.partition, Offset{entry.value.offset});
        });
        Stand now = *start;
        MQ_ASSIGN(now.bounds, reader_->bounds());
        MQ_TRY(behind(now, [&](const Effect& effect) -> Status {
            if (effect.offset && effect.id.topic == id.topic)
                add(hash_name(effect.group), effect.id.partition, Offset{effect.offset->offset});
            return {};
        }));
        if (undisturbed && still_stands(now)) return {};
    }
    MQ_ASSIGN(const Memory* all, memory());
    for (const auto& [name, group] : all->groups)
        for (const auto& [of, entry] : group.offsets)
            if (of.topic == id.topic) add(hash_name(name), of.partition, entry.committed.offset);
    return {};
}

// Groups that may have something of the topic, by their hash; nullopt: all may.
Status OffsetsPartition::candidates_of_topic(std::string_view topic, std::optional<GroupHashes>& candidates) {
    const std::uint64_t hash = hash_name(topic).low;
    for (int look = 0; look < kLooks; ++look) {
        MQ_ASSIGN(const auto start, stand());
        if (!start || start->applied.incomplete != 0) return {};
        GroupHashes found;
        const bool undisturbed = table()->visit_entries(id_.partition, [&](const shm::OffsetTable::EntryView& entry) {
            if (entry.topic == hash) found.insert(pair_of(entry.group));
        });
        Stand now = *start;
        MQ_ASSIGN(now.bounds, reader_->bounds());
        MQ_TRY(behind(now, [&](const Effect& effect) -> Status {
            if (effect.id.topic == topic) found.insert(pair_of(hash_name(effect.group)));
            return {};
        }));
        if (!undisturbed || !still_stands(now)) continue;
        candidates = std::move(found);
        return {};
    }
    return {};
}

Result<std::vector<std::string>> OffsetsPartition::groups_of_topic(std::string_view topic) {
    MQ_ASSIGN(const bool there, open_reader());
    if (!there) return std::vector<std::string>{};
    std::optional<GroupHashes> candidates;
    MQ_TRY(candidates_of_topic(topic, candidates));
    std::vector<std::string> with_topic;
    if (candidates && candidates->empty()) return with_topic;
    MQ_ASSIGN(const auto all, groups());
    for (const Group& each : all) {
        if (candidates && !candidates->contains(pair_of(hash_name(each.name)))) continue;
        MQ_ASSIGN(const auto its, group(each.name));
        if (!its) continue;
        const auto first = its->offsets.lower_bound({std::string{topic}, 0});
        if (first != its->offsets.end() && first->first.topic == topic) with_topic.push_back(each.name);
    }
    return with_topic;
}

}  // namespace mq::offsets
