#include "cli/offset_file.h"

#include <algorithm>
#include <limits>
#include <set>

#include "cli/json.h"
#include "cli/offset_json.h"
#include "cli/text.h"
#include "cli/values.h"
#include "os/file.h"

namespace mq::cli {
namespace {

constexpr std::uint64_t kMaxFileBytes = 64u << 20;
constexpr char kQuote = '"';
// Jackson quotes what is longer, in UTF-16 units, without a look inside, and whatever has a character up to the
// comma.
constexpr std::size_t kLongestUnquoted = 24;

std::size_t utf16_units(std::string_view text) {
    std::size_t units = 0;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte & 0xc0) != 0x80) units += byte >= 0xf0 ? 2 : 1;
    }
    return units;
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r") == text.npos; }

bool has_to_be_quoted(std::string_view text, char separator) {
    if (separator == '\t') return text.find_first_of("\t,\"\r\n") != text.npos;
    const auto is_low = [](char c) { return static_cast<unsigned char>(c) <= ','; };
    return utf16_units(text) > kLongestUnquoted || std::ranges::any_of(text, is_low);
}

void append_field(std::string& out, std::string_view text, char separator) {
    if (!has_to_be_quoted(text, separator)) {
        out += text;
        return;
    }
    out += kQuote;
    for (const char c : text) {
        if (c == kQuote) out += kQuote;
        out += c;
    }
    out += kQuote;
}

// Fields of one line, between separators; a field in quotes may hold them, and ends of lines.
class Lines {
public:
    Lines(ByteView text, char separator) : text_(text), separator_(separator) {}

    // The next line that is not blank; false at the end.
    Result<bool> next(std::vector<std::string>& fields) {
        for (;;) {
            line_ += ends_;
            ends_ = 0;
            line_begin_ = at_;
            if (at_ == text_.size()) return false;
            fields.clear();
            do {
                MQ_TRY(field(fields.emplace_back()));
            } while (take(separator_));
            if (at_ < text_.size() && text_[at_] == '\r') ++at_;
            if (at_ < text_.size() && !take('\n')) return refuse("text behind a quoted field");
            ++ends_;
            if (fields.size() > 1 || !is_blank(fields.front())) return true;
        }
    }
    [[nodiscard]] tl::unexpected<Error> refuse(std::string_view why) const {
        return fail(Errc::corrupt, {}, {}, cat("line ", line_, ": ", why), line_begin_);
    }

private:
    bool take(char c) {
        if (at_ == text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    Status field(std::string& to) {
        if (!take(kQuote)) {
            const std::size_t end =
                std::min(text_.size(), text_.find_first_of(separator_ == ',' ? ",\n" : "\t\n", at_));
            std::string_view plain = text_.substr(at_, end - at_);
            at_ = end;
            if (plain.ends_with('\r') && (at_ == text_.size() || text_[at_] == '\n')) plain.remove_suffix(1);
            to = plain;
            return {};
        }
        for (;;) {
            if (at_ == text_.size()) return refuse("a quote is not closed");
            if (take(kQuote)) {
                if (!take(kQuote)) return {};
                to += kQuote;
                continue;
            }
            if (text_[at_] == '\n') ++ends_;
            to += text_[at_++];
        }
    }

    ByteView text_;
    char separator_;
    std::size_t at_ = 0;
    std::size_t line_ = 1;
    std::size_t ends_ = 0;  // lines that the last one took
    std::size_t line_begin_ = 0;
};

Result<GroupOffset> to_row(std::vector<std::string>& fields) {
    GroupOffset row;
    const std::size_t first = fields.size() - 3;
    if (first == 1) {
        row.group = std::move(fields.front());
        if (row.group.empty()) return fail(Errc::corrupt, {}, {}, "the name of the group is empty");
    }
    row.id.topic = std::move(fields[first]);
    MQ_TRY(log::check_topic_name(row.id.topic));
    MQ_ASSIGN(row.id.partition, parse_integer<std::int32_t>(fields[first + 1], 0));
    MQ_ASSIGN(const std::int64_t offset, parse_integer<std::int64_t>(fields[first + 2], -1));
    if (offset >= 0) row.offset = Offset{offset};
    return row;
}

Result<std::vector<GroupOffset>> parse_lines(ByteView text, char separator) {
    std::vector<GroupOffset> rows;
    std::set<std::pair<std::string, log::TopicPartition>> seen;
    std::vector<std::string> fields;
    std::size_t shape = 0;
    for (Lines lines{text, separator};;) {
        MQ_ASSIGN(const bool more, lines.next(fields));
        if (!more) return rows;
        if (fields.size() != 3 && fields.size() != 4)
            return lines.refuse(
                cat("neither topic, partition and offset nor a group and these: ", counted(fields.size(), "field")));
        if (shape != 0 && shape != fields.size())
            return lines.refuse(cat(fields.size(), " fields, where the lines before have ", shape));
        shape = fields.size();
        auto row = to_row(fields);
        if (!row) return lines.refuse(row.error().message());
        if (!seen.emplace(row->group, row->id).second)
            return lines.refuse(cat(log::partition_directory(row->id), " is there twice"));
        rows.push_back(std::move(*row));
    }
}

Result<std::vector<GroupOffset>> parse_json_lines(ByteView text) {
    std::vector<GroupOffset> rows;
    std::set<std::pair<std::string, log::TopicPartition>> seen;
    std::size_t number = 1;
    for (std::size_t begin = 0; begin < text.size(); ++number) {
        const std::size_t end = std::min(text.size(), text.find('\n', begin));
        const ByteView line = text.substr(begin, end - begin);
        const auto refuse = [&](std::string_view why) {
            return fail(Errc::corrupt, {}, {}, cat("line ", number, ": ", why), begin);
        };
        if (!is_blank(line)) {
            auto row = parse_offset_json(line);
            if (!row) return refuse(row.error().message());
            if (!seen.emplace(row->group, row->id).second)
                return refuse(cat(log::partition_directory(row->id), " is there twice"));
            rows.push_back(std::move(*row));
        }
        begin = end + 1;
    }
    return rows;
}

// The comma or tab that comes first outside of quotes.
char first_separator(ByteView text) {
    bool quoted = false;
    for (const char c : text) {
        if (c == kQuote) quoted = !quoted;
        if (!quoted && (c == ',' || c == '\t')) return c;
    }
    return ',';
}

Result<std::string> read_standard_input() {
    const os::File input = os::File::adopt(0, "stdin", true);
    std::string text;
    std::string chunk(64 << 10, '\0');
    for (;;) {
        MQ_ASSIGN(const std::size_t size, input.read_some(chunk));
        if (size == 0) return text;
        if (text.size() + size > kMaxFileBytes)
            return fail(Errc::too_large, {}, "stdin", cat("more than ", kMaxFileBytes, " bytes"));
        text.append(chunk, 0, size);
    }
}

}  // namespace

Result<std::vector<GroupOffset>> parse_offset_file(ByteView text) {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (first == text.npos) return std::vector<GroupOffset>{};
    const ByteView line = text.substr(first, text.find('\n', first) - first);
    // Other lines end in a number.
    if (line.front() == '{' && line[line.find_last_not_of(" \t\r")] == '}') return parse_json_lines(text);
    return parse_lines(text, first_separator(text.substr(first)));
}

Result<std::vector<GroupOffset>> read_offset_file(const std::string& path) {
    MQ_ASSIGN(const std::string text, path == "-" ? read_standard_input() : os::read_file(path, kMaxFileBytes));
    auto rows = parse_offset_file(text);
    if (!rows) {
        Error error = std::move(rows).error();
        error.subject = path == "-" ? "stdin" : path;
        return fail(std::move(error));
    }
    return rows;
}

void append_offset(std::string& out, const GroupOffset& row, OffsetFormat format, bool with_group) {
    if (format == OffsetFormat::json) {
        append_offset_json(out, row);
        return;
    }
    const char separator = format == OffsetFormat::csv ? ',' : '\t';
    if (with_group) {
        append_field(out, row.group, separator);
        out += separator;
    }
    append_field(out, row.id.topic, separator);
    out += cat(separator, row.id.partition, separator, row.offset ? row.offset->value() : -1, '\n');
}

}  // namespace mq::cli
