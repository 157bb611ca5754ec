#include "message_walk.h"

#include <map>

#include "wire/messages/all.h"

namespace mq::broker::test {
namespace {

template <wire::Message T>
Result<Values> values_of(ByteView body, std::int16_t version) {
    MQ_ASSIGN(const T message, wire::decode<T>(body, version));
    Flattener io{version};
    T::fields(io, message);
    return io.take();
}

template <wire::Message T>
Result<std::string> edited(ByteView body, std::int16_t version, const Edits& edits) {
    MQ_ASSIGN(T message, wire::decode<T>(body, version));
    Editor io{edits, version};
    T::fields(io, message);
    std::string out;
    MQ_TRY(wire::encode(message, version, out));
    return out;
}

template <wire::Message T>
constexpr Walk kWalk{&values_of<T>, &edited<T>};

struct Pair {
    Walk request, response;
};

template <wire::Request... T>
std::map<wire::ApiKey, Pair> pairs() {
    return {{T::kApi, {kWalk<T>, kWalk<typename T::Response>}}...};
}

}  // namespace

const Walk* find_walk(wire::ApiKey key, bool is_request) {
    using namespace wire;
    static const auto all =
        pairs<ProduceRequest, FetchRequest, ListOffsetsRequest, MetadataRequest, OffsetCommitRequest,
              OffsetFetchRequest, FindCoordinatorRequest, JoinGroupRequest, HeartbeatRequest, LeaveGroupRequest,
              SyncGroupRequest, DescribeGroupsRequest, ListGroupsRequest, ApiVersionsRequest, CreateTopicsRequest,
              DeleteTopicsRequest, DeleteRecordsRequest, InitProducerIdRequest, OffsetForLeaderEpochRequest,
              AddPartitionsToTxnRequest, AddOffsetsToTxnRequest, EndTxnRequest, TxnOffsetCommitRequest,
              DescribeConfigsRequest, DescribeLogDirsRequest, DeleteGroupsRequest, OffsetDeleteRequest>();
    const auto found = all.find(key);
    if (found == all.end()) return nullptr;
    return is_request ? &found->second.request : &found->second.response;
}

}  // namespace mq::broker::test
