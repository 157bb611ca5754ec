#include "wire/messages/topics.h"

#include "wire/codec.h"

namespace mq::wire {

MQ_WIRE_API(CreateTopics)
MQ_WIRE_API(DeleteTopics)
MQ_WIRE_API(CreatePartitions)

}  // namespace mq::wire
