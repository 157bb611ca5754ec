#include "record/control_record.h"

#include "base/assert.h"
#include "record/batch_builder.h"

namespace mq::record {
namespace {

constexpr std::array<std::string_view, 7> kTypeNames{
    "ABORT", "COMMIT", "LEADER_CHANGE", "SNAPSHOT_HEADER", "SNAPSHOT_FOOTER", "KRAFT_VERSION", "KRAFT_VOTERS"};
constexpr std::size_t kKeyBytes = 4;
constexpr std::size_t kEndMarkerValueBytes = 6;

tl::unexpected<Error> bad_control(std::string detail) {
    return fail(Errc::corrupt, "read control record", {}, std::move(detail));
}

}  // namespace

std::string_view to_string(ControlType type) {
    const auto i = static_cast<std::size_t>(type);
    return i < kTypeNames.size() ? kTypeNames[i] : "UNKNOWN";
}

Result<ControlRecord> parse_control_record(const RecordView& record) {
    ByteCursor key{record.key.value_or(ByteView{})};
    const auto key_version = key.be<std::int16_t>();
    ControlRecord control;
    control.type = static_cast<ControlType>(key.be<std::int16_t>());
    if (!key.ok()) return bad_control("key too short");
    if (key_version < 0) return bad_control("key version " + std::to_string(key_version));
    if (!control.ends_transaction()) return control;
    ByteCursor value{record.value.value_or(ByteView{})};
    const auto value_version = value.be<std::int16_t>();
    control.coordinator_epoch = value.be<std::int32_t>();
    if (!value.ok()) return bad_control("value too short");
    if (value_version < 0) return bad_control("value version " + std::to_string(value_version));
    return control;
}

std::array<char, kEndTransactionMarkerBytes> encode_end_transaction(const EndTransactionMarker& marker) {
    std::array<char, kKeyBytes> key{};
    store_be(key.data() + 2, static_cast<std::int16_t>(marker.type));
    std::array<char, kEndMarkerValueBytes> value{};
    store_be(value.data() + 2, marker.coordinator_epoch);
    BatchOptions options;
    options.transactional = true;
    options.control = true;
    options.producer_id = marker.producer_id;
    options.producer_epoch = marker.producer_epoch;
    BatchBuilder builder{options};
    builder.add(marker.timestamp, ByteView{key.data(), key.size()}, ByteView{value.data(), value.size()});
    const auto batch = builder.finish();
    MQ_ASSERT(batch && batch->size() == kEndTransactionMarkerBytes);
    std::array<char, kEndTransactionMarkerBytes> bytes{};
    std::copy_n(batch->data(), bytes.size(), bytes.data());
    return bytes;
}

}  // namespace mq::record
