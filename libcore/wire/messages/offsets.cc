#include "wire/messages/offsets.h"

#include "wire/codec.h"

namespace mq::wire {

MQ_WIRE_API(ListOffsets)
MQ_WIRE_API(OffsetForLeaderEpoch)
MQ_WIRE_API(OffsetCommit)
MQ_WIRE_API(OffsetFetch)
MQ_WIRE_API(OffsetDelete)
MQ_WIRE_API(DeleteRecords)

}  // namespace mq::wire
