// --stats: what the records of .log files are like.
#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <unordered_map>

#include "cli/json.h"
#include "cli/text.h"
#include "cli/times.h"
#include "mq-dump-segment/commands.h"
#include "mq-dump-segment/rows.h"
#include "mq-dump-segment/unit_source.h"
#include "record/record.h"

namespace mq::dump {
namespace {

// A histogram over powers of two: bucket n counts values from 2^(n-1) up to 2^n - 1; bucket 0 the zeros.
using Histogram = std::array<std::uint64_t, 65>;

void add(Histogram& histogram, std::uint64_t value) { ++histogram[static_cast<std::size_t>(std::bit_width(value))]; }

struct CodecTotals {
    std::uint64_t batches = 0;
    std::uint64_t records = 0;
    std::uint64_t stored_bytes = 0;
    std::uint64_t unfolded_bytes = 0;
};

// The heaviest keys with a bounded number of counters (Misra and Gries): a key that makes up more than one part in
// kCounters of all records is always among them, its count too low by at most `missed`.
class HeavyKeys {
public:
    void add(ByteView key, std::uint64_t bytes) {
        // A long key is told by its beginning: the counters stay small.
        const std::string head{key.substr(0, kKeyBytes)};
        auto found = counters_.find(head);
        if (found == counters_.end()) {
            if (counters_.size() >= kCounters) {
                decay();
                return;
            }
            found = counters_.emplace(head, Count{}).first;
        }
        ++found->second.records;
        found->second.bytes += bytes;
    }

    struct Count {
        std::uint64_t records = 0;
        std::uint64_t bytes = 0;
    };
    [[nodiscard]] std::vector<std::pair<std::string, Count>> top(std::size_t count) const {
        std::vector<std::pair<std::string, Count>> keys(counters_.begin(), counters_.end());
        std::sort(keys.begin(), keys.end(), [](const auto& a, const auto& b) {
            return a.second.records != b.second.records ? a.second.records > b.second.records : a.first < b.first;
        });
        keys.resize(std::min(count, keys.size()));
        return keys;
    }
    [[nodiscard]] std::uint64_t missed() const { return missed_; }

private:
    static constexpr std::size_t kCounters = 16'384;
    static constexpr std::size_t kKeyBytes = 128;

    void decay() {
        ++missed_;
        for (auto counter = counters_.begin(); counter != counters_.end();) {
            counter = --counter->second.records == 0 ? counters_.erase(counter) : std::next(counter);
        }
    }

    std::unordered_map<std::string, Count> counters_;
    std::uint64_t missed_ = 0;
};

struct Stats {
    std::uint64_t batches = 0;
    std::uint64_t records = 0;
    std::uint64_t null_keys = 0;
    std::uint64_t tombstones = 0;
    std::uint64_t headers = 0;
    std::uint64_t unread_batches = 0;
    TimestampMs earliest = kNoTimestamp;
    TimestampMs latest = kNoTimestamp;
    Histogram key_bytes{};
    Histogram value_bytes{};
    Histogram batch_bytes{};
    std::map<TimestampMs, std::uint64_t> days;  // of records, by midnight UTC; at most kDays
    std::map<std::string, CodecTotals> codecs;
    HeavyKeys keys;
};

constexpr std::size_t kDays = 4096;
constexpr std::int64_t kDayMs = 86'400'000;

void add_record(Stats& stats, const record::RecordView& record) {
    ++stats.records;
    stats.headers += static_cast<std::uint64_t>(record.header_count);
    const std::uint64_t value_bytes = record.value ? record.value->size() : 0;
    add(stats.value_bytes, value_bytes);
    if (!record.value) ++stats.tombstones;
    if (record.key) {
        add(stats.key_bytes, record.key->size());
        stats.keys.add(*record.key, record.key->size() + value_bytes);
    } else {
        ++stats.null_keys;
    }
    if (record.timestamp < 0) return;
    if (stats.earliest == kNoTimestamp || record.timestamp < stats.earliest) stats.earliest = record.timestamp;
    stats.latest = std::max(stats.latest, record.timestamp);
    const TimestampMs day = record.timestamp - record.timestamp % kDayMs;
    if (stats.days.size() < kDays || stats.days.contains(day)) ++stats.days[day];
}

// False: the file is damaged; said already.
Result<bool> add_file(const Context& context, const Input& input, Stats& stats, record::RecordReader& reader) {
    os::File file = os::File::adopt(0, "stdin", true);
    if (!input.is_stream()) {
        MQ_ASSIGN(file, os::File::open(input.path, os::OpenMode::read, os::Follow::yes));
    }
    UnitLimits limits;
    limits.unit_bytes = context.options.limits.unit_bytes;
    MQ_ASSIGN(UnitSource units, UnitSource::open(file, log::ScanDepth::units, limits));
    log::ScannedBatch batch;
    bool whole = true;
    const auto tell = [&](Error error, std::uint64_t position, std::uint64_t bytes) {
        error.subject = file.path();
        error.position = position;
        error.detail += cli::cat("; ", bytes, " bytes not counted,");
        context.fail(error);
        whole = false;
    };
    while (true) {
        MQ_ASSIGN(const log::ScanOutcome outcome, units.next(batch));
        if (outcome == log::ScanOutcome::end) {
            tell_in_flight(context, input.path, units);
            return whole;
        }
        if (outcome == log::ScanOutcome::corrupt && units.error().code == Errc::too_large) {
            Error error = units.error();
            const std::uint64_t position = units.position();
            MQ_ASSIGN(const auto skipped, units.skip_large());
            if (skipped) {
                ++stats.unread_batches;
                tell(std::move(error), position, skipped->size_bytes);
                continue;
            }
        }
        if (outcome != log::ScanOutcome::batch) {
            MQ_ASSIGN(const std::uint64_t left, units.bytes_left());
            tell(outcome == log::ScanOutcome::corrupt
                     ? units.error()
                     : Error{Errc::truncated, "read batch", {}, 0, {}, "the file ends inside a batch"},
                 units.position(), left);
            return false;
        }
        const record::BatchHeader& header = batch.header;
        ++stats.batches;
        add(stats.batch_bytes, header.size_bytes);
        CodecTotals& codec = stats.codecs[std::string{record::to_string(header.codec())}];
        ++codec.batches;
        codec.stored_bytes += header.size_bytes;
        if (const Status opened = reader.open(batch.bytes); !opened) {
            ++stats.unread_batches;
            tell(opened.error(), +batch.position, header.size_bytes);
            continue;
        }
        const std::size_t header_bytes = header.magic >= record::kMagicV2 ? record::kBatchHeaderBytes : 0;
        codec.unfolded_bytes += header_bytes + reader.uncompressed_bytes();
        const std::uint64_t before = stats.records;
        for (record::RecordView record; reader.next(record);) {
            if (!header.is_control()) add_record(stats, record);
        }
        codec.records += stats.records - before;
        if (!reader.status()) tell(reader.status().error(), +batch.position, header.size_bytes);
    }
}

void print_histogram(Rows& rows, std::string_view what, const Histogram& histogram) {
    for (std::size_t bucket = 0; bucket < histogram.size(); ++bucket) {
        if (histogram[bucket] == 0) continue;
        rows.begin("size_histogram");
        rows.text("of", what, 6);
        rows.number("from_bytes", bucket == 0 ? 0 : std::int64_t{1} << (bucket - 1), 10);
        rows.number("to_bytes", bucket == 0 ? 0 : (std::int64_t{1} << bucket) - 1, 10);
        rows.number("count", static_cast<std::int64_t>(histogram[bucket]), 10).end();
    }
}

std::string ratio(std::uint64_t unfolded, std::uint64_t stored) {
    const std::uint64_t hundredths = stored == 0 ? 0 : unfolded * 100 / stored;
    const std::string fraction = std::to_string(hundredths % 100);
    return cli::cat(hundredths / 100, '.', fraction.size() == 1 ? "0" : "", fraction);
}

void print(Rows& rows, const Stats& stats, std::uint64_t top) {
    rows.begin("totals");
    rows.number("batches", static_cast<std::int64_t>(stats.batches))
        .number("records", static_cast<std::int64_t>(stats.records), 9);
    rows.number("null_keys", static_cast<std::int64_t>(stats.null_keys));
    rows.number("tombstones", static_cast<std::int64_t>(stats.tombstones));
    rows.number("headers", static_cast<std::int64_t>(stats.headers));
    rows.number("unread_batches", static_cast<std::int64_t>(stats.unread_batches));
    rows.number("earliest", stats.earliest, 13).number("latest", stats.latest, 13).end();
    for (const auto& [name, codec] : stats.codecs) {
        rows.begin("codec");
        rows.text("codec", name, 6).number("batches", static_cast<std::int64_t>(codec.batches), 8);
        rows.number("records", static_cast<std::int64_t>(codec.records), 9);
        rows.number("stored_bytes", static_cast<std::int64_t>(codec.stored_bytes));
        rows.number("unfolded_bytes", static_cast<std::int64_t>(codec.unfolded_bytes));
        const std::string text = ratio(codec.unfolded_bytes, codec.stored_bytes);
        rows.json("ratio", text).end();
    }
    print_histogram(rows, "batch", stats.batch_bytes);
    print_histogram(rows, "key", stats.key_bytes);
    print_histogram(rows, "value", stats.value_bytes);
    for (const auto& [day, records] : stats.days) {
        std::string date;
        cli::append_iso_time(date, day);
        rows.begin("day");
        rows.text("day", date.substr(0, 10), 10).number("records", static_cast<std::int64_t>(records), 10).end();
    }
    for (const auto& [key, count] : stats.keys.top(top)) {
        rows.begin("key");
        rows.number("records", static_cast<std::int64_t>(count.records), 10)
            .number("bytes", static_cast<std::int64_t>(count.bytes), 12);
        rows.number("missed_at_most", static_cast<std::int64_t>(stats.keys.missed()));
        rows.bytes("key", {Shown::Kind::bytes, key, {}});
        rows.end();
    }
}

}  // namespace

cli::ExitCode print_stats(const Context& context) {
    const Options& options = context.options;
    Rows rows = make_rows(context);
    record::RecordReader reader{options.limits.decompressed_bytes};
    return for_each_operand(context, [&](const std::string& path, const std::vector<Input>& inputs) {
        cli::ExitCode status = cli::ExitCode::ok;
        Stats stats;
        bool any = false;
        for (const Input& input : inputs) {
            if (input.type != FileType::log) continue;
            any = true;
            const auto added = add_file(context, input, stats, reader);
            if (!added && is_gone(added.error(), path, input)) continue;
            if (!added) {
                status = worse(status, context.fail(added.error()));
            } else if (!*added) {
                status = worse(status, cli::ExitCode::bad_data);
            }
        }
        if (!any) {
            status = worse(
                status, context.fail(Error{
                            Errc::unsupported, "read", path, 0, {}, "not a .log, nor a directory that holds one"}));
            return status;
        }
        rows.file(path);
        print(rows, stats, options.top);
        return status;
    });
}

}  // namespace mq::dump
