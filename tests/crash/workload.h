// What the crash tests append, and how they judge what a directory holds afterwards.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/crc32c.h"
#include "log/log.h"
#include "log/log_reader.h"
#include "log/recovery.h"
#include "log/segment_list.h"
#include "log/txn_index.h"
#include "os/file.h"
#include "record/control_record.h"
#include "record/record.h"
#include "support/batches.h"
#include "support/fast_dir.h"

namespace mq::test {

using RecordId = std::uint64_t;

// A value that proves which record it is: its number, the sum of the number, and filler that follows from the number.
inline std::string payload_of(RecordId id) {
    std::string text = std::to_string(id);
    std::string value = text + ':' + std::to_string(crc32c(text)) + ':';
    value.append(id * 7919 % 60, static_cast<char>('a' + id % 26));
    return value;
}

inline std::optional<RecordId> id_of(ByteView value) {
    RecordId id = 0;
    for (const char c : value) {
        if (c == ':') return payload_of(id) == value ? std::optional{id} : std::nullopt;
        if (c < '0' || c > '9') return std::nullopt;
        id = id * 10 + static_cast<RecordId>(c - '0');
    }
    return std::nullopt;
}

inline constexpr TimestampMs kFirstTime = 1'000'000;
// Mostly growing, now and then a step back.
inline TimestampMs time_of(RecordId id) {
    return kFirstTime + static_cast<TimestampMs>(id) * 7 - (id % 5 == 0 ? 100 : 0);
}
inline TimestampMs fixed_clock() { return kFirstTime + 1'000'000; }

// To open a partition with: the clock stands still.
inline log::OpenOptions opened_with(log::Trust trust = log::Trust::segments) {
    log::OpenOptions options;
    options.trust = trust;
    options.clock = fixed_clock;
    return options;
}

inline std::string batch_of(RecordId first, int count, const record::BatchOptions& options = {}) {
    std::vector<TestRecord> records;
    for (int i = 0; i < count; ++i) {
        const RecordId id = first + static_cast<RecordId>(i);
        records.push_back({"k" + std::to_string(id % 9), payload_of(id), time_of(id)});
    }
    return encode_batch(records, options);
}

// A transaction marker of producer `id`.
inline std::string marker_batch(ProducerId id, bool abort) {
    record::BatchOptions options;
    options.control = true;
    options.transactional = true;
    options.producer_id = id;
    options.producer_epoch = 0;
    record::BatchBuilder builder{options};
    const char key[4] = {0, 0, 0, abort ? '\0' : '\1'};
    const char value[6] = {};
    builder.add(kFirstTime, ByteView{key, 4}, ByteView{value, 6});
    return std::string{builder.finish().value()};
}

// offset -> record; control records have none.
using Content = std::map<std::int64_t, std::optional<RecordId>>;

// Adds the records of a batch; an empty string, or what is wrong with it.
inline std::string add_records(const log::ScannedBatch& batch, Content& content) {
    record::RecordReader reader;
    if (const auto opened = reader.open(batch.bytes); !opened) return opened.error().message();
    std::int64_t expected = batch.header.base_offset.value();
    for (record::RecordView record; reader.next(record); ++expected) {
        const std::string where = "offset " + std::to_string(record.offset.value());
        if (record.offset.value() != expected) return where + " instead of " + std::to_string(expected);
        if (content.contains(expected)) return where + " is there twice";
        std::optional<RecordId> id;
        if (!reader.header().is_control()) {
            id = id_of(record.value.value_or(ByteView{}));
            if (!id) return where + ": torn or foreign value";
            if (record.timestamp != time_of(*id)) return where + ": foreign timestamp";
        }
        content[expected] = id;
    }
    if (!reader.status()) return reader.status().error().message();
    return {};
}

struct ReadBack {
    Content content;
    std::string trouble;  // empty: the reader came to the end, and every step was right
};

// Everything from the log start to the high watermark, without holes.
inline ReadBack read_back(const std::string& directory, const log::PublishedState& state, bool dense = true) {
    ReadBack result;
    log::LogReader reader{directory, state};
    const Offset start = state.read().log_start;
    reader.seek(start);
    std::int64_t next = start.value();
    log::ScannedBatch batch;
    for (;;) {
        const auto outcome = reader.next(batch);
        if (!outcome) {
            result.trouble = outcome.error().message();
            return result;
        }
        if (*outcome != log::ReadOutcome::batch) {
            if (*outcome == log::ReadOutcome::out_of_range)
                result.trouble = "out of range";
            else if (next < reader.bound().value() && dense)
                result.trouble =
                    "ends at " + std::to_string(next) + " before " + std::to_string(reader.bound().value());
            return result;
        }
        if (dense && batch.header.base_offset.value() > next) {
            result.trouble = "a hole before " + std::to_string(batch.header.base_offset.value());
            return result;
        }
        result.trouble = add_records(batch, result.content);
        if (!result.trouble.empty()) return result;
        next = batch.header.next_offset().value();
        result.content.erase(result.content.begin(), result.content.lower_bound(start.value()));
    }
}

// The three indexes of every segment against its batches: what each entry says must be so, and what must be there is.
// Empty, or the first thing wrong.
inline std::string check_indexes(const std::string& directory, Offset log_start) {
    using namespace log;
    const auto listed = list_segments(directory);
    if (!listed) return listed.error().message();
    ProducerState producers;
    for (std::size_t i = 0; i < listed->size(); ++i) {
        const SegmentName name = (*listed)[i];
        const bool closed = i + 1 < listed->size();
        const auto segment = Segment::open(directory, name.base, os::OpenMode::read, name.suffix);
        if (!segment) return segment.error().message();
        const std::string file = segment->log_file().path();
        BatchScanner scanner{segment->log_file(), FilePosition{0}, FilePosition{segment->log_file().size().value()},
                             ScanDepth::units};
        std::map<std::uint64_t, record::BatchHeader> by_position;
        std::set<std::int64_t> ends;
        std::map<std::int64_t, TimestampMs> running_max;  // by last offset
        TimestampMs max = kNoTimestamp;
        std::vector<AbortedTxn> aborted;
        ScannedBatch batch;
        for (;;) {
            const auto outcome = scanner.next(batch);
            if (!outcome) return outcome.error().message();
            if (*outcome == ScanOutcome::end) break;
            if (*outcome != ScanOutcome::batch)
                return file + ": no whole batch at " + std::to_string(scanner.position().value());
            by_position[batch.position.value()] = batch.header;
            ends.insert(batch.header.last_offset().value());
            max = std::max(max, batch.header.max_timestamp);
            running_max[batch.header.last_offset().value()] = max;
            const auto txn = replay_batch(batch, producers);
            if (!txn) return txn.error().message();
            if (*txn && (*txn)->first_offset >= log_start) aborted.push_back(**txn);
        }
        const auto offsets = segment->offset_index()->read_all();
        if (!offsets) return offsets.error().message();
        std::int64_t last_offset = -1;
        for (const auto& entry : *offsets) {
            const std::string what = file + ": index entry " + std::to_string(entry.offset.value());
            const auto at = by_position.find(entry.position.value());
            if (at == by_position.end()) return what + " points at no batch";
            if (at->second.base_offset > entry.offset || !ends.contains(entry.offset.value()))
                return what + " names another batch";
            if (entry.offset.value() <= last_offset) return what + " does not grow";
            last_offset = entry.offset.value();
        }
        if (segment->offset_index()->file().size().value() != offsets->size() * kOffsetIndexEntryBytes)
            return file + ": the index has a tail";
        const auto times = segment->time_index()->read_all();
        if (!times) return times.error().message();
        TimestampMs last_time = kNoTimestamp;
        for (const auto& entry : *times) {
            const std::string what = file + ": time index entry " + std::to_string(entry.timestamp);
            const auto holder = running_max.lower_bound(entry.offset.value());
            if (holder == running_max.end()) return what + " names an offset past the end";
            if (holder->second != entry.timestamp)
                return what + ", but up to there the largest is " + std::to_string(holder->second);
            if (entry.timestamp <= last_time) return what + " does not grow";
            last_time = entry.timestamp;
        }
        if (segment->time_index()->file().size().value() != times->size() * kTimeIndexEntryBytes)
            return file + ": the time index has a tail";
        if (closed && max != last_time) return file + ": the last time index entry is not the largest timestamp";
        auto txns = read_txn_index(segment_paths(directory, name.base, name.suffix).txn_index);
        if (!txns) return txns.error().message();
        std::erase_if(*txns, [&](const AbortedTxn& txn) { return txn.first_offset < log_start; });
        if (*txns != aborted)
            return file + ": " + std::to_string(txns->size()) + " aborted transactions listed, " +
                   std::to_string(aborted.size()) + " in the log";
    }
    return {};
}

// A recovery point kept beside the partition, as a data directory keeps it.
class PointFile {
public:
    explicit PointFile(std::string path) : path_(std::move(path)) {}
    [[nodiscard]] Offset read() const {
        const auto text = os::read_file(path_);
        return Offset{text ? std::stoll(*text) : 0};
    }
    [[nodiscard]] std::function<Status(Offset)> writer() const {
        return [path = path_](Offset point) { return os::replace_file(path, std::to_string(point.value())); };
    }

private:
    std::string path_;
};

}  // namespace mq::test
