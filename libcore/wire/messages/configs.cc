#include "wire/messages/configs.h"

#include "wire/codec.h"

namespace mq::wire {

MQ_WIRE_API(DescribeConfigs)
MQ_WIRE_API(AlterConfigs)
MQ_WIRE_API(IncrementalAlterConfigs)
MQ_WIRE_API(DescribeClientQuotas)
MQ_WIRE_API(AlterClientQuotas)

}  // namespace mq::wire
