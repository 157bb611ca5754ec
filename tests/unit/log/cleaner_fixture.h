// A log to compact, and plain reading of what is in it.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "log/cleaner.h"
#include "log/log_reader.h"
#include "record/batch_builder.h"
#include "record/control_record.h"
#include "support/temp_dir.h"

namespace mq::log::cleaner_test {

inline TimestampMs now_ms = 1'000'000;
inline TimestampMs test_clock() { return now_ms; }

using Text = std::optional<std::string>;

struct Rec {
    std::int64_t offset = 0;
    Text key;
    Text value;
    TimestampMs timestamp = 0;
    bool operator==(const Rec&) const = default;
};
inline std::ostream& operator<<(std::ostream& out, const Rec& r) {
    return out << r.offset << ":" << r.key.value_or("-") << "=" << r.value.value_or("-") << "@" << r.timestamp;
}

struct Unit {
    record::BatchHeader header;
    std::vector<Rec> records;
    std::string bytes;
    Offset segment;
};

inline NullableBytes view_of(const Text& text) { return text ? NullableBytes{*text} : std::nullopt; }
inline Text text_of(NullableBytes bytes) { return bytes ? Text{std::string{*bytes}} : std::nullopt; }

inline std::vector<Rec> records_of(ByteView unit) {
    record::RecordReader reader;
    const auto opened = reader.open(unit);
    EXPECT_TRUE(opened) << opened.error().message();
    std::vector<Rec> records;
    for (record::RecordView r; reader.next(r);)
        records.push_back({r.offset.value(), text_of(r.key), text_of(r.value), r.timestamp});
    EXPECT_TRUE(reader.status());
    return records;
}

// Every unit of every segment, by plain walking of the files; each checksum is held.
inline std::vector<Unit> units_of(const std::string& directory, const std::vector<Offset>& bases) {
    std::vector<Unit> units;
    for (const Offset base : bases) {
        const auto bytes = os::read_file(segment_paths(directory, base).log);
        EXPECT_TRUE(bytes);
        for (std::size_t at = 0; bytes && at < bytes->size();) {
            const auto header = record::parse_batch_header(ByteView{*bytes}.substr(at));
            EXPECT_TRUE(header);
            const std::string unit = bytes->substr(at, header->size_bytes);
            EXPECT_TRUE(record::verify_batch_checksum(unit, *header));
            units.push_back({*header, records_of(unit), unit, base});
            at += header->size_bytes;
        }
    }
    return units;
}

// Data records, as a reader meets them from `from` on.
inline std::vector<Rec> read_from(const std::string& directory, const PublishedState& state, Offset from,
                                  Isolation isolation = Isolation::read_uncommitted) {
    LogReader reader{directory, state, isolation};
    reader.seek(from);
    std::vector<Rec> records;
    for (ScannedBatch batch;;) {
        const auto outcome = reader.next(batch);
        EXPECT_TRUE(outcome) << outcome.error().message();
        if (!outcome || *outcome != ReadOutcome::batch) break;
        if (batch.header.is_control()) continue;
        for (auto& record : records_of(batch.bytes))
            if (record.offset >= from.value()) records.push_back(std::move(record));
    }
    return records;
}

// The value of each key by a plain loop; a tombstone leaves nothing.
inline std::map<std::string, std::string> latest_of(const std::vector<Rec>& records,
                                                    const std::set<std::int64_t>& aborted = {}) {
    std::map<std::string, std::string> latest;
    for (const Rec& r : records) {
        if (!r.key || aborted.contains(r.offset)) continue;
        if (r.value)
            latest[*r.key] = *r.value;
        else
            latest.erase(*r.key);
    }
    return latest;
}

struct Producer {
    ProducerId id = kNoProducerId;
    ProducerEpoch epoch = 0;
    std::int32_t sequence = 0;
};

inline LogConfig compacted() {
    LogConfig config;
    config.cleanup_delete = false;
    config.cleanup_compact = true;
    config.delete_retention_ms = 1000;
    config.retention_ms = kNoLimit;
    config.producer_id_expiration_ms = 1'000'000'000;
    return config;
}

// A scratch directory in memory where there is one: a cleaning syncs a dozen times, and these tests clean thousands
// of times.
class FastTempDir {
public:
    FastTempDir() {
        const char* before = std::getenv("TMPDIR");
        const Text kept = before == nullptr ? Text{} : Text{before};
        if (access("/dev/shm", W_OK) == 0) setenv("TMPDIR", "/dev/shm", 1);
        dir_.emplace();
        if (kept)
            setenv("TMPDIR", kept->c_str(), 1);
        else
            unsetenv("TMPDIR");
    }
    [[nodiscard]] std::string operator/(std::string_view name) const { return *dir_ / name; }

private:
    std::optional<test::TempDir> dir_;
};

// One partition in a directory of its own.
class Partition {
public:
    explicit Partition(const LogConfig& settings = compacted()) : config(settings), directory_(root_ / "p-0") {
        open(Trust::clean);
    }
    // A copy of another directory.
    Partition(const std::string& from, const LogConfig& settings, Trust trust)
        : config(settings), directory_(root_ / "p-0") {
        test::copy_tree(from, directory_);
        open(trust);
    }

    void open(Trust trust) {
        log_.reset();
        OpenOptions options;
        options.trust = trust;
        options.clock = test_clock;
        auto opened = Log::open(directory_, config, state, options);
        ASSERT_TRUE(opened) << opened.error().message();
        log_.emplace(std::move(*opened));
    }

    Offset add(const std::vector<Rec>& records, record::BatchOptions options = {}, Producer* producer = nullptr) {
        if (producer != nullptr) {
            options.producer_id = producer->id;
            options.producer_epoch = producer->epoch;
            options.base_sequence = producer->sequence;
            producer->sequence += static_cast<std::int32_t>(records.size());
        }
        record::BatchBuilder builder{options};
        for (const Rec& r : records) builder.add(r.timestamp, view_of(r.key), view_of(r.value));
        const auto batch = builder.finish();
        EXPECT_TRUE(batch);
        std::string bytes{*batch};
        const auto done = log_->append({bytes.data(), bytes.size()});
        EXPECT_TRUE(done) << done.error().message();
        return done ? done->first_offset : kNoOffset;
    }
    // A record in a batch of its own.
    Offset put(const Text& key, const Text& value, TimestampMs timestamp = 10) {
        return add({{0, key, value, timestamp}});
    }
    Offset put_in_txn(Producer& producer, const Text& key, const Text& value) {
        record::BatchOptions options;
        options.transactional = true;
        return add({{0, key, value, 10}}, options, &producer);
    }
    Offset end_txn(const Producer& producer, record::ControlType type) {
        auto marker = record::encode_end_transaction({producer.id, producer.epoch, type, 0, 10});
        AppendOptions options;
        options.origin = AppendOrigin::coordinator;
        const auto done = log_->append(marker, options);
        EXPECT_TRUE(done) << done.error().message();
        return done ? done->first_offset : kNoOffset;
    }
    void roll() { ASSERT_TRUE(log_->roll()); }

    CleanResult clean_from(std::int64_t first_dirty, CleanerOptions options = {}) {
        options.clock = test_clock;
        const auto result = clean(*log_, Offset{first_dirty}, options);
        EXPECT_TRUE(result) << result.error().message();
        return result.value_or(CleanResult{});
    }

    std::vector<Unit> units() { return units_of(directory_, log_->segment_bases()); }
    // "3:a=x" of every data record, in a line.
    std::string content() {
        std::string line;
        for (const Unit& unit : units()) {
            if (unit.header.is_control()) {
                line += "[" + std::to_string(unit.header.base_offset.value()) +
                        (unit.records.empty() ? " emptied] " : "] ");
                continue;
            }
            if (unit.records.empty()) line += std::to_string(unit.header.base_offset.value()) + ":empty ";
            for (const Rec& r : unit.records)
                line += std::to_string(r.offset) + ":" + r.key.value_or("-") + "=" + r.value.value_or("-") + " ";
        }
        if (!line.empty()) line.pop_back();
        return line;
    }
    std::vector<Rec> read(Offset from = Offset{0}) { return read_from(directory_, state, from); }
    // Name -> content of every file.
    std::map<std::string, std::string> files() const {
        std::map<std::string, std::string> found;
        const auto entries = os::list_directory(directory_);
        EXPECT_TRUE(entries);
        for (const auto& entry : *entries) found[entry.name] = *os::read_file(os::join(directory_, entry.name));
        return found;
    }

    Log& log() { return *log_; }
    const std::string& directory() const { return directory_; }

    LogConfig config;
    PublishedState state;

private:
    FastTempDir root_;
    std::string directory_;
    std::optional<Log> log_;
};

inline std::vector<Offset> offsets(std::initializer_list<std::int64_t> values) {
    std::vector<Offset> result;
    for (const auto v : values) result.emplace_back(v);
    return result;
}

}  // namespace mq::log::cleaner_test
