#include "offsets/topic.h"

#include "store/data_directory.h"

namespace mq::offsets {

store::NewTopic to_new_topic(const NewOffsetsTopic& offsets_topic) {
    return {.name = std::string{kOffsetsTopic},
            .partitions = offsets_topic.partitions,
            .config = {{"cleanup.policy", "compact"},
                       {"compression.type", "producer"},
                       {"segment.bytes", std::to_string(offsets_topic.segment_bytes)}}};
}

}  // namespace mq::offsets
