// The lines of --ack-fd.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "log/checkpoint_file.h"

namespace mq::consume {

struct Ack {
    log::TopicPartition id;
    Offset offset{0};        // of the last record that is done
    std::uint64_t line = 0;  // from 1

    bool operator==(const Ack&) const = default;
};

// Takes bytes as they come, also in the middle of a line. Holds at most one line, of at most kLongestAckLine bytes.
// Not thread-safe.
class AckParser {
public:
    // A topic, a partition and an offset at their longest, the blanks between them, CR.
    static constexpr std::size_t kLongestAckLine = 249 + 1 + 10 + 1 + 19 + 1;

    // Appends the acknowledgements of the lines that `bytes` completes. Empty lines say nothing; a line may end in
    // CR LF. Errors: corrupt, with the line number: then nothing further can be read.
    [[nodiscard]] Status feed(ByteView bytes, std::vector<Ack>& acks);
    // At the end of the input: a last line without a newline may have been cut off, and counts as malformed.
    [[nodiscard]] Status finish() const;

private:
    [[nodiscard]] Result<Ack> parse(ByteView line) const;

    std::string partial_;
    std::uint64_t lines_ = 0;  // that were completed
};

}  // namespace mq::consume
