// A server.properties of any text: an error of kind bad_configuration, or a configuration that is printed with the
// same meaning.
#include <cstdint>

#include "base/assert.h"
#include "broker/properties.h"
#include "fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mq;
    const auto read = broker::read_config("server.properties", fuzz::view_of(data, size));
    if (!read) {
        MQ_ASSERT(read.error().code == Errc::bad_configuration);
        return 0;
    }
    const std::string text = broker::print_config(read->config);
    const auto again = broker::read_config("printed", text);
    MQ_ASSERT(again && again->config.set == read->config.set);
    MQ_ASSERT(again->config.topic_defaults == read->config.topic_defaults);
    MQ_ASSERT(again->config.listeners.size() == read->config.listeners.size());
    MQ_ASSERT(broker::print_config(again->config) == text);
    return 0;
}
