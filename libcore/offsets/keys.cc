#include "offsets/keys.h"

#include <cstring>
#include <limits>

namespace mq::offsets {
namespace {

// Below Kafka's max.message.bytes (1,048,588) with room for one more record.
constexpr std::size_t kBatchBytes = 1'000'000;

// What the length of a string of the record can say.
constexpr std::size_t kLongestClientMetadata = std::numeric_limits<std::int16_t>::max();

constexpr std::uint64_t kLow = 0x9e3779b97f4a7c15;   // 2^64 / golden ratio
constexpr std::uint64_t kHigh = 0xc2b2ae3d27d4eb4f;  // odd, with bits evenly spread

std::uint64_t stir(std::uint64_t v) {
    v ^= v >> 32;
    v *= kHigh;
    v ^= v >> 29;
    v *= kLow;
    return v ^ v >> 32;
}

struct Mixer {
    std::uint64_t low;
    std::uint64_t high;
    void add(std::uint64_t word) {
        low = (low ^ word) * kLow;
        low ^= low >> 31;
        high = (high + word) * kHigh;
        high ^= high >> 27;
        high += low;
    }
    [[nodiscard]] shm::Hash128 result() const { return {stir(low ^ high >> 1), stir(high)}; }
};

template <typename T>
void put(Buffer& to, T value) {
    char raw[sizeof(T)];
    store_be(raw, value);
    to.append({raw, sizeof raw});
}

void put_string(Buffer& to, std::string_view text) {
    put(to, static_cast<std::int16_t>(text.size()));
    to.append(text);
}

}  // namespace

shm::Hash128 hash_name(std::string_view name) {
    Mixer mixer{kHigh ^ name.size(), kLow};
    while (name.size() >= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, name.data(), 8);
        mixer.add(word);
        name.remove_prefix(8);
    }
    std::uint64_t rest = 0;
    if (!name.empty()) std::memcpy(&rest, name.data(), name.size());
    mixer.add(rest);
    return mixer.result();
}

shm::Hash128 hash_key(const shm::Hash128& group, const shm::Hash128& topic, std::int32_t partition) {
    Mixer mixer{group.low, group.high};
    mixer.add(topic.low);
    mixer.add(topic.high);
    mixer.add(static_cast<std::uint32_t>(partition));
    return mixer.result();
}

bool is_utf8(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const auto byte = [&](std::size_t i) -> unsigned { return static_cast<unsigned char>(text[i]); };
        const unsigned first = byte(at);
        const std::size_t more = first < 0x80 ? 0 : first < 0xc2 ? 4 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
        if (more > 3 || first > 0xf4 || text.size() - at <= more) return false;
        unsigned code = more == 0 ? first : first & (0x3fu >> more);
        for (std::size_t i = 1; i <= more; ++i) {
            if ((byte(at + i) & 0xc0) != 0x80) return false;
            code = code << 6 | (byte(at + i) & 0x3f);
        }
        if ((more == 2 && code < 0x800) || (more == 3 && code < 0x10000) || code > 0x10ffff ||
            (code >= 0xd800 && code < 0xe000))
            return false;
        at += more + 1;
    }
    return true;
}

Status check_group(std::string_view group) {
    if (group.empty()) return fail(Errc::bad_argument, {}, {}, "the name of the group is empty");
    if (group.size() > kLongestGroup) {
        return fail(Errc::bad_argument, {}, {},
                    "the name of the group has " + std::to_string(group.size()) + " bytes, at most " +
                        std::to_string(kLongestGroup) + " are possible");
    }
    if (!is_utf8(group)) return fail(Errc::bad_argument, {}, {}, "the name of the group is not UTF-8");
    return {};
}

Status check_commit(const Commit& commit, bool from_client) {
    MQ_TRY(log::check_topic_name(commit.topic));
    const auto refuse = [&](const std::string& why) {
        return fail(Errc::bad_argument, "commit",
                    log::partition_directory({std::string{commit.topic}, commit.partition}), why);
    };
    if (commit.partition < 0) return refuse("a partition cannot be negative");
    if (!commit.offset) return {};
    if (*commit.offset < Offset{0} && !from_client)
        return refuse("offset " + std::to_string(commit.offset->value()) + " is negative");
    const std::size_t longest = from_client ? kLongestClientMetadata : kLongestMetadata;
    if (commit.metadata.size() > longest) {
        return refuse("metadata of " + std::to_string(commit.metadata.size()) + " bytes, at most " +
                      std::to_string(longest) + " are possible");
    }
    return {};
}

void BatchEncoder::begin(TimestampMs now) {
    builder_.clear();
    batches_.clear();
    now_ = now;
    records_ = 0;
    failed_ = {};
}

// Kafka writes schema 3, and 1 (which has no leader epoch) where the commit brings its own expiry.
void BatchEncoder::add(std::string_view group, const Commit& commit, TimestampMs commit_timestamp) {
    key_.clear();
    put(key_, std::int16_t{1});
    put_string(key_, group);
    put_string(key_, commit.topic);
    put(key_, commit.partition);
    if (!commit.offset) return add_record(std::nullopt);
    value_.clear();
    put(value_, std::int16_t{commit.expire_timestamp ? std::int16_t{1} : std::int16_t{3}});
    put(value_, commit.offset->value());
    if (!commit.expire_timestamp) put(value_, commit.leader_epoch);
    put_string(value_, commit.metadata);
    put(value_, commit_timestamp);
    if (commit.expire_timestamp) put(value_, *commit.expire_timestamp);
    add_record(value_.view());
}

void BatchEncoder::add_metadata(std::string_view group, const std::optional<record::GroupMetadataValue>& metadata) {
    key_.clear();
    put(key_, std::int16_t{2});
    put_string(key_, group);
    if (!metadata) return add_record(std::nullopt);
    add_record(record::encode(*metadata));
}

void BatchEncoder::add_record(NullableBytes value) {
    builder_.add(now_, key_.view(), value);
    ++records_;
    if (builder_.size_bytes() >= kBatchBytes && failed_) failed_ = close_batch();
}

Status BatchEncoder::close_batch() {
    MQ_ASSIGN(const ByteView batch, builder_.finish());
    batches_.append(batch);
    builder_.clear();
    return {};
}

Result<std::span<char>> BatchEncoder::finish() {
    MQ_TRY(failed_);
    if (batches_.empty()) {
        MQ_ASSIGN(const ByteView batch, builder_.finish());
        return std::span{builder_.finished_data(), batch.size()};
    }
    if (builder_.record_count() > 0) MQ_TRY(close_batch());
    return std::span{batches_.data(), batches_.size()};
}

}  // namespace mq::offsets
