// mq-topics.json and settings of any text: an error of kind corrupt with a place inside the text, or a catalogue that
// is written with the same meaning.
#include <cstdint>

#include "base/assert.h"
#include "fuzz_input.h"
#include "log/checkpoint_file.h"
#include "store/catalogue.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mq;
    const ByteView text = fuzz::view_of(data, size);

    if (const auto catalogue = store::parse_catalogue(text)) {
        const auto again = store::parse_catalogue(store::format_catalogue(*catalogue));
        MQ_ASSERT(again && *again == *catalogue);
        for (const auto& [name, topic] : catalogue->topics) {
            MQ_ASSERT(name == topic.name && log::check_topic_name(name) && topic.partitions > 0);
            if (const auto config = store::to_topic_config(topic.config); !config)
                MQ_ASSERT(config.error().code == Errc::bad_argument);
        }
    } else {
        MQ_ASSERT(catalogue.error().code == Errc::corrupt && *catalogue.error().position <= size);
    }

    const std::size_t split = text.find('=');
    if (const auto value =
            store::check_config(text.substr(0, split), split == text.npos ? text : text.substr(split + 1))) {
        const auto again = store::check_config(text.substr(0, split), *value);
        MQ_ASSERT(again && *again == *value);
    } else {
        MQ_ASSERT(value.error().code == Errc::bad_argument);
    }
    return 0;
}
