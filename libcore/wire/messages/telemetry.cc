#include "wire/messages/telemetry.h"

#include "wire/codec.h"

namespace mq::wire {

MQ_WIRE_API(GetTelemetrySubscriptions)
MQ_WIRE_API(PushTelemetry)
MQ_WIRE_API(ListClientMetricsResources)

}  // namespace mq::wire
