// Delegation tokens.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "wire/message.h"

namespace mq::wire {

struct TokenPrincipal {
    std::string principal_type{};
    std::string principal_name{};

    static void fields(auto& io, auto& m) {
        io("PrincipalType", m.principal_type);
        io("PrincipalName", m.principal_name);
    }
    bool operator==(const TokenPrincipal&) const = default;
};

struct CreateDelegationTokenRequest {
    static constexpr ApiKey kApi = ApiKey::create_delegation_token;
    using Response = struct CreateDelegationTokenResponse;

    using Renewer = TokenPrincipal;

    std::optional<std::string> owner_principal_type{};
    std::optional<std::string> owner_principal_name{};
    std::vector<Renewer> renewers{};
    std::int64_t max_lifetime_ms = 0;

    static void fields(auto& io, auto& m) {
        io("OwnerPrincipalType", m.owner_principal_type, since(3));
        io("OwnerPrincipalName", m.owner_principal_name, since(3));
        io("Renewers", m.renewers);
        io("MaxLifetimeMs", m.max_lifetime_ms);
    }
    bool operator==(const CreateDelegationTokenRequest&) const = default;
};

struct CreateDelegationTokenResponse {
    static constexpr ApiKey kApi = ApiKey::create_delegation_token;

    ErrorCode error_code = ErrorCode::none;
    std::string principal_type{};
    std::string principal_name{};
    std::string token_requester_principal_type{};
    std::string token_requester_principal_name{};
    std::int64_t issue_timestamp_ms = 0;
    std::int64_t expiry_timestamp_ms = 0;
    std::int64_t max_timestamp_ms = 0;
    std::string token_id{};
    ByteView hmac{};
    std::int32_t throttle_time_ms = 0;

    static void fields(auto& io, auto& m) {
        io("ErrorCode", m.error_code);
        io("PrincipalType", m.principal_type);
        io("PrincipalName", m.principal_name);
        io("TokenRequesterPrincipalType", m.token_requester_principal_type, since(3));
        io("TokenRequesterPrincipalName", m.token_requester_principal_name, since(3));
        io("IssueTimestampMs", m.issue_timestamp_ms);
        io("ExpiryTimestampMs", m.expiry_timestamp_ms);
        io("MaxTimestampMs", m.max_timestamp_ms);
        io("TokenId", m.token_id);
        io("Hmac", m.hmac);
        io("ThrottleTimeMs", m.throttle_time_ms);
    }
    bool operator==(const CreateDelegationTokenResponse&) const = default;
};

struct RenewDelegationTokenRequest {
    static constexpr ApiKey kApi = ApiKey::renew_delegation_token;
    using Response = struct RenewDelegationTokenResponse;

    ByteView hmac{};
    std::int64_t renew_period_ms = 0;

    static void fields(auto& io, auto& m) {
        io("Hmac", m.hmac);
        io("RenewPeriodMs", m.renew_period_ms);
    }
    bool operator==(const RenewDelegationTokenRequest&) const = default;
};

struct RenewDelegationTokenResponse {
    static constexpr ApiKey kApi = ApiKey::renew_delegation_token;

    ErrorCode error_code = ErrorCode::none;
    std::int64_t expiry_timestamp_ms = 0;
    std::int32_t throttle_time_ms = 0;

    static void fields(auto& io, auto& m) {
        io("ErrorCode", m.error_code);
        io("ExpiryTimestampMs", m.expiry_timestamp_ms);
        io("ThrottleTimeMs", m.throttle_time_ms);
    }
    bool operator==(const RenewDelegationTokenResponse&) const = default;
};

struct ExpireDelegationTokenRequest {
    static constexpr ApiKey kApi = ApiKey::expire_delegation_token;
    using Response = struct ExpireDelegationTokenResponse;

    ByteView hmac{};
    std::int64_t expiry_time_period_ms = 0;

    static void fields(auto& io, auto& m) {
        io("Hmac", m.hmac);
        io("ExpiryTimePeriodMs", m.expiry_time_period_ms);
    }
    bool operator==(const ExpireDelegationTokenRequest&) const = default;
};

struct ExpireDelegationTokenResponse {
    static constexpr ApiKey kApi = ApiKey::expire_delegation_token;

    ErrorCode error_code = ErrorCode::none;
    std::int64_t expiry_timestamp_ms = 0;
    std::int32_t throttle_time_ms = 0;

    static void fields(auto& io, auto& m) {
        io("ErrorCode", m.error_code);
        io("ExpiryTimestampMs", m.expiry_timestamp_ms);
        io("ThrottleTimeMs", m.throttle_time_ms);
    }
    bool operator==(const ExpireDelegationTokenResponse&) const = default;
};

struct DescribeDelegationTokenRequest {
    static constexpr ApiKey kApi = ApiKey::describe_delegation_token;
    using Response = struct DescribeDelegationTokenResponse;

    using Owner = TokenPrincipal;

    std::optional<std::vector<Owner>> owners = std::vector<Owner>{};

    static void fields(auto& io, auto& m) { io("Owners", m.owners); }
    bool operator==(const DescribeDelegationTokenRequest&) const = default;
};

struct DescribeDelegationTokenResponse {
    static constexpr ApiKey kApi = ApiKey::describe_delegation_token;

    using Renewer = TokenPrincipal;
    struct Token {
        std::string principal_type{};
        std::string principal_name{};
        std::string token_requester_principal_type{};
        std::string token_requester_principal_name{};
        std::int64_t issue_timestamp = 0;
        std::int64_t expiry_timestamp = 0;
        std::int64_t max_timestamp = 0;
        std::string token_id{};
        ByteView hmac{};
        std::vector<Renewer> renewers{};

        static void fields(auto& io, auto& m) {
            io("PrincipalType", m.principal_type);
            io("PrincipalName", m.principal_name);
            io("TokenRequesterPrincipalType", m.token_requester_principal_type, since(3));
            io("TokenRequesterPrincipalName", m.token_requester_principal_name, since(3));
            io("IssueTimestamp", m.issue_timestamp);
            io("ExpiryTimestamp", m.expiry_timestamp);
            io("MaxTimestamp", m.max_timestamp);
            io("TokenId", m.token_id);
            io("Hmac", m.hmac);
            io("Renewers", m.renewers);
        }
        bool operator==(const Token&) const = default;
    };

    ErrorCode error_code = ErrorCode::none;
    std::vector<Token> tokens{};
    std::int32_t throttle_time_ms = 0;

    static void fields(auto& io, auto& m) {
        io("ErrorCode", m.error_code);
        io("Tokens", m.tokens);
        io("ThrottleTimeMs", m.throttle_time_ms);
    }
    bool operator==(const DescribeDelegationTokenResponse&) const = default;
};

}  // namespace mq::wire
