// Reads files and stdin, or makes records, and feeds them to a producer.
#pragma once

#include <memory>
#include <optional>

#include "args.h"
#include "cli/diagnostics.h"
#include "interrupts.h"
#include "os/file.h"
#include "pace.h"
#include "producer.h"
#include "progress.h"
#include "source.h"

namespace mq::produce {

// not_found, not_permitted: a file that cannot be read is told of before anything is.
[[nodiscard]] Status check_files(const Args& args);

enum class InputEnd : unsigned char { all_read, interrupted, timed_out };

struct InputSetup {
    std::optional<Clock::time_point> deadline;  // of --timeout
    bool has_checkpoint = false;
    std::optional<InputMark> from;  // of a checkpoint: where to go on
};

// Reads args.files one after another. When input pauses, what was read is sent, and flushed when that is due. A
// signal ends reading; a record that no delimiter has ended then is left out, at the end of a file it counts. An
// error of the input names the file and byte; one of the producer is passed on.
class Input {
public:
    Input(const Args& args, const InputSetup& setup, Producer& producer, Handover& handover,
          const Interrupts& interrupts, Progress& progress);

    [[nodiscard]] Result<InputEnd> run();

    // Bytes of an unfinished record that an interruption left out.
    [[nodiscard]] std::size_t left_out_bytes() const { return left_out_bytes_; }
    // Records that --on-error passed over.
    [[nodiscard]] std::uint64_t skipped() const { return skipped_; }
    // The place behind the last record that was taken.
    [[nodiscard]] InputMark mark() const;

private:
    enum class Wake : unsigned char { readable, due, interrupted, timed_out };

    [[nodiscard]] Result<InputEnd> run_stream(const os::File& stream);
    [[nodiscard]] Result<InputEnd> run_generator();
    // Returns when there is something to read; sends and flushes meanwhile.
    [[nodiscard]] Result<Wake> wait_for(const os::File& stream);
    [[nodiscard]] Result<Wake> wait(int fd, std::optional<Clock::time_point> due);
    // Takes all records that the buffer holds. nullopt: go on reading.
    [[nodiscard]] Result<std::optional<InputEnd>> take_records(const os::File& stream, bool at_end);
    [[nodiscard]] Result<std::optional<InputEnd>> take_lines(const os::File& stream);
    [[nodiscard]] Result<std::optional<InputEnd>> take_item(const os::File& stream, Source::Next next, Item& item);
    [[nodiscard]] Status pass_over_long_record(const os::File& stream);
    // Of one record: tells of it, or passes the record over as --on-error says.
    [[nodiscard]] Status bad_record(const os::File& stream, Error error, const Item& item);
    // Waits until the record may go. nullopt: now.
    [[nodiscard]] Result<std::optional<InputEnd>> keep_pace(std::optional<TimestampMs> timestamp);
    [[nodiscard]] Status go_to_checkpoint(const os::File& stream);
    // The last bytes before the place behind the last record.
    [[nodiscard]] std::string last_bytes() const;
    [[nodiscard]] NullableBytes default_key();
    [[nodiscard]] static std::optional<InputEnd> end_of(Wake wake);

    const Args* args_;
    InputSetup setup_;
    Producer* producer_;
    Handover* handover_;
    const Interrupts* interrupts_;
    Progress* progress_;
    Pace pace_;
    InputBuffer buffer_;
    std::unique_ptr<Source> source_;
    Splitter splitter_;  // of plain lines, which need no Source
    bool is_plain_ = false;
    std::uint64_t most_bytes_ = 0;  // of a record as it stands in the input
    std::uint64_t left_ = 0;        // records, for --count
    std::size_t file_ = 0;
    std::uint64_t key_number_ = 0;  // of --repeating-keys
    std::string key_text_;
    os::File error_file_;
    Clock::time_point collecting_since_;
    Clock::time_point last_mark_ = Clock::now();
    std::string passed_;  // of a checkpoint: the last bytes that have left the buffer
    std::size_t left_out_bytes_ = 0;
    std::uint64_t skipped_ = 0;
};

}  // namespace mq::produce
