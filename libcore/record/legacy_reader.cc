// The half of RecordReader that reads message sets of magic 0 and 1.
#include <limits>
#include <string>

#include "record/compression.h"
#include "record/record.h"

namespace mq::record {
namespace {

// One message as it stands in its entry; the views point into the entry.
struct LegacyMessage {
    std::int64_t offset = 0;
    std::uint32_t crc = 0;
    std::uint8_t magic = 0;
    std::uint8_t attributes = 0;
    TimestampMs timestamp = kNoTimestamp;
    NullableBytes key;
    NullableBytes value;
    ByteView entry;

    [[nodiscard]] Codec codec() const { return static_cast<Codec>(attributes & kCodecMask); }
};

// Reads the entry at the cursor and moves past it; false if it is malformed.
bool read_message(ByteCursor& cursor, LegacyMessage& m) {
    const char* const start = cursor.position();
    m.offset = cursor.be<std::int64_t>();
    ByteCursor body{cursor.take(cursor.be<std::int32_t>())};
    if (!cursor.ok()) return false;
    m.crc = body.be<std::uint32_t>();
    m.magic = body.be<std::uint8_t>();
    m.attributes = body.be<std::uint8_t>();
    m.timestamp = m.magic == 0 ? kNoTimestamp : body.be<std::int64_t>();
    m.key = body.take_nullable(body.be<std::int32_t>());
    m.value = body.take_nullable(body.be<std::int32_t>());
    m.entry = {start, static_cast<std::size_t>(cursor.position() - start)};
    return body.ok() && body.remaining() == 0 && m.magic < kMagicV2;
}

bool is_offset(std::int64_t v) { return v >= 0 && v < std::numeric_limits<std::int64_t>::max(); }

tl::unexpected<Error> corrupt_set(std::string detail) {
    return fail(Errc::corrupt, "read message set", {}, std::move(detail));
}

}  // namespace

// A message without a codec is a set of one. Otherwise its value is a compressed set, which is walked once here to
// find the last inner offset: with magic 1 the wrapper's offset is that of the last message, and
// absolute = wrapper - last inner + inner, for instance wrapper 30, inner 0 1 2: 28 29 30.
Status RecordReader::open_legacy(ByteView unit) {
    is_legacy_ = true;
    inner_base_offset_ = 0;
    is_wrapped_ = header_.codec() != Codec::none;
    records_ = unit;
    if (!is_wrapped_) {
        left_ = 1;
        return {};
    }
    ByteCursor outer{unit};
    LegacyMessage wrapper;
    if (!read_message(outer, wrapper)) return corrupt_set("wrapper lengths");
    if (!wrapper.value) return corrupt_set("a wrapper without a value");
    scratch_.clear();
    MQ_TRY(decompress(header_.codec(), *wrapper.value, limit_, scratch_, header_.magic));
    records_ = scratch_.view();

    std::int32_t count = 0;
    LegacyMessage inner;
    for (ByteCursor cursor{records_}; cursor.remaining() > 0; ++count) {
        if (!read_message(cursor, inner)) return corrupt_set("inner message " + std::to_string(count));
        if (inner.codec() != Codec::none) return corrupt_set("a wrapper inside a wrapper");
        if (!is_offset(inner.offset)) return corrupt_set("inner offset " + std::to_string(inner.offset));
    }
    if (count == 0) return corrupt_set("an empty wrapper");
    // Magic 0 has absolute offsets inside; some magic 1 clients leave the wrapper's offset 0.
    if (header_.magic == 1 && header_.base_offset.value() != 0) {
        inner_base_offset_ = header_.base_offset.value() - inner.offset;
        if (inner_base_offset_ < 0) {
            return corrupt_set("wrapper offset " + std::to_string(header_.base_offset.value()) +
                               " before the last inner offset " + std::to_string(inner.offset));
        }
    }
    left_ = count;
    return {};
}

bool RecordReader::next_legacy() {
    ByteCursor cursor{{at_, static_cast<std::size_t>(end_ - at_)}};
    LegacyMessage m;
    if (!read_message(cursor, m)) return stop("message lengths");
    std::int64_t offset = 0;
    if (__builtin_add_overflow(inner_base_offset_, m.offset, &offset) || !is_offset(offset)) {
        return stop("inner offset");
    }
    const bool takes_wrapper_time =
        is_wrapped_ && header_.magic == 1 && header_.timestamp_type() == TimestampType::log_append_time;
    general_ = RecordView{};
    general_.offset = Offset{offset};
    general_.timestamp = takes_wrapper_time ? header_.max_timestamp : m.timestamp;
    general_.key = m.key;
    general_.value = m.value;
    general_.magic = static_cast<std::int8_t>(m.magic);
    general_.message_crc = m.crc;
    general_.message_crc_valid = batch_checksum(m.entry) == m.crc;
    at_ = cursor.position();
    --left_;
    return true;
}

}  // namespace mq::record
