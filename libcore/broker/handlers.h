// One function a request, each in its own file of handlers/. Those that may wait take the request and its answer
// along; the others return it. The table of dispatch.cc says which runs where.
#pragma once

#include "broker/answer.h"
#include "broker/broker.h"
#include "broker/call.h"

namespace mq::wire {
struct ApiVersionsRequest;
struct ApiVersionsResponse;
}  // namespace mq::wire

namespace mq::broker {

[[nodiscard]] wire::ApiVersionsResponse api_versions(Broker& broker, const Call& call,
                                                     const wire::ApiVersionsRequest& request);

}  // namespace mq::broker
