#include "wire/messages/metadata.h"

#include "wire/codec.h"

namespace mq::wire {

MQ_WIRE_API(Metadata)
MQ_WIRE_API(DescribeCluster)
MQ_WIRE_API(DescribeTopicPartitions)
MQ_WIRE_API(DescribeProducers)

}  // namespace mq::wire
