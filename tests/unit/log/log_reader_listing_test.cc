// What a reader makes of a directory that it lists while a writer renames in it (CONCURRENCY APP-5).
#include <cstdio>

#include "cleaner_fixture.h"
#include "os/fault.h"

namespace mq::log {
namespace {

using namespace cleaner_test;

std::string hidden_name;
std::string final_name;
int listings = 0;

// The second listing finds the segment that the first one missed.
os::Fault show_at_second_listing(os::Call call, std::string_view, std::size_t) {
    if (call == os::Call::list && ++listings == 2) std::rename(hidden_name.c_str(), final_name.c_str());
    return {};
}

TEST(LogReaderListing, ASegmentMissedByOneListingAmidRenamesIsNeverTakenForAGap) {
    Partition p;
    for (const char* value : {"0", "1", "2"}) {
        p.put("a", value);
        p.roll();
    }
    final_name = segment_paths(p.directory(), Offset{1}).log;
    hidden_name = p.directory() + "/hidden";
    ASSERT_EQ(std::rename(final_name.c_str(), hidden_name.c_str()), 0);
    p.state.list_generation.store(1);  // renames are under way
    listings = 0;
    os::set_fault_hook(show_at_second_listing);
    const std::vector<Rec> read = p.read(Offset{1});
    os::set_fault_hook(nullptr);
    EXPECT_EQ(read, (std::vector<Rec>{{1, "a", "1", 10}, {2, "a", "2", 10}}));
}

TEST(LogReaderListing, AScanOfThousandsOfBatchesWithoutAnIndexFindsItsOffset) {
    Partition p;
    for (int i = 0; i < 3000; ++i) p.put("a", std::to_string(i));
    p.roll();
    ASSERT_TRUE(os::remove_file(segment_paths(p.directory(), Offset{0}).offset_index));
    const std::vector<Rec> read = p.read(Offset{2900});
    ASSERT_EQ(read.size(), 100u);
    EXPECT_EQ(read[0].offset, 2900);
}

}  // namespace
}  // namespace mq::log
