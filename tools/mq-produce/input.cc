#include "input.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/text.h"

namespace mq::produce {

using cli::cat;

namespace {

constexpr std::string_view kStdin = "-";
// As much as an unprivileged process may ask for; fewer, larger reads.
constexpr int kPipeBytes = 1 << 20;

Result<os::File> open_input(const std::string& file) {
    if (file != kStdin) return os::File::open(file, os::OpenMode::read, os::Follow::yes);
    return os::File::adopt(STDIN_FILENO, "stdin", true);
}

}  // namespace

Input::Input(const Args& args, Producer& producer, cli::Signals& signals)
    : args_(&args), producer_(&producer), signals_(&signals), splitter_(args.delimiter) {}

Status check_files(const Args& args) {
    for (const std::string& file : args.files) {
        if (file != kStdin) {
            MQ_ASSIGN(const os::FileInfo info, os::file_info(file, os::Follow::yes));
            if (info.is_directory) return fail(Errc::not_found, {}, file, "is a directory");
        }
        MQ_ASSIGN(const os::File opened, open_input(file));
        MQ_ASSIGN(const os::FileInfo info, opened.info());
        if (info.is_directory) return fail(Errc::not_found, {}, opened.path(), "is a directory");
    }
    return {};
}

Result<InputEnd> Input::run() {
    for (const std::string& file : args_->files) {
        MQ_ASSIGN(const os::File stream, open_input(file));
        stream.read_sequentially();
        // Fails on what is no pipe.
        static_cast<void>(fcntl(stream.fd(), F_SETPIPE_SZ, kPipeBytes));
        MQ_ASSIGN(const InputEnd end, run_stream(stream));
        if (end == InputEnd::interrupted) return end;
    }
    return InputEnd::all_read;
}

Result<InputEnd> Input::run_stream(const os::File& stream) {
    splitter_.start_stream();
    for (;;) {
        MQ_ASSIGN(const cli::Wait waited, wait_for(stream));
        if (waited == cli::Wait::interrupted) {
            left_out_bytes_ = splitter_.rest().size();
            return InputEnd::interrupted;
        }
        const std::span<char> room = splitter_.room();
        MQ_ASSIGN(const std::size_t got, stream.read_some(room.first(Splitter::kReadBytes)));
        producer_->set_now(wall_clock_ms());
        if (got == 0) break;
        splitter_.filled(got);
        MQ_TRY(add_complete_records(stream));
        if (const std::size_t unended = splitter_.rest().size(); unended > args_->max_record_bytes) {
            return located(Error{Errc::too_large,
                                 {},
                                 {},
                                 0,
                                 {},
                                 cat("a record of more than ", unended, " bytes is over the limit of ",
                                     args_->max_record_bytes, " (--max-record-bytes)")},
                           stream, splitter_.position());
        }
    }
    if (!splitter_.rest().empty()) {
        if (const Status added = add_record(splitter_.rest()); !added) {
            return located(added.error(), stream, splitter_.position());
        }
    }
    return InputEnd::all_read;
}

Result<cli::Wait> Input::wait_for(const os::File& stream) {
    for (;;) {
        const int timeout_ms = producer_->has_collected() ? 0 : producer_->flush_due_ms();
        MQ_ASSIGN(const cli::Wait waited, cli::wait_readable(stream.fd(), *signals_, timeout_ms));
        if (waited == cli::Wait::interrupted) return waited;
        if (producer_->flush_due_ms() == 0) {
            MQ_TRY(producer_->send());
            MQ_TRY(producer_->flush());
        }
        if (waited == cli::Wait::readable) return waited;
        MQ_TRY(producer_->send());
    }
}

Status Input::add_complete_records(const os::File& stream) {
    for (;;) {
        const std::uint64_t position = splitter_.position();
        const auto record = splitter_.next();
        if (!record) return {};
        if (const Status added = add_record(*record); !added) [[unlikely]] {
            return located(added.error(), stream, position);
        }
    }
}

Status Input::add_record(ByteView record) {
    if (args_->skip_empty && record.empty()) return {};
    NullableBytes key;
    if (args_->key) key = *args_->key;
    NullableBytes value = record;
    if (args_->key_delimiter) {
        const std::size_t at = record.find(*args_->key_delimiter);
        if (at != ByteView::npos) {
            key = record.substr(0, at);
            value = record.substr(at + args_->key_delimiter->size());
        }
    }
    if (args_->empty_is_null) {
        if (key && key->empty()) key.reset();
        if (value->empty()) value.reset();
    }
    return producer_->add(key, value);
}

// What is wrong with a record is told with its place in the input; what is wrong with the log keeps its own.
tl::unexpected<Error> Input::located(Error error, const os::File& stream, std::uint64_t position) const {
    if (error.code == Errc::too_large && error.subject.empty()) {
        error.subject = stream.path();
        error.position = position;
    }
    return tl::unexpected<Error>{std::move(error)};
}

}  // namespace mq::produce
