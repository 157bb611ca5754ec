// Frames: an int32 length, then a header and a body. The length does not count itself.
// Source of the format: Kafka's wire protocol, RequestHeader and ResponseHeader.
#pragma once

#include <optional>
#include <string>

#include "wire/message.h"

namespace mq::wire {

inline constexpr std::size_t kLengthBytes = sizeof(std::int32_t);
// Kafka's default of socket.request.max.bytes.
inline constexpr std::size_t kDefaultMaxFrameBytes = 104857600;

struct RequestHeader {
    ApiKey api_key{};
    std::int16_t api_version = 0;
    std::int32_t correlation_id = 0;
    std::optional<std::string> client_id{};

    static void fields(auto& io, auto& m) {
        io("RequestApiKey", m.api_key);
        io("RequestApiVersion", m.api_version);
        io("CorrelationId", m.correlation_id);
        io("ClientId", m.client_id, since(1).ignorable().never_compact());
    }
    bool operator==(const RequestHeader&) const = default;
};
struct ResponseHeader {
    std::int32_t correlation_id = 0;

    static void fields(auto& io, auto& m) { io("CorrelationId", m.correlation_id); }
    bool operator==(const ResponseHeader&) const = default;
};

// Both without the length; `body` is a view of what was parsed.
struct RequestFrame {
    RequestHeader header{};
    ByteView body{};
};
struct ResponseFrame {
    ResponseHeader header{};
    ByteView body{};
};

// The payload of the first frame in `received`, or nothing as long as some of it is missing.
// Errors: corrupt (a negative length), too_large (over `max_bytes`; known from the first four bytes).
[[nodiscard]] Result<std::optional<ByteView>> first_frame(ByteView received, std::size_t max_bytes);

// Errors: corrupt, unsupported (no such key, or version of it). An ApiVersions request of a version that is not known
// is no error, since it must be answered: its body is empty then.
[[nodiscard]] Result<RequestFrame> parse_request(ByteView payload);
// `version` is that of the request. Errors: corrupt.
[[nodiscard]] Result<ResponseFrame> parse_response(ByteView payload, ApiKey key, std::int16_t version);

// Appends a whole frame, length first; key and version of the header are the message's own. After an error `out` is
// as before. Errors: those of encode(), too_large (over 2 GiB).
template <Request T>
[[nodiscard]] Status append_request(const T& request, RequestHeader header, std::string& out);
template <Message T>
[[nodiscard]] Status append_response(const T& response, std::int16_t version, std::int32_t correlation_id,
                                     std::string& out, std::vector<Splice>* splices = nullptr);

// Begins a frame at the end of `out` and ends it when everything is appended; what is added to `splices` in between
// counts too.
class FrameWriter {
public:
    explicit FrameWriter(std::string& out, std::vector<Splice>* splices = nullptr);
    [[nodiscard]] Status put(const RequestHeader& header);
    void put(const ResponseHeader& header, ApiKey key, std::int16_t version);
    // Takes the frame back if `body` is an error.
    [[nodiscard]] Status finish(Status body);

private:
    std::string& out_;
    std::vector<Splice>* splices_;
    std::size_t start_;
    std::size_t first_splice_;
};

template <Request T>
Status append_request(const T& request, RequestHeader header, std::string& out) {
    header.api_key = T::kApi;
    FrameWriter frame{out};
    Status status = frame.put(header);
    if (status) status = encode(request, header.api_version, out);
    return frame.finish(std::move(status));
}
template <Message T>
Status append_response(const T& response, std::int16_t version, std::int32_t correlation_id, std::string& out,
                       std::vector<Splice>* splices) {
    FrameWriter frame{out, splices};
    frame.put(ResponseHeader{correlation_id}, T::kApi, version);
    return frame.finish(encode(response, version, out, splices));
}

}  // namespace mq::wire
