#include "mq-dump-segment/record_schema.h"

#include <bit>
#include <charconv>

#include "cli/json.h"
#include "mq-dump-segment/java_text.h"

namespace mq::dump {
namespace {

constexpr int kDeepest = 8;  // the schemas nest three levels
constexpr std::size_t kMostNodes =
    65'536;  // a node takes a hundred bytes, and may stand for one byte of a hostile record

class Reader {
public:
    Reader(ByteCursor& cursor, std::int16_t version, bool flexible)
        : cursor_(cursor), version_(version), flexible_(flexible) {}

    Value object(std::span<const Field> fields, int depth = 0) {
        Value value;
        value.kind = Value::Kind::object;
        if (depth > kDeepest) cursor_.fail();
        for (const Field& field : fields) {
            if (version_ < field.since || version_ > field.until || field.tag >= 0) continue;
            if (!cursor_.ok()) return value;
            value.fields.emplace_back(field.name, field.is_array ? array(field, depth) : single(field, depth));
        }
        if (flexible_) tagged(fields, value, depth);
        return value;
    }

private:
    bool nullable(const Field& field) const { return version_ >= field.nullable_since; }

    std::uint64_t unsigned_varint() {
        std::uint64_t v = 0;
        for (int shift = 0; shift < 35; shift += 7) {
            const auto byte = static_cast<unsigned char>(cursor_.be<std::int8_t>());
            v |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
            if (byte < 0x80) return v;
        }
        cursor_.fail();
        return 0;
    }

    // -1 is null.
    std::int64_t length(const Field& field) {
        std::int64_t n = 0;
        if (flexible_) {
            n = static_cast<std::int64_t>(unsigned_varint()) - 1;
        } else if (field.type == FieldType::string && !field.is_array) {
            n = cursor_.be<std::int16_t>();
        } else {
            n = cursor_.be<std::int32_t>();
        }
        if (n < -1 || (n == -1 && !nullable(field))) cursor_.fail();
        return n;
    }

    Value array(const Field& field, int depth) {
        Value value;
        const std::int64_t count = length(field);
        if (count < 0) return value;
        value.kind = Value::Kind::array;
        // Every element takes a byte at least.
        nodes_ += static_cast<std::size_t>(count);
        if (static_cast<std::uint64_t>(count) > cursor_.remaining() || nodes_ > kMostNodes) {
            cursor_.fail();
            return value;
        }
        Field element = field;
        element.is_array = false;
        element.nullable_since = INT16_MAX;
        for (std::int64_t i = 0; i < count && cursor_.ok(); ++i) value.items.push_back(single(element, depth));
        return value;
    }

    Value integer(std::int64_t n) {
        Value value;
        value.kind = Value::Kind::integer;
        value.integer = n;
        return value;
    }

    Value view(Value::Kind kind, ByteView bytes) {
        Value value;
        value.kind = kind;
        value.text = bytes;
        return value;
    }

    Value single(const Field& field, int depth) {
        switch (field.type) {
            case FieldType::boolean: {
                Value value = integer(cursor_.be<std::int8_t>());
                value.kind = Value::Kind::boolean;
                return value;
            }
            case FieldType::int8:
                return integer(cursor_.be<std::int8_t>());
            case FieldType::int16:
                return integer(cursor_.be<std::int16_t>());
            case FieldType::uint16:
                return integer(cursor_.be<std::uint16_t>());
            case FieldType::int32:
                return integer(cursor_.be<std::int32_t>());
            case FieldType::int64:
                return integer(cursor_.be<std::int64_t>());
            case FieldType::float64: {
                Value value;
                value.kind = Value::Kind::real;
                value.real = std::bit_cast<double>(cursor_.be<std::int64_t>());
                return value;
            }
            case FieldType::uuid:
                return view(Value::Kind::uuid, cursor_.take(16));
            case FieldType::string:
            case FieldType::bytes: {
                const std::int64_t size = length(field);
                if (size < 0) return {};
                return view(field.type == FieldType::string ? Value::Kind::text : Value::Kind::bytes,
                            cursor_.take(size));
            }
            case FieldType::object: {
                // A nullable object starts with -1 (null) or 1.
                if (nullable(field) && cursor_.be<std::int8_t>() < 0) return {};
                return object(field.fields, depth + 1);
            }
        }
        return {};
    }

    void tagged(std::span<const Field> fields, Value& into, int depth) {
        const std::uint64_t count = unsigned_varint();
        for (std::uint64_t i = 0; i < count && cursor_.ok(); ++i) {
            if (++nodes_ > kMostNodes) cursor_.fail();
            const std::uint64_t tag = unsigned_varint();
            ByteCursor payload{cursor_.take(static_cast<std::int64_t>(unsigned_varint()))};
            for (const Field& field : fields) {
                if (field.tag < 0 || static_cast<std::uint64_t>(field.tag) != tag) continue;
                Reader inner{payload, version_, flexible_};
                Value value = field.is_array ? inner.array(field, depth) : inner.single(field, depth);
                if (!payload.ok()) cursor_.fail();
                into.fields.emplace_back(field.name, std::move(value));
            }
        }
    }

    ByteCursor& cursor_;
    std::int16_t version_;
    bool flexible_;
    std::size_t nodes_ = 0;
};

// 16 bytes as Kafka writes topic ids: the URL alphabet of base64, without padding.
std::string uuid_text(ByteView bytes) {
    std::string text;
    cli::append_base64(text, bytes);
    for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
    text.erase(text.find_last_not_of('=') + 1);
    return text;
}

}  // namespace

const Value* Value::find(std::string_view name) const {
    for (const auto& [key, value] : fields) {
        if (key == name) return &value;
    }
    return nullptr;
}

Value* Value::find(std::string_view name) {
    for (auto& [key, value] : fields) {
        if (key == name) return &value;
    }
    return nullptr;
}

std::int64_t Value::integer_of(std::string_view name) const {
    const Value* value = find(name);
    return value == nullptr ? 0 : value->integer;
}

ByteView Value::text_of(std::string_view name) const {
    const Value* value = find(name);
    return value == nullptr ? ByteView{} : value->text;
}

Result<Value> read_message(const Message& message, std::int16_t version, ByteCursor& cursor) {
    if (version < message.lowest_version || version > message.highest_version) {
        return fail(Errc::unsupported, "decode " + std::string{message.name}, {},
                    "version " + std::to_string(version));
    }
    Reader reader{cursor, version, version >= message.flexible_since};
    Value value = reader.object(message.fields);
    if (!cursor.ok()) return fail(Errc::corrupt, "decode " + std::string{message.name}, {}, "the bytes end early");
    return value;
}

void append_json(std::string& out, const Value& value) {
    switch (value.kind) {
        case Value::Kind::null:
            out += "null";
            return;
        case Value::Kind::boolean:
            out += value.integer != 0 ? "true" : "false";
            return;
        case Value::Kind::integer:
            out += std::to_string(value.integer);
            return;
        case Value::Kind::real: {
            char digits[32];
            const auto end = std::to_chars(digits, digits + sizeof digits, value.real);
            out.append(digits, end.ptr);
            return;
        }
        case Value::Kind::text: {
            std::string text;
            append_java_utf8(text, value.text);
            append_json_string(out, text);
            return;
        }
        case Value::Kind::bytes:
            out += '"';
            cli::append_base64(out, value.text);
            out += '"';
            return;
        case Value::Kind::uuid:
            out += '"' + uuid_text(value.text) + '"';
            return;
        case Value::Kind::array: {
            char separator = '[';
            for (const Value& item : value.items) {
                out += separator;
                append_json(out, item);
                separator = ',';
            }
            out += value.items.empty() ? "[]" : "]";
            return;
        }
        case Value::Kind::object: {
            char separator = '{';
            for (const auto& [name, field] : value.fields) {
                out += separator;
                append_json_string(out, name);
                out += ':';
                append_json(out, field);
                separator = ',';
            }
            out += value.fields.empty() ? "{}" : "}";
            return;
        }
    }
}

}  // namespace mq::dump
