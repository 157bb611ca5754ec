#include "walk.h"
#include "wire/messages/consumer_groups.h"
#include "wire/messages/groups.h"
#include "wire/messages/share_groups.h"
#include "wire/messages/transactions.h"

namespace mq::wire::test {

void add_group_rows(std::vector<MessageRow>& to) {
    add_rows<FindCoordinatorRequest, JoinGroupRequest, SyncGroupRequest, HeartbeatRequest, LeaveGroupRequest,
             ListGroupsRequest, DescribeGroupsRequest, DeleteGroupsRequest, ConsumerGroupHeartbeatRequest,
             ConsumerGroupDescribeRequest, ShareGroupHeartbeatRequest, ShareGroupDescribeRequest, ShareFetchRequest,
             ShareAcknowledgeRequest, InitProducerIdRequest, AddPartitionsToTxnRequest, AddOffsetsToTxnRequest,
             EndTxnRequest, WriteTxnMarkersRequest, TxnOffsetCommitRequest, DescribeTransactionsRequest,
             ListTransactionsRequest>(to);
}

}  // namespace mq::wire::test
