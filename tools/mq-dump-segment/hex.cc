// --hex: every field with its position, its bytes and its name.
#include <algorithm>
#include <array>

#include "cli/json.h"
#include "cli/text.h"
#include "mq-dump-segment/commands.h"
#include "mq-dump-segment/rows.h"
#include "mq-dump-segment/unit_source.h"

namespace mq::dump {
namespace {

constexpr std::uint64_t kSmallFileLimit = std::uint64_t{16} << 20;
constexpr std::size_t kBytesShown = 16;  // in a table
constexpr std::size_t kPieceBytes = 64 * 1024;

enum class Shape : unsigned char { integer, unsigned_integer, bytes };

struct HexField {
    std::string_view name;
    std::size_t width;
    Shape shape = Shape::integer;
};

constexpr auto kBatchFields = std::to_array<HexField>({
    {"base offset", 8},
    {"batch length", 4},
    {"partition leader epoch", 4},
    {"magic", 1},
    {"crc", 4, Shape::unsigned_integer},
    {"attributes", 2},
    {"last offset delta", 4},
    {"base timestamp", 8},
    {"max timestamp", 8},
    {"producer id", 8},
    {"producer epoch", 2},
    {"base sequence", 4},
    {"record count", 4},
});
constexpr auto kMessageFields0 = std::to_array<HexField>(
    {{"offset", 8}, {"message size", 4}, {"crc", 4, Shape::unsigned_integer}, {"magic", 1}, {"attributes", 1}});
constexpr auto kMessageFields1 = std::to_array<HexField>({{"offset", 8},
                                                          {"message size", 4},
                                                          {"crc", 4, Shape::unsigned_integer},
                                                          {"magic", 1},
                                                          {"attributes", 1},
                                                          {"timestamp", 8}});
constexpr auto kOffsetEntry = std::to_array<HexField>({{"relative offset", 4}, {"position", 4}});
constexpr auto kTimeEntry = std::to_array<HexField>({{"timestamp", 8}, {"relative offset", 4}});
constexpr auto kTxnEntry = std::to_array<HexField>(
    {{"version", 2}, {"producer id", 8}, {"first offset", 8}, {"last offset", 8}, {"last stable offset", 8}});
constexpr auto kSnapshotHead =
    std::to_array<HexField>({{"version", 2}, {"crc", 4, Shape::unsigned_integer}, {"number of entries", 4}});
constexpr auto kSnapshotEntry = std::to_array<HexField>({{"producer id", 8},
                                                         {"producer epoch", 2},
                                                         {"last sequence", 4},
                                                         {"last offset", 8},
                                                         {"offset delta", 4},
                                                         {"timestamp", 8},
                                                         {"coordinator epoch", 4},
                                                         {"first offset of the open transaction", 8}});

std::int64_t integer_of(ByteView bytes, bool is_signed) {
    std::uint64_t value = is_signed && !bytes.empty() && static_cast<signed char>(bytes[0]) < 0 ? UINT64_MAX : 0;
    for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
    return static_cast<std::int64_t>(value);
}

class HexPrinter {
public:
    HexPrinter(Rows& rows, std::uint64_t position) : rows_(rows), position_(position) {}

    // Bytes without a number in them; a long field takes several rows.
    void text_field(std::string_view name, ByteView bytes) {
        do {
            const ByteView piece = bytes.substr(0, kPieceBytes);
            field(name, piece, cli::is_utf8(piece) ? cli::printable(piece) : std::string{});
            bytes.remove_prefix(piece.size());
        } while (!bytes.empty());
    }

    // One row: position, bytes, name, value.
    void field(std::string_view name, ByteView bytes, const std::string& value) {
        constexpr ByteView kHex = "0123456789abcdef";
        std::string hex;
        const std::size_t shown = rows_.style() == Style::table ? std::min(bytes.size(), kBytesShown) : bytes.size();
        for (const char c : bytes.substr(0, shown)) {
            if (!hex.empty() && rows_.style() == Style::table) hex += ' ';
            hex += kHex[static_cast<unsigned char>(c) >> 4];
            hex += kHex[static_cast<unsigned char>(c) & 15];
        }
        if (shown < bytes.size()) hex += cli::cat(" ... ", bytes.size());
        rows_.begin("field");
        rows_.number("position", static_cast<std::int64_t>(position_), 10)
            .number("size", static_cast<std::int64_t>(bytes.size()), 6);
        rows_.text("bytes", hex, 47).text("field", name, 24).text("value", value).end();
        position_ += bytes.size();
    }

    // The fields at the front of `bytes`, as far as they go; returns the rest.
    template <std::size_t N>
    ByteView fields(ByteView bytes, const std::array<HexField, N>& layout) {
        for (const HexField& one : layout) {
            const ByteView part = bytes.substr(0, one.width);
            if (part.empty()) return part;
            field(one.name, part, std::to_string(integer_of(part, one.shape == Shape::integer)));
            bytes.remove_prefix(part.size());
        }
        return bytes;
    }

    template <std::size_t N>
    void entries(ByteView bytes, const std::array<HexField, N>& layout) {
        while (!bytes.empty()) bytes = fields(bytes, layout);
    }

    // A varint and then its name; `value` is 0 where the bytes end early.
    std::int64_t varint(ByteView& bytes, std::string_view name) {
        ByteCursor cursor{bytes};
        const std::int64_t value = cursor.varlong();
        const std::size_t size = cursor.ok() ? bytes.size() - cursor.remaining() : bytes.size();
        field(name, bytes.substr(0, size), cursor.ok() ? std::to_string(value) : "not a varint");
        bytes.remove_prefix(size);
        return cursor.ok() ? value : 0;
    }

    void payload(ByteView& bytes, std::int64_t size, std::string_view name) {
        if (size <= 0) return;
        const ByteView part = bytes.substr(0, static_cast<std::size_t>(size));
        text_field(name, part);
        bytes.remove_prefix(part.size());
    }

    // The records of an uncompressed batch of magic 2.
    void records(ByteView bytes, std::int32_t count) {
        for (std::int32_t i = 0; i < count && !bytes.empty(); ++i) {
            const std::int64_t size = varint(bytes, "record length");
            ByteView body = bytes.substr(0, static_cast<std::size_t>(std::max<std::int64_t>(size, 0)));
            bytes.remove_prefix(body.size());
            if (body.empty()) break;
            field("record attributes", body.substr(0, 1), std::to_string(integer_of(body.substr(0, 1), true)));
            body.remove_prefix(1);
            varint(body, "timestamp delta");
            varint(body, "offset delta");
            const std::int64_t key_size = varint(body, "key length");
            payload(body, key_size, "key");
            const std::int64_t value_size = varint(body, "value length");
            payload(body, value_size, "value");
            const std::int64_t headers = varint(body, "header count");
            for (std::int64_t h = 0; h < headers && !body.empty(); ++h) {
                const std::int64_t name_size = varint(body, "header key length");
                payload(body, name_size, "header key");
                const std::int64_t header_size = varint(body, "header value length");
                payload(body, header_size, "header value");
            }
            if (!body.empty()) text_field("bytes over", body);
        }
        if (!bytes.empty()) text_field("bytes over", bytes);
    }

    void unit(ByteView bytes, const record::BatchHeader& header) {
        if (header.magic == record::kMagicV2) {
            const ByteView rest = fields(bytes, kBatchFields);
            if (header.codec() == record::Codec::none) {
                records(rest, header.record_count);
            } else {
                text_field(cli::cat("records, ", record::to_string(header.codec())), rest);
            }
            return;
        }
        ByteView rest = header.magic == 0 ? fields(bytes, kMessageFields0) : fields(bytes, kMessageFields1);
        for (const auto& [length_name, name] : {std::pair{"key length", "key"}, std::pair{"value length", "value"}}) {
            const ByteView length = rest.substr(0, 4);
            if (length.size() < 4) return;
            const std::int64_t size = integer_of(length, true);
            field(length_name, length, std::to_string(size));
            rest.remove_prefix(4);
            payload(rest, size, name);
        }
    }

private:
    Rows& rows_;
    std::uint64_t position_;
};

Status print_log(const Context& context, const Input& input, Rows& rows, std::uint64_t& left) {
    os::File file = os::File::adopt(0, "stdin", true);
    if (!input.is_stream()) {
        MQ_ASSIGN(file, os::File::open(input.path, os::OpenMode::read, os::Follow::yes));
    }
    UnitLimits limits;
    limits.unit_bytes = context.options.limits.unit_bytes;
    limits.end = context.options.max_bytes;
    MQ_ASSIGN(UnitSource units, UnitSource::open(file, log::ScanDepth::units, limits));
    log::ScannedBatch batch;
    for (; left > 0 && context.out.status(); --left) {
        MQ_ASSIGN(const log::ScanOutcome outcome, units.next(batch));
        if (outcome == log::ScanOutcome::end) {
            tell_in_flight(context, input.path, units);
            return {};
        }
        if (outcome == log::ScanOutcome::torn_tail && limits.end != UINT64_MAX) return {};
        if (outcome != log::ScanOutcome::batch) {
            MQ_ASSIGN(const std::uint64_t rest, units.bytes_left());
            Error error = outcome == log::ScanOutcome::corrupt
                              ? units.error()
                              : Error{Errc::truncated, "read batch", {}, 0, {}, "the file ends inside a batch"};
            error.subject = file.path();
            error.position = units.position();
            error.detail += cli::cat("; ", rest, " bytes not shown,");
            return fail(std::move(error));
        }
        HexPrinter{rows, +batch.position}.unit(batch.bytes, batch.header);
    }
    return {};
}

Status print_small_file(const Input& input, Rows& rows) {
    if (input.type == FileType::unknown)
        return fail(Errc::unsupported, "read", input.path, "not a file of a log directory");
    MQ_ASSIGN(const std::string bytes, os::read_file(input.path, kSmallFileLimit));
    HexPrinter printer{rows, 0};
    switch (input.type) {
        case FileType::offset_index:
            printer.entries(bytes, kOffsetEntry);
            return {};
        case FileType::time_index:
            printer.entries(bytes, kTimeEntry);
            return {};
        case FileType::txn_index:
            printer.entries(bytes, kTxnEntry);
            return {};
        case FileType::snapshot:
            printer.entries(printer.fields(bytes, kSnapshotHead), kSnapshotEntry);
            return {};
        default:
            break;
    }
    ByteView rest = bytes;
    while (!rest.empty()) {
        const std::size_t end = rest.find('\n');
        const ByteView line = rest.substr(0, end == ByteView::npos ? rest.size() : end + 1);
        printer.field("line", line, cli::printable(line.substr(0, end)));
        rest.remove_prefix(line.size());
    }
    return {};
}

}  // namespace

cli::ExitCode print_hex(const Context& context) {
    const Options& options = context.options;
    Rows rows = make_rows(context);
    std::uint64_t left = options.count.value_or(UINT64_MAX);
    return for_each_operand(context, [&](const std::string& path, const std::vector<Input>& inputs) {
        cli::ExitCode status = cli::ExitCode::ok;
        for (const Input& input : inputs) {
            rows.file(input.path);
            const Status printed =
                input.type == FileType::log ? print_log(context, input, rows, left) : print_small_file(input, rows);
            if (!printed && is_gone(printed.error(), path, input)) continue;
            if (!printed) status = worse(status, context.fail(printed.error()));
        }
        return status;
    });
}

}  // namespace mq::dump
