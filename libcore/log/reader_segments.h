// The segments of a partition as its readers find them, while its writer adds, replaces and drops some.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "log/published_state.h"
#include "log/segment_list.h"

namespace mq::log {

// How often the files have changed: what was listed or opened before is stale after.
struct Generations {
    std::uint64_t list = 0;
    std::uint64_t files = 0;
    bool operator==(const Generations&) const = default;
    // The set of segments is not being replaced.
    [[nodiscard]] bool is_steady() const { return (list & 1) == 0; }
};
[[nodiscard]] inline Generations generations_of(const PublishedState& state) {
    return {state.list_generation.load(), state.files_generation.load()};
}

struct ReadableSegment {
    Segment segment;
    bool is_active = false;
    Offset next_base{INT64_MAX};  // where the following segment begins
    FilePosition end{0};          // of the bytes that exist
    Generations opened_at;
};

// Finds and opens segments for one reader. Not thread-safe. `state` must outlive it.
class ReaderSegments {
public:
    ReaderSegments(std::string directory, const PublishedState& state)
        : directory_(std::move(directory)), state_(&state) {}

    [[nodiscard]] const std::string& directory() const { return directory_; }
    // What the directory holds at this moment, from one who knows: spares the first look at it.
    void use_listing(std::vector<SegmentName> segments);
    void forget_listing() { listed_.clear(); }
    // Of files that stood still between the listing and now; empty if it is not known.
    [[nodiscard]] const std::vector<SegmentName>& listed() const { return listed_; }
    // `now` was read at `at`. Nothing: no listed segment covers the offset, though it lies in the log: the set of
    // segments is moving. Look again. Errors: io.
    [[nodiscard]] Result<std::optional<ReadableSegment>> open(Offset offset, const Published& now,
                                                              const Generations& at);
    // The segments at one moment. False: the set of segments is moving.
    [[nodiscard]] Result<bool> list_steadily(const Generations& at);

private:
    std::string directory_;
    const PublishedState* state_;
    std::vector<SegmentName> listed_;  // as of listed_at_; empty: not known
    Generations listed_at_;
};

}  // namespace mq::log
