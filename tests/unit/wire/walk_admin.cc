#include "walk.h"
#include "wire/messages/acls.h"
#include "wire/messages/authentication.h"
#include "wire/messages/cluster.h"
#include "wire/messages/configs.h"
#include "wire/messages/controller.h"
#include "wire/messages/placement.h"
#include "wire/messages/telemetry.h"
#include "wire/messages/tokens.h"

namespace mq::wire::test {

void add_admin_rows(std::vector<MessageRow>& to) {
    add_rows<LeaderAndIsrRequest, StopReplicaRequest, UpdateMetadataRequest, ControlledShutdownRequest,
             DescribeConfigsRequest, AlterConfigsRequest, IncrementalAlterConfigsRequest, DescribeClientQuotasRequest,
             AlterClientQuotasRequest, DescribeAclsRequest, CreateAclsRequest, DeleteAclsRequest,
             SaslHandshakeRequest, SaslAuthenticateRequest, DescribeUserScramCredentialsRequest,
             AlterUserScramCredentialsRequest, CreateDelegationTokenRequest, RenewDelegationTokenRequest,
             ExpireDelegationTokenRequest, DescribeDelegationTokenRequest, AlterReplicaLogDirsRequest,
             DescribeLogDirsRequest, ElectLeadersRequest, AlterPartitionReassignmentsRequest,
             ListPartitionReassignmentsRequest, DescribeQuorumRequest, UpdateFeaturesRequest, UnregisterBrokerRequest,
             AddRaftVoterRequest, RemoveRaftVoterRequest, GetTelemetrySubscriptionsRequest, PushTelemetryRequest,
             ListClientMetricsResourcesRequest>(to);
}

}  // namespace mq::wire::test
