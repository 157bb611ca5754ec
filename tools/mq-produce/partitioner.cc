#include "partitioner.h"

#include <algorithm>
#include <array>

#include "base/clock.h"
#include "os/process.h"

namespace mq::produce {

namespace {

struct Name {
    Partitioner kind;
    std::string_view name;
};
constexpr std::array<Name, 7> kNames{{{Partitioner::murmur2, "murmur2"},
                                      {Partitioner::murmur2_random, "murmur2_random"},
                                      {Partitioner::crc32, "crc32"},
                                      {Partitioner::fnv1a, "fnv1a"},
                                      {Partitioner::roundrobin, "roundrobin"},
                                      {Partitioner::random, "random"},
                                      {Partitioner::sticky, "sticky"}}};

// Reflected, polynomial 0x04c11db7: zlib's.
constexpr auto kCrcTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t c = i;
        for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? 0xedb88320u ^ (c >> 1) : c >> 1;
        table[i] = c;
    }
    return table;
}();

}  // namespace

std::optional<Partitioner> partitioner_from_name(std::string_view name) {
    const auto row = std::ranges::find(kNames, name, &Name::name);
    if (row == kNames.end()) return std::nullopt;
    return row->kind;
}

std::vector<std::string_view> partitioner_names() {
    std::vector<std::string_view> names;
    for (const Name& row : kNames) names.push_back(row.name);
    return names;
}

std::uint32_t crc32_of_key(ByteView key) {
    std::uint32_t c = 0xffffffffu;
    for (const char byte : key) c = kCrcTable[(c ^ static_cast<unsigned char>(byte)) & 0xff] ^ (c >> 8);
    return ~c;
}

std::uint32_t fnv1a_of_key(ByteView key) {
    std::uint32_t hash = 0x811c9dc5u;
    for (const char byte : key) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x01000193u;
    // The absolute value of it as a signed number.
    return (hash & 0x80000000u) != 0 ? 0u - hash : hash;
}

Placement::Placement(Partitioner kind, std::size_t count) : kind_(kind), count_(count) {
    if (count == 1) return;
    chance_.seed(static_cast<std::uint32_t>(os::monotonic_ns()) ^ static_cast<std::uint32_t>(os::process_id()) << 16);
    chance_.discard(2);
    next_ = by_chance();
}

void Placement::fix(std::uint64_t placed) {
    is_fixed_ = true;
    placed_ = placed;
}

std::size_t Placement::by_chance() {
    if (is_fixed_) return static_cast<std::size_t>(placed_ % count_);
    return static_cast<std::size_t>(chance_() >> 8) % count_;
}

std::size_t Placement::place_other(NullableBytes key) {
    const bool has_text = key && !key->empty();
    ++placed_;
    switch (kind_) {
        case Partitioner::murmur2:
        case Partitioner::murmur2_random:
            if (key) return static_cast<std::size_t>(partition_for_key(*key, static_cast<std::int32_t>(count_)));
            break;
        case Partitioner::crc32:
            if (has_text) return crc32_of_key(*key) % count_;
            break;
        case Partitioner::fnv1a:
            if (key) return fnv1a_of_key(*key) % count_;
            break;
        case Partitioner::roundrobin:
            if (is_fixed_) break;
            next_ = next_ + 1 == count_ ? 0 : next_ + 1;
            return next_;
        case Partitioner::random:
        case Partitioner::sticky:
            break;
    }
    return by_chance();
}

}  // namespace mq::produce
