// Metrics that clients push (KIP-714).
#pragma once

#include <string>
#include <vector>

#include "wire/message.h"

namespace mq::wire {

struct GetTelemetrySubscriptionsRequest {
    static constexpr ApiKey kApi = ApiKey::get_telemetry_subscriptions;
    using Response = struct GetTelemetrySubscriptionsResponse;

    Uuid client_instance_id{};

    static void fields(auto& io, auto& m) { io("ClientInstanceId", m.client_instance_id); }
    bool operator==(const GetTelemetrySubscriptionsRequest&) const = default;
};

struct GetTelemetrySubscriptionsResponse {
    static constexpr ApiKey kApi = ApiKey::get_telemetry_subscriptions;

    std::int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;
    Uuid client_instance_id{};
    std::int32_t subscription_id = 0;
    std::vector<std::int8_t> accepted_compression_types{};
    std::int32_t push_interval_ms = 0;
    std::int32_t telemetry_max_bytes = 0;
    bool delta_temporality = false;
    std::vector<std::string> requested_metrics{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("ErrorCode", m.error_code);
        io("ClientInstanceId", m.client_instance_id);
        io("SubscriptionId", m.subscription_id);
        io("AcceptedCompressionTypes", m.accepted_compression_types);
        io("PushIntervalMs", m.push_interval_ms);
        io("TelemetryMaxBytes", m.telemetry_max_bytes);
        io("DeltaTemporality", m.delta_temporality);
        io("RequestedMetrics", m.requested_metrics);
    }
    bool operator==(const GetTelemetrySubscriptionsResponse&) const = default;
};

struct PushTelemetryRequest {
    static constexpr ApiKey kApi = ApiKey::push_telemetry;
    using Response = struct PushTelemetryResponse;

    Uuid client_instance_id{};
    std::int32_t subscription_id = 0;
    bool terminating = false;
    std::int8_t compression_type = 0;
    ByteView metrics{};

    static void fields(auto& io, auto& m) {
        io("ClientInstanceId", m.client_instance_id);
        io("SubscriptionId", m.subscription_id);
        io("Terminating", m.terminating);
        io("CompressionType", m.compression_type);
        io("Metrics", m.metrics);
    }
    bool operator==(const PushTelemetryRequest&) const = default;
};

struct PushTelemetryResponse {
    static constexpr ApiKey kApi = ApiKey::push_telemetry;

    std::int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("ErrorCode", m.error_code);
    }
    bool operator==(const PushTelemetryResponse&) const = default;
};

struct ListClientMetricsResourcesRequest {
    static constexpr ApiKey kApi = ApiKey::list_client_metrics_resources;
    using Response = struct ListClientMetricsResourcesResponse;

    static void fields(auto&, auto&) {}
    bool operator==(const ListClientMetricsResourcesRequest&) const = default;
};

struct ListClientMetricsResourcesResponse {
    static constexpr ApiKey kApi = ApiKey::list_client_metrics_resources;

    struct Resource {
        std::string name{};

        static void fields(auto& io, auto& m) { io("Name", m.name); }
        bool operator==(const Resource&) const = default;
    };

    std::int32_t throttle_time_ms = 0;
    ErrorCode error_code = ErrorCode::none;
    std::vector<Resource> client_metrics_resources{};

    static void fields(auto& io, auto& m) {
        io("ThrottleTimeMs", m.throttle_time_ms);
        io("ErrorCode", m.error_code);
        io("ClientMetricsResources", m.client_metrics_resources);
    }
    bool operator==(const ListClientMetricsResourcesResponse&) const = default;
};

}  // namespace mq::wire
