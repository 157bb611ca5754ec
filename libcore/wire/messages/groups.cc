#include "wire/messages/groups.h"

#include "wire/codec.h"

namespace mq::wire {

MQ_WIRE_API(FindCoordinator)
MQ_WIRE_API(JoinGroup)
MQ_WIRE_API(SyncGroup)
MQ_WIRE_API(Heartbeat)
MQ_WIRE_API(LeaveGroup)
MQ_WIRE_API(ListGroups)
MQ_WIRE_API(DescribeGroups)
MQ_WIRE_API(DeleteGroups)

}  // namespace mq::wire
