// One request on its way in, and who sent it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "wire/frame.h"

namespace mq::broker {

// How clients reach the broker through one of its listeners; Metadata tells them (MET-5).
struct Endpoint {
    std::string listener;  // "PLAINTEXT"
    std::string host;      // as advertised
    std::int32_t port = 0;
};

// The other side of a connection. Outlives all of its calls.
struct Client {
    std::string host;  // its address: "127.0.0.1"; "unix" for a Unix socket
    std::shared_ptr<const Endpoint> endpoint;
};

// The bytes stay where they are as long as the call, or what was moved from it, lives.
struct Call {
    std::shared_ptr<const Client> client;
    wire::RequestHeader header;
    std::span<char> frame;              // the payload, header and body: the sets of records may be changed in place
    std::shared_ptr<const void> keeps;  // what `frame` lies in

    [[nodiscard]] std::int16_t version() const { return header.api_version; }
    [[nodiscard]] std::string_view client_id() const {
        return header.client_id ? std::string_view{*header.client_id} : std::string_view{};
    }
    // The bytes of a view into the frame, to be stamped with offsets.
    [[nodiscard]] std::span<char> writable(ByteView view) const {
        return frame.subspan(static_cast<std::size_t>(view.data() - frame.data()), view.size());
    }
};

}  // namespace mq::broker
