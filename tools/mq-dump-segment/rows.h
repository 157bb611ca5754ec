// Every view of a file is rows of named fields. Here they become a table for people, tab-separated values, or JSON
// lines.
#pragma once

#include <string>

#include "mq-dump-segment/sink.h"

namespace mq::dump {

enum class Style : unsigned char { table, plain, json };

// A key, value or decoded field, ready to be shown. `view` lies in `owned` or in the batch.
struct Shown {
    enum class Kind : unsigned char {
        null,
        bytes,
        hex,   // shown in hexadecimal
        json,  // is a JSON document
    };
    Kind kind = Kind::null;
    ByteView view;
    std::string owned;

    [[nodiscard]] ByteView bytes() const { return owned.empty() ? view : ByteView{owned}; }
};

// Fields are given in the order of their columns; a row of one type always has the same. Not thread-safe.
class Rows {
public:
    Rows(Style style, bool header, Sink& out) : style_(style), header_(header), out_(out) {}

    // What follows is about this file: a heading, the first column, or the first key.
    void file(const std::string& path);
    // `type` must be a literal. Two rows of the same type in a table share one heading.
    void begin(std::string_view type, unsigned indent = 0);
    Rows& number(std::string_view name, std::int64_t value, unsigned width = 0);
    Rows& text(std::string_view name, std::string_view value, unsigned width = 0);
    Rows& boolean(std::string_view name, bool value);
    Rows& bytes(std::string_view name, const Shown& value);
    // An array or object, as it is.
    Rows& json(std::string_view name, const std::string& value);
    void end();

    [[nodiscard]] Style style() const { return style_; }

private:
    void cell(std::string_view name, std::string_view value, unsigned width, bool quoted, bool right = false);
    void append_escaped(ByteView bytes);
    void append_hexadecimal(ByteView bytes);
    void append_json_value(ByteView bytes);
    // Gives a long row to the output before it is complete: a value may be tens of MiB.
    void spill();

    Style style_;
    bool header_;
    Sink& out_;
    std::string file_;
    std::string_view type_;
    std::string headed_;  // the types whose heading stands above, for this file
    std::string row_;
    std::string heading_;
    bool heads_ = false;
    std::size_t cells_ = 0;
};

}  // namespace mq::dump
