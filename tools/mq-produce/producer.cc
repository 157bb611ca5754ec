#include "producer.h"

#include <algorithm>

#include "base/assert.h"
#include "base/crc32c.h"
#include "cli/framing.h"
#include "cli/text.h"
#include "record/record.h"

namespace mq::produce {

using cli::cat;

namespace {

constexpr std::size_t kSmallestBatchBytes = 16 << 10;

}  // namespace

Producer::Producer(const Args& args, const ProducerSetup& setup, Handover& handover)
    : args_(&args),
      handover_(&handover),
      limit_bytes_(setup.topic_limit_bytes),
      targets_(setup.partitions.size()),
      placement_(args.partitioner, setup.partitions.size()),
      first_record_(setup.records) {
    MQ_ASSERT(!targets_.empty());
    if (args.max_record_bytes && *args.max_record_bytes < limit_bytes_) {
        limit_bytes_ = *args.max_record_bytes;
        limit_is_topics_ = false;
    }
    const std::size_t share = std::max(kCollectedBytes / targets_.size(), kSmallestBatchBytes);
    const std::size_t usual = args.codec == record::Codec::none ? kPlainBatchBytes : kBatchBytes;
    batch_bytes_ = std::min({static_cast<std::uint64_t>(args.batch_bytes.value_or(std::min(usual, share))),
                             setup.topic_limit_bytes, setup.segment_bytes});
    most_open_batches_ = std::max<std::size_t>(2 * kCollectedBytes / std::max<std::size_t>(batch_bytes_, 1), 1);
    for (const Header& header : args.headers) {
        headers_.push_back({header.key, header.value ? NullableBytes{*header.value} : std::nullopt});
    }
    overhead_bytes_ = record::BatchBuilder::size_bound(std::nullopt, std::nullopt, headers_);
    if (limit_bytes_ > record::kBatchHeaderBytes) safe_bytes_ = limit_bytes_ - record::kBatchHeaderBytes;
    if (args.timestamp) now_ = *args.timestamp;
    options_.codec = args.codec;
    options_.level = args.level;
    const bool has_producer = setup.producer_id != kNoProducerId;
    if (has_producer) {
        options_.producer_id = setup.producer_id;
        options_.producer_epoch = 0;
        placement_.fix(setup.placed);
    }
    for (std::size_t i = 0; i < targets_.size(); ++i) {
        targets_[i].number = setup.partitions[i];
        if (!has_producer) continue;
        targets_[i].sequence = setup.sequences[i];
        targets_[i].skip = setup.skip[i];
    }
}

std::string Producer::limit_text() const {
    return limit_is_topics_ ? cat("the topic's limit of ", limit_bytes_, " bytes (max.message.bytes)")
                            : cat("the limit of ", limit_bytes_, " bytes (--max-record-bytes)");
}

void Producer::complete(InputMark& mark) const {
    mark.records = input_records();
    mark.placed = placement_.placed();
    for (const Target& target : targets_) mark.sequences.push_back(target.sequence);
}

// The loop that decides how fast lines are: all that it calls is inlined into it.
template <bool kHasKey>
[[gnu::flatten]] bool Producer::add_found_to(Target& target, Splitter& splitter, InputBuffer& buffer,
                                             NullableBytes key, bool skip_empty, std::uint64_t& left,
                                             ByteView& value) {
    Batch* const batch = target.skip > 0 ? nullptr : target.batch;
    const std::size_t key_size = kHasKey ? key->size() : 0;
    const std::size_t overhead = overhead_bytes_ + key_size;
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;
    bool is_unusual = false;
    while (records < left && splitter.next(buffer, value)) {
        if (value.empty() && skip_empty) continue;
        const std::size_t bound = overhead + value.size();
        if (batch == nullptr || bound > safe_bytes_ || batch->builder.size_bytes() + bound > batch_bytes_)
            [[unlikely]] {
            is_unusual = true;
            break;
        }
        if constexpr (kHasKey) {
            batch->builder.add(now_, key, value, headers_);
        } else {
            batch->builder.add(now_, std::nullopt, value, headers_);
        }
        ++records;
        bytes += key_size + value.size();
    }
    if (batch != nullptr) {
        batch->records += records;
        batch->bytes += bytes;
    }
    records_ += records;
    bytes_ += bytes;
    left -= records;
    return is_unusual;
}

bool Producer::add_found(Splitter& splitter, InputBuffer& buffer, NullableBytes key, bool skip_empty,
                         std::uint64_t& left, ByteView& value) {
    // Where each record has to be placed anew, add() does it all.
    if (!placement_.is_steady(key)) {
        while (left > 0 && splitter.next(buffer, value)) {
            if (!(value.empty() && skip_empty)) return true;
        }
        return false;
    }
    Target& target = targets_[placement_.place(key)];
    return key ? add_found_to<true>(target, splitter, buffer, key, skip_empty, left, value)
               : add_found_to<false>(target, splitter, buffer, key, skip_empty, left, value);
}

Result<Producer::Target*> Producer::target_of(std::optional<std::int32_t> partition, NullableBytes key) {
    if (!partition || args_->partition) return &targets_[placement_.place(key)];
    const auto index = static_cast<std::size_t>(*partition);
    if (index >= targets_.size()) {
        return fail(
            Errc::not_found, {}, {},
            cat("there is no partition ", *partition, ": it has ", cli::counted(targets_.size(), "partition")));
    }
    return &targets_[index];
}

Status Producer::add(const cli::InputRecord& record) {
    MQ_ASSIGN(Target* const target, target_of(record.partition, record.key));
    TimestampMs timestamp = now_;
    if (!args_->timestamp && !args_->timestamp_now && record.timestamp) timestamp = *record.timestamp;
    if (record.headers.empty()) return put(*target, timestamp, record.key, record.value, headers_);
    return put_with_headers(*target, timestamp, record);
}

Status Producer::put_with_headers(Target& target, TimestampMs timestamp, const cli::InputRecord& record) {
    all_headers_.assign(record.headers.begin(), record.headers.end());
    all_headers_.insert(all_headers_.end(), headers_.begin(), headers_.end());
    const std::size_t usual =
        std::exchange(overhead_bytes_, record::BatchBuilder::size_bound(std::nullopt, std::nullopt, all_headers_));
    Status added = put(target, timestamp, record.key, record.value, all_headers_);
    overhead_bytes_ = usual;
    return added;
}

// The bound allows for the longest lengths; what counts is the batch as it would be.
Status Producer::check_size(TimestampMs timestamp, NullableBytes key, NullableBytes value,
                            std::span<const record::Header> headers) const {
    record::BatchBuilder alone;
    alone.add(timestamp, key, value, headers);
    if (alone.size_bytes() <= limit_bytes_) return {};
    return fail(Errc::too_large, {}, {},
                cat("a record of ", alone.size_bytes(), " bytes (batch header and all) is over ", limit_text()));
}

void Producer::skip(Target& target) {
    --target.skip;
    target.sequence = record::add_sequence(target.sequence, 1);
    ++records_;
    ++sent_records_;
}

void Producer::begin_batch(Target& target) {
    options_.base_sequence = target.sequence;
    target.batch = handover_->take(options_);
    ++open_batches_;
    target.batch->target = static_cast<std::size_t>(&target - targets_.data());
}

Status Producer::make_room(Target& target) {
    if (target.batch != nullptr && target.batch->records > 0) MQ_TRY(send(target, true, {}));
    if (target.batch != nullptr) return {};
    if (open_batches_ >= most_open_batches_) MQ_TRY(send());
    begin_batch(target);
    return {};
}

Status Producer::send(Target& target, bool pouring, std::optional<InputMark> mark) {
    Batch* const batch = std::exchange(target.batch, nullptr);
    --open_batches_;
    if (target.sequence >= 0)
        target.sequence = record::add_sequence(target.sequence, static_cast<std::int32_t>(batch->records));
    sent_records_ += batch->records;
    batch->mark = std::move(mark);
    placement_.batch_sent(batch->target);
    return handover_->send(batch, pouring);
}

Status Producer::send(std::optional<InputMark> mark) {
    for (Target& target : targets_) {
        if (target.batch != nullptr && target.batch->records > 0) MQ_TRY(send(target, false, {}));
    }
    if (!mark) return {};
    // Behind all that came before it.
    complete(*mark);
    Target& first = targets_.front();
    if (first.batch == nullptr) begin_batch(first);
    return send(first, false, std::move(mark));
}

Status Producer::add_batch(ByteView unit) {
    MQ_ASSIGN(record::BatchHeader header, record::parse_batch_header(unit));
    MQ_TRY(record::verify_batch_checksum(unit, header));
    if (header.magic != record::kMagicV2)
        return fail(Errc::unsupported, {}, {}, cat("a message set of magic ", header.magic, " is no batch"));
    if (header.is_control() || header.record_count == 0) return {};
    MQ_ASSIGN(Target* const target, target_of(cli::marked_partition(header.leader_epoch), std::nullopt));
    // Compaction leaves holes, which a producer's batch may not have.
    if (header.record_count != header.last_offset_delta + 1 || header.has_delete_horizon())
        return add_reencoded(*target, unit);
    if (unit.size() > limit_bytes_)
        return fail(Errc::too_large, {}, {}, cat("a batch of ", unit.size(), " bytes is over ", limit_text()));
    const auto is_full = [&] {
        return target->batch->builder.record_count() > 0 || target->batch->whole.size() + unit.size() > batch_bytes_;
    };
    if (target->batch != nullptr && target->batch->records > 0 && is_full()) MQ_TRY(send(*target, true, {}));
    if (target->batch == nullptr) begin_batch(*target);
    Buffer& whole = target->batch->whole;
    const std::size_t at = whole.size();
    whole.append(unit);
    if (header.has_producer() || header.is_transactional()) {
        // Neither the sequence of that producer nor its transaction goes on here.
        header.producer_id = kNoProducerId;
        header.producer_epoch = -1;
        header.base_sequence = -1;
        header.attributes = static_cast<std::int16_t>(header.attributes & ~record::kTransactionalBit);
        record::store_batch_header(whole.data() + at, header);
        header.crc = crc32c(whole.view().substr(at + record::kCrcCoverageStart));
        record::store_batch_header(whole.data() + at, header);
    }
    const auto count = static_cast<std::uint64_t>(header.record_count);
    target->batch->records += count;
    target->batch->bytes += unit.size();
    records_ += count;
    bytes_ += unit.size();
    return {};
}

Status Producer::add_reencoded(Target& target, ByteView unit) {
    if (target.batch != nullptr && !target.batch->whole.empty()) MQ_TRY(send(target, true, {}));
    record::RecordReader reader;
    MQ_TRY(reader.open(unit));
    std::vector<record::Header> headers;
    for (record::RecordView record; reader.next(record);) {
        headers.clear();
        record::HeaderReader names{record};
        for (record::Header header; names.next(header);) headers.push_back(header);
        cli::InputRecord input;
        input.key = record.key;
        input.value = record.value;
        input.headers = headers;
        MQ_TRY(put_with_headers(target, record.timestamp, input));
    }
    return reader.status();
}

}  // namespace mq::produce
