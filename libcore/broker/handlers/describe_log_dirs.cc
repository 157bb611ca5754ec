// How large partitions are: the bytes of their .log files, looked up without opening a partition.
#include <filesystem>

#include "broker/event_log.h"
#include "broker/handlers.h"
#include "broker/topics.h"
#include "log/segment_files.h"
#include "os/file_system.h"
#include "wire/messages/placement.h"

namespace mq::broker {
namespace {

using wire::DescribeLogDirsRequest;
using wire::DescribeLogDirsResponse;
using wire::ErrorCode;

// A partition that was never used, or whose files go away meanwhile, has none.
std::int64_t size_of(const std::string& directory) {
    std::int64_t bytes = 0;
    std::vector<std::string> names;
    static_cast<void>(os::visit_directory(directory, [&](std::string_view name, bool is_directory) {
        const log::FileName file = log::parse_file_name(name);
        if (!is_directory && file.kind == log::FileKind::log && file.suffix == log::FileSuffix::none)
            names.emplace_back(name);
    }));
    for (const std::string& name : names) {
        if (const auto info = os::file_info(os::join(directory, name)))
            bytes += static_cast<std::int64_t>(info->size_bytes);
    }
    return bytes;
}

void add_partition(const std::string& root, const TopicInfo& topic, std::int32_t partition,
                   DescribeLogDirsResponse::Topic& out) {
    if (partition < 0 || partition >= topic.partitions) return;
    const std::string directory = os::join(root, log::partition_directory({topic.name, partition}));
    out.partitions.push_back({.partition_index = partition, .partition_size = size_of(directory)});
}

}  // namespace

DescribeLogDirsResponse describe_log_dirs(Broker& broker, const Call&, const DescribeLogDirsRequest& request) {
    DescribeLogDirsResponse response;
    const std::string& root = broker.directory().path();
    DescribeLogDirsResponse::LogDir& dir = response.results.emplace_back();
    dir.log_dir = std::filesystem::absolute(root).lexically_normal();
    const auto picture = broker.topics().picture();
    if (!picture) {
        broker.log().error("which topics there are cannot be told: " + picture.error().message());
        dir.error_code = ErrorCode::kafka_storage_error;
        return response;
    }
    if (const auto space = os::file_system(root)) {
        dir.total_bytes = static_cast<std::int64_t>(space->total_bytes);
        dir.usable_bytes = static_cast<std::int64_t>(space->usable_bytes);
    }
    if (!request.topics) {
        for (const TopicInfo& topic : (*picture)->all()) {
            auto& out = dir.topics.emplace_back();
            out.name = topic.name;
            for (std::int32_t partition = 0; partition < topic.partitions; ++partition)
                add_partition(root, topic, partition, out);
        }
        return response;
    }
    for (const auto& wanted : *request.topics) {
        const TopicInfo* topic = (*picture)->find(wanted.topic);
        if (topic == nullptr) continue;
        DescribeLogDirsResponse::Topic out;
        out.name = topic->name;
        for (const std::int32_t partition : wanted.partitions) add_partition(root, *topic, partition, out);
        if (!out.partitions.empty()) dir.topics.push_back(std::move(out));
    }
    return response;
}

}  // namespace mq::broker
