// What a fetch finds in its partitions, and how that is put into the answer. Rules FET-1 to FET-7, FET-11 to FET-18.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "broker/answer.h"
#include "broker/broker.h"
#include "broker/fetch_sessions.h"
#include "broker/wakeups.h"
#include "log/range_reader.h"

namespace mq::broker {

// Of the whole request.
struct FetchLimits {
    std::int16_t version = 0;
    log::Isolation isolation = log::Isolation::read_uncommitted;
    bool is_follower = false;  // another broker, which no partition of this one has for a replica
    std::uint64_t max_bytes = 0;

    // An oversized first batch is cut.
    [[nodiscard]] bool are_hard() const { return version <= 2; }
    // The records are converted to magic 0 or 1.
    [[nodiscard]] bool want_old_format() const { return version <= 3; }
};

class TopicPicture;

// By FetchContext::partitions.
struct FetchRead {
    std::shared_ptr<const TopicPicture> picture;
    std::vector<std::string_view> names;                  // of the topics that there are, in the picture
    std::vector<wire::FetchResponse::Partition> results;  // without records
    std::vector<log::RecordRange> ranges;
    std::vector<std::uint64_t> bytes;  // of the ranges that go into the answer
    std::vector<bool> is_unknown;      // there is no such topic or partition
    std::uint64_t total_bytes = 0;
    std::uint64_t readable_bytes = 0;  // with those for which there was no room
    bool has_errors = false;           // in partitions that are known
    bool has_unknown = false;
    bool is_behind = false;  // one of them is read in an older segment than the last
    // Somebody holds something: a thread that may wait must do it all again.
    bool must_wait = false;
    std::vector<Wakeups::Watched> waits;  // for more records; empty: all partitions are in error
};

[[nodiscard]] FetchRead read_for_fetch(Broker& broker, const FetchContext& context, const FetchLimits& limits);

// What the records of a response lie in until it is encoded, and after.
struct FetchPayload {
    Buffer small;
    std::vector<FilePiece> files{};
    std::vector<std::shared_ptr<const void>> keeps{};
};

// Puts the records of the partitions that are `included` into their results, converted if need be. What cannot be
// read or converted becomes an error of its partition.
void add_records(Broker& broker, const FetchContext& context, const FetchLimits& limits,
                 const std::vector<bool>& included, FetchRead& read, FetchPayload& payload);

}  // namespace mq::broker
