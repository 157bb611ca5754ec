#include "log/producer_snapshot.h"

#include <utility>

#include "base/crc32c.h"
#include "os/file.h"
#include "os/kill_point.h"

namespace mq::log {
namespace {

constexpr std::int16_t kVersion = 1;
constexpr std::size_t kCrcPosition = 2;
constexpr std::size_t kCrcCoverageStart = 6;
constexpr const char* kOperation = "read producer snapshot";

tl::unexpected<Error> corrupt(std::string detail, std::uint64_t position) {
    return fail(Errc::corrupt, kOperation, {}, std::move(detail), position);
}

bool is_possible(const ProducerEntry& entry, const ProducerBatch& batch) {
    if (entry.producer_id < 0 || entry.producer_epoch < -1 || entry.coordinator_epoch < -1) return false;
    if (batch.last_sequence < -1 || batch.last_offset < kNoOffset || entry.current_txn_first_offset < kNoOffset)
        return false;
    return batch.offset_delta >= 0 &&
           (batch.last_offset == kNoOffset || Offset{batch.offset_delta} <= batch.last_offset);
}

}  // namespace

std::string encode_snapshot(const ProducerState& state) {
    std::string bytes;
    bytes.reserve(kSnapshotHeaderBytes + state.entries().size() * kSnapshotEntryBytes);
    append_be(bytes, kVersion);
    append_be(bytes, std::uint32_t{0});
    append_be(bytes, static_cast<std::int32_t>(state.entries().size()));
    for (const auto& [id, entry] : state.entries()) {
        append_be(bytes, id);
        append_be(bytes, entry.producer_epoch);
        append_be(bytes, entry.last_sequence());
        append_be(bytes, entry.last_data_offset().value());
        append_be(bytes, entry.is_empty() ? 0 : entry.batches.back().offset_delta);
        append_be(bytes, entry.last_timestamp);
        append_be(bytes, entry.coordinator_epoch);
        append_be(bytes, entry.current_txn_first_offset.value());
    }
    store_be(bytes.data() + kCrcPosition, crc32c(ByteView{bytes}.substr(kCrcCoverageStart)));
    return bytes;
}

Result<ProducerState> decode_snapshot(ByteView bytes) {
    if (bytes.size() < kSnapshotHeaderBytes)
        return corrupt(std::to_string(bytes.size()) + " bytes, fewer than the header's 10", 0);
    ByteCursor cursor{bytes};
    const auto version = cursor.be<std::int16_t>();
    const auto stored = cursor.be<std::uint32_t>();
    const auto count = cursor.be<std::int32_t>();
    if (version != kVersion) return corrupt("version " + std::to_string(version) + ", not 1", 0);
    const std::uint32_t computed = crc32c(bytes.substr(kCrcCoverageStart));
    if (stored != computed) {
        return corrupt("checksum " + std::to_string(stored) + ", but the bytes have " + std::to_string(computed),
                       kCrcPosition);
    }
    if (count < 0 || cursor.remaining() != static_cast<std::uint64_t>(count) * kSnapshotEntryBytes) {
        return corrupt(
            std::to_string(count) + " entries do not take " + std::to_string(cursor.remaining()) + " bytes",
            kCrcCoverageStart);
    }
    ProducerState state;
    for (std::int32_t i = 0; i < count; ++i) {
        const auto position = static_cast<std::uint64_t>(cursor.position() - bytes.data());
        ProducerEntry entry;
        ProducerBatch batch;
        entry.producer_id = cursor.be<std::int64_t>();
        entry.producer_epoch = cursor.be<std::int16_t>();
        batch.last_sequence = cursor.be<std::int32_t>();
        batch.last_offset = Offset{cursor.be<std::int64_t>()};
        batch.offset_delta = cursor.be<std::int32_t>();
        batch.timestamp = entry.last_timestamp = cursor.be<std::int64_t>();
        entry.coordinator_epoch = cursor.be<std::int32_t>();
        entry.current_txn_first_offset = Offset{cursor.be<std::int64_t>()};
        const std::string who = "producer " + std::to_string(entry.producer_id);
        if (!is_possible(entry, batch)) return corrupt(who + " has values that cannot be", position);
        if (state.find(entry.producer_id) != nullptr) return corrupt(who + " is there twice", position);
        if (batch.last_offset != kNoOffset) entry.batches.push_back(batch);
        state.insert(std::move(entry));
    }
    return state;
}

Result<ProducerState> read_snapshot(const std::string& path) {
    MQ_ASSIGN(const std::string bytes, os::read_file(path));
    Result<ProducerState> state = decode_snapshot(bytes);
    if (!state) state.error().subject = path;
    return state;
}

Status write_snapshot(const std::string& path, const ProducerState& state) {
    MQ_KILLPOINT("snapshot.before_write");
    MQ_TRY(os::replace_file(path, encode_snapshot(state)));
    MQ_KILLPOINT("snapshot.after_write");
    return {};
}

}  // namespace mq::log
