#include "log/cleaner_filter.h"

#include "base/seeded_bug.h"

#include <algorithm>
#include <limits>

namespace mq::log {

TimestampMs add_saturating(TimestampMs time, std::int64_t delta) {
    TimestampMs sum = 0;
    return __builtin_add_overflow(time, delta, &sum) ? std::numeric_limits<TimestampMs>::max() : sum;
}

TransactionWalk::TransactionWalk(const std::vector<AbortedTxn>& aborted) {
    for (const AbortedTxn& txn : aborted) aborted_[txn.producer_id].push_back(txn);
    for (auto& [producer, txns] : aborted_)
        std::sort(txns.begin(), txns.end(),
                  [](const auto& a, const auto& b) { return a.last_offset < b.last_offset; });
}

const AbortedTxn* TransactionWalk::find(ProducerId producer, Offset offset) const {
    const auto of_producer = aborted_.find(producer);
    if (of_producer == aborted_.end()) return nullptr;
    const auto& txns = of_producer->second;
    const auto txn = std::lower_bound(txns.begin(), txns.end(), offset,
                                      [](const AbortedTxn& t, Offset o) { return t.last_offset < o; });
    return txn != txns.end() && txn->first_offset <= offset ? &*txn : nullptr;
}

bool TransactionWalk::on_data(const record::BatchHeader& header) {
    if (!header.is_transactional()) return false;
    seen_.insert(header.producer_id);
    return find(header.producer_id, header.base_offset) != nullptr;
}

Result<TransactionWalk::Marker> TransactionWalk::on_marker(const record::BatchHeader& header,
                                                           const std::optional<record::ControlRecord>& control) {
    Marker marker;
    marker.ends_transaction = !control || control->ends_transaction();
    if (!control || !control->ends_transaction()) return marker;
    marker.batches_seen = seen_.erase(header.producer_id) > 0;
    if (control->type != record::ControlType::abort || !marker.batches_seen) return marker;
    const AbortedTxn* txn = find(header.producer_id, header.last_offset());
    if (txn == nullptr || txn->last_offset != header.last_offset())
        return fail(Errc::corrupt, "clean", {},
                    "no .txnindex names the transaction of producer " + std::to_string(header.producer_id) +
                        " that was aborted at offset " + std::to_string(header.last_offset().value()));
    marker.aborted = *txn;
    return marker;
}

Result<std::optional<record::ControlRecord>> control_of(record::RecordReader& reader, ByteView unit) {
    MQ_TRY(reader.open(unit));
    record::RecordView record;
    if (!reader.next(record)) {
        MQ_TRY(reader.status());
        return std::optional<record::ControlRecord>{};
    }
    MQ_ASSIGN(const auto control, record::parse_control_record(record));
    return std::optional{control};
}

// What its kind and its transaction say of a batch, before its records are looked at.
struct BatchFilter::Verdict {
    bool discard_records = false;
    bool marker_is_idle = false;  // of a transaction without batches: goes when its delete horizon has passed
};

Result<BatchFilter::Verdict> BatchFilter::judge(const ScannedBatch& batch) {
    const record::BatchHeader& header = batch.header;
    Verdict verdict;
    if (!header.is_control()) {
        verdict.discard_records = transactions_.on_data(header);
        return verdict;
    }
    MQ_ASSIGN(const auto control, control_of(reader_, batch.bytes));
    MQ_ASSIGN(const auto marker, transactions_.on_marker(header, control));
    if (marker.aborted) aborted_.push_back(*marker.aborted);
    verdict.marker_is_idle = marker.ends_transaction && !marker.batches_seen;
    verdict.discard_records =
        verdict.marker_is_idle && header.has_delete_horizon() && header.base_timestamp <= rules_.now;
    return verdict;
}

// The batch that holds the last sequence number of an active producer, or its last epoch where it has written no
// data.
bool BatchFilter::is_last_of_producer(const record::BatchHeader& header) const {
    if (!header.has_producer()) return false;
    const ProducerEntry* producer = producers_->find(header.producer_id);
    if (producer == nullptr) return false;
    if (producer->last_data_offset() >= Offset{0}) return header.last_offset() == producer->last_data_offset();
    return header.is_control() && header.producer_epoch == producer->producer_epoch;
}

bool BatchFilter::keeps(const record::RecordView& record, const record::BatchHeader& header,
                        bool keep_legacy_tombstones) {
    if (record.offset >= rules_.map_end) return true;
    if (!record.key) {
        ++counts_.keyless_dropped;
        return false;
    }
    if (const auto latest = rules_.latest->find(*record.key);
        latest && record.offset < *latest + (MQ_BUG("compact.drops_the_latest") ? 1 : 0))
        return false;
    if (record.value) return true;
    const bool stays = header.magic < record::kMagicV2
                           ? keep_legacy_tombstones
                           : !header.has_delete_horizon() || rules_.now < header.base_timestamp;
    if (!stays) ++counts_.tombstones_dropped;
    return stays;
}

Result<ByteView> BatchFilter::filter(const ScannedBatch& batch, bool keep_legacy_tombstones) {
    const record::BatchHeader& header = batch.header;
    MQ_ASSIGN(const Verdict verdict, judge(batch));
    const bool stays_without_records = header.magic >= record::kMagicV2 && is_last_of_producer(header);

    MQ_TRY(reader_.open(batch.bytes));
    kept_.clear();
    std::uint64_t kept = 0;
    bool keeps_tombstone = false;
    for (record::RecordView record; reader_.next(record);) {
        const bool keep =
            !verdict.discard_records && (header.is_control() || keeps(record, header, keep_legacy_tombstones));
        kept_.push_back(keep);
        if (!keep) continue;
        ++kept;
        keeps_tombstone |= !header.is_control() && !record.value;
    }
    MQ_TRY(reader_.status());
    counts_.records_read += kept_.size();
    counts_.records_kept += kept;
    if (header.is_control()) counts_.markers_dropped += kept_.size() - kept;

    if (kept == 0) {
        if (!stays_without_records) return ByteView{};
        MQ_ASSIGN(const ByteView emptied, rebuild(batch, false));
        return emptied == batch.bytes ? batch.bytes : emptied;
    }
    const bool set_horizon = !header.has_delete_horizon() && (keeps_tombstone || verdict.marker_is_idle);
    const bool whole = kept == kept_.size();
    if (whole && (header.magic < record::kMagicV2 || !set_horizon)) return batch.bytes;
    return rebuild(batch, set_horizon);
}

// The records of kept_ in a batch of their own, which has the offsets and the producer of the old one.
Result<ByteView> BatchFilter::rebuild(const ScannedBatch& batch, bool set_horizon) {
    const record::BatchHeader& header = batch.header;
    const bool any = std::find(kept_.begin(), kept_.end(), true) != kept_.end();
    record::BatchOptions options;
    options.codec = header.codec();
    options.timestamp_type = header.timestamp_type();
    options.transactional = header.is_transactional();
    options.control = header.is_control();
    options.producer_id = header.producer_id;
    options.producer_epoch = header.producer_epoch;
    options.base_sequence = header.base_sequence;
    options.leader_epoch = header.leader_epoch;
    options.base_offset = header.base_offset;
    options.last_offset_delta = header.last_offset_delta;
    if (!any || options.timestamp_type == record::TimestampType::log_append_time)
        options.max_timestamp = header.max_timestamp;
    if (any && set_horizon) options.delete_horizon = add_saturating(rules_.now, rules_.delete_retention_ms);
    if (any && header.has_delete_horizon()) options.delete_horizon = header.base_timestamp;

    bool first = true;
    const auto begin = [&](Offset first_offset) -> Status {
        if (header.magic < record::kMagicV2) {
            // The header of an older set knows its last offset only; records never lie after it.
            const std::int64_t delta = header.last_offset() - first_offset;
            if (delta < 0 || delta > std::numeric_limits<std::int32_t>::max())
                return fail(Errc::corrupt, "clean", {}, "a message set spans " + std::to_string(delta) + " offsets");
            options.base_offset = first_offset;
            options.last_offset_delta = static_cast<std::int32_t>(delta);
        }
        builder_.clear();
        builder_.set_options(options);
        first = false;
        return {};
    };
    if (!any) {
        MQ_TRY(begin(header.base_offset));
        return builder_.finish();
    }
    MQ_TRY(reader_.open(batch.bytes));
    std::size_t index = 0;
    for (record::RecordView record; reader_.next(record); ++index) {
        if (!kept_[index]) continue;
        if (first) MQ_TRY(begin(record.offset));
        const std::int64_t delta = record.offset - options.base_offset;
        if (delta < 0 || delta > *options.last_offset_delta)
            return fail(Errc::corrupt, "clean", {},
                        "offset " + std::to_string(record.offset.value()) + " lies outside its batch");
        headers_.clear();
        record::HeaderReader headers{record};
        for (record::Header one; headers.next(one);) headers_.push_back(one);
        builder_.add_at(static_cast<std::int32_t>(delta), record.timestamp, record.key, record.value, headers_);
    }
    MQ_TRY(reader_.status());
    return builder_.finish();
}

}  // namespace mq::log
