// The definitions of encode(), decode() and errors_of(), for messages/*.cc only.
#pragma once

#include "record/schema_io.h"
#include "wire/errors_of.h"
#include "wire/message.h"

namespace mq::wire {

template <Message T>
tl::unexpected<Error> bad_message(Errc code, const char* operation, std::int16_t version, std::string detail) {
    return fail(code, operation + (' ' + message_name<T>()) + " v" + std::to_string(version), {}, std::move(detail));
}

template <Message T>
Status encode(const T& message, std::int16_t version, std::string& out, std::vector<Splice>* splices) {
    constexpr const Api& api = api_of(T::kApi);
    if (!api.has(version)) return bad_message<T>(Errc::unsupported, "encode", version, "no such version");
    const std::size_t start = out.size();
    const std::size_t first_splice = splices != nullptr ? splices->size() : 0;
    record::schema::Writer io{out, version, api.is_flexible(version), splices};
    io.object(message);
    if (io.ok()) return {};
    out.resize(start);
    if (splices != nullptr) splices->resize(first_splice);
    return bad_message<T>(Errc::bad_argument, "encode", version, std::string{io.failed_field()} + ": " + io.reason());
}

template <Message T>
Result<T> decode(ByteView body, std::int16_t version, std::size_t budget) {
    constexpr const Api& api = api_of(T::kApi);
    if (!api.has(version)) return bad_message<T>(Errc::unsupported, "decode", version, "no such version");
    Result<T> message;
    record::schema::Reader io{body, version, api.is_flexible(version), budget};
    io.object(*message);
    if (io.ok()) return message;
    return bad_message<T>(io.over_budget() ? Errc::too_large : Errc::corrupt, "decode", version,
                          std::string{io.failed_field()} + ": " + io.reason());
}

// Visits a message like its writer, and looks for one thing.
class ErrorVisitor {
public:
    explicit ErrorVisitor(FunctionRef<void(ErrorCode)> tell) : tell_(tell) {}

    template <typename T>
    void operator()(const char* name, const T& value, const record::schema::Field& field = {}) {
        if constexpr (std::is_same_v<T, ErrorCode>) {
            tell_(value);
        } else if constexpr (record::schema::is_optional<T>) {
            if (value) (*this)(name, *value, field);
        } else if constexpr (record::schema::is_vector<T>) {
            if constexpr (std::is_class_v<typename T::value_type>) {
                for (const auto& item : value) (*this)(name, item, field);
            }
        } else if constexpr (std::is_class_v<T> && !std::is_same_v<T, std::string> && !std::is_same_v<T, ByteView> &&
                             !std::is_same_v<T, Uuid>) {
            object(value);
        }
    }
    void bytes(const auto&...) {}
    void records(const auto&...) {}
    template <typename T>
    void object(const T& value) {
        record::schema::visit_fields(*this, value);
    }

private:
    FunctionRef<void(ErrorCode)> tell_;
};

template <Message T>
void errors_of(const T& response, FunctionRef<void(ErrorCode)> tell) {
    ErrorVisitor{tell}.object(response);
}

}  // namespace mq::wire

#define MQ_WIRE_MESSAGE(type)                                                                                      \
    template ::mq::Status encode<type>(const type&, std::int16_t, std::string&, std::vector<::mq::wire::Splice>*); \
    template ::mq::Result<type> decode<type>(::mq::ByteView, std::int16_t, std::size_t);
// Both messages of one request.
#define MQ_WIRE_API(name)           \
    MQ_WIRE_MESSAGE(name##Request)  \
    MQ_WIRE_MESSAGE(name##Response) \
    template void errors_of<name##Response>(const name##Response&, ::mq::FunctionRef<void(ErrorCode)>);
