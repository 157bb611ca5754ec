#include "storm/store_life.h"

#include <set>

#include "crash/workload.h"
#include "record/record.h"

namespace mq::test {
namespace {

enum : std::uint16_t { kSteady, kChanging, kCompacted };

// A segment holds about seven batches, an index five entries.
store::ConfigMap config_of(std::uint16_t partition) {
    store::ConfigMap config{{"segment.bytes", "1500"},
                            {"index.interval.bytes", "1"},
                            {"retention.ms", "-1"},
                            {"segment.index.bytes", "80"}};
    if (partition == kChanging) config["retention.bytes"] = "3000";
    if (partition == kCompacted) {
        config["cleanup.policy"] = "compact";
        config["min.cleanable.dirty.ratio"] = "0";
    }
    return config;
}

}  // namespace

const std::array<log::TopicPartition, 3>& StoreLife::partitions() {
    static const std::array<log::TopicPartition, 3> all{{{"steady", 0}, {"changing", 0}, {"compacted", 0}}};
    return all;
}

StoreLife::StoreLife(LifeStart start) : Life(start) { board_->truncated_to.store(INT64_MAX); }

Status StoreLife::append(store::PartitionWriter& writer, unsigned client, std::uint16_t partition,
                         std::uint32_t count) const {
    ClientLog log = history_.client(client);
    const std::uint64_t first = storm_record(client, board_->next_record[client].fetch_add(count));
    const auto step = log.begin_send(partition, first, count);
    std::string batch = storm_batch(partitions()[partition], first, count);
    const auto result = writer.append(batch);
    if (!result) {
        log.fail(step);
        return fail(result.error());
    }
    log.acknowledge(step, result->first_offset.value(), result->last_offset.value());
    return {};
}

Status StoreLife::make_topics(store::DataDirectory& directory) const {
    for (std::uint16_t i = 0; i < partitions().size(); ++i) {
        const auto made = directory.create_topic({partitions()[i].topic, 1, 1, config_of(i)});
        if (!made && made.error().code != Errc::already_exists) return fail(made.error());
    }
    return {};
}

Status StoreLife::prepare_all() const {
    if (start() == LifeStart::fresh) return {};
    MQ_ASSIGN(auto directory, open_data(data()));
    MQ_TRY(make_topics(directory));
    const std::uint32_t batches = start() == LifeStart::first_batch   ? 0
                                  : start() == LifeStart::mid_segment ? 3
                                  : start() == LifeStart::roll_due    ? 6
                                                                      : 9;
    for (std::uint16_t i = 0; i < partitions().size(); ++i) {
        MQ_ASSIGN(auto writer, directory.open_writer(partitions()[i]));
        // Few large batches fill the segment, many small ones its index.
        for (std::uint32_t n = 0; n < batches; ++n)
            MQ_TRY(append(*writer, 7, i, start() == LifeStart::index_full ? 1 : 2));
    }
    return directory.close();
}

// No id is given out twice, whoever dies (PID-3).
Status StoreLife::claim_ids(store::DataDirectory& directory) const {
    const std::int64_t known = board_->ids_below.load();
    MQ_ASSIGN(const ProducerId first, directory.claim_producer_ids(10));
    if (first < known) return fail(broken("producer id " + std::to_string(first) + " again"));
    for (std::int64_t below = known; below < first + 10;) {
        if (board_->ids_below.compare_exchange_weak(below, first + 10)) break;
    }
    return {};
}

Status StoreLife::change_topics(store::DataDirectory& directory) const {
    MQ_TRY(claim_ids(directory));
    // A racer of an earlier death may have left it.
    const auto made = directory.create_topic({"temporary", 1, 1, {}});
    if (!made && made.error().code != Errc::already_exists) return fail(made.error());
    MQ_TRY(directory.set_partitions("temporary", 3));
    MQ_TRY(directory.change_config("temporary", {{"retention.ms", "1000"}, {"segment.bytes", "1400"}}));
    MQ_ASSIGN(auto writer, directory.open_writer({"temporary", 2}));
    std::string batch = storm_batch({"temporary", 2}, 1, 1);
    MQ_TRY(writer->append(batch));
    MQ_TRY(directory.change_config("temporary", {{"retention.ms", std::nullopt}}));
    return directory.delete_topic("temporary");
}

Status StoreLife::live_in(store::DataDirectory& directory) const {
    MQ_TRY(make_topics(directory));
    {
        MQ_ASSIGN(auto writer, directory.open_writer(partitions()[kSteady]));
        for (std::uint32_t i = 0; i < 10; ++i) {
            MQ_TRY(append(*writer, 0, kSteady, 1 + i % 3));
            if (i == 3) MQ_TRY(writer->flush());
            if (i == 5) MQ_TRY(writer->roll());
        }
        MQ_TRY(writer->checkpoint());
        MQ_TRY(append(*writer, 0, kSteady, 1));
        MQ_ASSIGN(auto reader, directory.open_reader(partitions()[kSteady]));
        log::ScannedBatch batch;
        for (auto outcome = log::ReadOutcome::batch; outcome == log::ReadOutcome::batch;) {
            MQ_ASSIGN(outcome, reader->next(batch));
        }
    }
    {
        MQ_ASSIGN(auto writer, directory.open_writer(partitions()[kChanging]));
        for (std::uint32_t i = 0; i < 9; ++i) MQ_TRY(append(*writer, 0, kChanging, 2));
        for (const int back : {2, 12}) {  // inside the active segment, and below it
            MQ_ASSIGN(const auto bounds, writer->bounds());
            const std::int64_t to = std::max(bounds.log_end.value() - back, bounds.log_start.value());
            board_->truncated_events.store(history_.client(0).used());
            board_->truncated_to.store(std::min(to, board_->truncated_to.load()));
            MQ_TRY(writer->truncate_to(Offset{to}));
            for (std::uint32_t i = 0; i < 3; ++i) MQ_TRY(append(*writer, 0, kChanging, 2));
        }
        MQ_TRY(writer->flush());
        MQ_ASSIGN(const auto bounds, writer->bounds());
        board_->trimmed_to.store(bounds.log_end.value() - 2);
        MQ_TRY(writer->trim(bounds.log_end - 4));
        MQ_TRY(writer->apply_retention());
        MQ_TRY(append(*writer, 0, kChanging, 1));
    }
    {
        MQ_ASSIGN(auto writer, directory.open_writer(partitions()[kCompacted]));
        for (std::uint32_t i = 0; i < 9; ++i) MQ_TRY(append(*writer, 0, kCompacted, 3));
        MQ_TRY(writer->compact());
        MQ_TRY(append(*writer, 0, kCompacted, 1));
    }
    MQ_TRY(change_topics(directory));
    MQ_TRY(directory.close());
    return directory.close_cleanly().map([](bool) {});
}

Status StoreLife::live_all() const {
    MQ_ASSIGN(auto directory, open_data(data()));
    return live_in(directory);
}

Status StoreLife::race_all(unsigned client, bool tidy) const {
    MQ_ASSIGN(auto directory, open_data(data()));
    MQ_TRY(make_topics(directory));
    for (std::uint16_t i = 0; i < partitions().size(); ++i) {
        MQ_ASSIGN(auto writer, directory.open_writer(partitions()[i]));
        MQ_TRY(append(*writer, client, i, 1));
        MQ_TRY(writer->flush());
    }
    MQ_TRY(claim_ids(directory));
    MQ_ASSIGN(auto topics, directory.topics());
    for (const auto& topic : topics) {
        if (!tidy || topic.name != "temporary") continue;
        const auto gone = directory.delete_topic(topic.name);
        if (!gone && gone.error().code != Errc::not_found) return fail(gone.error());
    }
    return directory.close();
}

Status StoreLife::read_all() const {
    MQ_ASSIGN(auto directory, open_data(data(), store::Access::read));
    MQ_TRY(directory.topics());
    for (const auto& partition : partitions()) {
        auto reader = directory.open_reader(partition);
        if (!reader && reader.error().code == Errc::not_found) continue;
        if (!reader) return fail(reader.error());
        const auto bounds = (*reader)->bounds();
        if (!bounds && bounds.error().code == Errc::not_found) continue;
        if (!bounds) return fail(bounds.error());
        (*reader)->seek(bounds->log_start);
        log::ScannedBatch batch;
        for (;;) {
            MQ_ASSIGN(const auto outcome, (*reader)->next(batch));
            if (outcome == log::ReadOutcome::end_of_log) break;
            if (outcome == log::ReadOutcome::out_of_range) {
                MQ_ASSIGN(const auto now, (*reader)->bounds());
                (*reader)->seek(now.log_start);
            }
        }
    }
    return {};
}

Status StoreLife::judge_partition(store::DataDirectory& directory, std::uint16_t number, unsigned racers) const {
    const auto& id = partitions()[number];
    auto reader = directory.open_reader(id);
    if (!reader) return fail(reader.error());
    MQ_ASSIGN(const auto bounds, (*reader)->bounds());
    (*reader)->seek(bounds.log_start);
    std::map<std::int64_t, std::uint64_t> at;
    std::map<std::uint64_t, std::int64_t> offset_of;
    std::int64_t next = bounds.log_start.value();
    log::ScannedBatch batch;
    record::RecordReader records;
    for (;;) {
        MQ_ASSIGN(const auto outcome, (*reader)->next(batch));
        if (outcome != log::ReadOutcome::batch) break;
        MQ_TRY(records.open(batch.bytes));
        for (record::RecordView record; records.next(record);) {
            if (record.offset.value() < next) {
                if (batch.header.base_offset.value() < bounds.log_start.value()) continue;
                return fail(
                    broken("offset " + std::to_string(record.offset.value()) + " after " + std::to_string(next)));
            }
            const auto parsed = record.value ? storm_id(id, *record.value) : std::nullopt;
            const std::uint64_t record_id = parsed.value_or(0);
            const std::string where = " at offset " + std::to_string(record.offset.value()) + " of " + id.topic;
            if (!parsed) return fail(broken("a torn or foreign record" + where));
            if (number != kCompacted && record.offset.value() != next) return fail(broken("a hole" + where));
            if (!offset_of.emplace(record_id, record.offset.value()).second)
                return fail(broken("a record twice" + where));
            at[record.offset.value()] = record_id;
            next = record.offset.value() + 1;
        }
        MQ_TRY(records.status());
    }
    if (number != kCompacted && next != bounds.log_end.value())
        return fail(
            broken(id.topic + " ends at " + std::to_string(next) + " of " + std::to_string(bounds.log_end.value())));

    std::set<std::uint64_t> sent;
    std::map<std::uint64_t, std::int64_t> last_of_key;  // a later record of the same key replaces an earlier one
    for (unsigned client = 0; client < history_.clients(); ++client) {
        std::uint64_t event_number = 0;
        for (const auto& event : history_.events(client)) {
            ++event_number;
            if (event.partition != number) continue;
            for (std::uint32_t i = 0; i < event.count; ++i) sent.insert(event.id + i);
            if (event.outcome.load() != HistoryOutcome::acknowledged) continue;
            // A racer beside a life that goes on may be cut by it; one that came after a death is not.
            const bool before_cut = client == 7 || (client != 0 && racers == 0) ||
                                    (client == 0 && event_number <= board_->truncated_events.load());
            for (std::uint32_t i = 0; i < event.count; ++i) {
                const std::int64_t offset = event.first + i;
                const std::string where = " at offset " + std::to_string(offset) + " of " + id.topic;
                const auto found = at.find(offset);
                const bool may_be_gone =
                    number == kCompacted ||
                    (number == kChanging && ((before_cut && offset >= board_->truncated_to.load()) ||
                                             offset < std::max(board_->trimmed_to.load(), bounds.log_start.value())));
                if (found == at.end() && !may_be_gone) return fail(broken("an acknowledged record is lost" + where));
                if (found != at.end() && found->second != event.id + i && !may_be_gone)
                    return fail(broken("another record" + where));
                if (number == kCompacted) {
                    auto& last = last_of_key[(event.id + i) % 13];
                    last = std::max(last, offset);
                }
            }
        }
    }
    for (const auto& [offset, record] : at)
        if (!sent.contains(record)) return fail(broken("an invented record at offset " + std::to_string(offset)));
    // Of each key the last record stays, or a later one of unknown fate took its place.
    for (const auto& [key, offset] : last_of_key) {
        bool found = false;
        for (auto later = at.lower_bound(offset); later != at.end() && !found; ++later)
            found = later->second % 13 == key;
        if (!found) return fail(broken("compaction lost key " + std::to_string(key)));
    }
    for (unsigned racer = 1; racer <= racers; ++racer)
        if (!offset_of.contains(storm_record(racer, number)))
            return fail(broken("a racer's record is missing in " + id.topic));
    const std::string index_trouble = check_indexes(data() + "/" + log::partition_directory(id), bounds.log_start);
    if (!index_trouble.empty()) return fail(broken(index_trouble));
    return {};
}

Status StoreLife::judge_all(unsigned racers) const {
    MQ_ASSIGN(auto directory, open_data(data()));
    for (std::uint16_t i = 0; i < partitions().size(); ++i) MQ_TRY(judge_partition(directory, i, racers));
    MQ_ASSIGN(const auto topics, directory.topics());
    if (racers > 0 && topics.size() != partitions().size())
        return fail(broken(std::to_string(topics.size()) + " topics instead of three"));
    // Work goes on.
    for (std::uint16_t i = 0; i < partitions().size(); ++i) {
        MQ_ASSIGN(auto writer, directory.open_writer(partitions()[i]));
        MQ_TRY(append(*writer, 6, i, 1));
        MQ_TRY(writer->roll());
    }
    return directory.close();
}

}  // namespace mq::test
