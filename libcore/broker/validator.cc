#include "broker/validator.h"

#include <limits>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "record/batch_builder.h"
#include "record/compression.h"
#include "record/record.h"

namespace mq::broker {
namespace {

using record::BatchBuilder;
using record::BatchHeader;
using record::Codec;
using record::RecordReader;
using record::RecordView;
using record::TimestampType;
using wire::ErrorCode;

using Checked = tl::expected<void, Refusal>;

constexpr std::int16_t kFirstVersionOfOneBatch = 3;
constexpr std::int16_t kFirstVersionOfZstd = 7;
constexpr std::int64_t kNoBound = std::numeric_limits<std::int64_t>::max();
// Of decompressed records, above which a thread gives the memory back.
constexpr std::size_t kKeptBytes = 4 << 20;

tl::unexpected<Refusal> refuse(ErrorCode code, std::string message) {
    return tl::unexpected<Refusal>{Refusal{code, std::move(message)}};
}

std::string counted(std::uint64_t count, const char* thing) {
    return std::to_string(count) + ' ' + thing + (count == 1 ? "" : "s");
}

// The decompressor of this thread.
RecordReader& reader_of_thread(std::size_t limit_bytes) {
    thread_local std::optional<RecordReader> reader;
    thread_local std::size_t its_limit = 0;
    if (!reader || its_limit != limit_bytes || reader->uncompressed_bytes() > kKeptBytes) {
        reader.emplace(limit_bytes);
        its_limit = limit_bytes;
    }
    return *reader;
}

// What record for record is looked at, and the new batch if there is to be one.
class Walk {
public:
    Walk(const ValidationRules& rules, BatchBuilder* rebuild)
        : topic_(rules.topic), rules_(rules), rebuild_(rebuild) {
        is_create_time_ = topic_.log.timestamp_type == TimestampType::create_time;
        is_bounded_ = is_create_time_ &&
                      (topic_.timestamp_before_max_ms != kNoBound || topic_.timestamp_after_max_ms != kNoBound);
        // Neither is negative, so that only the sum can overflow.
        earliest_ = rules.now - topic_.timestamp_before_max_ms;
        if (__builtin_add_overflow(rules.now, topic_.timestamp_after_max_ms, &latest_)) latest_ = kNoBound;
    }

    // A unit that parses, and whose checksum is right; of magic 2 its base offset is 0.
    [[nodiscard]] Checked take(ByteView unit) {
        RecordReader& reader = reader_of_thread(rules_.decompressed_max_bytes);
        if (const Status opened = reader.open(unit); !opened) return refuse_content(opened.error());
        const BatchHeader& header = reader.header();
        const bool says_append_time = header.timestamp_type() == TimestampType::log_append_time;
        // What is of older magic is always made anew.
        const bool looks_closer =
            topic_.log.cleanup_compact || is_bounded_ || says_append_time || rebuild_ != nullptr;
        for (RecordView r; reader.next(r); ++count_) {
            in_order_ = in_order_ && r.offset.value() == count_;
            max_timestamp_ = std::max(max_timestamp_, r.timestamp);
            if (!looks_closer) continue;
            if (auto checked = look_closer(r, header, says_append_time); !checked) return checked;
        }
        if (const Status& read = reader.status(); !read) return refuse_content(read.error());
        return {};
    }

    // All records were good.
    [[nodiscard]] Checked end() {
        if (refused_ == 0) return {};
        Refusal refusal{
            bad_time_ ? ErrorCode::invalid_timestamp : ErrorCode::invalid_record,
            counted(refused_, "record") + " of " + std::to_string(count_) + " refused: " + refusals_.front().message};
        refusal.records = std::move(refusals_);
        return tl::unexpected<Refusal>{std::move(refusal)};
    }

    [[nodiscard]] bool in_order() const { return in_order_; }
    [[nodiscard]] std::int32_t count() const { return static_cast<std::int32_t>(count_); }
    [[nodiscard]] TimestampMs max_timestamp() const { return max_timestamp_; }

private:
    [[nodiscard]] Checked look_closer(const RecordView& r, const BatchHeader& header, bool says_append_time) {
        if (header.magic != record::kMagicV2) {
            if (!r.message_crc_valid)
                return refuse(ErrorCode::corrupt_message, "message " + std::to_string(count_) + ": wrong checksum");
            if (r.magic != static_cast<std::int8_t>(header.magic))
                return refuse(ErrorCode::invalid_record, "a message of another magic inside a compressed one");
        }
        if (topic_.log.cleanup_compact && !r.key) {
            note("no key, in a topic that is compacted");
        } else if (is_create_time_ && r.timestamp != kNoTimestamp) {
            if (r.timestamp < earliest_ || r.timestamp > latest_) {
                bad_time_ = true;
                note("timestamp " + std::to_string(r.timestamp) + " is not from " + std::to_string(earliest_) +
                     " to " + std::to_string(latest_));
            }
        } else if (says_append_time) {
            bad_time_ = true;
            note("a producer must not say LogAppendTime");
        }
        if (rebuild_ == nullptr || refused_ != 0) return {};
        rebuild_->add_view(r);
        // Each message of a set decompresses to no more than the limit; all together must not do so either.
        if (rebuild_->size_bytes() > rules_.decompressed_max_bytes + record::kBatchHeaderBytes + kOverheadBytes)
            return refuse_size();
        return {};
    }

    void note(std::string message) {
        ++refused_;
        if (refusals_.size() < kMostRecordRefusals)
            refusals_.push_back({static_cast<std::int32_t>(count_), std::move(message)});
    }

    [[nodiscard]] tl::unexpected<Refusal> refuse_size() const {
        Refusal refusal{ErrorCode::message_too_large, "the records are more than " +
                                                          std::to_string(rules_.decompressed_max_bytes) +
                                                          " bytes when decompressed"};
        refusal.is_over_limit = true;
        return tl::unexpected<Refusal>{std::move(refusal)};
    }

    [[nodiscard]] tl::unexpected<Refusal> refuse_content(const Error& error) const {
        if (error.code == Errc::too_large) return refuse_size();
        return refuse(ErrorCode::invalid_record, error.message());
    }

    // What records may take more in the new batch than in the old.
    static constexpr std::size_t kOverheadBytes = 1 << 20;

    const store::TopicConfig& topic_;
    const ValidationRules& rules_;
    BatchBuilder* rebuild_;
    bool is_create_time_ = true;
    bool is_bounded_ = false;
    TimestampMs earliest_ = 0;
    TimestampMs latest_ = 0;

    std::int64_t count_ = 0;
    bool in_order_ = true;
    TimestampMs max_timestamp_ = kNoTimestamp;
    bool bad_time_ = false;
    std::size_t refused_ = 0;
    std::vector<RecordRefusal> refusals_;
};

// A unit that is there whole, by its size field alone.
struct Unit {
    ByteView bytes;
    std::uint8_t magic = 0;
};

tl::expected<Unit, Refusal> first_unit(ByteView bytes) {
    if (bytes.size() <= record::kMagicPosition) return refuse(ErrorCode::invalid_record, "no batch");
    const auto size = load_be<std::int32_t>(bytes.data() + sizeof(std::int64_t));
    if (size < static_cast<std::int32_t>(record::kMinimumUnitSize))
        return refuse(ErrorCode::corrupt_message, "a batch that says to be of size " + std::to_string(size));
    const auto magic = static_cast<std::uint8_t>(bytes[record::kMagicPosition]);
    const std::size_t unit_bytes = record::kUnitPrefixBytes + static_cast<std::size_t>(size);
    if (unit_bytes > bytes.size()) return refuse(ErrorCode::invalid_record, "no whole batch");
    return Unit{bytes.substr(0, unit_bytes), magic};
}

Checked check_size(std::size_t size_bytes, const ValidationRules& rules) {
    const auto over = [&](ErrorCode code, const char* setting, std::uint32_t most) {
        return refuse(code, "a batch of " + std::to_string(size_bytes) + " bytes is more than " + setting + ", " +
                                std::to_string(most));
    };
    if (size_bytes > rules.topic.log.max_message_bytes)
        return over(ErrorCode::message_too_large, "max.message.bytes", rules.topic.log.max_message_bytes);
    if (size_bytes > rules.topic.log.segment_bytes)
        return over(ErrorCode::record_list_too_large, "segment.bytes", rules.topic.log.segment_bytes);
    return {};
}

record::BatchOptions options_of(const ValidationRules& rules, Codec came_in) {
    record::BatchOptions options;
    options.codec = rules.topic.compression_by_producer ? came_in : rules.topic.compression;
    if (!rules.topic.compression_by_producer) options.level = rules.topic.compression_level;
    return options;
}

tl::expected<ValidBatch, Refusal> finish(BatchBuilder& builder, const ValidationRules& rules) {
    const auto finished = builder.finish();
    if (!finished) return refuse(ErrorCode::unknown_server_error, finished.error().message());
    if (auto checked = check_size(finished->size(), rules); !checked) return tl::unexpected{checked.error()};
    ValidBatch batch;
    batch.rebuilt.append(*finished);
    batch.bytes = {batch.rebuilt.data(), batch.rebuilt.size()};
    batch.record_count = builder.record_count();
    return batch;
}

// VAL-4, VAL-5, and what only a broker may write.
Checked check_header(const BatchHeader& header) {
    const auto invalid = [](std::string why) { return refuse(ErrorCode::invalid_record, std::move(why)); };
    if (header.record_count <= 0) return invalid("a batch of " + std::to_string(header.record_count) + " records");
    if (header.record_count - 1 != header.last_offset_delta) {
        return invalid(counted(static_cast<std::uint64_t>(header.record_count), "record") + ", but offsets 0 to " +
                       std::to_string(header.last_offset_delta));
    }
    if (header.is_control()) return invalid("control batches are the broker's to write");
    if (header.has_delete_horizon()) return invalid("a delete horizon is the broker's to set");
    if (header.producer_id < kNoProducerId) return invalid("producer id " + std::to_string(header.producer_id));
    if (header.has_producer() && header.producer_epoch < 0)
        return invalid("producer " + std::to_string(header.producer_id) + " without an epoch");
    if (header.has_producer() && header.base_sequence < 0)
        return invalid("producer " + std::to_string(header.producer_id) + " without a sequence");
    if (header.is_transactional()) return refuse(ErrorCode::invalid_txn_state, "this broker has no transactions yet");
    return {};
}

tl::expected<ValidBatch, Refusal> validate_batch(std::span<char> bytes, const ValidationRules& rules) {
    const ByteView unit{bytes.data(), bytes.size()};
    if (unit.size() < record::kBatchHeaderBytes)
        return refuse(ErrorCode::corrupt_message, "a batch of " + std::to_string(unit.size()) + " bytes");
    if (const auto base = load_be<std::int64_t>(unit.data()); base != 0)
        return refuse(ErrorCode::invalid_record, "base offset " + std::to_string(base) + ", not 0");
    if (auto checked = check_size(unit.size(), rules); !checked) return tl::unexpected{checked.error()};
    const auto parsed = record::parse_batch_header(unit);
    if (!parsed && parsed.error().code == Errc::unsupported)
        return refuse(ErrorCode::unsupported_compression_type, parsed.error().detail);
    if (!parsed) return refuse(ErrorCode::invalid_record, parsed.error().message());
    BatchHeader header = *parsed;
    if (const Status sum = record::verify_batch_checksum(unit, header); !sum)
        return refuse(ErrorCode::corrupt_message, sum.error().detail);
    if (auto checked = check_header(header); !checked) return tl::unexpected{checked.error()};
    if (header.codec() == Codec::zstd && rules.version < kFirstVersionOfZstd) {
        return refuse(ErrorCode::unsupported_compression_type,
                      "zstd needs version " + std::to_string(kFirstVersionOfZstd) + " of Produce");
    }

    record::BatchOptions options = options_of(rules, header.codec());
    options.producer_id = header.producer_id;
    options.producer_epoch = header.producer_epoch;
    options.base_sequence = header.base_sequence;
    std::optional<BatchBuilder> builder;
    if (options.codec != header.codec()) builder.emplace(options);
    for (;;) {
        Walk walk{rules, builder ? &*builder : nullptr};
        if (auto taken = walk.take(unit); !taken) return tl::unexpected{taken.error()};
        if (auto good = walk.end(); !good) return tl::unexpected{good.error()};
        if (builder) return finish(*builder, rules);
        if (!walk.in_order()) {
            builder.emplace(options);
            continue;
        }
        const bool is_create_time = rules.topic.log.timestamp_type == TimestampType::create_time;
        if (is_create_time && (header.max_timestamp != walk.max_timestamp() ||
                               header.timestamp_type() == TimestampType::log_append_time)) {
            header.max_timestamp = walk.max_timestamp();
            header.attributes = static_cast<std::int16_t>(header.attributes & ~record::kLogAppendTimeBit);
            record::store_batch_header(bytes.data(), header);
            header.crc = record::batch_checksum(unit);
            record::store_batch_header(bytes.data(), header);
        }
        return ValidBatch{.bytes = bytes, .record_count = header.record_count};
    }
}

// Messages of magic 0 or 1, some of which may be compressed sets: one batch of magic 2 of them all.
tl::expected<ValidBatch, Refusal> validate_message_set(ByteView bytes, std::uint8_t magic,
                                                       const ValidationRules& rules) {
    Codec codec = Codec::none;
    for (ByteView rest = bytes; !rest.empty();) {
        const auto unit = first_unit(rest);
        if (!unit) return tl::unexpected{unit.error()};
        if (unit->magic != magic) return refuse(ErrorCode::invalid_record, "messages of different magic in one set");
        if (auto checked = check_size(unit->bytes.size(), rules); !checked) return tl::unexpected{checked.error()};
        const auto header = record::parse_batch_header(unit->bytes);
        if (!header && header.error().code == Errc::unsupported)
            return refuse(ErrorCode::unsupported_compression_type, header.error().detail);
        if (!header) return refuse(ErrorCode::invalid_record, header.error().message());
        if (header->codec() != Codec::none) {
            codec = header->codec();
            if (const Status sum = record::verify_batch_checksum(unit->bytes, *header); !sum)
                return refuse(ErrorCode::corrupt_message, sum.error().detail);
        }
        rest.remove_prefix(unit->bytes.size());
    }
    BatchBuilder builder{options_of(rules, codec)};
    Walk walk{rules, &builder};
    for (ByteView rest = bytes; !rest.empty();) {
        const auto unit = first_unit(rest);
        if (auto taken = walk.take(unit->bytes); !taken) return tl::unexpected{taken.error()};
        rest.remove_prefix(unit->bytes.size());
    }
    if (auto good = walk.end(); !good) return tl::unexpected{good.error()};
    return finish(builder, rules);
}

}  // namespace

tl::expected<ValidBatch, Refusal> validate(std::span<char> records, const ValidationRules& rules) {
    const ByteView bytes{records.data(), records.size()};
    const bool may_be_old = rules.version < kFirstVersionOfOneBatch;
    if (bytes.empty() && may_be_old) return ValidBatch{};
    const auto first = first_unit(bytes);
    if (!first) return tl::unexpected{first.error()};
    if (first->magic > record::kMagicV2)
        return refuse(ErrorCode::invalid_record, "magic " + std::to_string(first->magic));
    if (first->magic < record::kMagicV2) {
        if (may_be_old) return validate_message_set(bytes, first->magic, rules);
        return refuse(ErrorCode::invalid_record, "magic " + std::to_string(first->magic) + ", but version " +
                                                     std::to_string(rules.version) + " of Produce carries magic 2");
    }
    if (first->bytes.size() != bytes.size()) return refuse(ErrorCode::invalid_record, "more than one batch");
    return validate_batch(records, rules);
}

}  // namespace mq::broker
