// Look-ups, and what a Log tells of itself.

#include <algorithm>

#include "log/log_impl.h"
#include "record/record.h"

namespace mq::log {

LogReader Log::reader(Isolation isolation) const {
    LogReader reader{impl_->directory, *impl_->state, isolation};
    std::vector<SegmentName> segments;
    for (const Offset base : impl_->bases) segments.push_back({base, FileSuffix::none});
    if (!impl_->has_swap) reader.use_listing(std::move(segments));
    return reader;
}

Result<std::optional<TimestampOffset>> Log::find_timestamp(TimestampMs timestamp) const {
    const Impl& log = *impl_;
    const Offset bound = high_watermark();
    for (const Offset base : log.bases) {
        MQ_ASSIGN(const Segment segment, Segment::open_for_reading(log.directory, base));
        MQ_ASSIGN(const FilePosition end, log.end_of(segment));
        if (base != log.now.active_base) {
            MQ_ASSIGN(const TimestampMs largest, segment.largest_timestamp(end));
            if (largest < timestamp) continue;
        }
        // Every record with a larger timestamp than an entry's lies after the entry's offset.
        Offset from = log.now.log_start;
        if (segment.time_index()) {
            MQ_ASSIGN(const std::uint32_t entries, segment.time_index()->count_entries());
            MQ_ASSIGN(const TimeIndexEntry hint, segment.time_index()->lookup(timestamp - 1, entries));
            if (hint.timestamp >= 0) {
                const auto batch = segment.find(hint.offset, end);
                if (batch && *batch && (*batch)->header.max_timestamp == hint.timestamp)
                    from = std::max(from, hint.offset);
            }
        }
        BatchScanner scanner{segment.log_file(), segment.scan_start(from, end), end, ScanDepth::units};
        ScannedBatch batch;
        record::RecordReader reader;
        for (;;) {
            MQ_ASSIGN(const ScanOutcome outcome, scanner.next(batch));
            if (outcome == ScanOutcome::corrupt) return fail(scanner.error());
            if (outcome == ScanOutcome::torn_tail)
                return fail(Errc::truncated, "find timestamp", segment.log_file().path(),
                            "the segment ends inside a batch", scanner.position().value());
            if (outcome != ScanOutcome::batch || batch.header.base_offset >= bound) break;
            if (batch.header.max_timestamp < timestamp || batch.header.last_offset() < log.now.log_start) continue;
            auto opened = reader.open(batch.bytes);
            if (!opened) {
                Error error = opened.error();
                error.subject = segment.log_file().path();
                error.position = batch.position.value();
                return fail(std::move(error));
            }
            for (record::RecordView record; reader.next(record);) {
                if (record.timestamp >= timestamp && record.offset >= log.now.log_start && record.offset < bound)
                    return TimestampOffset{record.timestamp, record.offset};
            }
            MQ_TRY(reader.status());
        }
    }
    return std::optional<TimestampOffset>{};
}

Result<std::vector<AbortedTxn>> Log::aborted_transactions(Offset from, Offset end) const {
    const Impl& log = *impl_;
    std::vector<AbortedTxn> found;
    auto base = std::lower_bound(log.bases.begin(), log.bases.end(), log.floor_base(from));
    for (; base != log.bases.end(); ++base) {
        MQ_ASSIGN(const auto entries, log.aborted_in(*base));
        for (const AbortedTxn& txn : entries) {
            if (txn.last_offset >= from && txn.first_offset < end) found.push_back(txn);
            // No later entry can reach below what was stable then.
            if (txn.last_stable_offset >= end) return found;
        }
    }
    return found;
}

const std::string& Log::directory() const { return impl_->directory; }
const LogConfig& Log::config() const { return impl_->config; }
void Log::set_config(const LogConfig& config) { impl_->config = config; }
const PublishedState& Log::state() const { return *impl_->state; }
Offset Log::log_start() const { return impl_->now.log_start; }
Offset Log::log_end() const { return impl_->now.log_end; }
Offset Log::high_watermark() const { return Offset{impl_->state->high_watermark.load()}; }

void Log::set_high_watermark(Offset offset) {
    impl_->follows_end = false;
    impl_->state->high_watermark.store(std::clamp(offset, log_start(), log_end()).value());
}

Offset Log::last_stable_offset() const {
    const Offset unstable = impl_->now.first_unstable;
    return unstable == kNoOffset ? high_watermark() : std::min(unstable, high_watermark());
}

Offset Log::recovery_point() const { return impl_->recovery_point(); }
const LeaderEpochs& Log::leader_epochs() const { return impl_->epochs; }

Status Log::start_leader_epoch(LeaderEpoch epoch) {
    Impl& log = *impl_;
    MQ_TRY(log.ready_to_change());
    log.state->dirty.store(1);
    if (log.epochs.assign(epoch, log.now.log_end)) {
        log.now.last_epoch = static_cast<std::uint64_t>(std::int64_t{epoch});
        MQ_TRY(log.write_epochs());
        log.publish();
    }
    log.state->dirty.store(0);
    return {};
}

const ProducerState& Log::producers() const { return impl_->producers; }
std::vector<Offset> Log::segment_bases() const { return impl_->bases; }
const RecoveryReport& Log::recovery() const { return impl_->report; }

}  // namespace mq::log
