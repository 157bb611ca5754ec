#include "walk.h"
#include "wire/messages/fetch.h"
#include "wire/messages/metadata.h"
#include "wire/messages/offsets.h"
#include "wire/messages/produce.h"
#include "wire/messages/topics.h"
#include "wire/messages/versions.h"

namespace mq::wire::test {

void add_data_rows(std::vector<MessageRow>& to) {
    add_rows<ProduceRequest, FetchRequest, ListOffsetsRequest, OffsetForLeaderEpochRequest, OffsetCommitRequest,
             OffsetFetchRequest, OffsetDeleteRequest, DeleteRecordsRequest, MetadataRequest, DescribeClusterRequest,
             DescribeTopicPartitionsRequest, DescribeProducersRequest, CreateTopicsRequest, DeleteTopicsRequest,
             CreatePartitionsRequest, ApiVersionsRequest>(to);
}

}  // namespace mq::wire::test
