#include "wire/messages/consumer_groups.h"

#include "wire/codec.h"

namespace mq::wire {

MQ_WIRE_API(ConsumerGroupHeartbeat)
MQ_WIRE_API(ConsumerGroupDescribe)

}  // namespace mq::wire
