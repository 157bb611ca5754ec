#include "wire/messages/produce.h"

#include "wire/codec.h"

namespace mq::wire {

MQ_WIRE_API(Produce)

}  // namespace mq::wire
