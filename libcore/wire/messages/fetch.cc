#include "wire/messages/fetch.h"

#include "wire/codec.h"

namespace mq::wire {

MQ_WIRE_API(Fetch)

}  // namespace mq::wire
