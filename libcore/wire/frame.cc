#include "wire/frame.h"

#include <limits>

#include "record/schema_io.h"

namespace mq::wire {
namespace {

using record::schema::Reader;
using record::schema::Writer;

constexpr std::int16_t kFlexibleRequestHeader = 2;
constexpr std::int16_t kFlexibleResponseHeader = 1;

template <typename Header>
Result<Reader> read_header(ByteView payload, std::int16_t version, bool flexible, Header& header, const char* what) {
    Reader io{payload, version, flexible};
    io.object(header);
    if (io.ok()) return io;
    return fail(Errc::corrupt, what, {}, std::string{io.failed_field()} + ": " + io.reason());
}

}  // namespace

Result<std::optional<ByteView>> first_frame(ByteView received, std::size_t max_bytes) {
    if (received.size() < kLengthBytes) return std::nullopt;
    const auto length = load_be<std::int32_t>(received.data());
    if (length < 0) return fail(Errc::corrupt, "read frame", {}, "length " + std::to_string(length));
    const auto size = static_cast<std::size_t>(length);
    if (size > max_bytes)
        return fail(Errc::too_large, "read frame", {},
                    std::to_string(size) + " bytes, at most " + std::to_string(max_bytes) + " are taken");
    if (received.size() - kLengthBytes < size) return std::nullopt;
    return received.substr(kLengthBytes, size);
}

Result<RequestFrame> parse_request(ByteView payload) {
    constexpr auto kWhat = "read request header";
    ByteCursor cursor{payload};
    const auto key = cursor.be<std::int16_t>();
    const auto version = cursor.be<std::int16_t>();
    if (!cursor.ok()) return fail(Errc::corrupt, kWhat, {}, "no key and version");
    const Api* api = find_api(key);
    if (api == nullptr) return fail(Errc::unsupported, kWhat, {}, "no request has key " + std::to_string(key));
    const bool known = api->has(version);
    if (!known && api->key != ApiKey::api_versions) {
        return fail(Errc::unsupported, kWhat, {}, std::string{api->name} + " v" + std::to_string(version));
    }
    // What stands behind the client id in a version of the future cannot be known, and is not needed.
    const std::int16_t header_version = known ? api->request_header_version(version) : std::int16_t{1};
    RequestFrame frame;
    MQ_ASSIGN(const Reader io,
              read_header(payload, header_version, header_version >= kFlexibleRequestHeader, frame.header, kWhat));
    if (known) frame.body = io.rest();
    return frame;
}

Result<ResponseFrame> parse_response(ByteView payload, ApiKey key, std::int16_t version) {
    const std::int16_t header_version = api_of(key).response_header_version(version);
    ResponseFrame frame;
    MQ_ASSIGN(const Reader io, read_header(payload, header_version, header_version >= kFlexibleResponseHeader,
                                           frame.header, "read response header"));
    frame.body = io.rest();
    return frame;
}

FrameWriter::FrameWriter(std::string& out, std::vector<Splice>* splices)
    : out_(out), splices_(splices), start_(out.size()), first_splice_(splices != nullptr ? splices->size() : 0) {
    out.append(kLengthBytes, '\0');
}

Status FrameWriter::put(const RequestHeader& header) {
    const std::int16_t version = api_of(header.api_key).request_header_version(header.api_version);
    Writer io{out_, version, version >= kFlexibleRequestHeader};
    io.object(header);
    if (io.ok()) return {};
    return fail(Errc::bad_argument, "write request header", {}, std::string{io.failed_field()} + ": " + io.reason());
}

void FrameWriter::put(const ResponseHeader& header, ApiKey key, std::int16_t version) {
    const std::int16_t header_version = api_of(key).response_header_version(version);
    Writer io{out_, header_version, header_version >= kFlexibleResponseHeader};
    io.object(header);
}

Status FrameWriter::finish(Status body) {
    std::size_t size = out_.size() - start_ - kLengthBytes;
    if (splices_ != nullptr) {
        for (std::size_t i = first_splice_; i < splices_->size(); ++i) size += (*splices_)[i].size();
    }
    if (body && size > std::numeric_limits<std::int32_t>::max())
        body = fail(Errc::too_large, "write frame", {}, std::to_string(size) + " bytes");
    if (body) {
        store_be(out_.data() + start_, static_cast<std::int32_t>(size));
    } else {
        out_.resize(start_);
        if (splices_ != nullptr) splices_->resize(first_splice_);
    }
    return body;
}

}  // namespace mq::wire
