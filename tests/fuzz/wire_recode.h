// One message of any bytes: what is understood must be sayable in the same version, and come back the same.
#pragma once

#include "fuzz_input.h"
#include "wire/message.h"

namespace mq::fuzz {

template <wire::Message T>
void expect_same_again(ByteView body, std::int16_t version) {
    const auto message = wire::decode<T>(body, version);
    if (!message) {
        MQ_ASSERT(message.error().code == Errc::corrupt || message.error().code == Errc::too_large ||
                  message.error().code == Errc::unsupported);
        return;
    }
    std::string once;
    MQ_ASSERT(wire::encode(*message, version, once));
    const auto again = wire::decode<T>(once, version, std::numeric_limits<std::size_t>::max());
    MQ_ASSERT(again);
    // Bytes and not messages are compared: a double may be NaN.
    std::string twice;
    MQ_ASSERT(wire::encode(*again, version, twice) && twice == once);
}

}  // namespace mq::fuzz
