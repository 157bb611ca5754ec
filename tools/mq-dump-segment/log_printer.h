// Batches and records of .log files as rows.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "cli/format.h"
#include "cli/match.h"
#include "cli/range.h"
#include "mq-dump-segment/commands.h"
#include "mq-dump-segment/decoder.h"
#include "mq-dump-segment/rows.h"
#include "mq-dump-segment/unit_source.h"

namespace mq::dump {

// Not thread-safe. `context` and `rows` must outlive it.
class LogPrinter {
public:
    [[nodiscard]] static Result<LogPrinter> make(const Context& context, Rows& rows);

    struct Window {
        std::string directory;
        Offset from{0};
        Offset until{INT64_MAX};
    };

    // A .log that is being printed.
    struct Reading {
        Input input;
        os::File file;
        std::optional<UnitSource> units;
        Window window;
        Offset next{0};        // the first offset that was not printed
        bool is_over = false;  // nothing more of it can be printed: damage, or the end of -o
    };

    // Resolves -o against the segments among `inputs`.
    void set_bounds(const std::vector<Input>& inputs);
    // Damage is explained on stderr as it is met; a Status is what made the file unreadable.
    [[nodiscard]] Status print(const Input& input);
    // The same in two steps, of which the second may be repeated once the file has grown. `from`: nothing below it.
    [[nodiscard]] Result<std::unique_ptr<Reading>> open(const Input& input, Offset from = Offset{0});
    [[nodiscard]] Status print(Reading& reading);
    // -c is reached.
    [[nodiscard]] bool done() const { return left_ == 0; }
    // No row for a batch: a filter or a format was given.
    [[nodiscard]] bool records_only() const { return format_.has_value() || !matcher_.empty(); }
    // Of everything printed: bad_data after damage, no if -m matched nothing.
    [[nodiscard]] cli::ExitCode status() const;

private:
    LogPrinter(const Context& context, Rows& rows)
        : context_(context), rows_(rows), reader_(decompressed_limit(context.options)) {}

    [[nodiscard]] static std::size_t decompressed_limit(const Options& options);

    [[nodiscard]] Result<Window> window_of(const std::vector<Input>& logs) const;
    void print_batch(const record::BatchHeader& header, std::uint64_t position, std::string_view valid);
    [[nodiscard]] Status print_records(const Input& input, const log::ScannedBatch& batch, const Window& window);
    [[nodiscard]] Status print_record(const Input& input, const record::BatchHeader& header,
                                      const record::RecordView& record);
    [[nodiscard]] std::string headers_json(const record::RecordView& record) const;
    // What follows is about this file.
    void show_file(const Input& input);
    void damaged(Error error);

    const Context& context_;
    Rows& rows_;
    record::RecordReader reader_;
    std::optional<Decoder> decoder_;
    std::optional<cli::Format> format_;
    std::string formatted_;
    std::string shown_file_;
    cli::Matcher matcher_;
    cli::Ranges ranges_;
    std::vector<Window> windows_;
    std::uint64_t left_ = UINT64_MAX;
    std::uint64_t printed_ = 0;
    cli::ExitCode status_ = cli::ExitCode::ok;
};

}  // namespace mq::dump
