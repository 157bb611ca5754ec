// Prints records in the form that was asked for.
#pragma once

#include "args.h"
#include "cli/output.h"

namespace mq::consume {

// Not thread-safe. `args` and `out` must outlive it.
class Printer {
public:
    Printer(const Args& args, cli::Output& out);

    // What is the same for all records of a partition.
    void start_partition(std::string_view topic, std::int32_t partition, Offset log_start, Offset last_stable_offset,
                         Offset high_watermark);

    // Errors: those of the output; corrupt, where unpack does not fit.
    [[nodiscard]] Status print(const record::RecordView& record, const record::BatchHeader& batch) {
        if (!plain_ || !record.value) return print_other(record, batch);
        const std::size_t size = record.value->size();
        char* const to = out_->room(size + args_->delimiter.size());
        if (size > 0) std::memcpy(to, record.value->data(), size);
        if (args_->delimiter.size() == 1) {
            to[size] = args_->delimiter.front();
        } else {
            std::memcpy(to + size, args_->delimiter.data(), args_->delimiter.size());
        }
        ++input_.count;
        if (!out_->commit(size + args_->delimiter.size())) return out_->status();
        return {};
    }
    [[nodiscard]] std::uint64_t count() const { return input_.count; }

private:
    [[nodiscard]] Status print_other(const record::RecordView& record, const record::BatchHeader& batch);
    void append_text(const record::RecordView& record);
    void append_json(const record::RecordView& record, const record::BatchHeader& batch);

    const Args* args_;
    cli::Output* out_;
    cli::FormatInput input_;
    std::optional<cli::Format> format_;
    bool plain_;  // values and delimiters only
    std::string line_;
    std::string json_prefix_;  // topic and partition
};

// Whether `text` is one JSON value. If so `out` gets it, line breaks between its tokens as spaces.
[[nodiscard]] bool append_if_json(std::string& out, ByteView text);

}  // namespace mq::consume
