// Messages as plain lists of named values, and edits of their fields, for tests that compare what two brokers said.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "record/schema_io.h"
#include "wire/message.h"

namespace mq::broker::test {

using record::schema::Field;
using record::schema::is_optional;
using record::schema::is_vector;

// {"Topics.0.Partitions.2.ErrorCode", "3"}, in the order of the schema. Null is "null", bytes are in hexadecimal; how
// long an array is stands before its items: {"Topics.size", "1"}.
using Values = std::vector<std::pair<std::string, std::string>>;

// Looks at, or changes, the fields of a message of these types; the name is that of the schema.
struct Edits {
    std::function<void(const char* name, std::string& value)> text = [](const char*, std::string&) {};
    std::function<void(const char* name, std::int64_t& value)> number = [](const char*, std::int64_t&) {};
    std::function<void(const char* name, NullableBytes& value)> records = [](const char*, NullableBytes&) {};
};

class Flattener {
public:
    explicit Flattener(std::int16_t version) : version_(version) {}
    [[nodiscard]] Values take() { return std::move(values_); }

    template <typename T>
    void operator()(const char* name, const T& value, Field field = {}) {
        if (field.present.contains(version_)) at(name, value);
    }
    void records(const char* name, const NullableBytes& value, const record::schema::ExternalRecords& = {},
                 Field field = {}) {
        if (field.present.contains(version_)) at(name, value);
    }

private:
    static std::string hex(ByteView bytes) {
        static constexpr char kDigits[] = "0123456789abcdef";
        std::string out;
        for (const char c : bytes) {
            out += kDigits[static_cast<unsigned char>(c) >> 4];
            out += kDigits[static_cast<unsigned char>(c) & 15];
        }
        return out;
    }
    template <typename T>
    void at(const std::string& name, const T& value) {
        const std::size_t outer = path_.size();
        path_ += name;
        add(value);
        path_.resize(outer);
    }
    void say(std::string value) { values_.emplace_back(path_, std::move(value)); }

    template <typename T>
    void add(const T& value) {
        if constexpr (std::is_enum_v<T>) {
            say(std::to_string(static_cast<std::underlying_type_t<T>>(value)));
        } else if constexpr (std::is_arithmetic_v<T>) {
            say(std::to_string(value));
        } else if constexpr (std::is_same_v<T, Uuid>) {
            say(hex({reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size()}));
        } else if constexpr (std::is_same_v<T, std::string>) {
            say('"' + value + '"');
        } else if constexpr (std::is_same_v<T, ByteView>) {
            say(hex(value));
        } else if constexpr (is_optional<T>) {
            value ? add(*value) : say("null");
        } else if constexpr (is_vector<T>) {
            values_.emplace_back(path_ + ".size", std::to_string(value.size()));
            for (std::size_t i = 0; i < value.size(); ++i) at('.' + std::to_string(i), value[i]);
        } else {
            if (!path_.empty()) path_ += '.';
            record::schema::visit_fields(*this, value);
        }
    }

    std::int16_t version_;
    std::string path_;
    Values values_;
};

class Editor {
public:
    Editor(const Edits& edits, std::int16_t version) : edits_(edits), version_(version) {}

    template <typename T>
    void operator()(const char* name, T& value, Field field = {}) {
        if (field.present.contains(version_)) edit(name, value);
    }
    void records(const char* name, NullableBytes& value, const record::schema::ExternalRecords& = {},
                 Field field = {}) {
        if (field.present.contains(version_)) edits_.records(name, value);
    }

private:
    template <typename T>
    void edit(const char* name, T& value) {
        if constexpr (std::is_same_v<T, std::string>) {
            edits_.text(name, value);
        } else if constexpr (is_optional<T>) {
            if (value) edit(name, *value);
        } else if constexpr (is_vector<T>) {
            for (auto& item : value) edit(name, item);
        } else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
            std::int64_t number = value;
            edits_.number(name, number);
            value = static_cast<T>(number);
        } else if constexpr (requires { T::fields(*this, value); }) {
            T::fields(*this, value);
        }
    }

    const Edits& edits_;
    std::int16_t version_;
};

// What the tests do to a body without knowing its type.
struct Walk {
    Result<Values> (*values)(ByteView body, std::int16_t version);
    // The body with what `edits` made of its fields.
    Result<std::string> (*edited)(ByteView body, std::int16_t version, const Edits& edits);
};
// The request of that key, or its response. Null for those that only brokers send.
[[nodiscard]] const Walk* find_walk(wire::ApiKey key, bool is_request);

}  // namespace mq::broker::test
