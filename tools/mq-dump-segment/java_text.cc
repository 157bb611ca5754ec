#include "mq-dump-segment/java_text.h"

#include <algorithm>
#include <array>
#include <bit>

namespace mq::dump {
namespace {

constexpr ByteView kReplacement = "\xef\xbf\xbd";

bool is_continuation(unsigned char byte) { return (byte & 0xc0) == 0x80; }

// Whether `second` can follow `first` in a sequence of three or four bytes, as far as these two can tell.
bool may_follow(unsigned char first, unsigned char second) {
    if (!is_continuation(second)) return false;
    if (first == 0xe0) return second >= 0xa0;
    if (first == 0xf0) return second >= 0x90;
    if (first == 0xf4) return second < 0x90;
    return first <= 0xf4;
}

// Bytes of the sequence at the front of `rest`, and whether it is a character. Java replaces a surrogate (0xd800 to
// 0xdfff) as a whole, any other malformed sequence up to its first bad byte, and what the end cuts short in one
// piece.
std::size_t sequence_at(ByteView rest, bool& valid) {
    const auto at = [rest](std::size_t i) { return static_cast<unsigned char>(rest[i]); };
    const unsigned char first = at(0);
    valid = false;
    if (first < 0x80) {
        valid = true;
        return 1;
    }
    if (first < 0xc2 || first > 0xf4) return 1;
    const std::size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (rest.size() >= 2 && !(length == 2 ? is_continuation(at(1)) : may_follow(first, at(1)))) return 1;
    for (std::size_t i = 2; i < std::min(length, rest.size()); ++i) {
        if (!is_continuation(at(i))) return i;
    }
    if (rest.size() < length) return rest.size();
    valid = !(first == 0xed && at(1) >= 0xa0);
    return length;
}

constexpr std::uint32_t kFibonacciMix = 0x9e3775cd;  // of Scala 2.12's byteswap32

// HashTable.improve of Scala 2.12: scatters the bits, turned by a seed that is the table's bit count.
std::uint32_t improve_2_12(std::int32_t hash, unsigned seed) {
    const std::uint32_t mixed = __builtin_bswap32(static_cast<std::uint32_t>(hash) * kFibonacciMix) * kFibonacciMix;
    return std::rotr(mixed, static_cast<int>(seed % 32));
}

std::uint32_t slot_2_12(std::int32_t hash, std::size_t table_size) {
    const std::uint32_t ones = static_cast<std::uint32_t>(table_size) - 1;
    const auto bits = static_cast<unsigned>(std::popcount(ones));
    return (improve_2_12(hash, bits) >> (32 - bits)) & ones;
}

using Buckets = std::vector<std::vector<std::size_t>>;

// Chains grow at the front; growing the table walks it from the last bucket to the first.
std::vector<std::size_t> map_order_2_12(const std::vector<std::int32_t>& hashes) {
    Buckets table(16);
    const auto insert = [&](Buckets& into, std::size_t key) {
        auto& chain = into[slot_2_12(hashes[key], into.size())];
        chain.insert(chain.begin(), key);
    };
    for (std::size_t key = 0; key < hashes.size(); ++key) {
        insert(table, key);
        if (key + 1 <= table.size() * 3 / 4) continue;
        Buckets grown(table.size() * 2);
        for (auto bucket = table.rbegin(); bucket != table.rend(); ++bucket) {
            for (const std::size_t old : *bucket) insert(grown, old);
        }
        table = std::move(grown);
    }
    std::vector<std::size_t> order;
    for (auto bucket = table.rbegin(); bucket != table.rend(); ++bucket) {
        order.insert(order.end(), bucket->begin(), bucket->end());
    }
    return order;
}

// An open-addressed table: 32 slots at first, linear probing, at most 45 % full.
std::vector<std::size_t> set_order_2_12(const std::vector<std::int32_t>& hashes) {
    constexpr std::size_t kFree = SIZE_MAX;
    std::vector<std::size_t> table(32, kFree);
    const auto insert = [&](std::vector<std::size_t>& into, std::size_t key) {
        std::size_t slot = slot_2_12(hashes[key], into.size());
        while (into[slot] != kFree) slot = (slot + 1) % into.size();
        into[slot] = key;
    };
    for (std::size_t key = 0; key < hashes.size(); ++key) {
        insert(table, key);
        if (key + 1 < table.size() * 450 / 1000) continue;
        std::vector<std::size_t> grown(table.size() * 2, kFree);
        for (const std::size_t old : table) {
            if (old != kFree) insert(grown, old);
        }
        table = std::move(grown);
    }
    std::erase(table, kFree);
    return table;
}

// Buckets by the low bits of hash ^ hash >> 16, a bucket sorted by that number; grows before 3/4 are full.
std::vector<std::size_t> order_2_13(const std::vector<std::int32_t>& hashes) {
    std::size_t table_size = 16;
    while (hashes.size() >= table_size * 3 / 4) table_size *= 2;
    const auto improved = [&](std::size_t key) {
        const auto h = static_cast<std::uint32_t>(hashes[key]);
        return static_cast<std::int32_t>(h ^ (h >> 16));
    };
    std::vector<std::size_t> order(hashes.size());
    for (std::size_t key = 0; key < order.size(); ++key) order[key] = key;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        const auto bucket = [&](std::size_t key) {
            return static_cast<std::uint32_t>(improved(key)) & (table_size - 1);
        };
        return bucket(a) != bucket(b) ? bucket(a) < bucket(b) : improved(a) < improved(b);
    });
    return order;
}

}  // namespace

void append_java_utf8(std::string& out, ByteView bytes) {
    while (!bytes.empty()) {
        bool valid = false;
        const std::size_t length = sequence_at(bytes, valid);
        out.append(valid ? bytes.substr(0, length) : kReplacement);
        bytes.remove_prefix(length);
    }
}

std::int32_t java_string_hash(ByteView utf8) {
    std::uint32_t hash = 0;
    while (!utf8.empty()) {
        bool valid = false;
        const std::size_t length = sequence_at(utf8, valid);
        std::uint32_t code = 0xfffd;
        if (valid) {
            constexpr std::array<unsigned char, 5> kLeadBits{0, 0x7f, 0x1f, 0x0f, 0x07};
            code = static_cast<unsigned char>(utf8[0]) & kLeadBits[length];
            for (std::size_t i = 1; i < length; ++i) code = code << 6 | (static_cast<unsigned char>(utf8[i]) & 0x3f);
        }
        if (code >= 0x10000) {
            hash = hash * 31 + (0xd800 + ((code - 0x10000) >> 10));
            code = 0xdc00 + ((code - 0x10000) & 0x3ff);
        }
        hash = hash * 31 + code;
        utf8.remove_prefix(length);
    }
    return static_cast<std::int32_t>(hash);
}

std::int32_t java_topic_partition_hash(ByteView topic, std::int32_t partition) {
    const std::uint32_t hash = (31 + static_cast<std::uint32_t>(partition)) * 31;
    return static_cast<std::int32_t>(hash + static_cast<std::uint32_t>(java_string_hash(topic)));
}

std::vector<std::size_t> scala_map_order(const std::vector<std::int32_t>& hashes, ScalaVersion version) {
    return version == ScalaVersion::v2_12 ? map_order_2_12(hashes) : order_2_13(hashes);
}

std::vector<std::size_t> scala_set_order(const std::vector<std::int32_t>& hashes, ScalaVersion version) {
    return version == ScalaVersion::v2_12 ? set_order_2_12(hashes) : order_2_13(hashes);
}

void append_json_string(std::string& out, ByteView text) {
    constexpr ByteView kHex = "0123456789ABCDEF";
    out += '"';
    for (const char c : text) {
        switch (c) {
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '\b':
                out += "\\b";
                break;
            case '\f':
                out += "\\f";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            default:
                if (static_cast<unsigned char>(c) < 0x20) {
                    out += "\\u00";
                    out += kHex[static_cast<unsigned char>(c) >> 4];
                    out += kHex[static_cast<unsigned char>(c) & 15];
                } else {
                    out += c;
                }
        }
    }
    out += '"';
}

std::string java_hex(ByteView bytes) {
    constexpr ByteView kHex = "0123456789ABCDEF";
    std::string hex;
    for (const char c : bytes) {
        hex += kHex[static_cast<unsigned char>(c) >> 4];
        hex += kHex[static_cast<unsigned char>(c) & 15];
    }
    if (hex.empty()) return hex;
    return hex.substr(std::min(hex.find_first_not_of('0'), hex.size() - 1));
}

}  // namespace mq::dump
