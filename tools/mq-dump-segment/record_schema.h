// Reads messages of Kafka's generated protocol (the records of internal topics) by a table of their fields, into a
// tree that is printed as JSON, as Kafka's own converters do. Source of the tables: the message schemas of Kafka 3.9.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace mq::dump {

enum class FieldType : unsigned char {
    boolean,
    int8,
    int16,
    uint16,
    int32,
    int64,
    float64,
    string,
    bytes,
    uuid,
    object
};

struct Field {
    std::string_view name;  // as in JSON
    FieldType type;
    std::int16_t since = 0;
    bool is_array = false;
    std::int16_t nullable_since = INT16_MAX;
    std::span<const Field> fields = {};  // of an object
    std::int16_t until = INT16_MAX;
    std::int16_t tag = -1;  // >= 0: a tagged field, left out where it has its default
};

struct Message {
    std::string_view name;
    std::int16_t lowest_version;
    std::int16_t highest_version;
    std::int16_t flexible_since;  // compact lengths and tagged fields from this version on
    std::span<const Field> fields;
};

inline constexpr std::int16_t kNeverFlexible = INT16_MAX;

// A node of the tree. Texts and bytes are views of what was read.
struct Value {
    enum class Kind : unsigned char { null, boolean, integer, real, text, bytes, uuid, array, object };

    Kind kind = Kind::null;
    std::int64_t integer = 0;
    double real = 0;
    ByteView text;                                           // text, bytes, uuid
    std::vector<Value> items;                                // array
    std::vector<std::pair<std::string_view, Value>> fields;  // object, in the order of the schema

    [[nodiscard]] const Value* find(std::string_view name) const;
    [[nodiscard]] Value* find(std::string_view name);
    [[nodiscard]] std::int64_t integer_of(std::string_view name) const;  // 0 if there is no such field
    [[nodiscard]] ByteView text_of(std::string_view name) const;         // empty likewise
};

// Reads one message of `version` from the front of `cursor`. Memory is bounded by the bytes that are there.
// Errors: unsupported (version), corrupt.
[[nodiscard]] Result<Value> read_message(const Message& message, std::int16_t version, ByteCursor& cursor);

// Compact JSON: bytes in base64, uuids in URL base64, texts with malformed UTF-8 replaced.
void append_json(std::string& out, const Value& value);

}  // namespace mq::dump
