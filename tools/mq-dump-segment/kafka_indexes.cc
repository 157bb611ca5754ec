// The indexes and snapshots of KafkaDump.
#include <algorithm>

#include "base/crc32c.h"
#include "log/offset_index.h"
#include "log/producer_snapshot.h"
#include "log/time_index.h"
#include "log/txn_index.h"
#include "mq-dump-segment/kafka_dump.h"
#include "mq-dump-segment/unit_source.h"

namespace mq::dump {
namespace {

constexpr std::uint64_t kIndexLimit = std::uint64_t{64} << 20;

std::string sibling(const std::string& path, std::string_view extension) {
    const std::string name{os::base_name(path)};
    return path.substr(0, path.size() - name.size()) + name.substr(0, name.find('.')) + std::string{extension};
}

// Everything in the file is taken as entries, as Kafka does when it opens one; bytes over do not count.
template <typename Entry>
std::vector<Entry> decode_all(ByteView bytes, std::size_t entry_bytes, Offset base,
                              Entry (*decode)(const char*, Offset)) {
    std::vector<Entry> entries;
    for (std::size_t i = 0; i + entry_bytes <= bytes.size(); i += entry_bytes) {
        entries.push_back(decode(bytes.data() + i, base));
    }
    return entries;
}

tl::unexpected<Error> insane(const std::string& path, std::string detail) {
    return fail(Errc::corrupt, "sanity check", path, std::move(detail));
}

// As java.util.OptionalLong and scala.Option print themselves.
std::string optional_offset(Offset offset, bool is_2_4) {
    if (offset < Offset{0}) return is_2_4 ? "None" : "OptionalLong.empty";
    return (is_2_4 ? "Some(" : "OptionalLong[") + std::to_string(+offset) + (is_2_4 ? ")" : "]");
}

constexpr std::size_t kSnapshotCrcCoverageStart = 6;
constexpr std::size_t kSnapshotCountAt = 6;

// In the words of Kafka; empty if the snapshot is good.
std::string snapshot_problem(ByteView bytes) {
    const auto schema_problem = "Snapshot failed schema validation: Error reading field 'producer_entries'";
    if (bytes.size() < log::kSnapshotHeaderBytes) return schema_problem;
    const auto version = load_be<std::int16_t>(bytes.data());
    const auto crc = load_be<std::uint32_t>(bytes.data() + 2);
    const auto count = load_be<std::int32_t>(bytes.data() + kSnapshotCountAt);
    const std::size_t room = (bytes.size() - log::kSnapshotHeaderBytes) / log::kSnapshotEntryBytes;
    if (count < 0 || static_cast<std::size_t>(count) > room) return schema_problem;
    if (version != 1) return "Snapshot contained an unknown file version " + std::to_string(version);
    const std::uint32_t computed = crc32c(bytes.substr(kSnapshotCrcCoverageStart));
    if (computed == crc) return {};
    return "Snapshot is corrupt (CRC is no longer valid). Stored crc: " + std::to_string(crc) +
           ". Computed crc: " + std::to_string(computed);
}

}  // namespace

Status KafkaDump::dump_index(const std::string& path, Offset base_offset) {
    MQ_ASSIGN(const os::File log_file, os::File::open(sibling(path, ".log"), os::OpenMode::read, os::Follow::yes));
    MQ_ASSIGN(const std::string bytes, os::read_file(path, kIndexLimit));
    const auto entries = decode_all(bytes, log::kOffsetIndexEntryBytes, base_offset, &log::decode_offset_index_entry);
    if (entries.empty() && !is_2_4()) {
        out_ << path << " is empty.\n";
        return {};
    }
    if (options_.sanity_check_only) {
        if (!entries.empty() && entries.back().offset < base_offset) {
            return insane(path,
                          "the last offset " + std::to_string(+entries.back().offset) + " is below the base offset");
        }
        if (bytes.size() % log::kOffsetIndexEntryBytes != 0) {
            return insane(path, std::to_string(bytes.size()) + " bytes are not a multiple of 8");
        }
        out_ << path << " passed sanity check.\n";
        return {};
    }
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const auto& [offset, position] = entries[i];
        if (offset == base_offset && i > 0) return {};  // the zeros of a preallocated tail
        UnitLimits limits;
        limits.start = +position;
        MQ_ASSIGN(UnitSource units, UnitSource::open(log_file, log::ScanDepth::headers, limits));
        log::ScannedBatch batch;
        MQ_ASSIGN(const log::ScanOutcome outcome, units.next(batch));
        if (outcome != log::ScanOutcome::batch) {
            return fail(Errc::corrupt, "look up", path,
                        "the entry of offset " + std::to_string(+offset) + " points at byte " +
                            std::to_string(+position) + " of the log, where no batch is");
        }
        if (batch.header.last_offset() != offset) {
            pairs_of(index_mismatches_, path).emplace_back(+offset, +batch.header.last_offset());
        }
        if (!options_.verify_index_only) {
            out_ << "offset: " << +offset << " position: " << +position << '\n';
        }
    }
    return {};
}

Status KafkaDump::check_time_entry(const os::File& log_file, const std::string& path, std::uint64_t start,
                                   Offset offset, TimestampMs timestamp, TimestampMs previous) {
    UnitLimits limits;
    limits.start = start;
    limits.unit_bytes = options_.limits.unit_bytes;
    MQ_ASSIGN(UnitSource units, UnitSource::open(log_file, log::ScanDepth::units, limits));
    log::ScannedBatch batch;
    while (true) {
        MQ_ASSIGN(const log::ScanOutcome outcome, units.next(batch));
        if (outcome == log::ScanOutcome::corrupt) return fail(units.error());
        if (outcome != log::ScanOutcome::batch) {
            pairs_of(time_not_found_, path).emplace_back(+offset, -1);
            return {};
        }
        if (batch.header.last_offset() >= offset) break;
    }
    if (batch.header.last_offset() != offset) {
        pairs_of(time_not_found_, path).emplace_back(+offset, +batch.header.last_offset());
        return {};
    }
    TimestampMs largest = kNoTimestamp;
    record::RecordReader reader{options_.limits.decompressed_bytes};
    MQ_TRY(reader.open(batch.bytes));
    for (record::RecordView record; reader.next(record);) largest = std::max(largest, record.timestamp);
    MQ_TRY(reader.status());
    if (largest != timestamp) pairs_of(time_mismatches_, path).emplace_back(timestamp, largest);
    if (previous >= timestamp) pairs_of(time_out_of_order_, path).emplace_back(timestamp, previous);
    return {};
}

Status KafkaDump::dump_time_index(const std::string& path, Offset base_offset) {
    MQ_ASSIGN(const os::File log_file, os::File::open(sibling(path, ".log"), os::OpenMode::read, os::Follow::yes));
    MQ_ASSIGN(const std::string index_bytes, os::read_file(sibling(path, ".index"), kIndexLimit));
    MQ_ASSIGN(const std::string bytes, os::read_file(path, kIndexLimit));
    const auto index =
        decode_all(index_bytes, log::kOffsetIndexEntryBytes, base_offset, &log::decode_offset_index_entry);
    const auto entries = decode_all(bytes, log::kTimeIndexEntryBytes, base_offset, &log::decode_time_index_entry);
    if (options_.sanity_check_only) {
        if (!entries.empty() && entries.back().timestamp < entries.front().timestamp) {
            return insane(path, "the last timestamp " + std::to_string(entries.back().timestamp) +
                                    " is below the first, " + std::to_string(entries.front().timestamp));
        }
        if (!entries.empty() && entries.back().offset < base_offset) {
            return insane(path,
                          "the last offset " + std::to_string(+entries.back().offset) + " is below the base offset");
        }
        if (bytes.size() % log::kTimeIndexEntryBytes != 0) {
            return insane(path, std::to_string(bytes.size()) + " bytes are not a multiple of 12");
        }
        out_ << path << " passed sanity check.\n";
        return {};
    }
    TimestampMs previous = kNoTimestamp;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const auto& [timestamp, offset] = entries[i];
        if (offset == base_offset && i > 0) return {};
        const auto above = std::upper_bound(index.begin(), index.end(), offset,
                                            [](Offset o, const log::OffsetIndexEntry& e) { return o < e.offset; });
        const std::uint64_t start = above == index.begin() ? 0 : +std::prev(above)->position;
        MQ_TRY(check_time_entry(log_file, path, start, offset, timestamp, previous));
        if (!options_.verify_index_only) out_ << "timestamp: " << timestamp << " offset: " << +offset << '\n';
        previous = timestamp;
    }
    return {};
}

Status KafkaDump::dump_txn_index(const std::string& path) {
    MQ_ASSIGN(const std::string bytes, os::read_file(path, kIndexLimit));
    for (std::size_t i = 0; i + log::kAbortedTxnBytes <= bytes.size(); i += log::kAbortedTxnBytes) {
        MQ_ASSIGN(const log::AbortedTxn txn, log::decode_aborted_txn(bytes.data() + i));
        out_ << "version: 0 producerId: " << txn.producer_id << " firstOffset: " << +txn.first_offset
             << " lastOffset: " << +txn.last_offset << " lastStableOffset: " << +txn.last_stable_offset << '\n';
    }
    return {};
}

Status KafkaDump::dump_snapshot(const std::string& path) {
    const auto bytes = os::read_file(path, kIndexLimit);
    if (!bytes) return fail(bytes.error());
    const std::string problem = snapshot_problem(*bytes);
    if (!problem.empty()) {
        static_cast<void>(out_.flush());
        err_ << problem << '\n';
        static_cast<void>(err_.flush());
        damaged_ = true;
        return {};
    }
    ByteCursor cursor{ByteView{*bytes}.substr(log::kSnapshotHeaderBytes)};
    const auto count = load_be<std::int32_t>(bytes->data() + kSnapshotCountAt);
    for (std::int32_t i = 0; i < count; ++i) print_producer(cursor);
    return {};
}

void KafkaDump::print_producer(ByteCursor& cursor) {
    const auto producer_id = cursor.be<std::int64_t>();
    const auto producer_epoch = cursor.be<std::int16_t>();
    const auto last_sequence = cursor.be<std::int32_t>();
    const auto last_offset = cursor.be<std::int64_t>();
    const auto offset_delta = cursor.be<std::int32_t>();
    const auto timestamp = cursor.be<std::int64_t>();
    const auto coordinator_epoch = cursor.be<std::int32_t>();
    const Offset txn_first{cursor.be<std::int64_t>()};
    out_ << "producerId: " << producer_id << " producerEpoch: " << producer_epoch
         << " coordinatorEpoch: " << coordinator_epoch
         << " currentTxnFirstOffset: " << optional_offset(txn_first, is_2_4()) << ' ';
    if (!is_2_4()) out_ << "lastTimestamp: " << timestamp << ' ';
    if (last_offset >= 0) {
        // 0 comes after 2147483647, so a first sequence may lie above the last.
        std::int64_t first_sequence = std::int64_t{last_sequence} - offset_delta;
        if (first_sequence < 0) first_sequence += std::int64_t{INT32_MAX} + 1;
        out_ << "firstSequence: " << first_sequence << " lastSequence: " << last_sequence
             << " lastOffset: " << last_offset << " offsetDelta: " << offset_delta << " timestamp: " << timestamp;
    }
    out_ << '\n';
}

}  // namespace mq::dump
