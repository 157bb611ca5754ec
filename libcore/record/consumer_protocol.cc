#include "record/consumer_protocol.h"

#include "record/schema_io.h"

namespace mq::record {
namespace {

template <typename T>
Result<T> parse(ByteView bytes, const char* what) {
    const auto corrupt = [what](std::string detail) {
        return fail(Errc::corrupt, std::string{"read "} + what, {}, std::move(detail));
    };
    if (bytes.size() < sizeof(std::int16_t)) return corrupt("no version");
    const auto version = load_be<std::int16_t>(bytes.data());
    if (version < 0) return corrupt("version " + std::to_string(version));
    T parsed;
    schema::Reader io{bytes.substr(sizeof version), version, false};
    io.object(parsed);
    if (!io.ok()) return corrupt(std::string{io.failed_field()} + ": " + io.reason());
    parsed.version = version;
    return parsed;
}

template <typename T>
std::string encode_versioned(const T& value) {
    std::string out;
    append_be(out, value.version);
    schema::Writer io{out, value.version, false};
    io.object(value);
    return out;
}

}  // namespace

using schema::since;

void fields(auto& io, schema::Is<ConsumerSubscription> auto& v) {
    io("Topics", v.topics);
    io.bytes("UserData", v.user_data);
    io("OwnedPartitions", v.owned_partitions, since(1).ignorable());
    io("GenerationId", v.generation, since(2).ignorable());
    io("RackId", v.rack_id, since(3).ignorable());
}

void fields(auto& io, schema::Is<ConsumerAssignment> auto& v) {
    io("AssignedPartitions", v.partitions);
    io.bytes("UserData", v.user_data);
}

Result<ConsumerSubscription> parse_consumer_subscription(ByteView bytes) {
    return parse<ConsumerSubscription>(bytes, "consumer subscription");
}
Result<ConsumerAssignment> parse_consumer_assignment(ByteView bytes) {
    return parse<ConsumerAssignment>(bytes, "consumer assignment");
}

std::string encode(const ConsumerSubscription& subscription) { return encode_versioned(subscription); }
std::string encode(const ConsumerAssignment& assignment) { return encode_versioned(assignment); }

}  // namespace mq::record
