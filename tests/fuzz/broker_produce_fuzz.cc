// What a client sends for a partition: any bytes, of every magic and codec, against topics of every kind. What is
// accepted is one batch that the log can keep. The first byte chooses the topic and the version of the request.
#include <string>

#include "broker/validator.h"
#include "fuzz_input.h"
#include "record/record.h"

namespace mq::broker {
namespace {

constexpr std::size_t kLimitBytes = 1 << 20;

void expect_good(const ValidBatch& batch, const store::TopicConfig& topic) {
    const ByteView bytes{batch.bytes.data(), batch.bytes.size()};
    record::RecordReader reader{2 * kLimitBytes + (1 << 20)};
    MQ_ASSERT(reader.open(bytes));
    const record::BatchHeader& header = reader.header();
    MQ_ASSERT(record::verify_batch_checksum(bytes, header));
    MQ_ASSERT(header.magic == record::kMagicV2 && header.base_offset.value() == 0);
    MQ_ASSERT(bytes.size() <= topic.log.max_message_bytes && bytes.size() <= topic.log.segment_bytes);
    MQ_ASSERT(!header.is_control() && !header.is_transactional() && !header.has_delete_horizon());
    MQ_ASSERT(topic.compression_by_producer || header.codec() == topic.compression);
    std::int64_t next = 0;
    for (record::RecordView r; reader.next(r); ++next) {
        MQ_ASSERT(r.offset.value() == next);
        MQ_ASSERT(r.key || !topic.log.cleanup_compact);
    }
    MQ_ASSERT(reader.status());
    MQ_ASSERT(next == header.record_count && next == batch.record_count && next > 0);
}

void feed(std::string records, std::uint8_t choice) {
    store::TopicConfig topic;
    topic.log.cleanup_compact = (choice & 1) != 0;
    if ((choice & 2) != 0) topic.log.timestamp_type = record::TimestampType::log_append_time;
    if ((choice & 4) != 0) topic.timestamp_before_max_ms = topic.timestamp_after_max_ms = 1000;
    topic.compression_by_producer = (choice & 8) == 0;
    topic.compression = static_cast<record::Codec>((choice >> 4) % 5);
    const auto version = static_cast<std::int16_t>((choice & 128) != 0 ? 2 : 9);
    const auto valid = validate({records.data(), records.size()}, {topic, version, kLimitBytes, 1'700'000'000'000});
    if (!valid) {
        MQ_ASSERT(valid.error().code != wire::ErrorCode::none && !valid.error().message.empty());
        MQ_ASSERT(valid.error().records.size() <= kMostRecordRefusals);
        return;
    }
    MQ_ASSERT(valid->rebuilt.size() <= topic.log.max_message_bytes);
    if (!valid->bytes.empty()) expect_good(*valid, topic);
}

}  // namespace
}  // namespace mq::broker

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mq;
    if (size == 0) return 0;
    const std::uint8_t choice = data[0];
    std::string records{fuzz::view_of(data + 1, size - 1)};
    broker::feed(records, choice);
    if (records.size() < record::kBatchHeaderBytes) return 0;
    // With a size and a checksum that fit, so that the fuzzer need not guess them.
    store_be(records.data() + sizeof(std::int64_t),
             static_cast<std::int32_t>(records.size() - record::kUnitPrefixBytes));
    const bool is_old = static_cast<std::uint8_t>(records[record::kMagicPosition]) < record::kMagicV2;
    store_be(records.data() + (is_old ? 12 : 17), record::batch_checksum(records));
    broker::feed(std::move(records), choice);
    return 0;
}
