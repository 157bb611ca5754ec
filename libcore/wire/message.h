// What every message of messages/ shares. A message is a plain struct, declared once: its members, and a function
// fields() that names each as Kafka does, with the versions in which it exists (record/schema_field.h). From that it
// is read, written and compared in every version. Source of all of them: Kafka's message schemas (branch 3.9).
//
// Members start as the schemas say, but for nullable strings, which start as null where every version allows it. They
// all have an initialiser, so that HeartbeatResponse{.error_code = ErrorCode::none} draws no warning.
// Bytes and record sets are views: of the frame that was decoded, or of what the sender holds until it has encoded.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/uuid.h"
#include "record/schema_field.h"
#include "wire/api.h"
#include "wire/error_code.h"

namespace mq::wire {

using record::schema::between;
using record::schema::null_since;
using record::schema::only;
using record::schema::since;
using record::schema::Splice;

template <typename T>
concept Message = std::same_as<std::remove_const_t<decltype(T::kApi)>, ApiKey>;
template <typename T>
concept Request = Message<T> && Message<typename T::Response>;

// "Metadata request"
template <Message T>
[[nodiscard]] std::string message_name() {
    return std::string{api_of(T::kApi).name} + (Request<T> ? " request" : " response");
}

// Both are defined and instantiated in messages/*.cc, for the body without its header.

// Appends to `out`, which is as before after an error. Errors: unsupported (no such version), bad_argument (a string
// over 32,767 bytes; null or a value that the version has no place for, where dropping it would change the meaning).
// With `splices` record sets of kLeastSpliceBytes and more are not copied but added there, with their places in
// `out`.
template <Message T>
[[nodiscard]] Status encode(const T& message, std::int16_t version, std::string& out,
                            std::vector<Splice>* splices = nullptr);

// Bytes after the message are ignored, as Kafka does. `budget` bounds the memory of all arrays together. Errors:
// unsupported (no such version), corrupt, too_large (the budget).
template <Message T>
[[nodiscard]] Result<T> decode(ByteView body, std::int16_t version, std::size_t budget);
template <Message T>
[[nodiscard]] Result<T> decode(ByteView body, std::int16_t version) {
    return decode<T>(body, version, record::schema::default_budget(body.size()));
}

}  // namespace mq::wire
