// ApiVersions: which requests a broker understands, in which versions.
#pragma once

#include <string>
#include <vector>

#include "wire/message.h"

namespace mq::wire {

struct ApiVersionsRequest {
    static constexpr ApiKey kApi = ApiKey::api_versions;
    using Response = struct ApiVersionsResponse;

    std::string client_software_name{};
    std::string client_software_version{};

    static void fields(auto& io, auto& m) {
        io("ClientSoftwareName", m.client_software_name, since(3).ignorable());
        io("ClientSoftwareVersion", m.client_software_version, since(3).ignorable());
    }
    bool operator==(const ApiVersionsRequest&) const = default;
};

struct ApiVersionsResponse {
    static constexpr ApiKey kApi = ApiKey::api_versions;

    struct ApiVersion {
        std::int16_t api_key = 0;
        std::int16_t min_version = 0;
        std::int16_t max_version = 0;

        static void fields(auto& io, auto& m) {
            io("ApiKey", m.api_key);
            io("MinVersion", m.min_version);
            io("MaxVersion", m.max_version);
        }
        bool operator==(const ApiVersion&) const = default;
    };
    struct SupportedFeature {
        std::string name{};
        std::int16_t min_version = 0;
        std::int16_t max_version = 0;

        static void fields(auto& io, auto& m) {
            io("Name", m.name);
            io("MinVersion", m.min_version);
            io("MaxVersion", m.max_version);
        }
        bool operator==(const SupportedFeature&) const = default;
    };
    struct FinalizedFeature {
        std::string name{};
        std::int16_t max_version_level = 0;
        std::int16_t min_version_level = 0;

        static void fields(auto& io, auto& m) {
            io("Name", m.name);
            io("MaxVersionLevel", m.max_version_level);
            io("MinVersionLevel", m.min_version_level);
        }
        bool operator==(const FinalizedFeature&) const = default;
    };

    ErrorCode error_code = ErrorCode::none;
    std::vector<ApiVersion> api_keys{};
    std::int32_t throttle_time_ms = 0;
    std::vector<SupportedFeature> supported_features{};
    std::int64_t finalized_features_epoch = -1;
    std::vector<FinalizedFeature> finalized_features{};
    bool zk_migration_ready = false;

    static void fields(auto& io, auto& m) {
        io("ErrorCode", m.error_code);
        io("ApiKeys", m.api_keys);
        io("ThrottleTimeMs", m.throttle_time_ms, since(1).ignorable());
        io("SupportedFeatures", m.supported_features, since(3).ignorable().tagged(0));
        io("FinalizedFeaturesEpoch", m.finalized_features_epoch, since(3).ignorable().tagged(1));
        io("FinalizedFeatures", m.finalized_features, since(3).ignorable().tagged(2));
        io("ZkMigrationReady", m.zk_migration_ready, since(3).ignorable().tagged(3));
    }
    bool operator==(const ApiVersionsResponse&) const = default;
};

}  // namespace mq::wire
