// The files that were named, and those in the directories that were named.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "log/checkpoint_file.h"
#include "log/segment_files.h"

namespace mq::dump {

enum class FileType : unsigned char {
    log,
    offset_index,
    time_index,
    txn_index,
    snapshot,
    epoch_checkpoint,
    offset_checkpoint,
    partition_metadata,
    meta_properties,
    clean_shutdown,
    unknown
};

// "log", "index", ...: the word for it in output.
[[nodiscard]] std::string_view to_string(FileType type);

struct Input {
    std::string path;  // "-" is standard input, a .log
    FileType type = FileType::unknown;
    log::FileName name;
    log::TopicPartition partition;  // of the directory; an empty topic if that is no partition's
    [[nodiscard]] bool is_stream() const { return path == "-"; }
    [[nodiscard]] std::string directory() const;
};

[[nodiscard]] Input input_of(const std::string& path);

// A file as it is; of a directory every known file in it and below it, by name. not_found if there is nothing, or no
// known file in the directory.
[[nodiscard]] Result<std::vector<Input>> expand(const std::string& path);

}  // namespace mq::dump
