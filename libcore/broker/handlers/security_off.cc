// What a Kafka broker without an authorizer, SCRAM users and quotas answers.
#include "broker/handlers.h"
#include "wire/messages/acls.h"
#include "wire/messages/authentication.h"
#include "wire/messages/configs.h"

namespace mq::broker {
namespace {

using wire::ErrorCode;

constexpr const char* kNoAuthorizer = "the broker has no authorizer";

}  // namespace

wire::DescribeAclsResponse describe_acls(Broker&, const Call&, const wire::DescribeAclsRequest&) {
    return {.error_code = ErrorCode::security_disabled, .error_message = kNoAuthorizer};
}

wire::CreateAclsResponse create_acls(Broker&, const Call&, const wire::CreateAclsRequest& request) {
    wire::CreateAclsResponse response;
    response.results.assign(request.creations.size(), {ErrorCode::security_disabled, kNoAuthorizer});
    return response;
}

wire::DeleteAclsResponse delete_acls(Broker&, const Call&, const wire::DeleteAclsRequest& request) {
    wire::DeleteAclsResponse response;
    response.filter_results.assign(request.filters.size(),
                                   {.error_code = ErrorCode::security_disabled, .error_message = kNoAuthorizer});
    return response;
}

wire::DescribeClientQuotasResponse describe_client_quotas(Broker&, const Call&,
                                                          const wire::DescribeClientQuotasRequest&) {
    return {};
}

wire::DescribeUserScramCredentialsResponse describe_user_scram_credentials(
    Broker&, const Call&, const wire::DescribeUserScramCredentialsRequest& request) {
    wire::DescribeUserScramCredentialsResponse response;
    if (!request.users) return response;
    for (const auto& user : *request.users) {
        response.results.push_back({.user = user.name,
                                    .error_code = ErrorCode::resource_not_found,
                                    .error_message = "there is no such user"});
    }
    return response;
}

}  // namespace mq::broker
