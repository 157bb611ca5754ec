// Which segments a partition directory has, and how a set of them is replaced so that a death at any instruction loses nothing.
//
// A replacement is written as FIRST.*.cleaned and flushed; its indexes, then its .log are renamed to .swap; the old segments
// of its range are deleted; the .swap files get their final names, the .log last. A .log.swap is therefore always complete and
// hides the segments in its range: readers see it as a segment at once, loaders finish what was begun. Kafka's loader accepts
// every state on the way.
#pragma once

#include <string>
#include <vector>

#include "log/segment.h"

namespace mq::log {

struct SegmentName {
    Offset base{0};
    FileSuffix suffix = FileSuffix::none;  // none or swap
    bool operator==(const SegmentName&) const = default;
};

// The files of a partition directory whose names say what they are, ascending by offset: one look at a directory, for all who need
// it. With a thousand segments a listing takes a millisecond.
using PartitionListing = std::vector<FileName>;
[[nodiscard]] Result<PartitionListing> list_partition(const std::string& directory);

// Ascending by base offset; what a complete .swap hides is left out.
[[nodiscard]] Result<std::vector<SegmentName>> segments_of(const std::string& directory, const PartitionListing& listing);
[[nodiscard]] Result<std::vector<SegmentName>> list_segments(const std::string& directory);

// Deletes the files of a segment, the .log first: an index without a .log is a leftover, the reverse is a loss. The snapshot of
// that offset stays.
[[nodiscard]] Status delete_segment(const std::string& directory, Offset base);

// FIRST.*.cleaned -> .swap. The files are complete and flushed.
[[nodiscard]] Status publish_replacement(const std::string& directory, Offset first);
// Finishes every .swap that stands in the directory, and returns how many there were.
[[nodiscard]] Result<std::size_t> finish_replacements(const std::string& directory);

// Removes .deleted files, .cleaned files (unfinished replacements), .swap indexes without a .swap log, temporary files, and indexes
// without a .log. A line for each is added to `notes`; returns how many.
[[nodiscard]] Result<std::size_t> remove_leftovers(const std::string& directory, const PartitionListing& listing,
                                                   std::vector<std::string>& notes);

}  // namespace mq::log
