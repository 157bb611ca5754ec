#include "wire/messages/controller.h"

#include "wire/codec.h"

namespace mq::wire {

MQ_WIRE_API(LeaderAndIsr)
MQ_WIRE_API(StopReplica)
MQ_WIRE_API(UpdateMetadata)
MQ_WIRE_API(ControlledShutdown)

}  // namespace mq::wire
