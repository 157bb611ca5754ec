// Prints records in the form that was asked for.
#pragma once

#include "args.h"
#include "cli/escape.h"
#include "cli/output.h"
#include "output_ledger.h"
#include "record/batch_builder.h"
#include "split_directory.h"

namespace mq::consume {

// What is the same for all records of a partition.
struct PartitionPlace {
    std::string_view topic;
    std::int32_t partition = 0;
    Offset log_start{0};
    Offset last_stable_offset{0};
    Offset high_watermark{0};
};

// Not thread-safe. `args` and `out` must outlive it.
class Printer {
public:
    // Errors: bad_argument (separators that --escape cannot keep apart), those of making the directory of
    // --split-dir.
    [[nodiscard]] static Result<Printer> make(const Args& args, cli::Output& out);

    // The views of `place` must outlive the printing of the partition.
    void start_partition(const PartitionPlace& place);

    // Errors: those of the output; corrupt, where unpack does not fit.
    [[nodiscard]] Status print(const record::RecordView& record, const record::BatchHeader& batch);
    // Values and delimiters, and nothing else: print_run is the quick way.
    [[nodiscard]] bool is_plain() const { return plain_; }
    // Where a run of records ended.
    struct Run {
        Offset next{0};       // behind the last one that was printed
        bool enough = false;  // `most` were printed
    };
    // The records of [from, until), at most `most`; where `marks` are given each gets one. Only if is_plain().
    // Errors: those of the output.
    [[nodiscard]] Result<Run> print_run(record::RecordReader& records, Offset from, Offset until, std::uint64_t most,
                                        OutputLedger* marks);
    // A whole batch for --framing kbatch; of another magic than 2 it is encoded anew.
    [[nodiscard]] Status print_batch(ByteView batch, const record::BatchHeader& header);
    // One with only some of the records of `batch`: add_to_batch for each, in order, then end_batch.
    void begin_batch(const record::BatchHeader& header);
    void add_to_batch(const record::RecordView& record);
    [[nodiscard]] Status end_batch();

    // Records that were printed.
    [[nodiscard]] std::uint64_t count() const { return input_.count; }
    // What must be durable before a checkpoint may say that it was printed.
    [[nodiscard]] Status sync() const;

private:
    Printer(const Args& args, cli::Output& out);
    [[nodiscard]] bool put_plain(ByteView value);
    [[nodiscard]] Status append_payload(const record::RecordView& record, const record::BatchHeader& batch);
    [[nodiscard]] Status append_file(const record::RecordView& record, const record::BatchHeader& batch);
    void append_text(const record::RecordView& record);
    void append_kafka_form(const record::RecordView& record, const record::BatchHeader& batch);
    void append_json(const record::RecordView& record, const record::BatchHeader& batch);
    void append_field(NullableBytes bytes);
    void append_headers(const record::RecordView& record);

    const Args* args_;
    cli::Output* out_;
    cli::FormatInput input_;
    std::optional<cli::Format> format_;
    std::optional<cli::Escaper> escaper_;
    std::optional<SplitDirectory> split_;
    std::optional<cli::Format> split_name_;
    bool plain_;              // values and delimiters only
    std::string terminator_;  // follows each record where it is not framed
    std::string payload_;
    std::string line_;
    std::string json_prefix_;  // topic and partition
    std::optional<record::BatchBuilder> builder_;
    record::BatchHeader built_of_;
    Offset built_base_{0};
    std::vector<record::Header> headers_;
};

// Whether `text` is one JSON value. If so `out` gets it, line breaks between its tokens as spaces.
[[nodiscard]] bool append_if_json(std::string& out, ByteView text);

}  // namespace mq::consume
