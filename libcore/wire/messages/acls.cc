#include "wire/messages/acls.h"

#include "wire/codec.h"

namespace mq::wire {

MQ_WIRE_API(DescribeAcls)
MQ_WIRE_API(CreateAcls)
MQ_WIRE_API(DeleteAcls)

}  // namespace mq::wire
