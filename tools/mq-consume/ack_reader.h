// --ack-fd N: another program says what it has dealt with, one line each: "TOPIC PARTITION OFFSET\n".
//
// An acknowledgement is cumulative, as Kafka's commits are: the record at OFFSET of that partition, and every one
// before it, is done. OFFSET + 1 is committed.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ack_parser.h"
#include "cli/diagnostics.h"

namespace mq::consume {

// Reads the descriptor on a thread of its own, so that the consumer can sleep on a word. Calls come from one thread.
class AckReader {
public:
    // Errors: bad_argument (no such descriptor, or not one to read from), no_descriptors, no_memory. The descriptor
    // is not passed on to commands.
    [[nodiscard]] static Result<std::unique_ptr<AckReader>> start(int fd);
    ~AckReader();
    AckReader(const AckReader&) = delete;
    AckReader& operator=(const AckReader&) = delete;

    // What has come since the last call, in its order. Evaluate it only when everything that has left as output is
    // known: an acknowledgement may come as soon as a record has left. Errors: corrupt, with the line number, after
    // all that came before it was taken; io. For good.
    [[nodiscard]] Result<std::vector<Ack>> take();
    // Nothing more will come: the other end was closed, and all was taken.
    [[nodiscard]] bool at_end() const;
    // Changes when take() or at_end() has something new.
    [[nodiscard]] const std::atomic<std::uint32_t>& word() const;

private:
    struct Impl;
    explicit AckReader(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace mq::consume
