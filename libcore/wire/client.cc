#include "wire/client.h"

#include <algorithm>

namespace mq::wire {
namespace {

constexpr std::size_t kReceiveBytes = 65536;
constexpr auto kWhat = "receive response";

}  // namespace

Result<Client> Client::open(os::Socket socket, ClientOptions options) {
    Client client{std::move(socket), std::move(options)};
    MQ_TRY(client.ask_versions());
    return client;
}

// A broker that does not know the version answers in version 0 with error 35 and, since Kafka 2.4, the versions that
// it knows of this one request.
Status Client::ask_versions() {
    const Api& api = api_of(ApiKey::api_versions);
    for (std::int16_t version = api.highest;;) {
        ApiVersionsRequest request;
        request.client_software_name = "mq";
        request.client_software_version = MQ_VERSION;
        MQ_ASSIGN(const std::int32_t correlation_id, send(request, version));
        MQ_ASSIGN(const ByteView body, receive(ApiKey::api_versions, version, correlation_id));
        ByteCursor first{body};
        const bool refused = ErrorCode{first.be<std::int16_t>()} == ErrorCode::unsupported_version;
        MQ_ASSIGN(broker_, decode<ApiVersionsResponse>(body, refused ? std::int16_t{0} : version));
        if (broker_.error_code == ErrorCode::none) return {};
        if (!refused || version == api.lowest)
            return fail(Errc::unsupported, "ask for versions", socket_.peer(),
                        std::string{to_string(broker_.error_code)});
        const auto same = std::ranges::find(broker_.api_keys, static_cast<std::int16_t>(api.key),
                                            &ApiVersionsResponse::ApiVersion::api_key);
        const std::int16_t offered = same == broker_.api_keys.end() ? api.lowest : same->max_version;
        version = std::clamp<std::int16_t>(offered, api.lowest, static_cast<std::int16_t>(version - 1));
    }
}

Result<std::int16_t> Client::version_of(ApiKey key) const {
    const Api& api = api_of(key);
    const auto theirs = std::ranges::find(broker_.api_keys, static_cast<std::int16_t>(key),
                                          &ApiVersionsResponse::ApiVersion::api_key);
    if (theirs == broker_.api_keys.end())
        return fail(Errc::unsupported, std::string{api.name}, socket_.peer(), "the broker does not offer it");
    const std::int16_t highest = std::min(api.highest_stable(), theirs->max_version);
    if (highest < std::max(api.lowest, theirs->min_version))
        return fail(Errc::unsupported, std::string{api.name}, socket_.peer(),
                    "the broker offers versions " + std::to_string(theirs->min_version) + " to " +
                        std::to_string(theirs->max_version));
    return highest;
}

Result<ByteView> Client::receive(ApiKey key, std::int16_t version, std::int32_t correlation_id) {
    MQ_ASSIGN(const ByteView payload, receive_payload());
    MQ_ASSIGN(const ResponseFrame frame, parse_response(payload, key, version));
    if (frame.header.correlation_id != correlation_id)
        return fail(Errc::corrupt, kWhat, socket_.peer(),
                    "it answers request " + std::to_string(frame.header.correlation_id) + ", not " +
                        std::to_string(correlation_id));
    return frame.body;
}

Result<ByteView> Client::receive_payload() {
    in_.erase(0, taken_);
    taken_ = 0;
    for (;;) {
        MQ_ASSIGN(const auto payload, first_frame(in_, options_.max_response_bytes));
        if (payload) {
            taken_ = kLengthBytes + payload->size();
            return *payload;
        }
        const std::size_t held = in_.size();
        in_.resize(held + kReceiveBytes);
        const auto received = socket_.receive_some({in_.data() + held, kReceiveBytes}, options_.timeout_ms);
        in_.resize(held + received.value_or(0));
        MQ_TRY(received);
        if (*received == 0) return fail(Errc::io, kWhat, socket_.peer(), "the other side hung up");
    }
}

}  // namespace mq::wire
