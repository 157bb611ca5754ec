// Checkpoints, property files and names of any text: an error, or values that are written with the same meaning.
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "log/checkpoint_file.h"
#include "log/segment_files.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mq;
    const std::string text{reinterpret_cast<const char*>(data), size};

    if (const auto offsets = log::parse_offset_checkpoint(text)) {
        const auto again = log::parse_offset_checkpoint(log::format_offset_checkpoint(*offsets));
        MQ_ASSERT(again && *again == *offsets);
    } else {
        MQ_ASSERT(offsets.error().code == Errc::corrupt);
    }
    if (const auto epochs = log::parse_leader_epoch_checkpoint(text)) {
        const auto again = log::parse_leader_epoch_checkpoint(log::format_leader_epoch_checkpoint(*epochs));
        MQ_ASSERT(again && *again == *epochs);
        log::LeaderEpochs history;
        for (const auto& entry : *epochs) MQ_ASSERT(history.assign(entry.epoch, entry.start_offset));
        MQ_ASSERT(history.entries() == *epochs);
    } else {
        MQ_ASSERT(epochs.error().code == Errc::corrupt);
    }
    if (const auto metadata = log::parse_partition_metadata(text)) {
        const auto again = log::parse_partition_metadata(log::format_partition_metadata(*metadata));
        MQ_ASSERT(again && again->version == metadata->version && again->topic_id == metadata->topic_id);
    } else {
        MQ_ASSERT(metadata.error().code == Errc::corrupt);
    }
    if (const auto properties = log::parse_properties(text); !properties)
        MQ_ASSERT(properties.error().code == Errc::corrupt);

    if (const auto partition = log::parse_partition_directory(text))
        MQ_ASSERT(log::partition_directory(*partition) == text);
    const log::FileName name = log::parse_file_name(text);
    if (name.kind != log::FileKind::other) MQ_ASSERT(log::file_name(name.kind, name.offset, name.suffix) == text);
    return 0;
}
