#include "wire/messages/transactions.h"

#include "wire/codec.h"

namespace mq::wire {

MQ_WIRE_API(InitProducerId)
MQ_WIRE_API(AddPartitionsToTxn)
MQ_WIRE_API(AddOffsetsToTxn)
MQ_WIRE_API(EndTxn)
MQ_WIRE_API(WriteTxnMarkers)
MQ_WIRE_API(TxnOffsetCommit)
MQ_WIRE_API(DescribeTransactions)
MQ_WIRE_API(ListTransactions)

}  // namespace mq::wire
