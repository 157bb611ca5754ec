#include "wire/messages/placement.h"

#include "wire/codec.h"

namespace mq::wire {

MQ_WIRE_API(AlterReplicaLogDirs)
MQ_WIRE_API(DescribeLogDirs)
MQ_WIRE_API(ElectLeaders)
MQ_WIRE_API(AlterPartitionReassignments)
MQ_WIRE_API(ListPartitionReassignments)

}  // namespace mq::wire
