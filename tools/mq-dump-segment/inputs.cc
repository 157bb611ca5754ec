#include "mq-dump-segment/inputs.h"

#include <array>

#include "os/file.h"

namespace mq::dump {
namespace {

constexpr int kDeepest = 8;  // a data directory has two levels

FileType type_of(std::string_view name, log::FileKind kind) {
    switch (kind) {
        case log::FileKind::log:
            return FileType::log;
        case log::FileKind::offset_index:
            return FileType::offset_index;
        case log::FileKind::time_index:
            return FileType::time_index;
        case log::FileKind::txn_index:
            return FileType::txn_index;
        case log::FileKind::snapshot:
            return FileType::snapshot;
        case log::FileKind::leader_epoch_checkpoint:
            return FileType::epoch_checkpoint;
        case log::FileKind::partition_metadata:
            return FileType::partition_metadata;
        case log::FileKind::other:
            break;
    }
    if (name.ends_with("-offset-checkpoint")) return FileType::offset_checkpoint;
    if (name == log::kMetaProperties) return FileType::meta_properties;
    if (name == log::kCleanShutdown) return FileType::clean_shutdown;
    return FileType::unknown;
}

Status walk(const std::string& directory, int depth, std::vector<Input>& found) {
    MQ_ASSIGN(const auto entries, os::list_directory(directory));
    for (const auto& entry : entries) {
        const std::string path = os::join(directory, entry.name);
        if (entry.is_directory) {
            if (depth < kDeepest) MQ_TRY(walk(path, depth + 1, found));
            continue;
        }
        Input input = input_of(path);
        // What is being written under a name of its own is nothing yet.
        if (input.name.suffix == log::FileSuffix::temporary) continue;
        if (input.type != FileType::unknown) found.push_back(std::move(input));
    }
    return {};
}

}  // namespace

std::string_view to_string(FileType type) {
    constexpr std::array<std::string_view, 11> kNames{"log",
                                                      "index",
                                                      "timeindex",
                                                      "txnindex",
                                                      "snapshot",
                                                      "leader-epoch-checkpoint",
                                                      "offset-checkpoint",
                                                      "partition.metadata",
                                                      "meta.properties",
                                                      "clean-shutdown",
                                                      "unknown"};
    return kNames[static_cast<std::size_t>(type)];
}

std::string Input::directory() const { return os::parent_directory(path); }

Input input_of(const std::string& path) {
    Input input;
    input.path = path;
    if (input.is_stream()) {
        input.type = FileType::log;
        return input;
    }
    const std::string_view name = os::base_name(path);
    input.name = log::parse_file_name(name);
    input.type = type_of(name, input.name.kind);
    const std::string directory = input.directory();
    if (auto partition = log::parse_partition_directory(os::base_name(directory)))
        input.partition = *std::move(partition);
    return input;
}

Result<std::vector<Input>> expand(const std::string& path) {
    std::vector<Input> inputs;
    if (path == "-") {
        inputs.push_back(input_of(path));
        return inputs;
    }
    MQ_ASSIGN(const os::FileInfo info, os::file_info(path, os::Follow::yes));
    if (!info.is_directory) {
        inputs.push_back(input_of(path));
        return inputs;
    }
    std::string directory = path;
    while (directory.size() > 1 && directory.back() == '/') directory.pop_back();
    MQ_TRY(walk(directory, 0, inputs));
    if (inputs.empty()) return fail(Errc::not_found, "read directory", path, "no file of a log directory in it");
    return inputs;
}

}  // namespace mq::dump
