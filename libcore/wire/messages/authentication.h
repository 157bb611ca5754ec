// SASL exchanges and SCRAM credentials.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "wire/message.h"

namespace mq::wire {

struct SaslHandshakeRequest {
    static constexpr ApiKey kApi = ApiKey::sasl_handshake;
    using Response = struct SaslHandshakeResponse;

    std::string mechanism{};

    static void fields(auto& io, auto& m) { io("Mechanism", m.mechanism); }
    bool operator==(const SaslHandshakeRequest&) const = default;
};

struct SaslHandshakeResponse {
    static constexpr ApiKey kApi = ApiKey::sasl_handshake;

    ErrorCode error_code = ErrorCode::none;
    std::vector<std::string> mechanisms{};

    static void fields(auto& io, auto& m) {
        io("ErrorCode", m.error_code);
        io("Mechanisms", m.mechanisms);
    }
    bool operator==(const SaslHandshakeResponse&) const = default;
};

struct SaslAuthenticateRequest {
    static constexpr ApiKey kApi = ApiKey::sasl_authenticate;
    using Response = struct SaslAuthenticateResponse;

    ByteView auth_bytes{};

    static void fields(auto& io, auto& m) { io("AuthBytes", m.auth_bytes); }
    bool operator==(const SaslAuthenticateRequest&) const = default;
};

struct SaslAuthenticateResponse {
    static constexpr ApiKey kApi = ApiKey::sasl_authenticate;

    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message{};
    ByteView auth_bytes{};
    std::int64_t session_lifetime_ms = 0;

    static void fields(auto& io, auto& m) {
        io("ErrorCode", m.error_code);
        io("ErrorMessage", m.error_message);
        io("AuthBytes", m.auth_bytes);
        io("SessionLifetimeMs", m.session_lifetime_ms, since(1).ignorable());
    }
    bool operator==(const SaslAuthenticateResponse&) const = default;
};

struct DescribeUserScramCredentialsRequest {
    static constexpr ApiKey kApi = ApiKey::describe_user_scram_credentials;
    using Response = struct DescribeUserScramCredentialsResponse;

    struct User {
        std::string name{};

        static void fields(auto& io, auto& m) { io("Name", m.name); }
        bool operator==(const User&) const = default;
    };

    std::optional<std::vector<User>> users = std::vector<User>{};

    static void fields(auto& io, auto& m) { io("Users", m.users); }
    bool operator==(const DescribeUserScramCredentialsRequest&) const = default;
};

struct DescribeUserScramCredentialsResponse {
    static constexpr ApiKey kApi = ApiKey::describe_user_scram_credentials;

    struct CredentialInfo {
        std::int8_t mechanism = 0;
        std::int32_t iterations = 0;

        static void fields(auto& io, auto& m) {
            io("Mechanism", m.mechanism);
            io("Iterations", m.iterations);
        }
        bool operator==(const CredentialInfo&) const = default;
    };
    struct User {
        std::string user{};
        ErrorCode error_code = ErrorCode::none;
        std::optional<std::string> error_message{};
        std::vector<CredentialInfo> credential_infos{};

        static void fields(auto& io, auto& m) {
            io("User", m.user);
            io("ErrorCode", m.error_code);
            io("ErrorMessage", m.error_message);
            io("CredentialInfos", m.credential_infos);
        }
        bool operator==(const User&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message{};
    std::vector<User> results{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("ErrorCode", m.error_code);
        io("ErrorMessage", m.error_message);
        io("Results", m.results);
    }
    bool operator==(const DescribeUserScramCredentialsResponse&) const = default;
};

struct AlterUserScramCredentialsRequest {
    static constexpr ApiKey kApi = ApiKey::alter_user_scram_credentials;
    using Response = struct AlterUserScramCredentialsResponse;

    struct Deletion {
        std::string name{};
        std::int8_t mechanism = 0;

        static void fields(auto& io, auto& m) {
            io("Name", m.name);
            io("Mechanism", m.mechanism);
        }
        bool operator==(const Deletion&) const = default;
    };
    struct Upsertion {
        std::string name{};
        std::int8_t mechanism = 0;
        std::int32_t iterations = 0;
        ByteView salt{};
        ByteView salted_password{};

        static void fields(auto& io, auto& m) {
            io("Name", m.name);
            io("Mechanism", m.mechanism);
            io("Iterations", m.iterations);
            io("Salt", m.salt);
            io("SaltedPassword", m.salted_password);
        }
        bool operator==(const Upsertion&) const = default;
    };

    std::vector<Deletion> deletions{};
    std::vector<Upsertion> upsertions{};

    static void fields(auto& io, auto& m) {
        io("Deletions", m.deletions);
        io("Upsertions", m.upsertions);
    }
    bool operator==(const AlterUserScramCredentialsRequest&) const = default;
};

struct AlterUserScramCredentialsResponse {
    static constexpr ApiKey kApi = ApiKey::alter_user_scram_credentials;

    struct User {
        std::string user{};
        ErrorCode error_code = ErrorCode::none;
        std::optional<std::string> error_message{};

        static void fields(auto& io, auto& m) {
            io("User", m.user);
            io("ErrorCode", m.error_code);
            io("ErrorMessage", m.error_message);
        }
        bool operator==(const User&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    std::vector<User> results{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("Results", m.results);
    }
    bool operator==(const AlterUserScramCredentialsResponse&) const = default;
};

}  // namespace mq::wire
