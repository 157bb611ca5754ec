#include "wire/messages/tokens.h"

#include "wire/codec.h"

namespace mq::wire {

MQ_WIRE_API(CreateDelegationToken)
MQ_WIRE_API(RenewDelegationToken)
MQ_WIRE_API(ExpireDelegationToken)
MQ_WIRE_API(DescribeDelegationToken)

}  // namespace mq::wire
