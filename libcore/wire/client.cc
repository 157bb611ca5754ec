#include "wire/client.h"

#include <algorithm>

namespace mq::wire {
namespace {

constexpr std::size_t kReceiveBytes = 65536;
constexpr auto kWhat = "receive response";

using ApiVersions = std::vector<ApiVersionsResponse::ApiVersion>;

ApiVersions::const_iterator find_key(const ApiVersions& versions, ApiKey key) {
    return std::ranges::find(versions, static_cast<std::int16_t>(key), &ApiVersionsResponse::ApiVersion::api_key);
}

// The version of ApiVersions to try after `refused`, which is not 0.
std::int16_t offered_version(const ApiVersions& versions, std::int16_t refused) {
    const auto offered = find_key(versions, ApiKey::api_versions);
    const int highest = offered == versions.end() ? 0 : int{offered->max_version};
    return static_cast<std::int16_t>(std::clamp(highest, 0, refused - 1));
}

}  // namespace

Result<Client> Client::open(os::Socket socket, ClientOptions options) {
    Client client{std::move(socket), std::move(options)};
    MQ_TRY(client.ask_versions());
    return client;
}

// A broker that does not know the version answers in version 0 with error 35 and, since Kafka 2.4, the versions that
// it knows of this one request. librdkafka's mock cluster has the error and then bytes of no version: all know
// version 0.
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
        auto answer = decode<ApiVersionsResponse>(body, refused ? std::int16_t{0} : version);
        if (refused && version > api.lowest) {
            version = offered_version(answer ? answer->api_keys : ApiVersions{}, version);
            continue;
        }
        MQ_TRY(answer);
        if (answer->error_code != ErrorCode::none)
            return fail(Errc::unsupported, "ask for versions", socket_.peer(),
                        std::string{to_string(answer->error_code)});
        broker_ = std::move(*answer);
        return {};
    }
}

Result<std::int16_t> Client::version_of(ApiKey key) const {
    const Api& api = api_of(key);
    const auto theirs = find_key(broker_.api_keys, key);
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
