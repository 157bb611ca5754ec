// What the tests of the offset store share.
#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "offsets/offset_store.h"
#include "support/child.h"
#include "support/fast_dir.h"
#include "support/golden.h"
#include "support/temp_dir.h"

namespace mq::offsets {

[[nodiscard]] inline store::OpenOptions for_writing() {
    store::OpenOptions options;
    options.access = store::Access::write;
    return options;
}

// A data directory, and the offsets in it, as one process has them.
struct Opened {
    explicit Opened(const std::string& path, const store::OpenOptions& options = for_writing(),
                    std::uint32_t table_pieces = 0)
        : directory(store::DataDirectory::open(path, options).value()),
          offsets(directory, wall_clock_ms, table_pieces) {}

    store::DataDirectory directory;
    OffsetStore offsets;
};

[[nodiscard]] inline Status commit_one(OffsetStore& offsets, std::string_view group, std::string_view topic,
                                       std::int32_t partition, std::int64_t offset, std::string_view metadata = {}) {
    const Commit one{.topic = topic, .partition = partition, .offset = Offset{offset}, .metadata = metadata};
    return offsets.commit(group, {&one, 1});
}

[[nodiscard]] inline Status forget_one(OffsetStore& offsets, std::string_view group, std::string_view topic,
                                       std::int32_t partition) {
    const Commit one{.topic = topic, .partition = partition};
    return offsets.commit(group, {&one, 1});
}

// The committed offset; -1: none, -2: an error.
[[nodiscard]] inline std::int64_t fetched(OffsetStore& offsets, std::string_view group, const std::string& topic,
                                          std::int32_t partition) {
    const auto found = offsets.fetch(group, {topic, partition});
    if (!found) {
        ADD_FAILURE() << found.error().message();
        return -2;
    }
    return *found ? (*found)->offset.value() : -1;
}

// Nothing but what the log says, in a process that shares no memory with anybody: what all looks must come to.
[[nodiscard]] inline std::string problems_of(OffsetStore& offsets) {
    const auto findings = offsets.check();
    if (!findings) return findings.error().message();
    std::string text;
    for (const std::string& problem : findings->problems) text += problem + '\n';
    return text;
}

}  // namespace mq::offsets
