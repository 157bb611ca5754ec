#include "local/compaction.h"

#include "cli/text.h"
#include "local/open.h"

namespace mq::local {
namespace {

using cli::cat;
using cli::number_cell;

Result<log::CleanResult> compact(const cli::Diagnostics& diagnostics, store::DataDirectory& directory,
                                 const log::TopicPartition& id) {
    MQ_ASSIGN(const auto writer, directory.open_writer(id));
    MQ_ASSIGN(const log::LogConfig config, writer->config());
    if (!config.cleanup_compact) {
        return fail(Errc::bad_argument, {}, log::partition_directory(id),
                    "its cleanup.policy is delete: mq-topics config append TOPIC cleanup.policy=compact");
    }
    auto result = writer->compact();
    tell(writer->take_recovery_report(), diagnostics);
    return result;
}

}  // namespace

void compact_partition(cli::Items& items, store::DataDirectory& directory, const log::TopicPartition& id,
                       cli::Rows& rows) {
    const auto result = compact(items.diagnostics, directory, id);
    if (!result) {
        items.fail_item(result.error());
        return;
    }
    ++items.done;
    const auto count = [](std::uint64_t value) { return number_cell(static_cast<std::int64_t>(value)); };
    rows.add({cli::text_cell(id.topic), number_cell(id.partition), count(result->records_read),
              count(result->records_kept), count(result->bytes_before), count(result->bytes_after)});
}

}  // namespace mq::local
