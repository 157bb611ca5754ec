#include "cli/framing.h"

#include <algorithm>
#include <array>
#include <limits>

#include "cli/text.h"
#include "record/batch.h"

namespace mq::cli {

namespace {

constexpr std::uint64_t kLargestPayload = std::numeric_limits<std::uint32_t>::max();
// Digits of a netstring's length, and bytes of a varint, that kLargestPayload takes.
constexpr std::size_t kMostDigits = 10;
constexpr std::size_t kMostVarintBytes = 5;

struct Name {
    Framing framing;
    std::string_view name;
};
constexpr std::array<Name, 6> kNames{{{Framing::file, "file"},
                                      {Framing::u32be, "u32be"},
                                      {Framing::u32le, "u32le"},
                                      {Framing::varint, "varint"},
                                      {Framing::netstring, "netstring"},
                                      {Framing::kbatch, "kbatch"}}};

tl::unexpected<Error> bad_frame(std::string detail, std::size_t at = 0) {
    return fail(Errc::corrupt, {}, {}, std::move(detail), at);
}

Result<std::optional<Frame>> parse_varint(ByteView bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < std::min(bytes.size(), kMostVarintBytes); ++i) {
        const auto byte = static_cast<unsigned char>(bytes[i]);
        value |= std::uint64_t{byte & 0x7fu} << (7 * i);
        if (byte >= 0x80) continue;
        if (value > kLargestPayload) return bad_frame(cat("a varint length of ", value));
        return Frame{i + 1, value, 0};
    }
    if (bytes.size() < kMostVarintBytes) return std::nullopt;
    return bad_frame("no varint length");
}

Result<std::optional<Frame>> parse_netstring(ByteView bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const char c = bytes[i];
        if (c == ':' && i > 0) {
            if (value > kLargestPayload) return bad_frame(cat("a netstring of ", value, " bytes"));
            return Frame{i + 1, value, 1};
        }
        if (c < '0' || c > '9') return bad_frame("a netstring begins with its length and a colon", i);
        if (i > 0 && bytes[0] == '0') return bad_frame("a netstring's length begins with 0", i);
        if (i == kMostDigits) return bad_frame("a netstring's length of more than 10 digits", i);
        value = value * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return std::nullopt;
}

Result<std::optional<Frame>> parse_batch(ByteView bytes) {
    // A header that is wrong already is not waited for; one of the old magics is short.
    const auto header = record::parse_batch_header(bytes);
    if (header) return Frame{0, header->size_bytes, 0};
    if (header.error().code == Errc::truncated && bytes.size() < record::kBatchHeaderBytes) return std::nullopt;
    return fail(header.error());
}

}  // namespace

std::string_view to_string(Framing framing) {
    const auto row = std::ranges::find(kNames, framing, &Name::framing);
    return row == kNames.end() ? std::string_view{} : row->name;
}

std::optional<Framing> framing_from_name(std::string_view name) {
    const auto row = std::ranges::find(kNames, name, &Name::name);
    if (row == kNames.end()) return std::nullopt;
    return row->framing;
}

std::vector<std::string_view> framing_names(bool with_file) {
    std::vector<std::string_view> names;
    for (const Name& row : kNames) {
        if (with_file || row.framing != Framing::file) names.push_back(row.name);
    }
    return names;
}

Status append_frame(std::string& out, Framing framing, ByteView payload) {
    if (payload.size() > kLargestPayload)
        return fail(Errc::too_large, {}, {}, cat("a frame of ", payload.size(), " bytes"));
    char raw[kMostVarintBytes];
    switch (framing) {
        case Framing::u32be:
            store_be(raw, static_cast<std::uint32_t>(payload.size()));
            out.append(raw, sizeof(std::uint32_t));
            break;
        case Framing::u32le:
            store_le(raw, static_cast<std::uint32_t>(payload.size()));
            out.append(raw, sizeof(std::uint32_t));
            break;
        case Framing::varint: {
            std::size_t left = payload.size();
            for (; left >= 0x80; left >>= 7) out += static_cast<char>(left | 0x80);
            out += static_cast<char>(left);
            break;
        }
        case Framing::netstring:
            out += cat(payload.size(), ':');
            out += payload;
            out += ',';
            return {};
        case Framing::delimiter:
        case Framing::file:
        case Framing::kbatch:
            break;
    }
    out += payload;
    return {};
}

Result<std::optional<Frame>> parse_frame(Framing framing, ByteView bytes) {
    switch (framing) {
        case Framing::u32be:
            if (bytes.size() < sizeof(std::uint32_t)) return std::nullopt;
            return Frame{sizeof(std::uint32_t), load_be<std::uint32_t>(bytes.data()), 0};
        case Framing::u32le:
            if (bytes.size() < sizeof(std::uint32_t)) return std::nullopt;
            return Frame{sizeof(std::uint32_t), load_le<std::uint32_t>(bytes.data()), 0};
        case Framing::varint:
            return parse_varint(bytes);
        case Framing::netstring:
            return parse_netstring(bytes);
        case Framing::kbatch:
            return parse_batch(bytes);
        case Framing::delimiter:
        case Framing::file:
            break;
    }
    return fail(Errc::bad_argument, {}, {}, "no frames");
}

Status check_frame_end(Framing framing, ByteView frame) {
    if (framing != Framing::netstring || frame.ends_with(',')) return {};
    return bad_frame("a netstring does not end with a comma", frame.size() - 1);
}

void mark_partition(char* batch, std::int32_t partition) {
    const Offset base{load_be<std::int64_t>(batch)};
    record::stamp_batch(batch, base, -2 - partition);
}

std::optional<std::int32_t> marked_partition(LeaderEpoch leader_epoch) {
    if (leader_epoch > -2) return std::nullopt;
    return -2 - leader_epoch;
}

}  // namespace mq::cli
