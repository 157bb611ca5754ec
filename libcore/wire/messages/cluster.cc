#include "wire/messages/cluster.h"

#include "wire/codec.h"

namespace mq::wire {

MQ_WIRE_API(DescribeQuorum)
MQ_WIRE_API(UpdateFeatures)
MQ_WIRE_API(UnregisterBroker)
MQ_WIRE_API(AddRaftVoter)
MQ_WIRE_API(RemoveRaftVoter)

}  // namespace mq::wire
