#include "mq-dump-segment/rows.h"

#include "cli/json.h"
#include "cli/text.h"

namespace mq::dump {
namespace {

void append_padded(std::string& out, std::string_view text, std::size_t width, bool right) {
    const std::size_t gap = width > text.size() ? width - text.size() : 0;
    if (right) out.append(gap, ' ');
    out += text;
    if (!right) out.append(gap, ' ');
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

Rows& Rows::bytes(std::string_view name, const Shown& value) {
    if (style_ == Style::json) {
        if (value.kind == Shown::Kind::json) return json(name, value.text);
        if (value.kind == Shown::Kind::hex) {
            cell(name, value.text, 0, true);
            row_ += cli::cat(",\"", name, "_encoding\":\"hex\"");
        } else {
            cli::append_json_bytes(row_, name,
                                   value.kind == Shown::Kind::null ? NullableBytes{} : NullableBytes{value.text});
        }
        return *this;
    }
    if (style_ == Style::plain) {
        row_ += '\t';
        if (value.kind == Shown::Kind::null) {
            row_ += '-';
        } else {
            append_escaped(value.text);
        }
        ++cells_;
        return *this;
    }
    // Of unknown length, so no column: name=value.
    if (cells_ > 0) row_ += "  ";
    row_ += name;
    row_ += '=';
    switch (value.kind) {
        case Shown::Kind::null:
            row_ += "null";
            break;
        case Shown::Kind::json:
            row_ += value.text;
            break;
        case Shown::Kind::hex:
            row_ += "0x" + value.text;
            break;
        case Shown::Kind::bytes: {
            // In quotes and on one line, whatever the bytes are.
            std::string quoted;
            cli::append_json_string(quoted, value.text);
            row_ += quoted;
            break;
        }
    }
    ++cells_;
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
