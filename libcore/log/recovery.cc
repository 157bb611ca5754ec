#include "log/recovery.h"

#include <algorithm>

#include "base/buffer.h"
#include "base/seeded_bug.h"
#include "log/txn_index.h"
#include "os/kill_point.h"
#include "record/control_record.h"
#include "record/record.h"

namespace mq::log {
namespace {

constexpr std::uint64_t kCopyBytes = 1u << 20;
// Where any byte may look like a header, a claimed size is no reason to read gigabytes.
constexpr std::uint64_t kSearchedBatchLimit = 16u << 20;

// Buffers index entries, so that a segment of millions of batches costs a write per block and not one per entry.
template <std::size_t EntryBytes>
class IndexWriter {
public:
    IndexWriter(const os::File* file, std::uint32_t entries) : file_(file), entries_(entries), flushed_(entries) {}

    [[nodiscard]] std::uint32_t entries() const { return entries_; }
    [[nodiscard]] char* add() {
        ++entries_;
        pending_.resize(pending_.size() + EntryBytes);
        return pending_.end() - EntryBytes;
    }
    [[nodiscard]] Status flush_if_large() { return pending_.size() < kCopyBytes ? Status{} : flush(); }
    [[nodiscard]] Status flush() {
        if (file_ != nullptr && !pending_.empty())
            MQ_TRY(file_->write_at(pending_.view(), FilePosition{std::uint64_t{flushed_} * EntryBytes}));
        flushed_ = entries_;
        pending_.clear();
        return {};
    }
    // Exact size: entries of an earlier life go.
    [[nodiscard]] Status finish() {
        MQ_TRY(flush());
        return file_ == nullptr ? Status{} : file_->truncate(std::uint64_t{entries_} * EntryBytes);
    }

private:
    const os::File* file_;
    std::uint32_t entries_;
    std::uint32_t flushed_;
    Buffer pending_;
};

std::string describe(const record::BatchHeader& header) {
    return "batch " + std::to_string(header.base_offset.value()) + ".." +
           std::to_string(header.last_offset().value());
}

// What makes a whole unit invalid at its place; empty if nothing does. The base offset lies outside the CRC: where it
// leaves a gap, which compaction does and a flipped bit may, the unit behind must begin above it.
Result<std::string> flaw_of(const os::File& log, const ScannedBatch& batch, Offset base, Offset next) {
    const auto& header = batch.header;
    if (header.base_offset < next) return describe(header) + " begins below offset " + std::to_string(next.value());
    if (header.last_offset() - base > INT32_MAX)
        return describe(header) + " does not fit a segment that begins at " + std::to_string(base.value());
    if (const auto checked = record::verify_batch_checksum(batch.bytes, header);
        !checked && !MQ_BUG("recovery.no_checksum"))
        return describe(header) + ": " + checked.error().detail;
    if (header.base_offset == next) return std::string{};
    char raw[record::kBatchHeaderBytes];
    MQ_ASSIGN(const std::size_t got, log.read_at(raw, batch.end()));
    const auto following = record::parse_batch_header({raw, got});
    if (following && following->base_offset >= next && following->base_offset < header.next_offset())
        return describe(header) + " follows a gap and overlaps offset " +
               std::to_string(following->base_offset.value());
    return std::string{};
}

}  // namespace

Result<std::optional<AbortedTxn>> replay_batch(const ScannedBatch& batch, ProducerState& producers) {
    const auto& header = batch.header;
    std::optional<AbortedTxn> aborted;
    if (!header.has_producer()) return aborted;
    if (!header.is_control()) {
        producers.update(header);
        return aborted;
    }
    record::RecordReader reader;
    MQ_TRY(reader.open(batch.bytes));
    record::RecordView record;
    if (!reader.next(record)) {
        MQ_TRY(reader.status());
        return aborted;
    }
    MQ_ASSIGN(const record::ControlRecord control, record::parse_control_record(record));
    if (!control.ends_transaction()) return aborted;
    const auto done =
        producers.complete(header, control.type == record::ControlType::abort, control.coordinator_epoch);
    if (!done || !done->aborted) return aborted;
    const Offset stable = producers.first_unstable_offset().value_or(done->last_offset + 1);
    aborted =
        AbortedTxn{done->producer_id, done->first_offset, done->last_offset, std::min(stable, done->last_offset + 1)};
    return aborted;
}

Result<SegmentRecovery> recover_segment(const std::string& directory, Offset base, const LogConfig& config,
                                        const RecoveryStart& start, const RecoverySink& sink, bool write_indexes,
                                        FileSuffix suffix) {
    const SegmentPaths paths = segment_paths(directory, base, suffix);
    MQ_ASSIGN(const os::File log, os::File::open(paths.log, os::OpenMode::read));
    MQ_ASSIGN(const std::uint64_t size, log.size());
    log.read_sequentially();

    std::optional<OffsetIndex> offset_index;
    std::optional<TimeIndex> time_index;
    if (write_indexes) {
        MQ_ASSIGN(offset_index, OffsetIndex::open(paths.offset_index, base, os::OpenMode::create));
        MQ_ASSIGN(time_index, TimeIndex::open(paths.time_index, base, os::OpenMode::create));
        MQ_KILLPOINT("recover.before_index_reset");
        MQ_TRY(offset_index->truncate(start.offset_index_entries));
        MQ_TRY(time_index->truncate(start.time_index_entries));
        if (start.position.value() == 0) MQ_TRY(os::remove_file(paths.txn_index));
        MQ_KILLPOINT("recover.after_index_reset");
    }
    IndexWriter<kOffsetIndexEntryBytes> offsets{offset_index ? &offset_index->file() : nullptr,
                                                start.offset_index_entries};
    IndexWriter<kTimeIndexEntryBytes> times{time_index ? &time_index->file() : nullptr, start.time_index_entries};

    SegmentRecovery result;
    result.file_bytes = size;
    result.txn_index_entries = start.txn_index_entries;
    result.next_offset = start.next_offset.value_or(base);
    TimeIndexEntry last_time{kNoTimestamp, base};
    FilePosition last_indexed{0};
    if (start.offset_index_entries > 0 && offset_index) {
        MQ_ASSIGN(const OffsetIndexEntry last, offset_index->entry(start.offset_index_entries - 1));
        last_indexed = last.position;
    }
    if (start.time_index_entries > 0 && time_index) {
        MQ_ASSIGN(last_time, time_index->entry(start.time_index_entries - 1));
        result.max_timestamp = last_time.timestamp;
        result.offset_of_max_timestamp = last_time.offset;
    }

    if (start.position.value() > 0) {
        // Timestamps that were appended after the last entry kept, below the place where the walk begins.
        FilePosition from{0};
        if (offset_index && last_time.timestamp != kNoTimestamp) {
            MQ_ASSIGN(const OffsetIndexEntry near,
                      offset_index->lookup(last_time.offset, start.offset_index_entries));
            from = near.position;
        }
        BatchScanner earlier{log, from, start.position, ScanDepth::headers};
        for (ScannedBatch batch;;) {
            MQ_ASSIGN(const ScanOutcome outcome, earlier.next(batch));
            if (outcome != ScanOutcome::batch) break;
            if (batch.header.max_timestamp <= result.max_timestamp) continue;
            result.max_timestamp = batch.header.max_timestamp;
            result.offset_of_max_timestamp = batch.header.last_offset();
        }
    }

    const auto index_time = [&] {
        if (result.max_timestamp <= last_time.timestamp) return;
        last_time = {result.max_timestamp, result.offset_of_max_timestamp};
        encode_time_index_entry(times.add(), last_time, base);
    };

    result.valid_end = start.position;
    BatchScanner scanner{log, start.position, FilePosition{size}, ScanDepth::units};
    ScannedBatch batch;
    for (;;) {
        MQ_ASSIGN(const ScanOutcome outcome, scanner.next(batch));
        if (outcome == ScanOutcome::batch) {
            MQ_ASSIGN(result.damage, flaw_of(log, batch, base, result.next_offset));
            if (!result.damage.empty()) break;
        } else {
            if (outcome == ScanOutcome::torn_tail) result.damage = "the file ends inside a batch";
            if (outcome == ScanOutcome::corrupt) result.damage = scanner.error().detail;
            break;
        }
        const auto& header = batch.header;
        if (sink.producers != nullptr) {
            const auto aborted = replay_batch(batch, *sink.producers);
            if (!aborted) {
                result.damage = describe(header) + ": " + aborted.error().detail;
                break;
            }
            if (*aborted && write_indexes) {
                MQ_TRY(append_txn_index(paths.txn_index, result.txn_index_entries, **aborted));
                ++result.txn_index_entries;
            }
        }
        if (header.max_timestamp > result.max_timestamp) {
            result.max_timestamp = header.max_timestamp;
            result.offset_of_max_timestamp = header.last_offset();
        }
        if (batch.position - last_indexed > config.index_interval_bytes && can_be_indexed(batch.position)) {
            encode_offset_index_entry(offsets.add(), {header.last_offset(), batch.position}, base);
            index_time();
            last_indexed = batch.position;
            MQ_TRY(offsets.flush_if_large());
            MQ_TRY(times.flush_if_large());
        }
        if (sink.epochs != nullptr && header.magic >= record::kMagicV2 && header.leader_epoch >= 0 &&
            header.leader_epoch > sink.epochs->latest().value_or(-1))
            sink.epochs->assign(header.leader_epoch, header.base_offset);
        result.next_offset = header.next_offset();
        result.valid_end = batch.end();
        ++result.batches;
        MQ_KILLPOINT("recover.after_batch");
    }
    index_time();
    MQ_KILLPOINT("recover.before_index_finish");
    MQ_TRY(offsets.finish());
    MQ_TRY(times.finish());
    MQ_KILLPOINT("recover.after_index_finish");
    result.offset_index_entries = offsets.entries();
    result.time_index_entries = times.entries();
    if (!result.damage.empty()) {
        MQ_ASSIGN(result.valid_batch_follows,
                  valid_batch_follows(log, result.valid_end + 1, FilePosition{size}, result.next_offset));
    }
    return result;
}

Result<bool> valid_batch_follows(const os::File& file, FilePosition from, FilePosition end, Offset min_offset) {
    // A header is recognised by its magic and plausible fields; only then is a whole unit read and summed.
    Buffer window;
    for (FilePosition at = from; at + record::kBatchHeaderBytes <= end;) {
        window.resize(std::min<std::uint64_t>(kCopyBytes, end - at));
        MQ_ASSIGN(const std::size_t got, file.read_at({window.data(), window.size()}, at));
        if (got < record::kBatchHeaderBytes) return false;
        const ByteView bytes = window.view().substr(0, got);
        std::size_t i = 0;
        for (; i + record::kBatchHeaderBytes <= bytes.size(); ++i) {
            if (static_cast<std::uint8_t>(bytes[i + record::kMagicPosition]) != record::kMagicV2) continue;
            const auto header = record::parse_batch_header(bytes.substr(i));
            if (!header || header->base_offset < min_offset || header->base_offset - min_offset > INT32_MAX) continue;
            BatchScanner one{file, at + i, end, ScanDepth::units, kSearchedBatchLimit};
            ScannedBatch batch;
            MQ_ASSIGN(const ScanOutcome outcome, one.next(batch));
            if (outcome == ScanOutcome::batch && record::verify_batch_checksum(batch.bytes, batch.header))
                return true;
        }
        at += i;
    }
    return false;
}

Status copy_range(const os::File& source, FilePosition from, FilePosition end, const std::string& path) {
    MQ_ASSIGN(os::File target, os::File::open(path, os::OpenMode::create_truncate));
    Buffer block;
    FilePosition to{0};
    while (from < end) {
        block.resize(std::min<std::uint64_t>(kCopyBytes, end - from));
        MQ_ASSIGN(const std::size_t got, source.read_at({block.data(), block.size()}, from));
        if (got == 0) return fail(Errc::truncated, "copy", source.path(), "the file became shorter", from.value());
        MQ_TRY(target.write_at(block.view().substr(0, got), to));
        from += got;
        to += got;
    }
    MQ_TRY(target.sync());
    return target.close();
}

}  // namespace mq::log
