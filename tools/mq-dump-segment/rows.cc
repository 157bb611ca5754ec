#include "mq-dump-segment/rows.h"

#include "cli/json.h"
#include "cli/text.h"
#include "mq-dump-segment/java_text.h"

namespace mq::dump {
namespace {

void append_padded(std::string& out, std::string_view text, std::size_t width, bool right) {
    const std::size_t gap = width > text.size() ? width - text.size() : 0;
    if (right) out.append(gap, ' ');
    out += text;
    if (!right) out.append(gap, ' ');
}

constexpr std::size_t kPieceBytes = 48 * 1024;  // a multiple of 3: base64 of pieces is base64 of the whole

// Of text no UTF-8 sequence is cut.
template <typename Use>
void for_each_piece(ByteView bytes, bool is_text, Use use) {
    while (bytes.size() > kPieceBytes) {
        std::size_t size = kPieceBytes;
        for (int back = 0; is_text && back < 3 && (static_cast<unsigned char>(bytes[size]) & 0xc0) == 0x80; ++back)
            --size;
        use(bytes.substr(0, size));
        bytes.remove_prefix(size);
    }
    use(bytes);
}

}  // namespace

void Rows::file(const std::string& path) {
    if (style_ == Style::table && header_) {
        if (!file_.empty()) out_ << '\n';
        out_ << cli::printable(path) << '\n';
    }
    file_ = path;
    headed_.clear();
}

void Rows::begin(std::string_view type, unsigned indent) {
    type_ = type;
    cells_ = 0;
    row_.clear();
    heading_.clear();
    switch (style_) {
        case Style::json:
            row_ = "{\"type\":\"";
            row_ += type;
            row_ += "\",";
            cli::append_json_bytes(row_, "file", file_, true);
            break;
        case Style::plain:
            append_escaped(file_);
            row_ += '\t';
            row_ += type;
            cells_ = 1;
            break;
        case Style::table: {
            const std::string mark = cli::cat('|', type, '|');
            heads_ = header_ && headed_.find(mark) == std::string::npos;
            if (heads_) headed_ += mark;
            row_.assign(indent, ' ');
            heading_.assign(indent, ' ');
            break;
        }
    }
}

void Rows::cell(std::string_view name, std::string_view value, unsigned width, bool quoted, bool right) {
    switch (style_) {
        case Style::json:
            row_ += ",\"";
            row_ += name;
            row_ += "\":";
            if (quoted) {
                cli::append_json_string(row_, value);
            } else {
                row_ += value;
            }
            break;
        case Style::plain:
            row_ += '\t';
            row_ += value.empty() ? "-" : value;
            break;
        case Style::table: {
            const std::size_t column = std::max<std::size_t>(width, name.size());
            if (cells_ > 0) row_ += "  ";
            append_padded(row_, value.empty() ? "-" : value, column, right);
            if (!heads_) break;
            if (cells_ > 0) heading_ += "  ";
            std::string title{name};
            for (char& c : title) c = c == '_' ? '-' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
            append_padded(heading_, title, column, right);
            break;
        }
    }
    ++cells_;
}

Rows& Rows::number(std::string_view name, std::int64_t value, unsigned width) {
    cell(name, std::to_string(value), width, false, true);
    return *this;
}

Rows& Rows::text(std::string_view name, std::string_view value, unsigned width) {
    cell(name, value, width, true);
    return *this;
}

Rows& Rows::boolean(std::string_view name, bool value) {
    if (style_ == Style::json) {
        cell(name, value ? "true" : "false", 0, false);
    } else {
        cell(name, value ? "yes" : "no", 0, false);
    }
    return *this;
}

void Rows::append_escaped(ByteView bytes) {
    for (const char c : bytes) {
        switch (c) {
            case '\t':
                row_ += "\\t";
                break;
            case '\n':
                row_ += "\\n";
                break;
            case '\r':
                row_ += "\\r";
                break;
            case '\\':
                row_ += "\\\\";
                break;
            case '\0':
                row_ += "\\0";
                break;
            default:
                row_ += c;
        }
    }
}

void Rows::spill() {
    if (row_.size() < kPieceBytes) return;
    if (heads_) {
        heads_ = false;
        out_ << heading_ << '\n';
    }
    out_ << row_;
    row_.clear();
}

void Rows::append_hexadecimal(ByteView bytes) {
    constexpr ByteView kHex = "0123456789abcdef";
    for (const char c : bytes) {
        row_ += kHex[static_cast<unsigned char>(c) >> 4];
        row_ += kHex[static_cast<unsigned char>(c) & 15];
    }
    spill();
}

// One line: the line ends of a document stand between its tokens.
void Rows::append_json_value(ByteView bytes) {
    for (const char c : bytes) row_ += c == '\n' || c == '\r' ? ' ' : c;
    spill();
}

Rows& Rows::bytes(std::string_view name, const Shown& value) {
    const ByteView bytes = value.bytes();
    const bool is_text = value.kind == Shown::Kind::bytes && (style_ == Style::table || cli::is_utf8(bytes));
    if (style_ == Style::json) {
        row_ += cli::cat(",\"", name, "\":");
    } else if (style_ == Style::plain) {
        row_ += '\t';
    } else {
        // Of unknown length, so no column.
        row_ += cells_ > 0 ? "  " : "";
        row_ += cli::cat(name, "=");
    }
    ++cells_;
    const bool in_quotes = style_ == Style::json || (style_ == Style::table && value.kind == Shown::Kind::bytes);
    switch (value.kind) {
        case Shown::Kind::null:
            row_ += style_ == Style::plain ? "-" : "null";
            return *this;
        case Shown::Kind::json:
            for_each_piece(bytes, true, [&](ByteView piece) { append_json_value(piece); });
            return *this;
        case Shown::Kind::hex:
            row_ += in_quotes ? "\"" : style_ == Style::table ? "0x" : "";
            for_each_piece(bytes, false, [&](ByteView piece) { append_hexadecimal(piece); });
            if (in_quotes) row_ += cli::cat("\",\"", name, "_encoding\":\"hex\"");
            return *this;
        case Shown::Kind::bytes:
            break;
    }
    if (style_ == Style::plain) {
        for_each_piece(bytes, false, [&](ByteView piece) {
            append_escaped(piece);
            spill();
        });
        return *this;
    }
    row_ += '"';
    std::string text;
    std::string quoted;
    for_each_piece(bytes, is_text, [&](ByteView piece) {
        if (is_text) {
            text.clear();
            quoted.clear();
            append_java_utf8(text, piece);  // a table shows malformed bytes too
            cli::append_json_string(quoted, text);
            row_.append(quoted, 1, quoted.size() - 2);
        } else {
            cli::append_base64(row_, piece);
        }
        spill();
    });
    row_ += '"';
    if (!is_text) row_ += cli::cat(",\"", name, "_encoding\":\"base64\"");
    return *this;
}

Rows& Rows::json(std::string_view name, const std::string& value) {
    if (style_ == Style::table) {
        if (cells_ > 0) row_ += "  ";
        row_ += cli::cat(name, '=', value);
        ++cells_;
        return *this;
    }
    cell(name, value, 0, false);
    return *this;
}

void Rows::end() {
    if (style_ == Style::table) {
        if (heads_) {
            heading_.erase(heading_.find_last_not_of(' ') + 1);
            out_ << heading_ << '\n';
        }
        row_.erase(row_.find_last_not_of(' ') + 1);
    }
    if (style_ == Style::json) row_ += '}';
    row_ += '\n';
    out_ << row_;
}

}  // namespace mq::dump
