// Reads and writes the fields of Kafka's message schemas, in the encodings before and since flexible versions.
// A schema is one function that names each field once, in order and without conditions; it serves reading, writing
// and every version. It is a static member of its struct,
//     static void fields(auto& io, auto& m) { io("GroupId", m.group_id); io("Reason", m.reason, since(8)); }
// or a free function of the same name and arguments. `m` is const when it is written.
// Source of the formats: Kafka's wire protocol (primitive types, tagged fields).
#pragma once

#include <bit>
#include <concepts>
#include <cstring>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/uuid.h"
#include "record/schema_field.h"

namespace mq::record::schema {

// T or const T: what a free fields() function takes, to read or to write.
template <typename V, typename T>
concept Is = std::same_as<std::remove_const_t<V>, T>;

template <typename T>
inline constexpr bool is_optional = false;
template <typename T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <typename T>
inline constexpr bool is_vector = false;
template <typename T>
inline constexpr bool is_vector<std::vector<T>> = true;

// In both encodings.
inline constexpr std::int64_t kMaxStringBytes = 32767;

template <typename Io, typename T>
void visit_fields(Io& io, T& value) {
    if constexpr (requires { std::remove_const_t<T>::fields(io, value); }) {
        std::remove_const_t<T>::fields(io, value);
    } else {
        fields(io, value);
    }
}

// Before flexible versions a string has an int16 length, bytes and arrays an int32 one, -1 being null. Flexible
// ("compact") ones have an unsigned varint of the length plus one, 0 being null, and each struct ends with its tagged
// fields. Views that are read point into `bytes`. After a failure all that follows reads as zero or empty.
class Reader {
public:
    Reader(ByteView bytes, std::int16_t version, bool flexible)
        : Reader(bytes, version, flexible, default_budget(bytes.size())) {}
    Reader(ByteView bytes, std::int16_t version, bool flexible, std::size_t budget)
        : cursor_(bytes), version_(version), flexible_(flexible), budget_(budget) {}

    [[nodiscard]] bool ok() const { return cursor_.ok(); }
    [[nodiscard]] std::size_t remaining() const { return cursor_.remaining(); }
    [[nodiscard]] ByteView rest() const { return {cursor_.position(), cursor_.remaining()}; }
    // The bytes may be right, but their items would take more memory than was allowed.
    [[nodiscard]] bool over_budget() const { return reason_ == kOverBudget; }
    // The field that could not be read, "" if none was begun, and why. Only after a failure.
    [[nodiscard]] const char* failed_field() const { return field_; }
    [[nodiscard]] const char* reason() const { return reason_ != nullptr ? reason_ : "the bytes end before it does"; }

    template <typename T>
    void operator()(const char* name, T& value, Field field = {}) {
        visit(name, field, [&] { get(value, field); });
    }
    void bytes(const char* name, std::string& value, Field field = {}) {
        visit(name, field, [&] { value = cursor_.take(required(length())); });
    }
    void bytes(const char* name, std::optional<std::string>& value, Field field = {}) {
        visit(name, field, [&] {
            value.reset();
            if (const auto view = nullable_bytes(field)) value = *view;
        });
    }
    // `external` is not looked at: what is read lies in memory.
    void records(const char* name, NullableBytes& value, const ExternalRecords& external = {}, Field field = {}) {
        static_cast<void>(external);
        visit(name, field, [&] { value = nullable_bytes(field); });
    }
    template <typename T>
    requires std::is_class_v<T>
    void object(T& value) {
        const Pass outer = std::exchange(pass_, Pass{});
        visit_fields(*this, value);
        if (flexible_) read_tags(value);
        pass_ = outer;
    }

private:
    static constexpr const char* kOverBudget = "items that take too much memory";

    // One walk through the fields of one struct: for those in place, or for the one of a tag.
    struct Pass {
        std::int64_t tag = Field::kPositional;
        bool has_tagged_fields = false;
        bool found = false;
    };

    template <typename Read>
    void visit(const char* name, const Field& field, Read read) {
        if (field.tag != Field::kPositional) pass_.has_tagged_fields = true;
        if (field.tag != pass_.tag || !cursor_.ok()) return;
        field_ = name;
        pass_.found = true;
        if (field.present.contains(version_)) {
            read();
        } else if (field.tag != Field::kPositional) {
            fail("its tag is not of this version");
        }
    }

    template <typename T>
    void get(T& value, const Field& field) {
        if constexpr (std::is_same_v<T, bool>) {
            value = cursor_.be<std::uint8_t>() != 0;
        } else if constexpr (std::is_enum_v<T>) {
            value = static_cast<T>(cursor_.be<std::underlying_type_t<T>>());
        } else if constexpr (std::is_integral_v<T>) {
            value = cursor_.be<T>();
        } else if constexpr (std::is_same_v<T, double>) {
            value = std::bit_cast<double>(cursor_.be<std::uint64_t>());
        } else if constexpr (std::is_same_v<T, Uuid>) {
            const ByteView raw = cursor_.take(sizeof value.bytes);
            if (cursor_.ok()) std::memcpy(value.bytes.data(), raw.data(), raw.size());
        } else if constexpr (std::is_same_v<T, std::string>) {
            value = cursor_.take(string_size(required(string_length(field))));
        } else if constexpr (std::is_same_v<T, ByteView>) {
            value = cursor_.take(required(length()));
        } else if constexpr (is_vector<T>) {
            get_items(required(length()), value);
        } else if constexpr (is_optional<T>) {
            get_nullable(value, field);
        } else {
            object(value);
        }
    }

    template <typename T>
    void get_nullable(std::optional<T>& value, const Field& field) {
        value.reset();
        if constexpr (std::is_same_v<T, std::string>) {
            const std::int64_t size = string_length(field);
            if (!is_null(size, field)) value = cursor_.take(string_size(size));
        } else if constexpr (is_vector<T>) {
            const std::int64_t count = length();
            if (!is_null(count, field)) get_items(count, value.emplace());
        } else {
            // Among tagged fields the mark is 0 or 1, in place it is -1 or 1.
            const std::int64_t mark = field.tag == Field::kPositional ? std::int64_t{cursor_.be<std::int8_t>()}
                                                                      : std::int64_t{unsigned_varint()} - 1;
            if (!is_null(mark < 0 ? -1 : mark, field)) object(value.emplace());
        }
    }

    // Nothing is allocated for a count that the bytes left cannot hold, nor beyond the budget.
    template <typename T>
    void get_items(std::int64_t count, std::vector<T>& items) {
        items.clear();
        if (!cursor_.ok()) return;
        if (count < 0 || static_cast<std::uint64_t>(count) > cursor_.remaining())
            return fail("more items than bytes");
        const std::size_t memory = static_cast<std::size_t>(count) * sizeof(T);
        if (memory > budget_) return fail(kOverBudget);
        budget_ -= memory;
        items.reserve(static_cast<std::size_t>(count));
        for (std::int64_t i = 0; i < count && cursor_.ok(); ++i) get(items.emplace_back(), Field{});
    }

    template <typename T>
    void read_tags(T& value) {
        const bool known = pass_.has_tagged_fields;
        std::int64_t last = -1;
        for (std::uint32_t left = unsigned_varint(); left > 0 && cursor_.ok(); --left) {
            const std::int64_t tag = unsigned_varint();
            const ByteView data = cursor_.take(unsigned_varint());
            if (!cursor_.ok()) return;
            if (tag <= last) return fail("tags that do not ascend");
            last = tag;
            if (known) read_tag(value, tag, data);
        }
    }
    template <typename T>
    void read_tag(T& value, std::int64_t tag, ByteView data) {
        const ByteCursor outer = std::exchange(cursor_, ByteCursor{data});
        pass_ = {.tag = tag};
        visit_fields(*this, value);
        if (pass_.found && cursor_.remaining() != 0) fail("a tagged field shorter than its size");
        if (cursor_.ok()) cursor_ = outer;
    }

    std::uint32_t unsigned_varint() {
        std::uint32_t v = 0;
        for (unsigned shift = 0; shift < 35; shift += 7) {
            const auto byte = cursor_.be<std::uint8_t>();
            v |= static_cast<std::uint32_t>(byte & 0x7f) << shift;
            if (byte < 0x80) return v;
        }
        fail("a varint of more than 5 bytes");
        return 0;
    }
    std::int64_t length() {
        return flexible_ ? std::int64_t{unsigned_varint()} - 1 : std::int64_t{cursor_.be<std::int32_t>()};
    }
    std::int64_t string_length(const Field& field) {
        return flexible_ && field.compact ? std::int64_t{unsigned_varint()} - 1
                                          : std::int64_t{cursor_.be<std::int16_t>()};
    }
    std::int64_t required(std::int64_t size) {
        if (size == -1 && cursor_.ok()) fail("null where there is none");
        return size;
    }
    bool is_null(std::int64_t size, const Field& field) {
        if (size == -1 && cursor_.ok() && !field.nullable.contains(version_)) fail("null where there is none");
        return size == -1 || !cursor_.ok();
    }
    std::int64_t string_size(std::int64_t size) {
        if (size > kMaxStringBytes) fail("a string of more than 32767 bytes");
        return size;
    }
    NullableBytes nullable_bytes(const Field& field) {
        const std::int64_t size = length();
        if (is_null(size, field)) return std::nullopt;
        return cursor_.take(size);
    }
    void fail(const char* reason) {
        if (reason_ == nullptr) reason_ = reason;
        cursor_.fail();
    }

    ByteCursor cursor_;
    std::int16_t version_;
    bool flexible_;
    std::size_t budget_;
    Pass pass_;
    const char* field_ = "";
    const char* reason_ = nullptr;
};

// An io that notes where the fields of a struct are.
struct FieldAddresses {
    std::vector<const void*> found;

    void operator()(const char*, const auto& value, Field = {}) { found.push_back(&value); }
    void bytes(const char*, const auto& value, Field = {}) { found.push_back(&value); }
    void records(const char*, const auto& value, const ExternalRecords& = {}, Field = {}) { found.push_back(&value); }
};

// The fields of a default-made T, in the order of its schema: what a field is compared with before it is left out.
template <typename T>
const std::vector<const void*>& default_fields() {
    static const T made{};
    static const std::vector<const void*> addresses = [] {
        FieldAddresses io;
        visit_fields(io, made);
        return io.found;
    }();
    return addresses;
}

// Appends to `out`. What cannot be said in the version makes ok() false, and the bytes useless: a string that is too
// long, null where the version has none, a value for a field that the version lacks and that is not ignorable.
class Writer {
public:
    // With `splices` large record sets are left out and noted there, ascending by position.
    Writer(std::string& out, std::int16_t version, bool flexible, std::vector<Splice>* splices = nullptr)
        : out_(out), splices_(splices), version_(version), flexible_(flexible) {}

    [[nodiscard]] bool ok() const { return reason_ == nullptr; }
    [[nodiscard]] const char* failed_field() const { return field_; }
    [[nodiscard]] const char* reason() const { return reason_; }

    template <typename T>
    void operator()(const char* name, const T& value, Field field = {}) {
        visit(name, value, field, [&] { put(value, field); });
    }
    void bytes(const char* name, const std::string& value, Field field = {}) {
        visit(name, value, field, [&] { put(ByteView{value}, field); });
    }
    void bytes(const char* name, const std::optional<std::string>& value, Field field = {}) {
        visit(name, value, field, [&] { put_nullable_bytes(value, field); });
    }
    // Nothing of `external` is written here: only with `splices` can there be any.
    void records(const char* name, const NullableBytes& value, const ExternalRecords& external = {},
                 Field field = {}) {
        visit(name, value, field, [&] {
            if (external.bytes > 0) {
                if (splices_ == nullptr) return fail(field_, "records outside of memory, without a list of splices");
                put_length(static_cast<std::int64_t>(external.bytes));
                splices_->push_back({out_.size(), {}, external});
                return;
            }
            if (splices_ == nullptr || !value || value->size() < kLeastSpliceBytes)
                return put_nullable_bytes(value, field);
            put_length(static_cast<std::int64_t>(value->size()));
            splices_->push_back({out_.size(), *value});
        });
    }
    template <typename T>
    requires std::is_class_v<T>
    void object(const T& value) {
        const Pass outer = std::exchange(pass_, Pass{.defaults = default_fields<T>().data()});
        visit_fields(*this, value);
        if (flexible_) put_tags(value);
        pass_ = outer;
    }

private:
    // One walk through the fields of one struct; in the first the tagged ones to be written are counted.
    struct Pass {
        const void* const* defaults;
        std::int64_t tag = Field::kPositional;
        std::uint32_t tags_to_write = 0;
        std::uint32_t tags_written = 0;
    };

    template <typename T, typename Write>
    void visit(const char* name, const T& value, const Field& field, Write write) {
        const T& fallback = *static_cast<const T*>(*pass_.defaults++);
        const bool positional_pass = pass_.tag == Field::kPositional;
        if (!field.present.contains(version_)) {
            if (positional_pass && !field.droppable && !(value == fallback))
                fail(name, "a value, in a version without it");
        } else if (field.tag == Field::kPositional) {
            if (positional_pass) put_named(name, write);
        } else if (positional_pass) {
            if (!(value == fallback)) ++pass_.tags_to_write;
        } else if (field.tag == pass_.tag && !(value == fallback)) {
            ++pass_.tags_written;
            put_unsigned_varint(static_cast<std::uint32_t>(field.tag));
            const std::size_t start = out_.size();
            put_named(name, write);
            std::string size;
            append_unsigned_varint(size, static_cast<std::uint32_t>(out_.size() - start));
            out_.insert(start, size);
        }
    }
    template <typename Write>
    void put_named(const char* name, Write write) {
        if (ok()) field_ = name;
        write();
    }

    template <typename T>
    void put(const T& value, const Field& field) {
        if constexpr (std::is_same_v<T, bool>) {
            out_.push_back(value ? '\1' : '\0');
        } else if constexpr (std::is_enum_v<T>) {
            append_be(out_, static_cast<std::underlying_type_t<T>>(value));
        } else if constexpr (std::is_integral_v<T>) {
            append_be(out_, value);
        } else if constexpr (std::is_same_v<T, double>) {
            append_be(out_, std::bit_cast<std::uint64_t>(value));
        } else if constexpr (std::is_same_v<T, Uuid>) {
            out_.append(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size());
        } else if constexpr (std::is_same_v<T, std::string>) {
            put_string_length(static_cast<std::int64_t>(value.size()), field);
            out_ += value;
        } else if constexpr (std::is_same_v<T, ByteView>) {
            put_length(static_cast<std::int64_t>(value.size()));
            out_ += value;
        } else if constexpr (is_vector<T>) {
            put_length(static_cast<std::int64_t>(value.size()));
            for (const auto& item : value) put(item, Field{});
        } else if constexpr (is_optional<T>) {
            put_nullable(value, field);
        } else {
            object(value);
        }
    }

    template <typename T>
    void put_nullable(const std::optional<T>& value, const Field& field) {
        if (!value) check_null(field);
        if constexpr (std::is_same_v<T, std::string>) {
            value ? put(*value, field) : put_string_length(-1, field);
        } else if constexpr (is_vector<T>) {
            value ? put(*value, field) : put_length(-1);
        } else {
            const bool in_place = field.tag == Field::kPositional;
            out_.push_back(static_cast<char>(value ? 1 : in_place ? -1 : 0));
            if (value) object(*value);
        }
    }
    template <typename T>
    void put_nullable_bytes(const std::optional<T>& value, const Field& field) {
        if (value) return put(ByteView{*value}, field);
        check_null(field);
        put_length(-1);
    }

    template <typename T>
    void put_tags(const T& value) {
        put_unsigned_varint(pass_.tags_to_write);
        while (pass_.tags_written < pass_.tags_to_write) {
            ++pass_.tag;
            pass_.defaults = default_fields<T>().data();
            visit_fields(*this, value);
        }
    }

    static void append_unsigned_varint(std::string& out, std::uint32_t v) {
        for (; v >= 0x80; v >>= 7) out.push_back(static_cast<char>(v | 0x80));
        out.push_back(static_cast<char>(v));
    }
    void put_unsigned_varint(std::uint32_t v) { append_unsigned_varint(out_, v); }
    void put_length(std::int64_t size) {
        if (size > std::numeric_limits<std::int32_t>::max()) fail(field_, "more than an int32 counts");
        if (flexible_) return put_unsigned_varint(static_cast<std::uint32_t>(size + 1));
        append_be(out_, static_cast<std::int32_t>(size));
    }
    void put_string_length(std::int64_t size, const Field& field) {
        if (size > kMaxStringBytes) fail(field_, "a string of more than 32767 bytes");
        if (flexible_ && field.compact) return put_unsigned_varint(static_cast<std::uint32_t>(size + 1));
        append_be(out_, static_cast<std::int16_t>(size));
    }
    void check_null(const Field& field) {
        if (!field.nullable.contains(version_)) fail(field_, "null, in a version without it");
    }
    void fail(const char* name, const char* reason) {
        if (reason_ == nullptr) {
            field_ = name;
            reason_ = reason;
        }
    }

    std::string& out_;
    std::vector<Splice>* splices_;
    std::int16_t version_;
    bool flexible_;
    Pass pass_{};
    const char* field_ = "";
    const char* reason_ = nullptr;
};

}  // namespace mq::record::schema
