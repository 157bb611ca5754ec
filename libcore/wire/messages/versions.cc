#include "wire/messages/versions.h"

#include "wire/codec.h"

namespace mq::wire {

MQ_WIRE_API(ApiVersions)

}  // namespace mq::wire
