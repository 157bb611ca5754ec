// How records are set apart in a stream where no delimiter can be: a length in front of each, or whole batches.
// mq-consume writes what mq-produce reads, so both names and forms stand here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/strong_int.h"

namespace mq::cli {

enum class Framing : unsigned char {
    delimiter,  // a string ends a record
    file,       // the whole stream is one record
    u32be,      // 4 bytes of length, high byte first, then the record
    u32le,      // the same, low byte first
    varint,     // the length as a base-128 varint, as Protocol Buffers write delimited messages
    netstring,  // "5:hello,"  Source: cr.yp.to/proto/netstrings.txt
    kbatch,     // Kafka's record batches, one after another, as a segment file holds them; see mark_partition
};

// "u32be", "kbatch", ...; delimiter has no name.
[[nodiscard]] std::string_view to_string(Framing framing);
[[nodiscard]] std::optional<Framing> framing_from_name(std::string_view name);
// Those that --framing takes: file only of a reader of input.
[[nodiscard]] std::vector<std::string_view> framing_names(bool with_file);

// Appends `payload` as one frame. Not for delimiter, file and kbatch, whose bytes are what they are. A null has no
// frame of its own: write an empty one. Errors: too_large (over 4 GiB - 1).
[[nodiscard]] Status append_frame(std::string& out, Framing framing, ByteView payload);

// A frame at the start of some bytes: `prefix_bytes` of length, the payload, `suffix_bytes`.
struct Frame {
    std::size_t prefix_bytes = 0;
    std::uint64_t payload_bytes = 0;
    std::size_t suffix_bytes = 0;

    [[nodiscard]] std::uint64_t size_bytes() const { return prefix_bytes + payload_bytes + suffix_bytes; }
};

// Reads the length of the frame that `bytes` begin with; nullopt: too few bytes to tell. The payload need not be
// there yet. Of kbatch the payload is the whole batch. Not for delimiter and file. Errors: corrupt (what is no
// length), with the byte within `bytes`; those of record::parse_batch_header.
[[nodiscard]] Result<std::optional<Frame>> parse_frame(Framing framing, ByteView bytes);
// Once the whole frame is there: holds what follows the payload (a netstring's comma) against the form.
[[nodiscard]] Status check_frame_end(Framing framing, ByteView frame);

// A kbatch stream of several partitions says of each batch where it comes from: in the field of the leader epoch,
// which lies outside the checksum and is stamped anew by whoever appends. Partition N stands there as -2 - N; no log
// holds anything below -1, so that a plain segment file is not mistaken.
void mark_partition(char* batch, std::int32_t partition);
// nullopt: the batch does not say.
[[nodiscard]] std::optional<std::int32_t> marked_partition(LeaderEpoch leader_epoch);

}  // namespace mq::cli
