#include "log/check_segment.h"

#include <algorithm>

#include "base/crc32c.h"
#include "log/checkpoint_file.h"
#include "log/recovery.h"
#include "record/control_record.h"

namespace mq::log {
namespace {

std::string number(std::int64_t n) { return std::to_string(n); }

// Entries of an index, a preallocated tail of zeros not counted; a missing file has none. Findings are left to the
// caller.
template <typename Index, typename Entry>
Result<std::optional<std::vector<Entry>>> read_entries(const std::string& path, Offset base) {
    auto index = Index::open(path, base, os::OpenMode::read);
    if (!index) {
        if (index.error().code == Errc::not_found) return std::optional<std::vector<Entry>>{};
        return fail(std::move(index).error());
    }
    MQ_ASSIGN(std::vector<Entry> entries, index->read_all());
    return std::optional{std::move(entries)};
}

}  // namespace

SegmentCheck::SegmentCheck(Checker& checker, const std::string& directory, Offset base, FileSuffix suffix,
                           Checker::History& history)
    : checker_(checker),
      history_(history),
      paths_(segment_paths(directory, base, suffix)),
      base_(base),
      reader_(checker.options_.decompressed_limit_bytes) {
    const auto partition = parse_partition_directory(os::base_name(directory));
    sequences_count_ = !partition || partition->topic != "__consumer_offsets";
}

Status SegmentCheck::run() {
    MQ_ASSIGN(const os::File file, os::File::open(paths_.log, os::OpenMode::read));
    file.read_sequentially();
    // The indexes are there before the first batch is, which may come while they are looked for.
    MQ_ASSIGN(size_, file.size());
    const bool has_batches = size_ > 0;
    // Before the .log is measured: what a writer adds meanwhile to it, it adds to them later.
    MQ_TRY(load_indexes(has_batches));
    MQ_ASSIGN(size_, file.size());
    if (history_.next_offset > base_) {
        checker_.found(paths_.log, 0, base_, size_,
                       "the segment begins at offset " + number(+base_) + ", but the one before it goes on to " +
                           number(+history_.next_offset));
    }
    history_.next_offset = std::max(history_.next_offset, base_);
    MQ_TRY(walk(file));
    check_txn_index();
    checker_.totals_.bytes += size_;
    ++checker_.totals_.files;
    return {};
}

bool SegmentCheck::misses_indexes(bool has_batches) const {
    if (!history_.in_partition || !has_batches) return false;
    const auto there = os::exists(paths_.log);
    return !there || *there;
}

Status SegmentCheck::load_indexes(bool has_batches) {
    if (checker_.wants(kCheckIndex)) {
        auto entries = read_entries<OffsetIndex, OffsetIndexEntry>(paths_.offset_index, base_);
        if (!entries) return fail(std::move(entries).error());
        if (*entries) {
            offset_entries_ = **std::move(entries);
            ++checker_.totals_.files;
        } else if (misses_indexes(has_batches)) {
            checker_.found(paths_.offset_index, std::nullopt, base_, 0, "the file is missing");
        }
        for (std::size_t i = 1; i < offset_entries_.size(); ++i) {
            if (offset_entries_[i].offset > offset_entries_[i - 1].offset &&
                offset_entries_[i].position > offset_entries_[i - 1].position) {
                continue;
            }
            checker_.found(paths_.offset_index, i * kOffsetIndexEntryBytes, offset_entries_[i].offset,
                           (offset_entries_.size() - i) * kOffsetIndexEntryBytes, "the entries do not ascend");
            offset_entries_.resize(i);
        }
    }
    if (checker_.wants(kCheckTime)) {
        auto entries = read_entries<TimeIndex, TimeIndexEntry>(paths_.time_index, base_);
        if (!entries) return fail(std::move(entries).error());
        if (*entries) {
            time_entries_ = **std::move(entries);
            ++checker_.totals_.files;
        } else if (misses_indexes(has_batches)) {
            checker_.found(paths_.time_index, std::nullopt, base_, 0, "the file is missing");
        }
        for (std::size_t i = 1; i < time_entries_.size(); ++i) {
            if (time_entries_[i].timestamp > time_entries_[i - 1].timestamp &&
                time_entries_[i].offset >= time_entries_[i - 1].offset) {
                continue;
            }
            checker_.found(paths_.time_index, i * kTimeIndexEntryBytes, time_entries_[i].offset,
                           (time_entries_.size() - i) * kTimeIndexEntryBytes, "the entries do not ascend");
            time_entries_.resize(i);
        }
    }
    if (checker_.wants(kCheckTxn)) {
        auto entries = read_txn_index(paths_.txn_index);
        if (entries) {
            txn_entries_ = *std::move(entries);
        } else if (entries.error().code == Errc::corrupt || entries.error().code == Errc::unsupported) {
            checker_.found(paths_.txn_index, entries.error().position, std::nullopt, 0, entries.error().detail);
        } else {
            return fail(std::move(entries).error());
        }
    }
    return {};
}

Result<TailVerdict> SegmentCheck::judge_tail(const os::File& file, std::uint64_t position) const {
    if (!checker_.options_.judge_tail) return TailVerdict::damage;
    return checker_.options_.judge_tail(file, FilePosition{position}, history_.next_offset);
}

Status SegmentCheck::walk(const os::File& file) {
    std::uint64_t position = 0;
    while (position < size_) {
        BatchScanner scanner{file, FilePosition{position}, FilePosition{size_}, ScanDepth::units,
                             checker_.options_.unit_limit_bytes};
        ScannedBatch batch;
        ScanOutcome outcome = ScanOutcome::batch;
        auto verdict = TailVerdict::damage;
        while (true) {
            MQ_ASSIGN(outcome, scanner.next(batch));
            if (outcome != ScanOutcome::batch) break;
            if (+batch.end() == size_ && !record::verify_batch_checksum(batch.bytes, batch.header)) {
                MQ_ASSIGN(verdict, judge_tail(file, +batch.position));
                if (verdict != TailVerdict::damage) break;
            }
            check_batch(batch);
        }
        position = outcome == ScanOutcome::batch ? +batch.position : +scanner.position();
        if (outcome == ScanOutcome::end) break;
        if (outcome == ScanOutcome::corrupt && scanner.error().code == Errc::too_large) {
            BatchScanner headers{file, FilePosition{position}, FilePosition{size_}, ScanDepth::headers};
            MQ_ASSIGN(outcome, headers.next(batch));
            if (outcome == ScanOutcome::batch) {
                MQ_TRY(check_large(file, batch.header, position));
                position += batch.header.size_bytes;
                continue;
            }
        }
        if (outcome != ScanOutcome::batch) {
            MQ_ASSIGN(verdict, judge_tail(file, position));
        }
        if (verdict == TailVerdict::read_again) {
            MQ_ASSIGN(size_, file.size());
            continue;
        }
        if (verdict == TailVerdict::in_flight) {
            size_ = position;
            break;
        }
        std::string text = outcome == ScanOutcome::torn_tail ? "the file ends inside a batch"
                                                             : "no batch begins here: " + scanner.error().detail;
        if (outcome == ScanOutcome::corrupt) {
            // Looked for only so far: a hostile header further on could claim all the memory there is.
            const std::uint64_t end = std::min(size_, position + checker_.options_.unit_limit_bytes);
            MQ_ASSIGN(const bool more,
                      valid_batch_follows(file, FilePosition{position + 1}, FilePosition{end}, history_.next_offset));
            if (more) text += "; valid batches follow";
        }
        checker_.found(paths_.log, position, history_.next_offset, size_ - position, std::move(text));
        history_.producers_known = false;
        break;
    }
    check_unused_entries(position);
    return {};
}

Status SegmentCheck::check_large(const os::File& file, const record::BatchHeader& header, std::uint64_t position) {
    ++checker_.totals_.batches;
    ++checker_.totals_.unread_batches;
    checker_.totals_.records += static_cast<std::uint64_t>(header.record_count);
    history_.producers_known = false;
    check_header(header, position);
    if (!checker_.wants(kCheckCrc) || header.magic < record::kMagicV2) return {};
    constexpr std::size_t kPieceBytes = 256 * 1024;
    Buffer piece{kPieceBytes};
    piece.resize(kPieceBytes);
    std::uint32_t crc = 0;
    for (std::uint64_t at = record::kCrcCoverageStart; at < header.size_bytes;) {
        const std::size_t want = std::min<std::uint64_t>(kPieceBytes, header.size_bytes - at);
        MQ_ASSIGN(const std::size_t got, file.read_at({piece.data(), want}, FilePosition{position + at}));
        if (got == 0) break;
        crc = crc32c({piece.data(), got}, crc);
        at += got;
    }
    if (crc != header.crc) {
        found_in_log(header, position, "checksum " + number(crc) + ", stored " + number(header.crc));
    }
    return {};
}

void SegmentCheck::found_in_log(const record::BatchHeader& header, std::uint64_t position, std::string text) {
    checker_.found(paths_.log, position, header.base_offset, header.size_bytes, std::move(text));
}

void SegmentCheck::check_batch(const ScannedBatch& batch) {
    ++checker_.totals_.batches;
    const record::BatchHeader& header = batch.header;
    if (checker_.wants(kCheckCrc)) {
        if (const auto valid = record::verify_batch_checksum(batch.bytes, header); !valid) {
            found_in_log(header, +batch.position, valid.error().detail);
            history_.producers_known = false;
            check_header(header, +batch.position);
            return;
        }
    }
    if (checker_.wants(kCheckOffsets)) {
        std::string flaw = records_flaw(batch);
        if (!flaw.empty()) found_in_log(header, +batch.position, std::move(flaw));
    } else {
        checker_.totals_.records += static_cast<std::uint64_t>(header.record_count);
    }
    replay(batch);
    check_header(header, +batch.position);
}

std::string SegmentCheck::records_flaw(const ScannedBatch& batch) {
    const record::BatchHeader& header = batch.header;
    if (auto opened = reader_.open(batch.bytes); !opened) {
        if (opened.error().code != Errc::too_large) return opened.error().operation + ": " + opened.error().detail;
        ++checker_.totals_.unread_batches;
        return {};
    }
    Offset previous = history_.next_offset - 1;
    TimestampMs largest = kNoTimestamp;
    std::uint64_t count = 0;
    bool ascending = true;
    bool sums_valid = true;
    for (record::RecordView record; reader_.next(record);) {
        ascending &= record.offset > previous;
        previous = record.offset;
        largest = std::max(largest, record.timestamp);
        sums_valid &= record.message_crc_valid;
        ++count;
    }
    checker_.totals_.records += count;
    const Status& status = reader_.status();
    if (!status) return "record " + number(static_cast<std::int64_t>(count)) + ": " + status.error().detail;
    if (!ascending) return "the offsets of the records do not ascend";
    if (previous > header.last_offset()) return "a record lies beyond the batch's last offset";
    if (!sums_valid) return "the checksum of a message inside does not match";
    if (count > 0 && header.magic > 0 && header.timestamp_type() == record::TimestampType::create_time &&
        largest != header.max_timestamp) {
        return "the largest timestamp is " + number(largest) + ", the header says " + number(header.max_timestamp);
    }
    return {};
}

void SegmentCheck::replay(const ScannedBatch& batch) {
    const record::BatchHeader& header = batch.header;
    // A gap is compaction's: what it removed is not known to the replay.
    if (header.magic >= record::kMagicV2 &&
        (header.base_offset != history_.next_offset || header.record_count != header.last_offset_delta + 1)) {
        history_.producers_known = false;
    }
    if (!checker_.wants(kCheckTxn | kCheckProducer) || !header.has_producer()) return;
    if (checker_.wants(kCheckProducer) && sequences_count_ && history_.producers_known && !header.is_control()) {
        const auto accepted = history_.producers.check(header, AppendOrigin::client);
        if (!accepted) {
            found_in_log(header, +batch.position, accepted.error().detail);
        } else if (*accepted) {
            found_in_log(
                header, +batch.position,
                "repeats sequence " + number(header.base_sequence) + " of producer " + number(header.producer_id));
        }
    }
    auto aborted = replay_batch(batch, history_.producers);
    if (!aborted) {
        found_in_log(header, +batch.position, "control record: " + aborted.error().detail);
    } else if (*aborted) {
        aborted_.push_back(**aborted);
    }
}

void SegmentCheck::check_header(const record::BatchHeader& header, std::uint64_t position) {
    if (checker_.wants(kCheckOffsets)) {
        if (header.last_offset() < history_.next_offset ||
            (header.magic >= record::kMagicV2 && header.base_offset < history_.next_offset)) {
            found_in_log(header, position,
                         "offset " + number(+header.base_offset) + " lies before the end of what precedes it, " +
                             number(+history_.next_offset));
        }
        if (header.last_offset() - base_ > INT32_MAX) {
            found_in_log(header, position,
                         "offset " + number(+header.last_offset()) + " does not fit a segment that begins at " +
                             number(+base_));
        }
        check_epoch(header, position);
    }
    if (checker_.wants(kCheckIndex)) check_offset_entries(header, position);
    largest_timestamp_ = std::max(largest_timestamp_, header.max_timestamp);
    if (checker_.wants(kCheckTime)) check_time_entries(header);
    history_.next_offset = std::max(history_.next_offset, header.next_offset());
}

void SegmentCheck::check_epoch(const record::BatchHeader& header, std::uint64_t position) {
    if (header.leader_epoch < 0) return;
    if (header.leader_epoch < history_.leader_epoch) {
        found_in_log(header, position,
                     "leader epoch " + number(header.leader_epoch) + " after " + number(history_.leader_epoch));
        return;
    }
    if (header.leader_epoch == history_.leader_epoch) return;
    history_.leader_epoch = header.leader_epoch;
    if (!history_.epochs || history_.epochs->entries().empty()) return;
    auto expected = history_.epochs->epoch_of(header.base_offset);
    if (!expected || *expected == header.leader_epoch) return;
    // One that began since the checkpoint was read is in it by now.
    if (auto entries =
            read_leader_epoch_checkpoint(os::join(os::parent_directory(paths_.log), kLeaderEpochCheckpoint))) {
        history_.epochs.emplace(*std::move(entries));
        expected = history_.epochs->epoch_of(header.base_offset);
        if (!expected || *expected == header.leader_epoch) return;
    }
    found_in_log(
        header, position,
        "leader epoch " + number(header.leader_epoch) + ", leader-epoch-checkpoint says " + number(*expected));
}

// An entry holds the last offset of an append and where that began: a batch begins there, at or below that offset.
void SegmentCheck::check_offset_entries(const record::BatchHeader& header, std::uint64_t position) {
    for (; next_offset_entry_ < offset_entries_.size(); ++next_offset_entry_) {
        const OffsetIndexEntry& entry = offset_entries_[next_offset_entry_];
        const std::uint64_t at = next_offset_entry_ * kOffsetIndexEntryBytes;
        if (+entry.position > position) return;
        if (+entry.position < position) {
            checker_.found(
                paths_.offset_index, at, entry.offset, kOffsetIndexEntryBytes,
                "points at byte " + std::to_string(+entry.position) + " of the log, where no batch begins");
        } else if (header.magic >= record::kMagicV2 ? entry.offset < header.base_offset
                                                    : entry.offset < header.last_offset()) {
            checker_.found(paths_.offset_index, at, entry.offset, kOffsetIndexEntryBytes,
                           "points at the batch of offset " + number(+header.base_offset) + ", which lies after it");
        }
    }
}

// An entry's timestamp is the largest of all records up to its offset.
void SegmentCheck::check_time_entries(const record::BatchHeader& header) {
    for (; next_time_entry_ < time_entries_.size(); ++next_time_entry_) {
        const TimeIndexEntry& entry = time_entries_[next_time_entry_];
        if (entry.offset > header.last_offset()) return;
        const std::uint64_t at = next_time_entry_ * kTimeIndexEntryBytes;
        if (entry.timestamp < largest_timestamp_) {
            checker_.found(paths_.time_index, at, entry.offset, kTimeIndexEntryBytes,
                           "timestamp " + number(entry.timestamp) + ", but up to that offset the largest is " +
                               number(largest_timestamp_));
        } else if (entry.timestamp > largest_timestamp_) {
            checker_.found(paths_.time_index, at, entry.offset, kTimeIndexEntryBytes,
                           "timestamp " + number(entry.timestamp) + " occurs nowhere up to that offset");
        }
    }
}

void SegmentCheck::check_unused_entries(std::uint64_t end) {
    if (next_offset_entry_ < offset_entries_.size()) {
        const OffsetIndexEntry& entry = offset_entries_[next_offset_entry_];
        checker_.found(paths_.offset_index, next_offset_entry_ * kOffsetIndexEntryBytes, entry.offset,
                       (offset_entries_.size() - next_offset_entry_) * kOffsetIndexEntryBytes,
                       "points at byte " + std::to_string(+entry.position) +
                           ", beyond the last batch, which ends at " + std::to_string(end));
    }
    if (next_time_entry_ < time_entries_.size()) {
        const TimeIndexEntry& entry = time_entries_[next_time_entry_];
        checker_.found(
            paths_.time_index, next_time_entry_ * kTimeIndexEntryBytes, entry.offset,
            (time_entries_.size() - next_time_entry_) * kTimeIndexEntryBytes,
            "names offset " + number(+entry.offset) + ", but the log ends at " + number(+history_.next_offset));
    }
}

void SegmentCheck::check_txn_index() {
    if (!checker_.wants(kCheckTxn) || !txn_entries_) return;
    for (std::size_t i = 0; i < txn_entries_->size(); ++i) {
        const AbortedTxn& txn = (*txn_entries_)[i];
        const bool in_segment = txn.last_offset >= base_ && txn.last_offset < history_.next_offset;
        if (txn.first_offset > txn.last_offset || !in_segment) {
            checker_.found(paths_.txn_index, i * kAbortedTxnBytes, txn.last_offset, kAbortedTxnBytes,
                           "transaction " + number(+txn.first_offset) + ".." + number(+txn.last_offset) +
                               " does not end in this segment");
        }
    }
    if (!history_.producers_known) return;
    const auto same = [](const AbortedTxn& a, const AbortedTxn& b) {
        return a.producer_id == b.producer_id && a.first_offset == b.first_offset && a.last_offset == b.last_offset;
    };
    for (const AbortedTxn& txn : aborted_) {
        if (std::any_of(txn_entries_->begin(), txn_entries_->end(),
                        [&](const AbortedTxn& e) { return same(e, txn); }))
            continue;
        checker_.found(paths_.txn_index, std::nullopt, txn.last_offset, kAbortedTxnBytes,
                       "the aborted transaction " + number(+txn.first_offset) + ".." + number(+txn.last_offset) +
                           " of producer " + number(txn.producer_id) + " is missing");
    }
    for (std::size_t i = 0; i < txn_entries_->size(); ++i) {
        const AbortedTxn& txn = (*txn_entries_)[i];
        if (std::any_of(aborted_.begin(), aborted_.end(), [&](const AbortedTxn& e) { return same(e, txn); }))
            continue;
        checker_.found(paths_.txn_index, i * kAbortedTxnBytes, txn.last_offset, kAbortedTxnBytes,
                       "no such transaction was aborted");
    }
}

}  // namespace mq::log
