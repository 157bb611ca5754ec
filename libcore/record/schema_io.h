// Reads and writes the fields of Kafka's message schemas, in the encodings before and since flexible versions.
// Internal to the record layer: the schemas call it from one fields() function each, which serves both directions.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "record/internal_topics.h"

namespace mq::record::schema {

// T or const T: what a fields() function takes, to read or to write.
template <typename V, typename T>
concept Is = std::same_as<std::remove_const_t<V>, T>;

// Before flexible versions a string has an int16 length, bytes and arrays an int32 one, -1 being null. Flexible
// ("compact") ones have an unsigned varint of the length plus one, 0 being null, and each struct ends with tagged
// fields, of which none is defined in the schemas here.
class Reader {
public:
    Reader(ByteView bytes, std::int16_t version, bool flexible)
        : cursor_(bytes), version_(version), flexible_(flexible) {}

    [[nodiscard]] std::int16_t version() const { return version_; }
    [[nodiscard]] bool ok() const { return cursor_.ok(); }
    [[nodiscard]] std::size_t remaining() const { return cursor_.remaining(); }

    template <std::integral T>
    void operator()(T& value) {
        value = cursor_.be<T>();
    }
    void operator()(std::string& text) { required(string_length(), text); }
    void operator()(std::optional<std::string>& text) {
        const std::int64_t size = string_length();
        text.reset();
        if (size != -1) text = cursor_.take(size);
    }
    void bytes(std::string& bytes) { required(length(), bytes); }
    void bytes(std::optional<std::string>& bytes) {
        const std::int64_t size = length();
        bytes.reset();
        if (size != -1) bytes = cursor_.take(size);
    }
    template <typename T>
    void operator()(std::vector<T>& items) {
        read_items(length(), items);
    }
    template <typename T>
    void operator()(std::optional<std::vector<T>>& items) {
        const std::int64_t count = length();
        items.reset();
        if (count != -1) read_items(count, items.emplace());
    }
    template <typename T>
    requires std::is_class_v<T>
    void object(T& value) {
        fields(*this, value);
        if (flexible_) skip_tags();
    }

private:
    std::uint32_t unsigned_varint() {
        std::uint32_t v = 0;
        for (unsigned shift = 0; shift < 35; shift += 7) {
            const auto byte = cursor_.be<std::uint8_t>();
            v |= static_cast<std::uint32_t>(byte & 0x7f) << shift;
            if (byte < 0x80) return v;
        }
        cursor_.fail();
        return 0;
    }
    std::int64_t length() {
        return flexible_ ? std::int64_t{unsigned_varint()} - 1 : std::int64_t{cursor_.be<std::int32_t>()};
    }
    std::int64_t string_length() {
        return flexible_ ? std::int64_t{unsigned_varint()} - 1 : std::int64_t{cursor_.be<std::int16_t>()};
    }
    // take() refuses a negative size, which is what null is here.
    void required(std::int64_t size, std::string& to) { to = cursor_.take(size); }

    // The count is not believed: every item takes bytes, and the loop ends with them.
    template <typename T>
    void read_items(std::int64_t count, std::vector<T>& items) {
        items.clear();
        if (count < 0 || static_cast<std::uint64_t>(count) > cursor_.remaining()) return cursor_.fail();
        for (std::int64_t i = 0; i < count && cursor_.ok(); ++i) {
            T& item = items.emplace_back();
            if constexpr (std::is_class_v<T> && !std::is_same_v<T, std::string>) {
                object(item);
            } else {
                (*this)(item);
            }
        }
    }
    void skip_tags() {
        for (std::uint32_t left = unsigned_varint(); left > 0 && cursor_.ok(); --left) {
            unsigned_varint();
            cursor_.take(unsigned_varint());
        }
    }

    ByteCursor cursor_;
    std::int16_t version_;
    bool flexible_;
};

// The caller keeps strings below 32 KiB in versions that are not flexible.
class Writer {
public:
    Writer(std::string& out, std::int16_t version, bool flexible)
        : out_(out), version_(version), flexible_(flexible) {}

    [[nodiscard]] std::int16_t version() const { return version_; }

    template <std::integral T>
    void operator()(T value) {
        append_be(out_, value);
    }
    void operator()(const std::string& text) {
        put_string_length(static_cast<std::int64_t>(text.size()));
        out_ += text;
    }
    void operator()(const std::optional<std::string>& text) {
        if (text) return (*this)(*text);
        put_string_length(-1);
    }
    void bytes(const std::string& bytes) {
        put_length(static_cast<std::int64_t>(bytes.size()));
        out_ += bytes;
    }
    void bytes(const std::optional<std::string>& value) {
        if (value) return bytes(*value);
        put_length(-1);
    }
    template <typename T>
    void operator()(const std::vector<T>& items) {
        put_length(static_cast<std::int64_t>(items.size()));
        for (const T& item : items) {
            if constexpr (std::is_class_v<T> && !std::is_same_v<T, std::string>) {
                object(item);
            } else {
                (*this)(item);
            }
        }
    }
    template <typename T>
    void operator()(const std::optional<std::vector<T>>& items) {
        if (items) return (*this)(*items);
        put_length(-1);
    }
    template <typename T>
    requires std::is_class_v<T>
    void object(const T& value) {
        fields(*this, value);
        if (flexible_) put_unsigned_varint(0);
    }

private:
    void put_unsigned_varint(std::uint32_t v) {
        for (; v >= 0x80; v >>= 7) out_.push_back(static_cast<char>(v | 0x80));
        out_.push_back(static_cast<char>(v));
    }
    void put_length(std::int64_t size) {
        if (flexible_) return put_unsigned_varint(static_cast<std::uint32_t>(size + 1));
        append_be(out_, static_cast<std::int32_t>(size));
    }
    void put_string_length(std::int64_t size) {
        if (flexible_) return put_unsigned_varint(static_cast<std::uint32_t>(size + 1));
        append_be(out_, static_cast<std::int16_t>(size));
    }

    std::string& out_;
    std::int16_t version_;
    bool flexible_;
};

}  // namespace mq::record::schema

namespace mq::record {

void fields(auto& io, schema::Is<TopicPartitions> auto& v) {
    io(v.topic);
    io(v.partitions);
}

}  // namespace mq::record
