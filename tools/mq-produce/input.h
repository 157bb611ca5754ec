// Reads files and stdin, and feeds what they hold to a producer as records.
#pragma once

#include "args.h"
#include "cli/signals.h"
#include "producer.h"
#include "splitter.h"

namespace mq::produce {

// not_found, not_permitted: a file that cannot be read is told of before anything is.
[[nodiscard]] Status check_files(const Args& args);

enum class InputEnd : unsigned char { all_read, interrupted };

// Reads args.files one after another. When input pauses, what was read is sent, and flushed when that is due. A
// signal ends reading; a record that no delimiter has ended then is left out, at the end of a file it counts. An
// error of the input names the file and byte; one of the producer is passed on.
class Input {
public:
    Input(const Args& args, Producer& producer, cli::Signals& signals);

    [[nodiscard]] Result<InputEnd> run();

    // Bytes of an unfinished record that an interruption left out.
    [[nodiscard]] std::size_t left_out_bytes() const { return left_out_bytes_; }

private:
    [[nodiscard]] Result<InputEnd> run_stream(const os::File& stream);
    // Returns when there is something to read; sends and flushes meanwhile.
    [[nodiscard]] Result<cli::Wait> wait_for(const os::File& stream);
    [[nodiscard]] Status add_complete_records(const os::File& stream);
    [[nodiscard]] Status add_record(ByteView record);
    [[nodiscard]] tl::unexpected<Error> located(Error error, const os::File& stream, std::uint64_t position) const;

    const Args* args_;
    Producer* producer_;
    cli::Signals* signals_;
    Splitter splitter_;
    std::size_t left_out_bytes_ = 0;
};

}  // namespace mq::produce
