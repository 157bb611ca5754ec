#include "mq-produce/splitter.h"

#include <gtest/gtest.h>

#include <random>

namespace mq::produce {
namespace {

TEST(ByteIndex, EveryWayFindsWhatALoopFinds) {
    std::minstd_rand chance{1};
    std::vector<std::uint32_t> positions(100);
    for (const IndexBytes way : index_bytes_ways()) {
        for (std::size_t size = 0; size < 300; ++size) {
            std::string bytes(size, 'x');
            for (char& c : bytes) {
                if (chance() % 5 == 0) c = chance() % 2 == 0 ? '\n' : '\x8a';
            }
            for (const char wanted : {'\n', '\x8a', '\0'}) {
                std::vector<std::uint32_t> expected;
                for (std::size_t i = 0; i < size; ++i) {
                    if (bytes[i] == wanted) expected.push_back(static_cast<std::uint32_t>(i));
                }
                std::vector<std::uint32_t> got;
                std::size_t at = 0;
                for (int round = 0; at < size && round < 1000; ++round) {
                    const IndexedBytes found = way(wanted, std::string_view{bytes}.substr(at), positions);
                    ASSERT_LE(found.found, positions.size());
                    for (std::size_t i = 0; i < found.found; ++i)
                        got.push_back(positions[i] + static_cast<std::uint32_t>(at));
                    at += found.scanned;
                }
                ASSERT_EQ(at, size);
                ASSERT_EQ(got, expected) << size;
            }
        }
    }
}

// Splits `input`, which arrives in pieces of the given size.
std::vector<std::string> split(std::string_view input, const std::string& delimiter, std::size_t piece) {
    InputBuffer buffer;
    Splitter splitter{delimiter};
    std::vector<std::string> records;
    std::uint64_t end = 0;
    buffer.start_stream();
    splitter.start_stream();
    for (std::size_t at = 0; at < input.size();) {
        const std::span<char> room = buffer.room();
        const std::size_t got = std::min({piece, input.size() - at, room.size()});
        std::memcpy(room.data(), input.data() + at, got);
        at += got;
        buffer.filled(got);
        splitter.more(buffer);
        ByteView record;
        while (splitter.next(buffer, record)) {
            records.emplace_back(record);
            end += record.size() + delimiter.size();
            EXPECT_EQ(buffer.position(), end);
        }
    }
    records.emplace_back(buffer.rest());
    return records;
}

std::vector<std::string> split_by_find(std::string_view input, const std::string& delimiter) {
    std::vector<std::string> records;
    for (std::size_t end; (end = input.find(delimiter)) != input.npos; input.remove_prefix(end + delimiter.size()))
        records.emplace_back(input.substr(0, end));
    records.emplace_back(input);
    return records;
}

TEST(Splitter, WhereInputIsCutDoesNotMatter) {
    std::string input;
    std::minstd_rand chance{2};
    for (int i = 0; i < 3000; ++i) input += "\n\n<<>>ab"[chance() % 8];
    for (const std::string delimiter : {"\n", "<>", "<<", "<<>>", "ab<"}) {
        const auto expected = split_by_find(input, delimiter);
        for (const std::size_t piece : {1u, 2u, 3u, 7u, 64u, 65u, 1000u, 5000u})
            ASSERT_EQ(split(input, delimiter, piece), expected) << delimiter << ' ' << piece;
    }
}

TEST(Splitter, MoreEmptyRecordsThanItsIndexHolds) {
    const std::string input(20'000, '\n');
    EXPECT_EQ(split(input, "\n", 20'000).size(), 20'001u);
}

TEST(Splitter, RecordsLongerThanAReadAreWhole) {
    std::string input(3'000'000, 'x');
    input += '\n';
    input.append(100, 'y');
    const auto records = split(input, "\n", 65536);
    ASSERT_EQ(records.size(), 2u);
    EXPECT_EQ(records[0].size(), 3'000'000u);
    EXPECT_EQ(records[1].size(), 100u);
}

}  // namespace
}  // namespace mq::produce
