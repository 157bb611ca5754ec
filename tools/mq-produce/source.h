// Finds the records in a stream, one after another, whatever sets them apart.
#pragma once

#include <memory>
#include <optional>

#include "args.h"
#include "base/error.h"
#include "cli/input_record.h"
#include "splitter.h"

namespace mq::produce {

// One record, or what should have been one. Views are valid until the next call, and as long as the buffer is not
// touched.
struct Item {
    cli::InputRecord record;
    ByteView batch;              // of kbatch, instead of the record
    ByteView raw;                // as it stands in the input
    std::uint64_t position = 0;  // byte of the stream where it begins
    Error error;                 // of a malformed one: corrupt, with the byte of the stream
    bool can_go_on = true;       // after the error: where the next record begins is known
};

class Source {
public:
    enum class Next : unsigned char { record, batch, malformed, need_more };

    virtual ~Source() = default;
    virtual void start_stream() = 0;
    // The buffer got more bytes, or moved them.
    virtual void more(const InputBuffer& buffer) = 0;
    // Takes the next record off the buffer. `at_end`: nothing will follow what it holds; need_more then means that
    // all has been taken.
    virtual Next next(InputBuffer& buffer, bool at_end, Item& item) = 0;
    // A record that no end is in sight of is over the limit: takes what is there of it and passes over the rest when
    // it comes. False: that cannot be done in this form of input.
    virtual bool pass_over(InputBuffer& buffer, Item& item);
};

// `most_bytes`: of a length in front that is believed. Errors: bad_argument (--format).
[[nodiscard]] Result<std::unique_ptr<Source>> make_source(const Args& args, std::uint64_t most_bytes);

}  // namespace mq::produce
