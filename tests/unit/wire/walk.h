// Two more ios for the fields() of messages, beside reading and writing: one that describes a message, and one that
// fills it at random. And a table of all messages with what the tests do to them.
#pragma once

#include <cmath>
#include <deque>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "record/schema_io.h"
#include "wire/message.h"

namespace mq::wire::test {

using record::schema::Field;
using record::schema::is_optional;
using record::schema::is_vector;
using record::schema::Versions;

// Prints the fields of a message in the form of schemas.txt.
class Describer {
public:
    explicit Describer(const Api& api) : within_{api.lowest, api.highest}, highest_(api.highest) {}

    [[nodiscard]] const std::string& text() const { return text_; }

    template <typename T>
    void operator()(const char* name, const T& value, Field field = {}) {
        describe(name, type_of<T>(), value, field);
    }
    void records(const char* name, const NullableBytes& value, const record::schema::ExternalRecords& = {},
                 Field field = {}) {
        describe(name, "records", value, field);
    }

private:
    template <typename T>
    static std::string type_of() {
        if constexpr (is_optional<T>) {
            return type_of<typename T::value_type>();
        } else if constexpr (std::is_same_v<T, std::string>) {
            return "string";
        } else if constexpr (std::is_same_v<T, ByteView>) {
            return "bytes";
        } else if constexpr (std::is_same_v<T, Uuid>) {
            return "uuid";
        } else if constexpr (std::is_same_v<T, bool>) {
            return "bool";
        } else if constexpr (is_vector<T>) {
            return "[]" + type_of<typename T::value_type>();
        } else if constexpr (std::is_enum_v<T>) {
            return type_of<std::underlying_type_t<T>>();
        } else if constexpr (std::is_integral_v<T>) {
            return (std::is_signed_v<T> ? "int" : "uint") + std::to_string(8 * sizeof(T));
        } else {
            return std::is_same_v<T, double> ? "float64" : "struct";
        }
    }

    template <typename T>
    void describe(const char* name, const std::string& type, const T& value, const Field& field) {
        const Versions present = both(field.present, within_);
        if (present.first > present.last) return;  // a struct of two places, the other of which has the field
        text_ += std::string(depth_ * 2, ' ') + name + ' ' + type + ' ' + shown(present);
        if (field.droppable && present != within_) text_ += " ignorable";
        if constexpr (is_optional<T>) text_ += " nullable=" + shown(both(field.nullable, present));
        if (field.tag != Field::kPositional) text_ += " tag=" + std::to_string(field.tag);
        text_ += default_of(value) + '\n';

        const Versions outer = std::exchange(within_, present);
        ++depth_;
        describe_parts<T>(value);
        --depth_;
        within_ = outer;
    }
    template <typename T>
    void describe_parts(const T& value) {
        if constexpr (is_optional<T> || is_vector<T>) {
            describe_parts<typename T::value_type>({});
        } else if constexpr (requires { T::fields(*this, value); }) {
            T::fields(*this, value);
        }
    }
    template <typename T>
    static std::string default_of(const T& value) {
        if constexpr (std::is_same_v<T, bool>) {
            return value ? " default=true" : "";
        } else if constexpr (std::is_integral_v<T>) {
            return value != 0 ? " default=" + std::to_string(value) : "";
        } else if constexpr (is_optional<T>) {
            using Value = typename T::value_type;
            const bool of_text = std::is_same_v<Value, std::string> || std::is_same_v<Value, ByteView>;
            return !value && !of_text ? " default=null" : "";
        } else {
            return "";
        }
    }
    static Versions both(Versions a, Versions b) { return {std::max(a.first, b.first), std::min(a.last, b.last)}; }
    [[nodiscard]] std::string shown(Versions v) const {
        if (v.last >= highest_) return std::to_string(v.first) + '+';
        if (v.first == v.last) return std::to_string(v.first);
        return std::to_string(v.first) + '-' + std::to_string(v.last);
    }

    std::string text_;
    Versions within_;
    std::int16_t highest_;
    std::size_t depth_ = 1;
};

// Gives every field that exists in the version some value that the version can say, limits and nulls among them; the
// others are left as they are. Views point into the randomiser.
class Randomiser {
public:
    Randomiser(std::uint64_t seed, std::int16_t version) : random_(seed), version_(version) {}

    template <typename T>
    void operator()(const char*, T& value, Field field = {}) {
        if (field.present.contains(version_)) fill(value, field);
    }
    void records(const char*, NullableBytes& value, const record::schema::ExternalRecords& = {}) {
        fill(value, Field{});
    }

private:
    template <typename T>
    void fill(T& value, const Field& field) {
        if constexpr (std::is_same_v<T, bool>) {
            value = below(2) == 1;
        } else if constexpr (std::is_enum_v<T>) {
            value = static_cast<T>(integer<std::underlying_type_t<T>>());
        } else if constexpr (std::is_integral_v<T>) {
            value = integer<T>();
        } else if constexpr (std::is_same_v<T, double>) {
            value = std::ldexp(integer<std::int32_t>(), static_cast<int>(below(200)) - 100);
        } else if constexpr (std::is_same_v<T, Uuid>) {
            for (auto& byte : value.bytes) byte = static_cast<std::uint8_t>(random_());
        } else if constexpr (std::is_same_v<T, std::string>) {
            value = bytes();
        } else if constexpr (std::is_same_v<T, ByteView>) {
            value = held_.emplace_back(bytes());
        } else if constexpr (is_vector<T>) {
            value.resize(below(50) == 0 && !std::is_class_v<typename T::value_type> ? 130 : below(4));
            for (auto& item : value) fill(item, Field{});
        } else if constexpr (is_optional<T>) {
            value.reset();
            if (!field.nullable.contains(version_) || below(4) != 0) fill(value.emplace(), Field{});
        } else {
            T::fields(*this, value);
        }
    }
    std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
    template <typename T>
    T integer() {
        switch (below(6)) {
            case 0:
                return 0;
            case 1:
                return static_cast<T>(-1);
            case 2:
                return std::numeric_limits<T>::min();
            case 3:
                return std::numeric_limits<T>::max();
            case 4:
                return static_cast<T>(below(100));
            default:
                return static_cast<T>(random_());
        }
    }
    std::string bytes() {
        // 126 to 128 and 16382 are where the length plus one takes another byte.
        const std::uint64_t kind = below(200);
        const std::uint64_t size = kind == 0 ? 16382 + below(2) : kind < 6 ? 125 + below(4) : below(12);
        std::string out(size, '\0');
        for (char& c : out) c = static_cast<char>(random_());
        return out;
    }

    std::mt19937_64 random_;
    std::int16_t version_;
    std::deque<std::string> held_;
};

// What a test can do to a message without knowing its type.
struct MessageRow {
    std::string name;
    const Api* api;
    bool is_request;
    std::function<std::string()> describe;
    // The encoding of a message with random fields, or of one as it begins.
    std::function<Result<std::string>(std::uint64_t seed, std::int16_t version)> encode_random;
    std::function<Result<std::string>(std::int16_t version)> encode_default;
    // "" if decode(encode(x)) is x for random x and takes all bytes, otherwise what went wrong.
    std::function<std::string(std::uint64_t seed, std::int16_t version)> round_trip;
    // Decodes, and encodes again what was found.
    std::function<Result<std::string>(ByteView body, std::int16_t version)> recode;
};

template <Message T>
Result<std::string> encoded(const T& message, std::int16_t version) {
    std::string out;
    MQ_TRY(encode(message, version, out));
    return out;
}

template <Message T>
std::string round_trip(std::uint64_t seed, std::int16_t version) {
    Randomiser randomiser{seed, version};
    T message;
    T::fields(randomiser, message);
    const auto bytes = encoded(message, version);
    if (!bytes) return bytes.error().message();
    const auto back = decode<T>(*bytes, version, std::numeric_limits<std::size_t>::max());
    if (!back) return back.error().message();
    if (!(*back == message)) return "another message came back";
    const auto again = encoded(*back, version);
    return again && *again == *bytes ? "" : "encoded differently the second time";
}

template <Message T>
MessageRow row_of() {
    return {.name = message_name<T>(),
            .api = &api_of(T::kApi),
            .is_request = Request<T>,
            .describe =
                [] {
                    Describer io{api_of(T::kApi)};
                    const T message;
                    T::fields(io, message);
                    return io.text();
                },
            .encode_random =
                [](std::uint64_t seed, std::int16_t version) {
                    Randomiser randomiser{seed, version};
                    T message;
                    T::fields(randomiser, message);
                    return encoded(message, version);
                },
            .encode_default = [](std::int16_t version) { return encoded(T{}, version); },
            .round_trip = &round_trip<T>,
            .recode = [](ByteView body, std::int16_t version) -> Result<std::string> {
                MQ_ASSIGN(const T message, decode<T>(body, version));
                return encoded(message, version);
            }};
}

// The two messages of each request.
template <Request... T>
void add_rows(std::vector<MessageRow>& to) {
    ((to.push_back(row_of<T>()), to.push_back(row_of<typename T::Response>())), ...);
}
void add_data_rows(std::vector<MessageRow>& to);
void add_group_rows(std::vector<MessageRow>& to);
void add_admin_rows(std::vector<MessageRow>& to);

// All of them, requests and responses, by key.
[[nodiscard]] const std::vector<MessageRow>& all_messages();
// Null if there is no such message.
[[nodiscard]] const MessageRow* find_message(ApiKey key, bool is_request);

}  // namespace mq::wire::test
