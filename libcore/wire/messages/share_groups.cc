#include "wire/messages/share_groups.h"

#include "wire/codec.h"

namespace mq::wire {

MQ_WIRE_API(ShareGroupHeartbeat)
MQ_WIRE_API(ShareGroupDescribe)
MQ_WIRE_API(ShareFetch)
MQ_WIRE_API(ShareAcknowledge)

}  // namespace mq::wire
