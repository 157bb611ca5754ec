#include "wire/messages/authentication.h"

#include "wire/codec.h"

namespace mq::wire {

MQ_WIRE_API(SaslHandshake)
MQ_WIRE_API(SaslAuthenticate)
MQ_WIRE_API(DescribeUserScramCredentials)
MQ_WIRE_API(AlterUserScramCredentials)

}  // namespace mq::wire
