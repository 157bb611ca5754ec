#include "input.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/clock.h"
#include "base/crc32c.h"
#include "cli/text.h"
#include "generator.h"
#include "os/process.h"

namespace mq::produce {

using cli::cat;

namespace {

constexpr std::string_view kStdin = "-";
// As much as an unprivileged process may ask for; fewer, larger reads.
constexpr int kPipeBytes = 1 << 20;
// Encodings make a record longer in the input than it is: escapes four times. Beyond this nothing is waited for.
constexpr std::uint64_t kInputFactor = 4;
constexpr std::uint64_t kInputSlackBytes = 64 << 10;
// While input pours, checkpoints are marked so often.
constexpr std::chrono::seconds kMarkAfter{1};
// Of the input before a mark, to be held against it.
constexpr std::size_t kCheckBytes = 4096;

Result<os::File> open_input(const std::string& file) {
    if (file != kStdin) return os::File::open(file, os::OpenMode::read, os::Follow::yes);
    return os::File::adopt(STDIN_FILENO, "stdin", true);
}

// What is read more than once, or gone on with, must stay what it is.
Result<os::File> copy_of(const os::File& stream) {
    const char* directory = std::getenv("TMPDIR");
    if (directory == nullptr || *directory == '\0') directory = "/tmp";
    const int fd = ::open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) return tl::unexpected{system_error(errno, "make a temporary file", directory)};
    os::File copy = os::File::adopt(fd, "stdin", false);
    std::vector<char> piece(InputBuffer::kReadBytes);
    for (;;) {
        MQ_ASSIGN(const std::size_t got, stream.read_some(piece));
        if (got == 0) return copy;
        MQ_TRY(copy.write_all({piece.data(), got}));
    }
}

// A wait of a part of a millisecond is one of a whole one.
int ms_until(Clock::time_point due) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1 << 30));
}

}  // namespace

Input::Input(const Args& args, const InputSetup& setup, Producer& producer, Handover& handover,
             const Interrupts& interrupts, Progress& progress)
    : args_(&args),
      setup_(setup),
      producer_(&producer),
      handover_(&handover),
      interrupts_(&interrupts),
      progress_(&progress),
      pace_(args),
      splitter_(args.delimiter),
      most_bytes_(producer.limit_bytes() * kInputFactor + kInputSlackBytes),
      left_(args.count.value_or(UINT64_MAX)) {
    is_plain_ = args.framing == cli::Framing::delimiter && !args.json && !args.format && args.fields.is_plain() &&
                !args.key_from_filename && !args.repeating_keys && !pace_.is_needed();
}

Status check_files(const Args& args) {
    if (args.generate != Generate::no) return {};
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

std::optional<InputEnd> Input::end_of(Wake wake) {
    if (wake == Wake::interrupted) return InputEnd::interrupted;
    if (wake == Wake::timed_out) return InputEnd::timed_out;
    return std::nullopt;
}

Result<InputEnd> Input::run() {
    if (args_->on_error == OnError::file) {
        MQ_ASSIGN(error_file_, os::File::open(args_->error_file, os::OpenMode::create, os::Follow::yes));
        ::lseek(error_file_.fd(), 0, SEEK_END);
    }
    if (args_->generate != Generate::no) return run_generator();
    MQ_ASSIGN(source_, make_source(*args_, most_bytes_));
    // Read more than once: stdin is kept, unless it is a file.
    os::File kept;
    for (std::uint64_t round = 0; round < args_->repeat; ++round) {
        for (file_ = setup_.from ? setup_.from->file : 0; file_ < args_->files.size(); ++file_) {
            MQ_ASSIGN(os::File stream, open_input(args_->files[file_]));
            if (args_->repeat > 1 && args_->files[file_] == kStdin) {
                if (!kept.is_open() && ::lseek(stream.fd(), 0, SEEK_CUR) < 0) {
                    MQ_ASSIGN(kept, copy_of(stream));
                }
                if (kept.is_open()) stream = os::File::adopt(kept.fd(), "stdin", true);
                ::lseek(stream.fd(), 0, SEEK_SET);
            }
            stream.read_sequentially();
            // Fails on what is no pipe.
            static_cast<void>(fcntl(stream.fd(), F_SETPIPE_SZ, kPipeBytes));
            MQ_ASSIGN(const InputEnd end, run_stream(stream));
            if (end != InputEnd::all_read) return end;
            if (left_ == 0) return InputEnd::all_read;
        }
    }
    if (file_ > 0 && file_ == args_->files.size()) --file_;
    return InputEnd::all_read;
}

InputMark Input::mark() const {
    InputMark made;
    made.file = file_;
    made.position = buffer_.position();
    const std::string check = last_bytes();
    made.check_bytes = static_cast<std::uint32_t>(check.size());
    made.check_crc = crc32c(check);
    return made;
}

std::string Input::last_bytes() const {
    const ByteView taken = buffer_.taken();
    std::string bytes = taken.size() < kCheckBytes ? passed_ : std::string{};
    bytes += taken.substr(taken.size() - std::min(taken.size(), kCheckBytes));
    if (bytes.size() > kCheckBytes) bytes.erase(0, bytes.size() - kCheckBytes);
    return bytes;
}

// To the place of the checkpoint in this stream, if it is the one.
Status Input::go_to_checkpoint(const os::File& stream) {
    const InputMark from = *std::exchange(setup_.from, std::nullopt);
    const auto differs = [&](std::string_view what) {
        return fail(Errc::corrupt, {}, stream.path(), cat(what, ": it is not the input that the checkpoint is of"),
                    from.position);
    };
    std::string check;
    std::uint64_t position = 0;
    std::vector<char> piece(InputBuffer::kReadBytes);
    if (::lseek(stream.fd(), static_cast<off_t>(from.position - from.check_bytes), SEEK_SET) >= 0)
        position = from.position - from.check_bytes;
    while (position < from.position) {
        const auto wanted = std::min<std::uint64_t>(piece.size(), from.position - position);
        MQ_ASSIGN(const std::size_t got, stream.read_some(std::span{piece}.first(static_cast<std::size_t>(wanted))));
        if (got == 0) return differs("ends before its place");
        position += got;
        check.append(piece.data(), got);
        if (check.size() > from.check_bytes) check.erase(0, check.size() - from.check_bytes);
        if (Interrupts::signal() != 0) break;
    }
    if (position == from.position && crc32c(check) != from.check_crc)
        return differs("other bytes stand before its place");
    buffer_.start_stream(from.position);
    passed_ = std::move(check);
    return {};
}

Result<InputEnd> Input::run_stream(const os::File& stream) {
    buffer_.start_stream();
    passed_.clear();
    if (setup_.from) MQ_TRY(go_to_checkpoint(stream));
    splitter_.start_stream();
    source_->start_stream();
    for (;;) {
        MQ_ASSIGN(const Wake wake, wait_for(stream));
        if (const auto end = end_of(wake)) {
            left_out_bytes_ = buffer_.rest().size();
            return *end;
        }
        if (setup_.has_checkpoint) passed_ = last_bytes();
        const std::span<char> room = buffer_.room();
        MQ_ASSIGN(const std::size_t got, stream.read_some(room));
        const bool had_nothing = !producer_->has_collected();
        producer_->set_now(wall_clock_ms());
        buffer_.filled(got);
        MQ_ASSIGN(const auto end, take_records(stream, got == 0));
        if (end) return *end;
        if (got == 0) return InputEnd::all_read;
        if (had_nothing) collecting_since_ = Clock::now();
        if (setup_.has_checkpoint && Clock::now() - last_mark_ >= kMarkAfter) {
            MQ_TRY(producer_->send(mark()));
            last_mark_ = Clock::now();
        }
    }
}

Result<Input::Wake> Input::wait_for(const os::File& stream) {
    if (producer_->has_collected()) {
        MQ_ASSIGN(const Wake wake,
                  wait(stream.fd(), collecting_since_ + std::chrono::milliseconds{args_->linger_ms}));
        if (wake != Wake::due) return wake;
        // Input pauses.
        if (setup_.has_checkpoint) {
            MQ_TRY(producer_->send(mark()));
            last_mark_ = Clock::now();
        } else {
            MQ_TRY(producer_->send());
        }
    }
    return wait(stream.fd(), std::nullopt);
}

Result<Input::Wake> Input::wait(int fd, std::optional<Clock::time_point> due) {
    for (;;) {
        std::optional<Clock::time_point> first = due;
        for (const auto& other : {setup_.deadline, handover_->flush_due(), progress_->due()}) {
            if (other && (!first || *other < *first)) first = other;
        }
        MQ_ASSIGN(const Interrupts::Wake wake, interrupts_->wait(fd, first ? ms_until(*first) : -1));
        progress_->tick(producer_->records(), Interrupts::take_stats_request());
        if (Interrupts::signal() != 0) return Wake::interrupted;
        MQ_TRY(handover_->flush_if_due());
        if (setup_.deadline && Clock::now() >= *setup_.deadline) return Wake::timed_out;
        if (wake == Interrupts::Wake::readable) return Wake::readable;
        if (due && Clock::now() >= *due) return Wake::due;
    }
}

Result<std::optional<InputEnd>> Input::take_records(const os::File& stream, bool at_end) {
    if (is_plain_) {
        MQ_ASSIGN(const auto end, take_lines(stream));
        if (end) return end;
        if (!at_end || buffer_.rest().empty()) {
            if (buffer_.rest().size() > producer_->limit_bytes()) MQ_TRY(pass_over_long_record(stream));
            return std::nullopt;
        }
        // The last record may lack its delimiter.
        Item item;
        item.position = buffer_.position();
        item.raw = buffer_.rest();
        item.record.value = item.raw;
        buffer_.take(item.raw.size());
        return take_item(stream, Source::Next::record, item);
    }
    source_->more(buffer_);
    Item item;
    for (;;) {
        const Source::Next next = source_->next(buffer_, at_end, item);
        if (next == Source::Next::need_more) break;
        MQ_ASSIGN(const auto end, take_item(stream, next, item));
        if (end) return end;
    }
    if (buffer_.rest().size() > most_bytes_) MQ_TRY(pass_over_long_record(stream));
    return std::nullopt;
}

Result<std::optional<InputEnd>> Input::take_lines(const os::File& stream) {
    splitter_.more(buffer_);
    const NullableBytes key = default_key();
    ByteView record;
    while (producer_->add_found(splitter_, buffer_, key, args_->skip_empty, left_, record)) {
        if (Status added = producer_->add(key, record); !added) [[unlikely]] {
            Item item;
            item.raw = record;
            item.position = buffer_.position() - record.size() - args_->delimiter.size();
            MQ_TRY(bad_record(stream, std::move(added).error(), item));
            continue;
        }
        --left_;
    }
    if (left_ == 0) return InputEnd::all_read;
    return std::nullopt;
}

NullableBytes Input::default_key() {
    if (args_->repeating_keys) {
        key_text_ = std::to_string(key_number_);
        return key_text_;
    }
    if (args_->key_from_filename) return args_->files[file_];
    if (args_->key) return *args_->key;
    return std::nullopt;
}

Result<std::optional<InputEnd>> Input::take_item(const os::File& stream, Source::Next next, Item& item) {
    if (next == Source::Next::malformed) {
        MQ_TRY(bad_record(stream, std::move(item.error), item));
        return std::nullopt;
    }
    if (args_->skip_empty && item.raw.empty()) return std::nullopt;
    if (pace_.is_needed()) {
        MQ_ASSIGN(const auto end, keep_pace(item.record.timestamp));
        if (end) return end;
    }
    Status added;
    if (next == Source::Next::batch) {
        added = producer_->add_batch(item.batch);
    } else {
        if (!item.record.has_key) item.record.key = default_key();
        added = producer_->add(item.record);
    }
    if (!added) {
        MQ_TRY(bad_record(stream, std::move(added).error(), item));
        return std::nullopt;
    }
    if (args_->repeating_keys) key_number_ = (key_number_ + 1) % *args_->repeating_keys;
    const std::size_t size = item.record.key.value_or("").size() + item.record.value.value_or("").size();
    if (pace_.is_needed()) pace_.sent(os::monotonic_ns(), next == Source::Next::batch ? item.batch.size() : size);
    if (--left_ == 0) return InputEnd::all_read;
    return std::nullopt;
}

Result<std::optional<InputEnd>> Input::keep_pace(std::optional<TimestampMs> timestamp) {
    for (;;) {
        const std::int64_t left_ns = pace_.wait_ns(os::monotonic_ns(), timestamp);
        if (left_ns <= 0) {
            // One that goes late without a wait of its own is not dated back to the wait before it. The first one's
            // time is not behind that which the others are reckoned from.
            if (producer_->records() > 0) producer_->set_now(wall_clock_ms());
            if (!args_->replay_speed && !progress_->due()) return std::nullopt;
            progress_->tick(producer_->records(), false);
            return std::nullopt;
        }
        if (producer_->has_collected()) MQ_TRY(producer_->send());
        MQ_ASSIGN(const Wake wake, wait(-1, Clock::now() + std::chrono::nanoseconds{left_ns}));
        if (const auto end = end_of(wake)) return end;
        producer_->set_now(wall_clock_ms());
    }
}

Status Input::pass_over_long_record(const os::File& stream) {
    Error error{Errc::too_large,
                {},
                {},
                0,
                {},
                cat("a record of more than ", buffer_.rest().size(), " bytes is over ", producer_->limit_text())};
    Item item;
    item.position = buffer_.position();
    item.raw = buffer_.rest();
    if (args_->on_error != OnError::stop) {
        if (is_plain_) {
            // From here on by the general way, which knows how to find the end of it.
            is_plain_ = false;
            source_->start_stream();
        }
        item.can_go_on = source_->pass_over(buffer_, item);
    }
    return bad_record(stream, std::move(error), item);
}

Status Input::bad_record(const os::File& stream, Error error, const Item& item) {
    // What is wrong with the log keeps its own words.
    const bool is_of_record =
        error.subject.empty() && (error.code == Errc::corrupt || error.code == Errc::too_large ||
                                  error.code == Errc::unsupported || error.code == Errc::not_found);
    if (!is_of_record) return fail(std::move(error));
    error.subject = stream.path();
    error.operation.clear();
    if (!error.position || error.code != Errc::corrupt) error.position = item.position;
    if (args_->on_error == OnError::stop || !item.can_go_on) return fail(std::move(error));
    ++skipped_;
    progress_->clear();
    progress_->passed_over(error);
    if (!error_file_.is_open()) return {};
    std::string raw{item.raw};
    const bool has_end = args_->framing != cli::Framing::delimiter || args_->format;
    if (!has_end) raw += args_->delimiter;
    return error_file_.write_all(raw);
}

Result<InputEnd> Input::run_generator() {
    MQ_ASSIGN(Generator generator, Generator::make(*args_));
    constexpr std::uint64_t kLookUpEvery = 256;
    for (std::uint64_t n = 0;; ++n) {
        if (n % kLookUpEvery == 0) {
            producer_->set_now(wall_clock_ms());
            progress_->tick(producer_->records(), Interrupts::take_stats_request());
            if (Interrupts::signal() != 0) return InputEnd::interrupted;
            if (setup_.deadline && Clock::now() >= *setup_.deadline) return InputEnd::timed_out;
            MQ_TRY(handover_->flush_if_due());
        }
        if (pace_.is_needed()) {
            MQ_ASSIGN(const auto end, keep_pace(std::nullopt));
            if (end) return *end;
        }
        const ByteView value = generator.next();
        const NullableBytes key = default_key();
        MQ_TRY(producer_->add(key, value));
        if (args_->repeating_keys) key_number_ = (key_number_ + 1) % *args_->repeating_keys;
        if (pace_.is_needed()) pace_.sent(os::monotonic_ns(), key.value_or("").size() + value.size());
        if (--left_ == 0) return InputEnd::all_read;
    }
}

}  // namespace mq::produce
