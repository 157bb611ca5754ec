// RapidJSON is included here and, for other ends, in mq-consume.
#include "cli/json_record.h"

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include "cli/encoding.h"
#include "cli/text.h"
#include "cli/values.h"

namespace mq::cli {

namespace {

struct Field {
    bool given = false;
    NullableBytes bytes;
    Encoding encoding = Encoding::raw;
};

// Takes RapidJSON's events; an event that does not fit ends the parse with `problem_`.
class Handler {
public:
    Handler(ByteView text, rapidjson::MemoryStream& stream, std::string& bytes, InputRecord& record)
        : text_(text), stream_(&stream), bytes_(&bytes), record_(&record) {}

    bool Null() { return scalar(std::nullopt, Kind::null); }
    bool Bool(bool value) { return scalar(value ? "true" : "false", Kind::other); }
    bool RawNumber(const char* text, rapidjson::SizeType size, bool) {
        return scalar(keep({text, size}), Kind::number);
    }
    bool String(const char* text, rapidjson::SizeType size, bool) { return scalar(keep({text, size}), Kind::string); }
    // RapidJSON hands numbers over as text (kParseNumbersAsStringsFlag).
    bool Int(int) { return false; }
    bool Uint(unsigned) { return false; }
    bool Int64(std::int64_t) { return false; }
    bool Uint64(std::uint64_t) { return false; }
    bool Double(double) { return false; }

    bool Key(const char* text, rapidjson::SizeType size, bool) {
        const ByteView name{text, size};
        if (depth_ == 1) {
            name_ = name_of(name);
            value_start_ = stream_->Tell();
        } else if (name_ == Name::headers && headers_are_object_ && depth_ == 2) {
            record_->headers.push_back({keep(name), std::nullopt});
        } else if (name_ == Name::headers && depth_ == 3) {
            header_name_ = name_of(name);
        }
        return true;
    }

    bool StartObject() {
        ++depth_;
        if (depth_ == 2 && name_ == Name::headers) headers_are_object_ = true;
        if (depth_ == 2 && is_plain(name_)) return wrong_type();
        if (depth_ == 3 && name_ == Name::headers) {
            if (headers_are_object_) return wrong("a header's value is text or null");
            header_key_ = header_value_ = {};
            header_name_ = Name::other;
        }
        if (depth_ > 3 && name_ == Name::headers) return wrong("a header's value is text or null");
        return true;
    }
    bool EndObject(rapidjson::SizeType) {
        --depth_;
        if (depth_ == 2 && name_ == Name::headers) return end_header();
        if (depth_ == 1) return end_value();
        return true;
    }
    bool StartArray() {
        ++depth_;
        if (depth_ == 1) return wrong("not an object");
        if (depth_ == 2 && is_plain(name_)) return wrong_type();
        if (depth_ == 2 && name_ == Name::headers) headers_are_object_ = false;
        if (depth_ > 2 && name_ == Name::headers) return wrong("a header's value is text or null");
        return true;
    }
    bool EndArray(rapidjson::SizeType) {
        --depth_;
        return depth_ == 1 ? end_value() : true;
    }

    // What may come after what it belongs to, such as an encoding, is applied here.
    Status finish() {
        if (!value_.given) return fail(Errc::corrupt, {}, {}, "no \"value\"", 0);
        MQ_ASSIGN(record_->key, decoded(key_));
        MQ_ASSIGN(record_->value, decoded(value_));
        record_->has_key = key_.given;
        return {};
    }
    [[nodiscard]] const std::string& problem() const { return problem_; }

private:
    enum class Kind : unsigned char { null, string, number, other };
    enum class Name : unsigned char {
        other,
        partition,
        timestamp,
        key,
        value,
        headers,
        key_encoding,
        value_encoding
    };

    static Name name_of(ByteView name) {
        if (name == "partition") return Name::partition;
        if (name == "timestamp") return Name::timestamp;
        if (name == "key") return Name::key;
        if (name == "value") return Name::value;
        if (name == "headers") return Name::headers;
        if (name == "key_encoding") return Name::key_encoding;
        if (name == "value_encoding") return Name::value_encoding;
        return Name::other;
    }
    // Those that hold neither text nor a structure.
    static bool is_plain(Name name) {
        return name == Name::partition || name == Name::timestamp || name == Name::key_encoding ||
               name == Name::value_encoding;
    }

    ByteView keep(ByteView text) {
        const std::size_t at = bytes_->size();
        *bytes_ += text;
        return ByteView{*bytes_}.substr(at);
    }
    bool wrong(std::string_view what) {
        problem_ = what;
        return false;
    }
    bool wrong_type() { return wrong("a field of the wrong type"); }

    template <typename T>
    bool number(NullableBytes text, Kind kind, T least, std::optional<T>& target) {
        if (kind == Kind::null) return true;
        if (kind != Kind::number) return wrong_type();
        const auto value = parse_integer<T>(*text, least);
        if (!value) return wrong(value.error().detail);
        target = *value;
        return true;
    }
    bool encoding(NullableBytes text, Kind kind, Encoding& target) {
        if (kind == Kind::null) return true;
        if (kind != Kind::string) return wrong_type();
        if (text == "utf8") {
            target = Encoding::raw;
        } else if (text == "base64") {
            target = Encoding::base64;
        } else {
            return wrong("an encoding that is neither utf8 nor base64");
        }
        return true;
    }

    bool scalar(NullableBytes text, Kind kind) {
        if (depth_ == 0) return wrong("not an object");
        if (depth_ == 1) return field(text, kind);
        if (name_ != Name::headers) return true;
        if (depth_ == 2) {
            if (!headers_are_object_) return wrong("a header is an object");
            record_->headers.back().value = text;
            return true;
        }
        switch (header_name_) {
            case Name::key:
                if (kind != Kind::string) return wrong("a header's key is text");
                header_key_.given = true;
                header_key_.bytes = text;
                return true;
            case Name::value:
                header_value_.bytes = text;
                return true;
            case Name::key_encoding:
                return encoding(text, kind, header_key_.encoding);
            case Name::value_encoding:
                return encoding(text, kind, header_value_.encoding);
            default:
                return true;
        }
    }

    bool field(NullableBytes text, Kind kind) {
        switch (name_) {
            case Name::partition:
                return number<std::int32_t>(text, kind, 0, record_->partition);
            case Name::timestamp:
                return number<TimestampMs>(text, kind, kNoTimestamp, record_->timestamp);
            case Name::key:
                key_.given = true;
                key_.bytes = text;
                return true;
            case Name::value:
                value_.given = true;
                value_.bytes = text;
                return true;
            case Name::key_encoding:
                return encoding(text, kind, key_.encoding);
            case Name::value_encoding:
                return encoding(text, kind, value_.encoding);
            case Name::headers:
                return kind == Kind::null || wrong_type();
            case Name::other:
                return true;
        }
        return true;
    }

    // A structure at the top has ended; as key or value it stands for its text.
    bool end_value() {
        if (name_ != Name::key && name_ != Name::value) return true;
        // RapidJSON tells of the end before it takes the bracket.
        ByteView text = text_.substr(value_start_, stream_->Tell() + 1 - value_start_);
        text.remove_prefix(std::min(text.find_first_of("{["), text.size()));
        Field& target = name_ == Name::key ? key_ : value_;
        target.given = true;
        target.bytes = text;
        return true;
    }

    bool end_header() {
        if (headers_are_object_) return true;
        if (!header_key_.given) return wrong("a header without a key");
        const auto key = decoded(header_key_);
        const auto value = decoded(header_value_);
        if (!key || !value) return wrong((key ? value.error() : key.error()).detail);
        record_->headers.push_back({**key, *value});
        return true;
    }

    Result<NullableBytes> decoded(const Field& field) {
        if (!field.bytes || field.encoding == Encoding::raw) return field.bytes;
        const std::size_t at = bytes_->size();
        MQ_TRY(append_decoded(*bytes_, field.encoding, *field.bytes));
        return NullableBytes{ByteView{*bytes_}.substr(at)};
    }

    ByteView text_;
    rapidjson::MemoryStream* stream_;
    std::string* bytes_;
    InputRecord* record_;
    int depth_ = 0;
    Name name_ = Name::other;  // of the field of the record that is being read
    std::size_t value_start_ = 0;
    bool headers_are_object_ = false;
    Name header_name_ = Name::other;
    Field key_;
    Field value_;
    Field header_key_;
    Field header_value_;
    std::string problem_;
};

}  // namespace

Status JsonRecordParser::parse(ByteView text, InputRecord& record) {
    record.clear();
    bytes_.clear();
    // Strings, and once more what base64 makes of them.
    bytes_.reserve(2 * text.size());
    // Iterative: a value that nests deeply must not use up the stack.
    constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag |
                                rapidjson::kParseNumbersAsStringsFlag;
    rapidjson::MemoryStream stream{text.data(), text.size()};
    Handler handler{text, stream, bytes_, record};
    rapidjson::Reader reader;
    const rapidjson::ParseResult parsed = reader.Parse<kFlags>(stream, handler);
    if (parsed.IsError()) {
        std::string problem = handler.problem();
        if (problem.empty()) {
            problem = rapidjson::GetParseError_En(parsed.Code());
            if (problem.ends_with('.')) problem.pop_back();
        }
        return fail(Errc::corrupt, {}, {}, cat("malformed JSON: ", problem), std::min(parsed.Offset(), text.size()));
    }
    // A NUL byte looks like the end to RapidJSON.
    if (stream.Tell() < text.size())
        return fail(Errc::corrupt, {}, {}, "malformed JSON: something follows the object", stream.Tell());
    if (const Status finished = handler.finish(); !finished) {
        Error error = finished.error();
        error.detail = cat("malformed JSON: ", error.detail);
        error.position = 0;
        return fail(std::move(error));
    }
    return {};
}

}  // namespace mq::cli
